/* The reader of SHA256SUMS takes exactly what the writer writes. */
#include "base/cleanup.h"
#include "kit/name.h"
#include "kit/sums.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct sums sums;
	struct err err;
	int rc = sums_parse(bytes_make(data, size), &arena, &sums, &err);

	HOLDS(rc == 0 || err_exit_code(err.code) == 3);
	if (rc < 0)
		return 0;
	for (size_t i = 0; i < sums.count; i++)
		HOLDS(name_check(bytes_of_string(sums.entries[i].name), &err) == 0);
	sums_write(&sums, &text);
	HOLDS(bytes_equal(str_bytes(&text), bytes_make(data, size)));
	return 0;
}
