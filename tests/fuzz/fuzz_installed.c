/* state/installed.json: read, or refused whole; never half. */
#include "base/cleanup.h"
#include "tests/fuzz/aid.h"
#include "verify/kit_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	int64_t newest = 0, sequence = -1;
	const char *version = NULL;
	struct err err = {0};

	scratch_put("installed.json", bytes_make(data, size));
	int rc = installed_newest(scratch_folder(), &newest, &err);
	HOLDS(rc == 0 || rc == -ERR_STATE_FOLDER);
	HOLDS(installed_sequence(scratch_folder(), "lnm", &sequence, &version, &arena, &err) == rc);
	if (rc < 0)
		return 0;
	HOLDS(sequence >= 0 && sequence <= MANIFEST_SEQUENCE_MAX);
	HOLDS((sequence > 0) == (version != NULL));
	return 0;
}
