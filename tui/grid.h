/*
 * grid: a screen as cells, which a view writes, a test reads, and one file (screen.c) draws.
 *
 * Columns and rows count from 0 at the top left. Writing outside is cut, never an error. Wide
 * characters take two cells, the second of which is empty (width 0).
 */
#ifndef OFFKIT_TUI_GRID_H
#define OFFKIT_TUI_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum { GRID_COLUMNS_MAX = 400, GRID_ROWS_MAX = 200, CELL_TEXT_MAX = 24, GRID_WORD_MAX = 1600 };

/* What a cell means, not what it looks like: screen.c maps it to the terminal's abilities. */
enum look {
	LOOK_PLAIN,
	LOOK_DIM,    /* what is not now */
	LOOK_BOLD,   /* titles */
	LOOK_ACCENT, /* the current step, the only colour of the calm screen */
	LOOK_FAILED, /* what failed */
	LOOK_NOTICE, /* "!" */
};

struct cell {
	char text[CELL_TEXT_MAX]; /* one character with its combining marks; "" behind a wide one */
	enum look look;
};

struct grid {
	int columns, rows;
	int column_end, row_end; /* nothing is written from there on, */
	int row_begin;		 /* nor before it */
	bool ascii;		 /* signs are replaced by their ASCII forms when written */
	struct cell *cells;
};

MUST_CHECK int grid_init(struct grid *grid, int columns, int rows, bool ascii, struct err *err);
void grid_release(struct grid *grid);
void grid_clear(struct grid *grid); /* and ends the clipping */
void grid_clip(struct grid *grid, int column_end, int row_begin, int row_end);

/* Columns that the text takes on this grid, and how many of its octets fit into width columns. */
int grid_width(const struct grid *grid, const char *text);
size_t grid_fit(const struct grid *grid, const char *text, int width, int *ret_columns);

/*
 * Writes valid UTF-8; returns the column behind it. width -1: as much as fits. What a terminal
 * would obey instead of showing it (controls, invisible characters) is written as its escape, so
 * no text that came from outside needs to be trusted.
 */
int grid_put(struct grid *grid, int row, int column, int width, enum look look, const char *text);
/* What does not fit ends with an ellipsis. */
int grid_put_short(
	struct grid *grid, int row, int column, int width, enum look look, const char *text);
int grid_put_right(struct grid *grid, int row, int column_end, enum look look, const char *text);
int grid_put_format(struct grid *grid, int row, int column, enum look look, const char *format, ...)
	PRINTF_LIKE(5, 6);
void grid_rule(struct grid *grid, int row); /* a thin line over the whole width */

/* Words wrapped into width; returns the row behind the text. */
int grid_wrap(struct grid *grid, int row, int column, int width, enum look look, const char *text);

/* A bar of eighths of a cell (whole cells in ASCII); share 0 to 1. */
void grid_bar(struct grid *grid, int row, int column, int width, double share);

/* The text of a row without trailing blanks, for tests and pictures. */
void grid_row_text(const struct grid *grid, int row, struct str *out);

#endif
