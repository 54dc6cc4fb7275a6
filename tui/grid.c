#include "tui/grid.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/text.h"

/* The ASCII forms of the signs that the views use; everything else that is not ASCII becomes "?".
 */
static const struct {
	const char *sign;
	const char *ascii;
} signs[] = {
	{"─", "-"},
	{"✓", "+"},
	{"✗", "x"},
	{"▸", ">"},
	{"·", "."},
	{"█", "#"},
	{"…", "..."},
	{"▏", " "},
	{"▎", " "},
	{"▍", " "},
	{"▌", "#"},
	{"▋", "#"},
	{"▊", "#"},
	{"▉", "#"},
	{"×", "x"},
	{"▀", "#"},
	{"▄", "#"},
};

int grid_init(struct grid *grid, int columns, int rows, bool ascii, struct err *err)
{
	if (columns < 1 || columns > GRID_COLUMNS_MAX)
		columns = columns < 1 ? 1 : GRID_COLUMNS_MAX;
	if (rows < 1 || rows > GRID_ROWS_MAX)
		rows = rows < 1 ? 1 : GRID_ROWS_MAX;
	struct cell *cells = calloc((size_t)columns * (size_t)rows, sizeof *cells);
	if (cells == NULL)
		return err_no_memory(err);
	*grid = (struct grid){.columns = columns, .rows = rows, .ascii = ascii, .cells = cells};
	grid_clear(grid);
	return 0;
}

void grid_release(struct grid *grid)
{
	free(grid->cells);
	*grid = (struct grid){0};
}

void grid_clear(struct grid *grid)
{
	grid_clip(grid, grid->columns, 0, grid->rows);
	for (int i = 0; i < grid->columns * grid->rows; i++)
		grid->cells[i] = (struct cell){.text = " ", .look = LOOK_PLAIN};
}

void grid_clip(struct grid *grid, int column_end, int row_begin, int row_end)
{
	grid->row_begin = row_begin > 0 ? row_begin : 0;
	grid->column_end = column_end < grid->columns ? column_end : grid->columns;
	grid->row_end = row_end < grid->rows ? row_end : grid->rows;
}

static struct cell *cell_at(struct grid *grid, int row, int column)
{
	if (row < grid->row_begin || row >= grid->row_end || column < 0 ||
		column >= grid->column_end)
		return NULL;
	return &grid->cells[row * grid->columns + column];
}

/* ---- one character as it is shown */

enum { SHOWN_SIZE = 16 };

struct shown {
	char text[SHOWN_SIZE];
	int columns; /* 0: a mark that joins the character before it */
	bool whole;  /* one character, not one cell an octet */
};

static const char *sign_in_ascii(const char *character)
{
	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (strcmp(signs[i].sign, character) == 0)
			return signs[i].ascii;
	return NULL;
}

/* What a terminal would obey instead of showing it comes back as its escape. */
static void escape(struct shown *shown)
{
	char based[SHOWN_SIZE + 1];
	struct str safe = STR_INIT;
	struct err err;

	(void)snprintf(based, sizeof based, "a%s", shown->text); /* a mark needs a base */
	text_escape(&safe, bytes_of_string(based), 0);
	bool failed = str_check(&safe, &err) < 0;
	shown->whole = !failed && strcmp(str_text(&safe), based) == 0;
	if (!shown->whole) {
		(void)snprintf(
			shown->text, sizeof shown->text, "%s", failed ? "?" : str_text(&safe) + 1);
		shown->columns = (int)strlen(shown->text);
	}
	str_release(&safe);
}

static void replace_by_ascii(struct shown *shown)
{
	const char *ascii = sign_in_ascii(shown->text);

	(void)snprintf(shown->text, sizeof shown->text, "%s",
		ascii != NULL	      ? ascii
		: shown->columns == 0 ? ""
		: shown->columns == 2 ? "??"
				      : "?");
	shown->columns = (int)strlen(shown->text);
	shown->whole = false;
}

/* Returns the octets that it took of the text, 0 at its end. */
static size_t show_next(const struct grid *grid, const char *text, struct shown *shown)
{
	uint32_t character;
	/* No more than a character is looked at: a text may be megabytes long. */
	size_t size = utf8_next(bytes_make(text, strnlen(text, 4)), 0, &character);

	if (size == 0)
		return 0;
	*shown = (struct shown){.columns = 1, .whole = true};
	memcpy(shown->text, text, size);
	if (character >= ' ' && character < 0x7F)
		return size;
	shown->columns = (int)text_width(shown->text);
	if (sign_in_ascii(shown->text) == NULL)
		escape(shown);
	if (grid->ascii && shown->whole)
		replace_by_ascii(shown);
	return size;
}

size_t grid_fit(const struct grid *grid, const char *text, int width, int *ret_columns)
{
	struct shown shown;
	size_t offset = 0, size;
	int columns = 0;

	while ((size = show_next(grid, text + offset, &shown)) > 0) {
		if (columns + shown.columns > width)
			break;
		columns += shown.columns;
		offset += size;
	}
	*ret_columns = columns;
	return offset;
}

int grid_width(const struct grid *grid, const char *text)
{
	int columns;

	(void)grid_fit(grid, text, INT_MAX, &columns);
	return columns;
}

/* ---- writing */

/* Half of a wide character is none: its other half becomes a blank. */
static void part_wide(struct grid *grid, int row, int column)
{
	struct cell *cell = cell_at(grid, row, column);
	struct cell *before = cell_at(grid, row, column - 1);
	struct cell *behind = cell_at(grid, row, column + 1);

	if (cell == NULL)
		return;
	if (cell->text[0] == '\0' && before != NULL)
		(void)strcpy(before->text, " ");
	else if (behind != NULL && behind->text[0] == '\0')
		(void)strcpy(behind->text, " ");
}

static void put_cell(struct grid *grid, int row, int column, enum look look, const char *text)
{
	struct cell *cell = cell_at(grid, row, column);

	if (cell == NULL)
		return;
	part_wide(grid, row, column);
	*cell = (struct cell){.look = look};
	(void)snprintf(cell->text, sizeof cell->text, "%s", text);
}

static size_t count_characters(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += (*text & 0xC0) != 0x80;
	return count;
}

/* A tower of them would stand in the rows above: what is too much is left out. */
static void join_mark(struct grid *grid, int row, int column, const char *text)
{
	struct cell *cell = cell_at(grid, row, column);

	if (cell != NULL && cell->text[0] == '\0')
		cell = cell_at(grid, row, column - 1);
	if (cell != NULL && count_characters(cell->text) <= TEXT_MARKS_MAX &&
		strlen(cell->text) + strlen(text) < sizeof cell->text)
		(void)strcat(cell->text, text);
}

static void put_shown(
	struct grid *grid, int row, int column, enum look look, const struct shown *shown)
{
	if (!shown->whole) {
		for (int i = 0; i < shown->columns; i++)
			put_cell(grid, row, column + i, look, (char[]){shown->text[i], '\0'});
		return;
	}
	put_cell(grid, row, column, look, shown->text);
	if (shown->columns == 2)
		put_cell(grid, row, column + 1, look, "");
}

int grid_put(struct grid *grid, int row, int column, int width, enum look look, const char *text)
{
	int end =
		width < 0 || column + width > grid->column_end ? grid->column_end : column + width;
	struct shown shown;
	int begin = column;
	size_t size;

	while ((size = show_next(grid, text, &shown)) > 0) {
		if (column + shown.columns > end)
			break;
		if (shown.columns > 0)
			put_shown(grid, row, column, look, &shown);
		else if (shown.whole && column > begin)
			join_mark(grid, row, column - 1, shown.text);
		column += shown.columns;
		text += size;
	}
	return column;
}

int grid_put_short(
	struct grid *grid, int row, int column, int width, enum look look, const char *text)
{
	int columns;

	if (grid_width(grid, text) <= width)
		return grid_put(grid, row, column, width, look, text);
	(void)grid_fit(grid, text, width - grid_width(grid, "…"), &columns);
	column = grid_put(grid, row, column, columns, look, text);
	return grid_put(grid, row, column, -1, look, "…");
}

int grid_put_right(struct grid *grid, int row, int column_end, enum look look, const char *text)
{
	int column = column_end - grid_width(grid, text);

	return grid_put(grid, row, column < 0 ? 0 : column, column_end, look, text);
}

int grid_put_format(struct grid *grid, int row, int column, enum look look, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return grid_put(grid, row, column, -1, look, text);
}

void grid_rule(struct grid *grid, int row)
{
	for (int column = 0; column < grid->columns; column++)
		(void)grid_put(grid, row, column, 1, LOOK_DIM, "─");
}

/* A word longer than a line (a path) is cut into lines of its own; the rest goes on as a word. */
static int wrap_long_word(
	struct grid *grid, int row, int column, int width, enum look look, char *word)
{
	while (grid_width(grid, word) > width) {
		int columns;
		size_t fit = grid_fit(grid, word, width, &columns);
		if (fit == 0)
			break;
		(void)grid_put(grid, row++, column, width, look, word);
		memmove(word, word + fit, strlen(word + fit) + 1);
	}
	return row;
}

int grid_wrap(struct grid *grid, int row, int column, int width, enum look look, const char *text)
{
	int at = 0;

	while (*text != '\0') {
		size_t size = strcspn(text, " ");
		char word[GRID_WORD_MAX + 1];
		if (size > GRID_WORD_MAX)
			size = GRID_WORD_MAX;
		memcpy(word, text, size);
		word[size] = '\0';
		int columns = grid_width(grid, word);
		if (at > 0 && at + 1 + columns > width) {
			row++;
			at = 0;
		}
		if (columns > width) {
			row = wrap_long_word(grid, row, column, width, look, word);
			columns = grid_width(grid, word);
		}
		at += at > 0 ? 1 : 0;
		(void)grid_put(grid, row, column + at, width - at, look, word);
		at += columns;
		text += size;
		text += strspn(text, " ");
	}
	return at > 0 ? row + 1 : row;
}

void grid_bar(struct grid *grid, int row, int column, int width, double share)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	double clamped = share < 0 ? 0 : share > 1 ? 1 : share;
	int filled = (int)(clamped * width * 8 + 0.5);

	for (int i = 0; i < width; i++) {
		int part = filled - i * 8;
		if (part >= 8)
			(void)grid_put(grid, row, column + i, 1, LOOK_ACCENT, "█");
		else if (part > 0)
			(void)grid_put(grid, row, column + i, 1, LOOK_ACCENT, eighths[part]);
	}
}

void grid_row_text(const struct grid *grid, int row, struct str *out)
{
	size_t begin = out->size, end = begin;

	for (int column = 0; column < grid->columns; column++) {
		const struct cell *cell = &grid->cells[row * grid->columns + column];
		str_append_text(out, cell->text);
		if (cell->text[0] != '\0' && strcmp(cell->text, " ") != 0)
			end = out->size;
	}
	str_truncate(out, end);
}
