/*
 * The screens of the terminal UI against golden specs, tests/tui/screens/NAME.screen:
 *
 *	# a comment
 *	include FILE            the lines of another spec, up to its first "screen"
 *	event {...}             a line of the feed
 *	key y | Enter | Esc | Up | Down | PgUp | PgDn | Erase | Ctrl+C
 *	now MS                  boot time of what follows
 *	size 80x24   ascii      of the grid
 *	language de             of the pages, before the first event
 *	answers ID CHOICE       the last key must have led to this answer
 *	asks stop|pause|resume|quit|save|detach|command|nothing
 *	screen                  what is drawn now, a line a row, each behind "|", up to "end"
 *
 * OFFKIT_UPDATE_SCREENS=1 writes the screens as they are now, to be read over before a commit.
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
#include "text/text.h"
#include "tui/view.h"

#define FOLDER "tests/tui/screens/"

struct spec {
	struct model model;
	struct grid grid;
	struct model_action action;
	int64_t now;
	int columns, rows;
	bool ascii;
	struct str written; /* the file as it would be with today's screens */
	const char *name;
	size_t line;
};

static uint32_t key_named(const char *name)
{
	static const struct {
		const char *name;
		uint32_t key;
	} keys[] = {{"Enter", MODEL_KEY_ENTER}, {"Esc", MODEL_KEY_ESCAPE}, {"Up", MODEL_KEY_UP},
		{"Down", MODEL_KEY_DOWN}, {"PgUp", MODEL_KEY_PAGE_UP},
		{"PgDn", MODEL_KEY_PAGE_DOWN}, {"Erase", MODEL_KEY_ERASE}};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (strcmp(keys[i].name, name) == 0)
			return keys[i].key;
	assert_int_equal(strlen(name), 1);
	return (uint32_t)name[0];
}

static void expect_request(struct spec *spec, const char *name)
{
	static const struct {
		const char *name;
		int kind;
	} kinds[] = {{"stop", ACTION_STOP}, {"pause", ACTION_PAUSE}, {"resume", ACTION_RESUME},
		{"quit", ACTION_QUIT}, {"nothing", ACTION_NONE}, {"save", ACTION_SAVE_PLAN},
		{"detach", ACTION_DETACH}, {"command", ACTION_COMMAND}};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].name, name) == 0) {
			if ((int)spec->action.kind != kinds[i].kind)
				fail_msg("%s:%zu: asked for %d", spec->name, spec->line,
					(int)spec->action.kind);
			return;
		}
	fail_msg("%s:%zu: no such request: %s", spec->name, spec->line, name);
}

static void expect_answer(struct spec *spec, const char *words)
{
	char wanted[256];

	if (spec->action.kind != ACTION_ANSWER)
		fail_msg("%s:%zu: the key answered nothing", spec->name, spec->line);
	(void)snprintf(wanted, sizeof wanted, "%s %s", spec->action.question, spec->action.choice);
	assert_string_equal(words, wanted);
}

/* In every language: a key that is not seen might as well not be there. */
static void check_keys(struct spec *spec)
{
	struct model_key keys[MODEL_KEYS_MAX];
	size_t columns = 1;

	model_keys(&spec->model, keys);
	for (size_t i = 0; keys[i].key != 0; i++)
		if (keys[i].label != MSG_NONE)
			columns += text_width(keys[i].shown) + 1 +
				   text_width(message_text(spec->model.language, keys[i].label)) +
				   (i > 0 ? 3 : 0);
	if (columns > VIEW_COLUMNS_MIN)
		fail_msg("%s:%zu: the keys take %zu columns", spec->name, spec->line, columns);
}

static void draw(struct spec *spec, struct str *out)
{
	struct err err;

	check_keys(spec);
	assert_int_equal(grid_init(&spec->grid, spec->columns, spec->rows, spec->ascii, &err), 0);
	model_scroll_limit(&spec->model, view_draw(&spec->model, &spec->grid, spec->now));
	for (int row = 0; row < spec->rows; row++) {
		str_append_char(out, '|');
		grid_row_text(&spec->grid, row, out);
		str_append_char(out, '\n');
	}
	grid_release(&spec->grid);
}

static bool helps_with(const struct str *help, const char *key)
{
	const size_t size = strlen(key);

	for (const char *at = strstr(str_text(help), key); at != NULL; at = strstr(at + 1, key))
		if ((at == help->text || strchr(" \n", at[-1]) != NULL) &&
			strchr(" \n", at[size]) != NULL)
			return true;
	return false;
}

/* Help has each key that the bottom line shows but its own, in the first columns of its list. */
static void check_help(struct spec *spec)
{
	enum { KEYS_COLUMN = 26, KEYS_WIDTH = 9 };
	CLEANUP_STR struct str help = STR_INIT;
	struct model_key keys[MODEL_KEYS_MAX];
	const enum subject subject = spec->model.subject;
	struct err err;

	model_keys(&spec->model, keys);
	spec->model.subject = SUBJECT_HELP;
	assert_int_equal(grid_init(&spec->grid, VIEW_COLUMNS_MIN, VIEW_ROWS_MIN, true, &err), 0);
	(void)view_draw(&spec->model, &spec->grid, spec->now);
	for (int row = 5; row < VIEW_ROWS_MIN - 2; row++) {
		for (int i = 0; i < KEYS_WIDTH; i++)
			str_append_text(&help,
				spec->grid.cells[row * VIEW_COLUMNS_MIN + KEYS_COLUMN + i].text);
		str_append_char(&help, '\n');
	}
	grid_release(&spec->grid);
	spec->model.subject = subject;
	for (size_t i = 0; subject == SUBJECT_RUN && keys[i].key != 0; i++)
		if (keys[i].label != MSG_NONE && keys[i].key != '?' &&
			!helps_with(&help, keys[i].shown))
			fail_msg("%s:%zu: no help for %s, %s", spec->name, spec->line,
				keys[i].shown, message_text(NULL, keys[i].label));
}

/* What is drawn at that size; returns how often something is cut. */
static int draw_at(const struct spec *spec, int columns, int rows, bool ascii, struct str *out)
{
	struct grid grid;
	struct err err;
	int cut = 0;

	assert_int_equal(grid_init(&grid, columns, rows, ascii, &err), 0);
	(void)view_draw(&spec->model, &grid, spec->now);
	for (int row = 0; row < rows; row++) {
		grid_row_text(&grid, row, out);
		str_append_char(out, '\n');
	}
	grid_release(&grid);
	for (const char *at = str_text(out); (at = strstr(at, "…")) != NULL; at++)
		cut++;
	return cut;
}

/* In a larger window nothing is cut that is whole in the smallest, and ASCII is ASCII. */
static void check_sizes(const struct spec *spec)
{
	static const int sizes[][2] = {{119, 24}, {120, 24}, {200, 60}, {300, 100}};
	CLEANUP_STR struct str least = STR_INIT;
	const int cut = draw_at(spec, VIEW_COLUMNS_MIN, VIEW_ROWS_MIN, false, &least);

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		CLEANUP_STR struct str large = STR_INIT, ascii = STR_INIT;
		if (draw_at(spec, sizes[i][0], sizes[i][1], false, &large) > cut)
			fail_msg("%s:%zu: cut at %dx%d\n%s", spec->name, spec->line, sizes[i][0],
				sizes[i][1], str_text(&large));
		(void)draw_at(spec, sizes[i][0], sizes[i][1], true, &ascii);
		for (size_t j = 0; j < ascii.size; j++)
			if ((unsigned char)ascii.text[j] >= 0x7F)
				fail_msg("%s:%zu: not ASCII at %dx%d\n%s", spec->name, spec->line,
					sizes[i][0], sizes[i][1], str_text(&ascii));
	}
}

/* Reads the expected screen up to "end" and compares it with today's. */
static void check_screen(struct spec *spec, FILE *file)
{
	CLEANUP_STR struct str expected = STR_INIT, drawn = STR_INIT;
	char line[2048];

	while (fgets(line, sizeof line, file) != NULL && strcmp(line, "end\n") != 0) {
		spec->line++;
		str_append_text(&expected, line);
	}
	draw(spec, &drawn);
	check_help(spec);
	check_sizes(spec);
	str_append_text(&spec->written, str_text(&drawn));
	str_append_text(&spec->written, "end\n");
	if (getenv("OFFKIT_UPDATE_SCREENS") == NULL &&
		strcmp(str_text(&expected), str_text(&drawn)) != 0)
		fail_msg("%s:%zu: expected\n%sbut drawn was\n%s", spec->name, spec->line,
			str_text(&expected), str_text(&drawn));
}

static void run_file(struct spec *spec, const char *name, bool included);

static void obey(struct spec *spec, char *verb, char *rest, FILE *file)
{
	struct err err;

	if (strcmp(verb, "event") == 0) {
		if (model_event(&spec->model, bytes_of_string(rest), spec->now, &err) < 0)
			fail_msg("%s:%zu: %s", spec->name, spec->line, err.message);
	} else if (strcmp(verb, "key") == 0) {
		spec->action = strcmp(rest, "Ctrl+C") == 0
				       ? model_interrupt(&spec->model, spec->now)
				       : model_key(&spec->model, key_named(rest), spec->now);
	} else if (strcmp(verb, "now") == 0) {
		spec->now = strtoll(rest, NULL, 10);
	} else if (strcmp(verb, "size") == 0) {
		assert_int_equal(sscanf(rest, "%dx%d", &spec->columns, &spec->rows), 2);
	} else if (strcmp(verb, "ascii") == 0) {
		spec->ascii = true;
	} else if (strcmp(verb, "language") == 0) {
		spec->model.language = language_by_locale(rest, true);
		assert_string_equal(language_name(spec->model.language), rest);
	} else if (strcmp(verb, "answers") == 0) {
		expect_answer(spec, rest);
	} else if (strcmp(verb, "asks") == 0) {
		expect_request(spec, rest);
	} else if (strcmp(verb, "screen") == 0) {
		check_screen(spec, file);
	} else if (strcmp(verb, "include") == 0) {
		run_file(spec, rest, true);
	} else {
		fail_msg("%s:%zu: no such verb: %s", spec->name, spec->line, verb);
	}
}

static void run_file(struct spec *spec, const char *name, bool included)
{
	CLEANUP_FILE FILE *file = NULL;
	char path[512], line[65536];

	(void)snprintf(path, sizeof path, FOLDER "%s", name);
	file = fopen(path, "re");
	if (file == NULL)
		fail_msg("%s: cannot be opened", path);
	while (fgets(line, sizeof line, file) != NULL) {
		spec->line += !included;
		if (!included)
			str_append_text(&spec->written, line);
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (included && strcmp(line, "screen") == 0)
			break;
		char *rest = strchr(line, ' ');
		if (rest != NULL)
			*rest++ = '\0';
		obey(spec, line, rest != NULL ? rest : line + strlen(line), file);
	}
}

static void test_screen(void **state)
{
	struct spec spec = {.columns = 80, .rows = 24, .name = *state, .written = STR_INIT};

	model_init(&spec.model, NULL);
	run_file(&spec, spec.name, false);
	model_release(&spec.model);
	if (getenv("OFFKIT_UPDATE_SCREENS") != NULL) {
		char path[512];
		(void)snprintf(path, sizeof path, FOLDER "%s", spec.name);
		FILE *file = fopen(path, "we");
		assert_non_null(file);
		(void)fputs(str_text(&spec.written), file);
		(void)fclose(file);
	}
	str_release(&spec.written);
}

static int is_spec(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot != NULL && strcmp(dot, ".screen") == 0;
}

int main(void)
{
	struct dirent **entries;
	int count = scandir(FOLDER, &entries, is_spec, alphasort);
	struct CMUnitTest *tests = calloc(count > 0 ? (size_t)count : 1, sizeof *tests);

	if (count <= 0 || tests == NULL) {
		(void)fputs("no specs in " FOLDER "; run it from the top folder\n", stderr);
		return 1;
	}
	for (int i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){.name = entries[i]->d_name,
			.test_func = test_screen,
			.initial_state = entries[i]->d_name};
	int failed = _cmocka_run_group_tests("screens", tests, (size_t)count, NULL, NULL);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	free(tests);
	return failed;
}
