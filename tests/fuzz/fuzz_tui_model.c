/*
 * Events and keys, a line each, and the screen after each of them: nothing that a terminal obeys is
 * ever on it.
 *
 *	{...}		an event
 *	=WHAT		keys, each octet one; 1 to 4 are those that are no characters
 *	+WHAT		another size, ASCII or not
 */
#include <string.h>

#include "base/cleanup.h"
#include "tests/fuzz/aid.h"
#include "text/text.h"
#include "tui/view.h"

enum { LINES_MAX = 64, KEYS_MAX = 16 };

static void row_is_harmless(const struct grid *grid, int row)
{
	CLEANUP_STR struct str text = STR_INIT;

	grid_row_text(grid, row, &text);
	HOLDS(utf8_valid(str_bytes(&text)));
	for (size_t i = 0; i < text.size; i++)
		HOLDS((unsigned char)text.text[i] >= 0x20 && text.text[i] != 0x7f);
}

static void draw(struct model *model, const struct grid *size, int64_t now)
{
	struct grid grid;
	struct err err;

	HOLDS(grid_init(&grid, size->columns, size->rows, size->ascii, &err) == 0);
	int limit = view_draw(model, &grid, now);
	HOLDS(limit >= 0);
	model_scroll_limit(model, limit);
	for (int row = 0; row < grid.rows; row++)
		row_is_harmless(&grid, row);
	grid_release(&grid);
}

static void press(struct model *model, struct bytes keys, int64_t now)
{
	for (size_t i = 1; i < keys.size && i < KEYS_MAX; i++) {
		uint32_t key = keys.data[i];
		if (key >= 1 && key <= 4)
			key = MODEL_KEY_UP + key - 1;
		struct model_action action =
			key == 5 ? model_interrupt(model, now) : model_key(model, key, now);
		HOLDS(action.kind != ACTION_ANSWER ||
			(action.question != NULL && action.choice != NULL));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct model model;
	struct bytes rest = bytes_make(data, size);
	struct grid shape = {.columns = 80, .rows = 24};
	int64_t now = 0;
	struct err err;

	model_init(&model, NULL);
	for (int lines = 0; rest.size > 0 && lines < LINES_MAX; lines++) {
		const uint8_t *feed = memchr(rest.data, '\n', rest.size);
		size_t length = feed != NULL ? (size_t)(feed - rest.data) : rest.size;
		struct bytes line = bytes_make(rest.data, length);
		if (octet_of(line, 0) == '=') {
			press(&model, line, now);
		} else if (octet_of(line, 0) == '+') {
			shape.columns = 1 + (int)octet_of(line, 1);
			shape.rows = 1 + (int)octet_of(line, 2) % 100;
			shape.ascii = (octet_of(line, 3) & 1) != 0;
			model.language = language_by_locale(
				(octet_of(line, 3) & 2) != 0 ? "de" : "en", true);
		} else {
			int rc = model_event(&model, line, now, &err);
			HOLDS(rc == 0 || rc == -ERR_SYNTAX);
		}
		now += 1000;
		draw(&model, &shape, now);
		size_t taken = feed != NULL ? length + 1 : length;
		rest = bytes_make(rest.data + taken, rest.size - taken);
	}
	CLEANUP_STR struct str summary = STR_INIT;
	view_summary(&model, &summary);
	model_release(&model);
	return 0;
}
