#include "tui/grid.h"

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
	for (int i = 0; i < grid->columns * grid->rows; i++)
		grid->cells[i] = (struct cell){.text = " ", .look = LOOK_PLAIN};
}

static struct cell *cell_at(struct grid *grid, int row, int column)
{
	if (row < 0 || row >= grid->rows || column < 0 || column >= grid->columns)
		return NULL;
	return &grid->cells[row * grid->columns + column];
}

static const char *ascii_form(const char *character, size_t size)
{
	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (strlen(signs[i].sign) == size && memcmp(signs[i].sign, character, size) == 0)
			return signs[i].ascii;
	return "?";
}

/* One character of known width; a mark of width 0 joins the cell before it. */
static void put_character(struct grid *grid, int row, int column, int width, enum look look,
	const char *character, size_t size)
{
	struct cell *cell = cell_at(grid, row, width == 0 ? column - 1 : column);

	if (cell == NULL)
		return;
	size_t used = width == 0 ? strlen(cell->text) : 0;
	if (used + size >= sizeof cell->text)
		return;
	memcpy(cell->text + used, character, size);
	cell->text[used + size] = '\0';
	if (width > 0)
		cell->look = look;
	struct cell *second = width == 2 ? cell_at(grid, row, column + 1) : NULL;
	if (second != NULL)
		*second = (struct cell){.text = "", .look = look};
}

int grid_put(struct grid *grid, int row, int column, int width, enum look look, const char *text)
{
	int end = width < 0 || column + width > grid->columns ? grid->columns : column + width;
	struct bytes bytes = bytes_of_string(text);
	uint32_t character;
	size_t offset = 0, size;

	while ((size = utf8_next(bytes, offset, &character)) > 0) {
		char one[8] = {0};
		memcpy(one, text + offset, size);
		offset += size;
		const char *shown = one;
		if (grid->ascii && character > 0x7E)
			shown = ascii_form(one, size);
		int columns = (int)text_width(shown);
		if (column + columns > end)
			break;
		if (shown == one) {
			put_character(grid, row, column, columns, look, one, size);
		} else {
			for (const char *c = shown; *c != '\0'; c++)
				put_character(grid, row, column + (int)(c - shown), 1, look, c, 1);
		}
		column += columns;
	}
	return column;
}

int grid_put_right(struct grid *grid, int row, int column_end, enum look look, const char *text)
{
	int column = column_end - (int)text_width(text);

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

int grid_wrap(struct grid *grid, int row, int column, int width, enum look look, const char *text)
{
	int at = 0;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");
		char one[GRID_COLUMNS_MAX * 4 + 1];
		size_t size = word < sizeof one ? word : sizeof one - 1;
		memcpy(one, text, size);
		one[size] = '\0';
		int columns = (int)text_width(one);
		/* A word longer than a line (a path) is cut into lines of its own. */
		while (columns > width) {
			if (at > 0) {
				row++;
				at = 0;
			}
			size_t fit = text_cut(one, (size_t)width);
			(void)grid_put(grid, row++, column, width, look, one);
			if (fit == 0)
				break;
			memmove(one, one + fit, strlen(one + fit) + 1);
			columns = (int)text_width(one);
		}
		if (at > 0 && at + 1 + columns > width) {
			row++;
			at = 0;
		}
		at += at > 0 ? 1 : 0;
		(void)grid_put(grid, row, column + at, width - at, look, one);
		at += columns;
		text += word;
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
