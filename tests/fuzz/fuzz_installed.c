/* state/installed.json: read, or refused whole; never half. What is forgotten does not come back.
 */
#include "base/cleanup.h"
#include "tests/fuzz/aid.h"
#include "verify/verify.h"

#define LIMIT INT64_C(1766400000000) /* 2025-12-22 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	int64_t newest = 0, sequence = -1, after = -1;
	const char *version = NULL;
	struct err err = {0};

	scratch_put("installed.json", bytes_make(data, size));
	int rc = installed_newest(scratch_folder(), LIMIT, &newest, &err);
	HOLDS(rc == 0 || rc == -ERR_STATE_FOLDER);
	HOLDS(installed_sequence(scratch_folder(), "lnm", &sequence, &version, &arena, &err) == rc);
	if (rc < 0)
		return 0;
	HOLDS(newest <= LIMIT);
	HOLDS(sequence >= 0 && sequence <= MANIFEST_SEQUENCE_MAX);
	HOLDS((sequence > 0) == (version != NULL));
	HOLDS(installed_forget_times(scratch_folder(), LIMIT, &err) == 0);
	HOLDS(installed_newest(scratch_folder(), INT64_MAX, &newest, &err) == 0);
	HOLDS(newest <= LIMIT);
	HOLDS(installed_sequence(scratch_folder(), "lnm", &after, &version, &arena, &err) == 0);
	HOLDS(after == sequence);
	return 0;
}
