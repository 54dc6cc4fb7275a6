/* The checkpoint of a backfill: one that is taken is written as it was read. */
#include <string.h>

#include "base/cleanup.h"
#include "steps/backfill.h"
#include "tests/fuzz/target.h"

static struct backfill_phase phases[] = {
	{.name = "one",
		.collection = "s",
		.write_count = 1,
		.writes = {{.collection = "t", .role = "documents"}}},
	{.name = "two", .collection = "s", .key_count = 1, .keys = {"k"}, .write_count = 1},
};
static const struct backfill backfill = {.id = "m",
	.phase_count = 2,
	.phases = phases,
	.target_count = 1,
	.targets = {&phases[0].writes[0]}};

/* Whether it was taken; then what is written of it. */
static bool read_and_write(struct bytes text, struct str *out)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct backfill_state *state = NULL;
	struct err err = {0};

	if (json_parse(text, JSON_LIMITS_OWN(1 << 20), &doc, &err) < 0)
		return false;
	HOLDS(backfill_state_new(&arena, &state, &err) == 0);
	int rc = backfill_state_read(json_root(doc), &backfill, state, &err);
	HOLDS(rc == 0 || rc == -ERR_JOURNAL);
	if (rc == 0) {
		HOLDS(state->phase <= backfill.phase_count);
		HOLDS(state->after.size == 0 || doc_check(str_bytes(&state->after), &err) == 0);
		HOLDS(backfill_state_write(state, &backfill, out, &err) == 0);
	}
	backfill_state_release(state);
	return rc == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_STR struct str once = STR_INIT, twice = STR_INIT;

	if (!read_and_write(bytes_make(data, size), &once))
		return 0;
	HOLDS(read_and_write(str_bytes(&once), &twice));
	HOLDS(bytes_equal(str_bytes(&once), str_bytes(&twice)));
	return 0;
}
