#include "pack/check_evidence.h"

#include "base/cleanup.h"
#include "base/file.h"

static int read_file(int dirfd, const struct manifest_file *file, size_t size_max,
	struct arena *arena, uint8_t **ret_content, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct sha256 digest;

	int rc = file_read_at(dirfd, file->name, size_max, &text, err);
	if (rc == 0)
		rc = sha256_of(str_bytes(&text), &digest, err);
	if (rc < 0)
		return rc;
	if (!sha256_equal(&digest, &file->digest))
		return err_set(err, ERR_CHECKSUM, "%s changed while it was read", file->name);
	*ret_content = (uint8_t *)arena_string_n(arena, text.text, text.size);
	return *ret_content == NULL ? err_no_memory(err) : 0;
}

static int read_files(int dirfd, const struct manifest *manifest, struct arena *arena,
	uint8_t **contents, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < manifest->file_count && rc == 0; i++) {
		const struct manifest_file *file = &manifest->files[i];
		if (file->role == ROLE_SBOM)
			rc = read_file(dirfd, file, SPDX_SIZE_MAX, arena, &contents[i], err);
		else if (file->role == ROLE_ATTESTATION)
			rc = read_file(dirfd, file, ATTESTATION_SIZE_MAX, arena, &contents[i], err);
	}
	return rc;
}

int check_evidence(
	int dirfd, const struct input *input, const struct trust_root *root, struct err *err)
{
	const struct manifest *manifest = &input->manifest;
	struct arena arena = ARENA_INIT;
	struct kit_evidence evidence = {
		.image_count = input->manifest.image_count, .images = input->images};
	uint8_t **contents = arena_array(&arena, manifest->file_count, sizeof(*contents));

	int rc = contents == NULL ? err_no_memory(err)
				  : read_files(dirfd, manifest, &arena, contents, err);
	if (rc == 0)
		rc = evidence_check(manifest, root, contents, &arena, &evidence, err);
	arena_release(&arena);
	return rc;
}
