/* A run as lines: what a face says of one event, however much of it there is. */
#include "cli/face_plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

enum { LINES = 24 };

static void write_plan(struct str *out)
{
	str_append_text(out,
		"{\"event\":\"plan\",\"time\":\"2026-01-02T03:04:05.000Z\",\"step\":\"21-102\","
		"\"label\":\"21-102 backfill\",\"what\":[");
	for (int i = 0; i < LINES; i++)
		str_append_format(out, "%s\"line %d: %0200d\"", i > 0 ? "," : "", i, 0);
	str_append_text(out, "],\"wayBackText\":\"undo, proved by digest\",\"noReturn\":true}");
}

static void show(struct plain_face *plain, const struct str *event)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct err err;

	assert_int_equal(json_parse(str_bytes(event), JSON_LIMITS_OWN(event->size), &doc, &err), 0);
	plain_event(plain, str_bytes(event), json_root(doc));
}

static void read_all(FILE *file, struct str *out)
{
	char chunk[4096];
	size_t got;

	rewind(file);
	while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
		str_append(out, chunk, got);
}

/* The way back stands last, where a line that is cut off would lose it. */
static void a_long_gate_is_shown_to_its_end(void **state)
{
	struct face face = {.arena = ARENA_INIT, .log = tmpfile()};
	CLEANUP_STR struct str event = STR_INIT;
	CLEANUP_STR struct str said = STR_INIT;
	struct plain_face plain;

	(void)state;
	assert_non_null(face.log);
	plain_face_init(&plain, &face);
	plain.live = true;
	write_plan(&event);
	show(&plain, &event); /* a row of the plan, then its gate */
	show(&plain, &event);
	read_all(face.log, &said);
	assert_non_null(strstr(str_text(&said), "line 23: 0"));
	assert_non_null(strstr(str_text(&said), "Way back: undo, proved by digest."));
	assert_non_null(strstr(str_text(&said), "After this, going back is not exact."));
	plain_face_release(&plain);
	(void)fclose(face.log);
	arena_release(&face.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_gate_is_shown_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
