/*
 * The same expressions asked of a real server: OFFKIT_TEST_URI names it; skipped without. An
 * operator that this server does not have is counted, not compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "derive_ask.h"
#include "derive_cases.h"
#include "mongo/mongo.h"

static const char database[] = "offkit_test_derive";

static void command(struct mongo *mongo, const char *text)
{
	CLEANUP_STR struct str wrapped = STR_INIT, reply = STR_INIT;
	struct value value = value_of_text(text, &wrapped);
	struct err err;

	if (mongo_command(mongo, value.bytes, &reply, NULL, &err) != 0)
		fail_msg("%s: %s", text, err.message);
}

/* 1: *ret_value is the server's answer in out; 0: it refused. */
static int ask_server(struct mongo *mongo, const struct derive_case *row, struct str *out,
	struct value *ret_value, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT, pipeline = STR_INIT;
	struct mongo_cursor *cursor CLEANUP(mongo_cursor_cleanup) = NULL;
	struct bytes doc;

	str_append_format(&text, "[{\"$replaceWith\": {\"r\": %s}}]", row->expression);
	struct value stages = value_of_text(str_text(&text), &pipeline);
	if (mongo_aggregate(mongo, "cases", stages.bytes, &cursor, err) != 0 ||
		mongo_cursor_next(cursor, &doc, err) <= 0)
		return 0;
	str_append(out, doc.data, doc.size);
	*ret_value = doc_get(str_bytes(out), "r");
	return 1;
}

static void test_same_as_the_server(void **state)
{
	const char *uri = getenv("OFFKIT_TEST_URI");
	struct mongo *mongo CLEANUP(mongo_cleanup) = NULL;
	int differences = 0, unknown = 0;
	struct err err;

	(void)state;
	if (uri == NULL)
		skip();
	if (mongo_connect(uri, database, &mongo, &err) != 0)
		fail_msg("%s", err.message);
	command(mongo, "{\"dropDatabase\": 1}");
	command(mongo, "{\"insert\": \"cases\", \"documents\": [" DOC "]}");
	for (size_t i = 0; i < DERIVE_CASE_COUNT; i++) {
		const struct derive_case *row = &derive_cases[i];
		CLEANUP_STR struct str reply = STR_INIT, theirs_text = STR_INIT,
				       ours_text = STR_INIT;
		struct arena arena = ARENA_INIT;
		struct value ours, theirs;
		struct err our_err;

		if (row->ours)
			continue;
		int answered = ask_server(mongo, row, &reply, &theirs, &err);
		bool ok = ask(row->expression, row->document, &arena, &ours, &our_err) == 0;
		if (!answered && strstr(err.message, "nrecognized expression") != NULL) {
			unknown++;
		} else if (answered != (ok ? 1 : 0)) {
			differences++;
			print_message("%s: ours %s; theirs %s\n", row->expression,
				ok ? "answers" : our_err.message,
				answered ? "answers" : err.message);
		} else if (ok && !value_equal(&ours, &theirs)) {
			show(&ours, &ours_text);
			show(&theirs, &theirs_text);
			differences++;
			print_message("%s: ours %s; theirs %s\n", row->expression,
				str_text(&ours_text), str_text(&theirs_text));
		}
		arena_release(&arena);
	}
	command(mongo, "{\"dropDatabase\": 1}");
	print_message("%d operators that this server does not have\n", unknown);
	assert_int_equal(differences, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_the_server),
	};

	mongo_library_begin();
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	mongo_library_end();
	return result;
}
