/* What the events of a run say when they are taken together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/history.h"

static const char BEGIN[] = "{\"event\":\"run.begin\",\"time\":\"2025-12-20T09:00:00Z\",\"steps\":["
			    "{\"name\":\"backup\",\"label\":\"Backup\",\"kind\":\"backup\"},"
			    "{\"name\":\"21-102\",\"label\":\"21-102\",\"kind\":\"backfill\"},"
			    "{\"name\":\"report\",\"label\":\"Report\",\"kind\":\"report\"}]}";

static int try_to_add(struct history *history, const char *text)
{
	struct json_doc *doc = NULL;
	struct err err;

	assert_int_equal(json_parse(bytes_of_string(text), JSON_LIMITS(65536), &doc, &err), 0);
	return history_add(history, doc, &err);
}

static void add(struct history *history, const char *event, const char *step, const char *time,
	const char *more)
{
	char text[512];

	(void)snprintf(text, sizeof text,
		"{\"event\":\"%s\",\"time\":\"2025-12-20T%sZ\",\"step\":\"%s\"%s}", event, time,
		step, more);
	assert_int_equal(try_to_add(history, text), 0);
}

static int make(void **state)
{
	*state = calloc(1, sizeof(struct history));
	return *state == NULL ? -1 : 0;
}

static int release(void **state)
{
	history_release(*state);
	free(*state);
	return 0;
}

static void a_run_that_is_done(void **state)
{
	struct history *history = *state;

	assert_int_equal(history_state(history), RUN_EMPTY);
	assert_int_equal(try_to_add(history, BEGIN), 0);
	assert_int_equal(history_state(history), RUN_OPEN);
	assert_int_equal(history->step_count, 3);
	add(history, "step.begin", "backup", "09:00:01", "");
	add(history, "checkpoint", "backup", "09:00:02", ",\"data\":{\"n\":1}");
	add(history, "checkpoint", "backup", "09:00:03", ",\"data\":{\"n\":2}");
	add(history, "step.end", "backup", "09:00:04", ",\"outcome\":\"done\",\"duration\":3000");
	const struct history_step *backup = history_step(history, "backup");
	assert_non_null(backup->end);
	assert_int_equal(json_integer(json_member(backup->checkpoint, "n")), 2);
	assert_int_equal(history_spent(backup), 3000);
	add(history, "run.end", "", "09:00:05", ",\"outcome\":\"done\",\"exit\":0");
	assert_int_equal(history_state(history), RUN_DONE);
}

static void an_undone_step_is_forgotten_with_what_came_after(void **state)
{
	struct history *history = *state;

	assert_int_equal(try_to_add(history, BEGIN), 0);
	for (size_t i = 0; i < 3; i++) {
		const char *name = history->steps[i].name;
		add(history, "step.begin", name, "09:00:01", "");
		add(history, "checkpoint", name, "09:00:02", ",\"data\":{}");
		add(history, "step.end", name, "09:00:03", ",\"outcome\":\"done\",\"duration\":1");
	}
	add(history, "undo.begin", "21-102", "09:01:00", "");
	assert_true(history_step(history, "21-102")->undoing);
	add(history, "undo.end", "21-102", "09:01:01", ",\"outcome\":\"undone\",\"duration\":1");
	const struct history_step *step = history_step(history, "21-102");
	assert_false(step->undoing);
	assert_null(step->begin);
	assert_null(step->end);
	assert_null(step->checkpoint);
	assert_non_null(step->undo);
	assert_null(history_step(history, "report")->end);
	assert_non_null(history_step(history, "backup")->end);
}

static void the_point_of_no_return_is_remembered(void **state)
{
	struct history *history = *state;

	assert_int_equal(try_to_add(history, BEGIN), 0);
	add(history, "step.begin", "backup", "09:00:01", "");
	assert_false(history->ingest_resumed);
	add(history, "checkpoint", "backup", "09:00:02", ",\"data\":{\"ingestResumed\":true}");
	assert_true(history->ingest_resumed);
	add(history, "checkpoint", "backup", "09:00:03", ",\"data\":{}");
	assert_true(history->ingest_resumed);
}

static void what_is_no_event_of_ours_is_refused(void **state)
{
	struct history *history = *state;

	assert_int_equal(try_to_add(history, BEGIN), 0);
	assert_int_equal(try_to_add(history, "{\"event\":\"magic\"}"), -ERR_JOURNAL);
	assert_int_equal(try_to_add(history, "{\"event\":\"step.begin\",\"step\":\"nowhere\","
					     "\"time\":\"2025-12-20T09:00:01Z\"}"),
		-ERR_JOURNAL);
	assert_int_equal(
		try_to_add(history, "{\"event\":\"checkpoint\",\"step\":\"backup\",\"data\":1}"),
		-ERR_JOURNAL);
}

static void names_sort_as_their_runs_began(void **state)
{
	char first[RUN_ID_SIZE], second[RUN_ID_SIZE], next[RUN_ID_SIZE];

	(void)state;
	run_id_of(first, 1764240000998, UINT32_MAX);
	run_id_of(second, 1764240000999, 0);
	run_id_of(next, 1764240001000, 0);
	assert_true(history_is_run_id(first) && history_is_run_id(second));
	assert_true(strcmp(first, second) < 0 && strcmp(second, next) < 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_run_that_is_done, make, release),
		cmocka_unit_test_setup_teardown(
			an_undone_step_is_forgotten_with_what_came_after, make, release),
		cmocka_unit_test_setup_teardown(
			the_point_of_no_return_is_remembered, make, release),
		cmocka_unit_test(names_sort_as_their_runs_began),
		cmocka_unit_test_setup_teardown(what_is_no_event_of_ours_is_refused, make, release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
