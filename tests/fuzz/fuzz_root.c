/* A root that is taken can be satisfied, and its keys are counted once. */
#include "base/cleanup.h"
#include "tests/fuzz/target.h"
#include "trust/root.h"

static void check_role(const struct trust_root *root, const char *name)
{
	const struct trust_role *role = trust_root_role(root, name);

	HOLDS(role != NULL && role->threshold >= 1 && role->threshold <= role->key_count);
	for (size_t i = 0; i < role->key_count; i++) {
		HOLDS(public_key_supports(role->keys[i]->key, role->keys[i]->scheme));
		for (size_t k = 0; k < i; k++)
			HOLDS(!sha256_equal(public_key_fingerprint(role->keys[i]->key),
				public_key_fingerprint(role->keys[k]->key)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct err err;
	int rc = trust_root_parse(bytes_make(data, size), &root, &err);

	HOLDS(rc == 0 || (rc == -ERR_TRUST_INVALID && root == NULL));
	if (rc < 0)
		return 0;
	HOLDS(trust_root_version(root) >= 1 && !trust_root_is_demo(root));
	check_role(root, "root");
	check_role(root, "targets");
	rc = trust_root_signed_by(root, root, &err);
	HOLDS(rc == 0 || rc == -ERR_TRUST_INVALID);
	return 0;
}
