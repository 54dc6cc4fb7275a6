#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "steps/oplog.h"

#define RUN "20251220T091207Z-3f9a"

static const char *const RAW[] = {"advisory_raw"};
static const struct oplog_target TARGETS[] = {{"observations", "provenance.job"}, {"raw2", "job"}};

static const struct oplog_watch ALL = {
	.database = "concelier",
	.run_id = RUN,
	.targets = TARGETS,
	.target_count = 2,
};

static struct oplog_result take(const struct oplog_watch *watch, const char *json)
{
	CLEANUP_STR struct str doc = STR_INIT;
	struct oplog_result result = {0};
	struct err err;

	assert_int_equal(doc_from_json_text(bytes_of_string(json), &doc, &err), 0);
	oplog_take(watch, str_bytes(&doc), &result);
	return result;
}

static int64_t foreign(const char *json)
{
	return take(&ALL, json).foreign;
}

static void writes_to_the_database_are_foreign(void **state)
{
	(void)state;
	struct oplog_result result = take(&ALL,
		"{\"ts\":{\"$timestamp\":{\"t\":5,\"i\":7}},\"op\":\"i\",\"ns\":\"concelier."
		"advisory_raw\","
		"\"o\":{\"_id\":\"a\"},\"wall\":{\"$date\":\"2025-12-20T09:12:07.250Z\"}}");

	assert_int_equal(result.foreign, 1);
	assert_int_equal(result.newest, (INT64_C(5) << 32) + 7);
	assert_string_equal(result.examples[0], "insert advisory_raw a at 2025-12-20T09:12:07Z");
	assert_int_equal(foreign("{\"op\":\"d\",\"ns\":\"concelier.x\",\"o\":{\"_id\":1}}"), 1);
	result = take(&ALL, "{\"op\":\"u\",\"ns\":\"concelier.x\",\"o\":{},\"o2\":{\"_id\":9}}");
	assert_string_equal(result.examples[0], "update x 9");
}

static void what_is_elsewhere_or_nothing_is_not(void **state)
{
	(void)state;
	assert_int_equal(
		foreign("{\"op\":\"n\",\"ns\":\"\",\"o\":{\"msg\":\"periodic noop\"}}"), 0);
	assert_int_equal(foreign("{\"op\":\"i\",\"ns\":\"other.x\",\"o\":{\"_id\":1}}"), 0);
	assert_int_equal(foreign("{\"op\":\"i\",\"ns\":\"concelier2.x\",\"o\":{\"_id\":1}}"), 0);
	assert_int_equal(foreign("{\"op\":\"i\",\"ns\":\"concelier\",\"o\":{\"_id\":1}}"), 0);
	assert_int_equal(
		foreign("{\"op\":\"u\",\"ns\":\"concelier.schema_migrations\",\"o\":{}}"), 0);
	assert_int_equal(foreign("{\"op\":\"u\",\"ns\":\"concelier.offkit_state\",\"o\":{}}"), 0);
	assert_int_equal(foreign("{\"op\":\"i\",\"ns\":\"concelier.system.views\",\"o\":{}}"), 0);
}

static void only_named_collections_are_watched_if_any_are(void **state)
{
	(void)state;
	struct oplog_watch watch = ALL;

	watch.collections = RAW;
	watch.collection_count = 1;
	assert_int_equal(
		take(&watch, "{\"op\":\"i\",\"ns\":\"concelier.x\",\"o\":{\"_id\":1}}").foreign, 0);
	assert_int_equal(
		take(&watch, "{\"op\":\"i\",\"ns\":\"concelier.advisory_raw\",\"o\":{\"_id\":1}}")
			.foreign,
		1);
}

static void ours_carry_the_runs_id_and_are_inserts(void **state)
{
	(void)state;
	assert_int_equal(foreign("{\"op\":\"i\",\"ns\":\"concelier.observations\",\"o\":{\"_id\":1,"
				 "\"provenance\":{\"job\":\"" RUN "\"}}}"),
		0);
	assert_int_equal(foreign("{\"op\":\"i\",\"ns\":\"concelier.observations\",\"o\":{\"_id\":1,"
				 "\"provenance\":{\"job\":\"20251220T091207Z-0000\"}}}"),
		1);
	assert_int_equal(foreign("{\"op\":\"i\",\"ns\":\"concelier.observations\",\"o\":{\"_id\":1,"
				 "\"job\":\"" RUN "\"}}"),
		1);
	assert_int_equal(foreign("{\"op\":\"u\",\"ns\":\"concelier.observations\",\"o\":{\"_id\":1,"
				 "\"provenance\":{\"job\":\"" RUN "\"}}}"),
		1);
}

static void entries_within_a_transaction_are_looked_at(void **state)
{
	(void)state;
	struct oplog_result result = take(&ALL,
		"{\"op\":\"c\",\"ns\":\"admin.$cmd\",\"o\":{\"applyOps\":["
		"{\"op\":\"i\",\"ns\":\"concelier.raw2\",\"o\":{\"_id\":1,\"job\":\"" RUN "\"}},"
		"{\"op\":\"i\",\"ns\":\"concelier.raw2\",\"o\":{\"_id\":2}},"
		"{\"op\":\"c\",\"ns\":\"admin.$cmd\",\"o\":{\"applyOps\":["
		"{\"op\":\"d\",\"ns\":\"concelier.x\",\"o\":{\"_id\":3}}]}}]}}");

	assert_int_equal(result.foreign, 2);
	assert_string_equal(result.examples[0], "insert raw2 2");
	assert_string_equal(result.examples[1], "delete x 3");
}

static void one_that_is_nested_for_ever_is_counted_and_not_followed(void **state)
{
	(void)state;
	CLEANUP_STR struct str json = STR_INIT;

	for (int i = 0; i < 12; i++)
		str_append_text(&json, "{\"op\":\"c\",\"ns\":\"admin.$cmd\",\"o\":{\"applyOps\":[");
	str_append_text(&json, "{\"op\":\"n\"}");
	for (int i = 0; i < 12; i++)
		str_append_text(&json, "]}}");
	assert_int_equal(foreign(str_text(&json)), 1);
}

static void indexes_and_options_are_no_writes_and_losses_are(void **state)
{
	(void)state;
	assert_int_equal(
		foreign("{\"op\":\"c\",\"ns\":\"concelier.$cmd\",\"o\":{\"collMod\":\"x\"}}"), 0);
	assert_int_equal(
		foreign("{\"op\":\"c\",\"ns\":\"concelier.$cmd\",\"o\":{\"createIndexes\":\"x\"}}"),
		0);
	assert_int_equal(
		foreign("{\"op\":\"c\",\"ns\":\"concelier.$cmd\",\"o\":{\"create\":\"x\"}}"), 0);
	assert_int_equal(
		foreign("{\"op\":\"c\",\"ns\":\"concelier.$cmd\",\"o\":{\"drop\":\"x\"}}"), 1);
	assert_int_equal(
		foreign("{\"op\":\"c\",\"ns\":\"concelier.$cmd\",\"o\":{\"dropDatabase\":1}}"), 1);
	assert_int_equal(
		foreign("{\"op\":\"c\",\"ns\":\"other.$cmd\",\"o\":{\"dropDatabase\":1}}"), 0);
	assert_int_equal(
		foreign("{\"op\":\"c\",\"ns\":\"concelier.$cmd\",\"o\":{\"renameCollection\":"
			"\"concelier.x\",\"to\":\"other.x\"}}"),
		1);
	assert_int_equal(
		foreign("{\"op\":\"c\",\"ns\":\"concelier.$cmd\",\"o\":{\"renameCollection\":"
			"\"concelier.a\",\"to\":\"concelier.b\"}}"),
		2);
}

static void only_a_few_are_remembered_and_all_are_counted(void **state)
{
	(void)state;
	CLEANUP_STR struct str doc = STR_INIT;
	struct oplog_result result = {0};
	struct err err;

	assert_int_equal(doc_from_json_text(bytes_of_string("{\"op\":\"d\",\"ns\":\"concelier.x\","
							    "\"o\":{\"_id\":1}}"),
				 &doc, &err),
		0);
	for (int i = 0; i < 100; i++)
		oplog_take(&ALL, str_bytes(&doc), &result);
	assert_int_equal(result.foreign, 100);
	assert_int_equal(result.example_count, OPLOG_EXAMPLES_MAX);
}

static void malformed_entries_are_harmless(void **state)
{
	(void)state;
	assert_int_equal(foreign("{}"), 0);
	assert_int_equal(foreign("{\"op\":7,\"ns\":8,\"o\":9}"), 0);
	assert_int_equal(foreign("{\"op\":\"c\",\"ns\":\"concelier.$cmd\",\"o\":{}}"), 0);
	assert_int_equal(
		foreign("{\"op\":\"c\",\"ns\":\"concelier.$cmd\",\"o\":{\"renameCollection\":1}}"),
		0);
	assert_int_equal(foreign("{\"op\":\"c\",\"o\":{\"applyOps\":{\"a\":1}}}"), 0);
	/* A write is one whatever its document looks like. */
	assert_int_equal(foreign("{\"op\":\"i\",\"ns\":\"concelier.x\"}"), 1);
}

static void positions_are_text_and_back(void **state)
{
	(void)state;
	char text[OPLOG_POSITION_SIZE];

	oplog_position_to_text((INT64_C(1766221200) << 32) + 12, text);
	assert_string_equal(text, "1766221200:12");
	assert_int_equal(oplog_position_of_text(text), (INT64_C(1766221200) << 32) + 12);
	assert_int_equal(oplog_position_of_text(""), 0);
	assert_int_equal(oplog_position_of_text("5"), 0);
	assert_int_equal(oplog_position_of_text("5:x"), 0);
	assert_int_equal(oplog_position_of_text("5:1 "), 0);
	assert_int_equal(oplog_position_of_text("99999999999:1"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_to_the_database_are_foreign),
		cmocka_unit_test(what_is_elsewhere_or_nothing_is_not),
		cmocka_unit_test(only_named_collections_are_watched_if_any_are),
		cmocka_unit_test(ours_carry_the_runs_id_and_are_inserts),
		cmocka_unit_test(entries_within_a_transaction_are_looked_at),
		cmocka_unit_test(one_that_is_nested_for_ever_is_counted_and_not_followed),
		cmocka_unit_test(indexes_and_options_are_no_writes_and_losses_are),
		cmocka_unit_test(only_a_few_are_remembered_and_all_are_counted),
		cmocka_unit_test(malformed_entries_are_harmless),
		cmocka_unit_test(positions_are_text_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
