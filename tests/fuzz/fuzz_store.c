/*
 * The chain of roots in a state folder: an input in the place of one that was kept leads to the
 * embedded root, or on from it to one that its keys signed; or the state is refused.
 */
#include <sys/stat.h>

#include "base/cleanup.h"
#include "tests/fuzz/aid.h"
#include "trust/store.h"

static void load(int64_t expected)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct err err = {0};
	int rc = trust_store_load(scratch_folder(), &root, &err);

	HOLDS(rc == 0 || rc == -ERR_TRUST_INVALID);
	if (rc < 0)
		return;
	/* Nobody but the demo root's keys can make a second one; the third would need another. */
	HOLDS(trust_root_version(root) == expected);
	HOLDS(trust_root_is_demo(root));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scratch_empty();
	HOLDS(mkdirat(scratch_folder(), "trust", 0700) == 0);
	scratch_put("trust/3.root.json", bytes_make(data, size));
	load(1);
	scratch_put("trust/2.root.json", bytes_make(data, size));
	load(2);
	return 0;
}
