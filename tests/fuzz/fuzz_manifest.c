/* What the reader of manifests takes is what the writer writes, once and again. */
#include <string.h>

#include "base/cleanup.h"
#include "kit/manifest.h"
#include "kit/name.h"
#include "tests/fuzz/target.h"

static void holds_together(const struct manifest *manifest)
{
	struct err err;

	HOLDS(kit_name_valid(manifest->name) && version_valid(manifest->version));
	HOLDS(version_compare(manifest->version, manifest->version) == 0);
	HOLDS(manifest->file_count >= 1 && manifest->file_count <= MANIFEST_FILES_MAX);
	for (size_t i = 0; i < manifest->file_count; i++) {
		const struct manifest_file *file = &manifest->files[i];
		HOLDS(name_check(bytes_of_string(file->name), &err) == 0);
		HOLDS(manifest_find(manifest, file->name) == file);
		HOLDS(strncmp(file->name, file_role_folder(file->role),
			      strlen(file_role_folder(file->role))) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str once = STR_INIT, twice = STR_INIT;
	struct manifest manifest, again;
	struct err err;
	int rc = manifest_parse(bytes_make(data, size), &arena, &manifest, &err);

	HOLDS(rc == 0 || err_exit_code(err.code) == 3);
	if (rc < 0)
		return 0;
	holds_together(&manifest);
	HOLDS(manifest_write(&manifest, &once, &err) == 0);
	HOLDS(manifest_parse(str_bytes(&once), &arena, &again, &err) == 0);
	HOLDS(manifest_write(&again, &twice, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&once), str_bytes(&twice)));
	return 0;
}
