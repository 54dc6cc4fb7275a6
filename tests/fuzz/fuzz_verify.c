/*
 * A whole kit, octet by octet as it came: a kit that verifies is one that was signed. The demo root
 * decides; its keys signed the kits that this corpus began with, and no others can be.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "tests/fuzz/aid.h"
#include "verify/verify.h"

#define NOW INT64_C(1766400000000) /* 2025-12-22; the commit's date counts if it is later */

/* The payloads of this corpus that two of its keys have signed and that hold at this time: of
 * good-* and of expired-long-clock. */
static const char *const signed_payloads[] = {
	"8b78d197484c05a519865e7a4f593c2f35f08443342d6e7150817610b205f4ef",
	"b96245da97bced7ea88637b6adbb62da9b047ce6f5a4722e396e6b2ceb24b186",
};

static bool was_signed(const struct trusted_kit *kit)
{
	char hex[SHA256_HEX_SIZE];
	bool found = false;

	sha256_to_hex(trusted_kit_manifest_digest(kit), hex);
	for (size_t i = 0; i < sizeof signed_payloads / sizeof *signed_payloads; i++)
		found = found || strcmp(hex, signed_payloads[i]) == 0;
	return found;
}

static void unpacks_as_signed(const char *path, const struct trust_root *root)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL, *installed = NULL;
	CLEANUP_STR struct str quarantine = STR_INIT, name = STR_INIT;
	const struct verify_options options = {.state_dirfd = scratch_folder(), .now = NOW};
	struct err err;

	HOLDS(verify_and_unpack(path, root, &options, &kit, &quarantine, &err) == 0);
	str_append_format(&name, "kits/%s", trusted_kit_id(kit));
	CLEANUP_FD int tree = openat(scratch_folder(), str_text(&name), O_RDONLY | O_DIRECTORY);
	HOLDS(tree >= 0);
	tree_is_the_manifests(tree, trusted_kit_manifest(kit));
	HOLDS(verify_installed(scratch_folder(), trusted_kit_id(kit), root, &installed, &err) == 0);
	scratch_empty();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trust_root *root;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	const struct verify_options options = {.state_dirfd = scratch_folder(), .now = NOW};
	char path[MEMORY_PATH_SIZE];
	CLEANUP_FD int fd = memory_file(bytes_make(data, size));
	struct err err = {0};

	memory_path(fd, path);
	HOLDS(root != NULL || trust_root_embedded(&root, &err) == 0);
	int rc = verify_kit(path, root, &options, &kit, &err);
	if (rc < 0) {
		HOLDS(kit == NULL && err.code == (enum err_code) - rc);
		int code = err_exit_code(err.code);
		HOLDS((code >= 2 && code <= 9) || code == 1);
		return 0;
	}
	HOLDS(was_signed(kit));
	unpacks_as_signed(path, root);
	return 0;
}
