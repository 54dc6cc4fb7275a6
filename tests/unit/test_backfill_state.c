#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "derive_ask.h"
#include "steps/backfill.h"

enum { UNITS = BACKFILL_CHUNK + 50 };

/* One phase that writes one document for each unit, and none for every seventh. */
struct fixture {
	struct arena arena;
	struct backfill_phase phase;
	struct backfill backfill;
	struct backfill_tally tally;
	struct backfill_unit units[UNITS];
	struct backfill_derived derived[UNITS];
	uint8_t ids[UNITS][OBJECT_ID_SIZE];
};

static void derive_one(struct fixture *fixture, size_t i)
{
	struct backfill_derived *derived = &fixture->derived[i];
	struct err err;

	memset(fixture->ids[i], (int)(i * 37 % 251), OBJECT_ID_SIZE);
	derived->write = &fixture->phase.writes[0];
	derived->id = (struct value){.type = VALUE_OBJECT_ID, .object_id = fixture->ids[i]};
	derived->fate = i % 3 == 0 ? FATE_SKIPPED : i % 11 == 0 ? FATE_REPEATED : FATE_WRITTEN;
	assert_int_equal(sha256_of(bytes_make(&i, sizeof i), &derived->leaf, &err), 0);
}

static struct fixture *fixture_new(void)
{
	struct fixture *fixture = test_calloc(1, sizeof *fixture);

	fixture->phase =
		(struct backfill_phase){.name = "one", .collection = "source", .write_count = 1};
	fixture->phase.writes[0] = (struct backfill_write){
		.collection = "target", .role = "documents", .run_path = "job"};
	fixture->backfill = (struct backfill){.id = "m",
		.phase_count = 1,
		.phases = &fixture->phase,
		.target_count = 1,
		.targets = {&fixture->phase.writes[0]}};
	for (size_t i = 0; i < UNITS; i++) {
		CLEANUP_STR struct str key = STR_INIT;
		struct doc_writer writer;
		doc_write_begin(&writer, &key);
		doc_write_int32(&writer, "_id", (int32_t)i);
		doc_write_end(&writer);
		fixture->units[i].documents = 1;
		fixture->units[i].key = arena_bytes(&fixture->arena, str_bytes(&key));
		derive_one(fixture, i);
	}
	return fixture;
}

static void fixture_free(struct fixture *fixture)
{
	backfill_tally_release(&fixture->tally);
	arena_release(&fixture->arena);
	test_free(fixture);
}

static void add(struct fixture *fixture, struct backfill_state *state, size_t from, size_t to)
{
	struct backfill_derived *derived = test_calloc(to - from, sizeof *derived);
	struct backfill_batch batch = {.phase = &fixture->phase,
		.arena = &fixture->arena,
		.unit_count = to - from,
		.units = &fixture->units[from],
		.derived = derived};
	struct err err;

	for (size_t i = from; i < to; i++) {
		if (i % 7 == 0)
			continue;
		derived[batch.derived_count] = fixture->derived[i];
		derived[batch.derived_count++].unit = i - from;
	}
	assert_int_equal(
		backfill_tally_take(&fixture->tally, &fixture->backfill, &batch, 1, &err), 0);
	assert_int_equal(backfill_state_add(state, &fixture->phase, &fixture->tally, &err), 0);
	test_free(derived);
}

static struct backfill_state *through_a_checkpoint(
	struct fixture *fixture, struct backfill_state *state)
{
	struct json_doc *doc CLEANUP(json_cleanup) = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct backfill_state *again = NULL;
	struct err err;

	assert_int_equal(backfill_state_write(state, &fixture->backfill, &text, &err), 0);
	parse_text(str_text(&text), &doc);
	assert_int_equal(backfill_state_new(&fixture->arena, &again, &err), 0);
	if (backfill_state_read(json_root(doc), &fixture->backfill, again, &err) != 0)
		fail_msg("%s", err.message);
	assert_true(bytes_equal(str_bytes(&state->after), str_bytes(&again->after)));
	backfill_state_release(state);
	return again;
}

static void report_of(struct fixture *fixture, size_t batch, bool interrupted, struct str *report)
{
	struct backfill_state *state = NULL;
	struct err err;

	assert_int_equal(backfill_state_new(&fixture->arena, &state, &err), 0);
	for (size_t from = 0; from < UNITS; from += batch) {
		add(fixture, state, from, from + batch < UNITS ? from + batch : UNITS);
		if (interrupted)
			state = through_a_checkpoint(fixture, state);
	}
	assert_int_equal(backfill_state_end_phase(state, &fixture->backfill, &err), 0);
	assert_int_equal(backfill_report_write(state, &fixture->backfill, report, &err), 0);
	assert_int_equal(
		state->targets[0].written + state->targets[0].skipped + state->targets[0].repeated,
		UNITS - (UNITS + 6) / 7);
	backfill_state_release(state);
}

static void test_batches_and_interruptions_do_not_show(void **state)
{
	CLEANUP_STR struct str one = STR_INIT, many = STR_INIT, cut = STR_INIT;
	struct fixture *fixture = fixture_new();

	(void)state;
	report_of(fixture, UNITS, false, &one);
	report_of(fixture, 100, false, &many);
	report_of(fixture, 129, true, &cut);
	assert_string_equal(str_text(&one), str_text(&many));
	assert_string_equal(str_text(&one), str_text(&cut));
	fixture_free(fixture);
}

static void test_one_other_octet_shows(void **state)
{
	CLEANUP_STR struct str one = STR_INIT, other = STR_INIT;
	struct fixture *fixture = fixture_new();

	(void)state;
	report_of(fixture, 500, false, &one);
	fixture->derived[BACKFILL_CHUNK + 3].leaf.octets[31] ^= 1;
	report_of(fixture, 500, false, &other);
	assert_string_not_equal(str_text(&one), str_text(&other));
	fixture_free(fixture);
}

static void test_written_or_skipped_does_not_show(void **state)
{
	CLEANUP_STR struct str one = STR_INIT, other = STR_INIT;
	struct fixture *fixture = fixture_new();

	(void)state;
	report_of(fixture, 500, false, &one);
	for (size_t i = 0; i < UNITS; i++)
		fixture->derived[i].fate = FATE_SKIPPED;
	report_of(fixture, 500, false, &other);
	assert_string_equal(str_text(&one), str_text(&other));
	fixture_free(fixture);
}

static void test_a_foreign_checkpoint_is_refused(void **state)
{
	static const char *const texts[] = {
		"{\"migration\": \"other\"}",
		"{\"migration\": \"m\"}",
		"{\"migration\": \"m\", \"phase\": 9, \"batch\": 0, \"inChunk\": 0, \"ahead\": 0, "
		"\"conflicts\": "
		"0, "
		"\"errors\": 0, \"conflictsOctets\": 0, \"phases\": [], \"targets\": []}",
	};
	struct fixture *fixture = fixture_new();

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct json_doc *doc CLEANUP(json_cleanup) = NULL;
		struct backfill_state *read = NULL;
		struct err err;
		parse_text(texts[i], &doc);
		assert_int_equal(backfill_state_new(&fixture->arena, &read, &err), 0);
		assert_int_equal(
			backfill_state_read(json_root(doc), &fixture->backfill, read, &err),
			-ERR_JOURNAL);
		backfill_state_release(read);
	}
	fixture_free(fixture);
}

/* ---- going on after a key */

/* libbson takes {"$type": [...]} for a binary value, so the wanted form is text. */
static void filter_is(const struct backfill_phase *phase, const char *after, const char *expected)
{
	CLEANUP_STR struct str key = STR_INIT, filter = STR_INIT, shown = STR_INIT;
	struct value value = value_of_text(after, &key);
	struct err err;

	assert_int_equal(backfill_filter_after(phase, value.bytes, &filter, &err), 0);
	assert_int_equal(doc_to_json(str_bytes(&filter), false, &shown, &err), 0);
	assert_string_equal(str_text(&shown), expected);
}

#define RARE ", \"dbPointer\", \"javascript\", \"javascriptWithScope\", \"maxKey\""

static void test_filter_goes_on_with_later_types(void **state)
{
	static const struct backfill_phase by_id = {.collection = "c"}, by_two = {.collection = "c",
										.key_count = 2,
										.keys = {"a", "b"}};

	(void)state;
	filter_is(&by_id, "{\"_id\": \"k\"}",
		"{ \"$or\" : [ { \"_id\" : { \"$gt\" : \"k\" } }, { \"_id\" : { \"$type\" : [ "
		"\"object\", \"binData\", \"objectId\", \"bool\", \"date\", \"timestamp\"" RARE
		" ] } } ] }");
	filter_is(&by_id, "{\"_id\": {\"$timestamp\": {\"t\": 1, \"i\": 1}}}",
		"{ \"$or\" : [ { \"_id\" : { \"$gt\" : { \"$timestamp\" : { \"t\" : 1, \"i\" : 1 } "
		"} } }, { \"_id\" : { \"$type\" : [ \"dbPointer\", \"javascript\", "
		"\"javascriptWithScope\", \"maxKey\" ] } } ] }");
	filter_is(&by_id, "{\"_id\": {\"$maxKey\": 1}}",
		"{ \"$or\" : [ { \"_id\" : { \"$gt\" : { \"$maxKey\" : 1 } } } ] }");
	filter_is(&by_id, "{\"_id\": {\"$numberDouble\": \"NaN\"}}",
		"{ \"$or\" : [ { \"_id\" : { \"$gte\" : { \"$numberDouble\" : \"-Infinity\" } } }, "
		"{ "
		"\"_id\" : { \"$type\" : [ \"string\", \"symbol\", \"object\", \"binData\", "
		"\"objectId\", \"bool\", \"date\", \"timestamp\"" RARE " ] } } ] }");
	filter_is(&by_two, "{\"a\": null, \"b\": true}",
		"{ \"$or\" : [ { \"a\" : { \"$type\" : [ \"number\", \"string\", \"symbol\", "
		"\"object\", \"binData\", \"objectId\", \"bool\", \"date\", \"timestamp\"" RARE
		" ] } }, { \"a\" : { \"$eq\" : null }, \"b\" : { \"$gt\" : true } }, { \"a\" : { "
		"\"$eq\" : null }, \"b\" : { \"$type\" : [ \"date\", \"timestamp\"" RARE
		" ] } } ] }");
}

static void test_strip(void **state)
{
	static const char *const paths[] = {"job", "p.job", "p.q.r", "s.t"};
	CLEANUP_STR struct str in = STR_INIT, out = STR_INIT, wanted = STR_INIT;
	struct err err;

	(void)state;
	struct value doc =
		value_of_text("{\"job\": 1, \"jobs\": 2, \"p\": {\"job\": 3, \"q\": {\"r\": "
			      "4, \"x\": 5}}, \"s\": [{\"t\": 6}], \"q\": {\"job\": 7}}",
			&in);
	assert_int_equal(backfill_strip(doc.bytes, paths, 4, &out, &err), 0);
	struct value expected = value_of_text(
		"{\"jobs\": 2, \"p\": {\"q\": {\"x\": 5}}, \"s\": [{\"t\": 6}], \"q\": "
		"{\"job\": 7}}",
		&wanted);
	assert_true(bytes_equal(str_bytes(&out), expected.bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batches_and_interruptions_do_not_show),
		cmocka_unit_test(test_one_other_octet_shows),
		cmocka_unit_test(test_written_or_skipped_does_not_show),
		cmocka_unit_test(test_a_foreign_checkpoint_is_refused),
		cmocka_unit_test(test_filter_goes_on_with_later_types),
		cmocka_unit_test(test_strip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
