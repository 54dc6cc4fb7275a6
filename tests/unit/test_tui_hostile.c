/*
 * Whatever the strings of a feed are, no cell of a screen holds what a terminal would obey. The
 * feeds are those of the golden screens, with octets added to every string: to those alone that
 * are text, so that all pages are drawn as usual, and to all of them.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "json/json_write.h"
#include "text/text.h"
#include "tui/view.h"

#define FOLDER "tests/tui/screens/"

/* Sequences of terminals, C1, directions, invisible characters, marks: with a base and without. */
static const char hostile[] = "\033[2J\033]0;x\a\b\r\n\t\x7f\xc2\x9b"
			      "2J\u202e\u2066\u200b\u2028\ufeff\u00ad\xc2\x85"
			      "\U000e0041\u3164\ue000\u0301\u0489"
			      "a\u0301\u0302\u0303\u0304\u0305\u0489\u20dd\u754c";

/* What the model knows things by. */
static const char *const identifiers[] = {"event", "time", "run", "step", "id", "kind", "state",
	"outcome", "question", "choice", "default", "command", "level", "name"};

struct feed {
	struct model model;
	int64_t now;
	bool all; /* identifiers too */
	size_t cells;
};

static bool is_spared(const struct feed *feed, const char *name)
{
	size_t count = feed->all ? 1 : sizeof identifiers / sizeof *identifiers;

	for (size_t i = 0; name != NULL && i < count; i++)
		if (strcmp(name, identifiers[i]) == 0)
			return true;
	return false;
}

static void spoil(const struct feed *feed, struct json_writer *writer, const char *name,
	const struct json *value)
{
	enum json_type type = json_type(value);

	if (type == JSON_STRING && !is_spared(feed, name)) {
		CLEANUP_STR struct str text = STR_INIT;
		str_append_format(&text, "%s%s%s", hostile, json_string(value), hostile);
		json_write_string(writer, str_text(&text));
	} else if (type == JSON_OBJECT) {
		json_write_object(writer);
		for (const struct json *m = json_first(value); m != NULL; m = json_next(m)) {
			json_write_name(writer, json_name(m));
			spoil(feed, writer, json_name(m), m);
		}
		json_write_end(writer);
	} else if (type == JSON_ARRAY) {
		json_write_array(writer);
		for (const struct json *e = json_first(value); e != NULL; e = json_next(e))
			spoil(feed, writer, name, e);
		json_write_end(writer);
	} else {
		json_write_value(writer, value);
	}
}

static void check_cell(const struct cell *cell, const char *what)
{
	struct bytes text = bytes_of_string(cell->text);
	unsigned marks = TEXT_NO_BASE;
	uint32_t character;

	for (size_t at = 0, size; at < text.size; at += size) {
		size = utf8_next(text, at, &character);
		if (size == 0 || !text_shows(character, &marks))
			fail_msg("%s: U+%04X in a cell", what, (unsigned)character);
	}
}

static void draw(struct feed *feed, int columns, int rows, bool ascii, const char *what)
{
	struct grid grid;
	struct err err;

	assert_int_equal(grid_init(&grid, columns, rows, ascii, &err), 0);
	model_scroll_limit(&feed->model, view_draw(&feed->model, &grid, feed->now));
	for (int i = 0; i < columns * rows; i++) {
		check_cell(&grid.cells[i], what);
		feed->cells += strlen(grid.cells[i].text) > 1;
	}
	grid_release(&grid);
}

static void draw_all(struct feed *feed, const char *what)
{
	draw(feed, 80, 24, false, what);
	draw(feed, 80, 24, true, what);
	draw(feed, 200, 60, false, what);
}

static void take_event(struct feed *feed, const char *line, const char *what)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;
	struct err err;

	assert_int_equal(json_parse(bytes_of_string(line), JSON_LIMITS(65536), &doc, &err), 0);
	json_write_begin(&writer, &text);
	spoil(feed, &writer, NULL, json_root(doc));
	/* An event that the model refuses (a time that is none) is not shown: also an answer. */
	if (model_event(&feed->model, str_bytes(&text), feed->now, &err) < 0 && !feed->all)
		fail_msg("%s: %s", what, err.message);
	draw_all(feed, what);
}

static void take_key(struct feed *feed, const char *name, const char *what)
{
	uint32_t key = strcmp(name, "Enter") == 0  ? MODEL_KEY_ENTER
		       : strcmp(name, "Esc") == 0  ? MODEL_KEY_ESCAPE
		       : strcmp(name, "Down") == 0 ? MODEL_KEY_DOWN
		       : strcmp(name, "PgDn") == 0 ? MODEL_KEY_PAGE_DOWN
						   : (uint32_t)name[0];

	(void)model_key(&feed->model, key, feed->now);
	draw_all(feed, what);
}

static void run_file(struct feed *feed, const char *name)
{
	CLEANUP_FILE FILE *file = NULL;
	char path[512], line[65536];

	(void)snprintf(path, sizeof path, FOLDER "%s", name);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "event ", 6) == 0)
			take_event(feed, line + 6, name);
		else if (strncmp(line, "key ", 4) == 0)
			take_key(feed, line + 4, name);
		else if (strncmp(line, "include ", 8) == 0)
			run_file(feed, line + 8);
		else if (strncmp(line, "language ", 9) == 0)
			feed->model.language = language_by_locale("de", true);
		else if (strncmp(line, "now ", 4) == 0)
			feed->now = strtoll(line + 4, NULL, 10);
	}
}

static void run_all(bool all)
{
	DIR *folder = opendir(FOLDER);
	const struct dirent *entry;
	size_t cells = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		struct feed feed = {.all = all};
		if (strstr(entry->d_name, ".screen") == NULL)
			continue;
		model_init(&feed.model, NULL);
		run_file(&feed, entry->d_name);
		model_release(&feed.model);
		cells += feed.cells;
	}
	(void)closedir(folder);
	assert_true(cells > 1000); /* some of it was drawn */
}

static void texts_are_hostile(void **state)
{
	(void)state;
	run_all(false);
}

static void everything_is_hostile(void **state)
{
	(void)state;
	run_all(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_hostile),
		cmocka_unit_test(everything_is_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
