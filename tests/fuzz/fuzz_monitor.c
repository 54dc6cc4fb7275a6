/*
 * What the monitor remembers (state/monitor.json), and an oplog's entries: a memory that is taken
 * is written as it is read, and judges as it did; entries are counted, whatever they are.
 */
#include <string.h>

#include "base/cleanup.h"
#include "engine/monitor.h"
#include "steps/oplog.h"
#include "tests/fuzz/aid.h"

static void memory(struct bytes input)
{
	CLEANUP_STR struct str first = STR_INIT, second = STR_INIT;
	const struct backlog_rule rule = backlog_rule_of(500, 600000);
	struct monitor_memory memory, again;
	struct err err;

	if (monitor_memory_read(input, &memory, &err) < 0)
		return;
	monitor_memory_write(&memory, &first);
	HOLDS(monitor_memory_read(str_bytes(&first), &again, &err) == 0);
	monitor_memory_write(&again, &second);
	HOLDS(bytes_equal(str_bytes(&first), str_bytes(&second)));
	(void)backlog_look(&memory.backlog, &rule, INT64_C(1766221200000), 0);
	HOLDS(!memory.backlog.firing);
}

static void entry(struct bytes input)
{
	static const struct oplog_target target = {"observations", "provenance.job"};
	const struct oplog_watch watch = {
		.database = "d",
		.run_id = "20251220T091207Z-3f9a",
		.targets = &target,
		.target_count = 1,
	};
	struct oplog_result result = {0};
	struct err err;

	if (doc_check(input, &err) < 0)
		return;
	oplog_take(&watch, input, &result);
	HOLDS((int64_t)result.example_count <= result.foreign);
	for (size_t i = 0; i < result.example_count; i++)
		HOLDS(strlen(result.examples[i]) < OPLOG_EXAMPLE_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memory(bytes_make(data, size));
	entry(bytes_make(data, size));
	return 0;
}
