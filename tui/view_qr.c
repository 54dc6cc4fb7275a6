/*
 * The hash of the report as a QR code, so that it gets off this machine without being typed.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "qr/qr.h"
#include "tui/view.h"

enum { HASH_COLUMNS = 8, HASH_ROWS = 3, GAP = 2 };

static void draw_code(const struct qr *qr, bool swapped, struct grid *grid, struct area area)
{
	for (int row = 0; row < qr_rows(qr, grid->ascii); row++) {
		CLEANUP_STR struct str text = STR_INIT;
		qr_row(qr, row, grid->ascii, swapped, &text);
		(void)grid_put(
			grid, area.row + row, area.column, area.width, LOOK_PLAIN, str_text(&text));
	}
}

/* The hash with it, so that what was read can be compared: so many groups of digits in a line. */
static void draw_hash(const char *hash, int groups, struct grid *grid, int row, int column)
{
	(void)grid_put(grid, row, column, HASH_COLUMNS, LOOK_DIM, "sha256");
	for (int i = 0; i < 8; i++)
		(void)grid_put_format(grid, row + 1 + i / groups,
			column + i % groups * (HASH_COLUMNS + 1), LOOK_BOLD, "%.8s",
			hash + (size_t)i * 8);
}

int view_qr(const struct model *model, struct grid *grid, struct area area, int first)
{
	const char *hash = event_text(model->end.event, "reportHash");
	struct qr qr;
	struct err err;

	(void)first;
	if (strlen(hash) < 64)
		return 0;
	bool made = qr_make(hash, &qr, &err) == 0;
	int width = made ? qr_columns(&qr, grid->ascii) : 0;
	int rows = made ? qr_rows(&qr, grid->ascii) : 0;
	bool beside = width + GAP + HASH_COLUMNS <= area.width;
	if (!made || width > area.width || rows + (beside ? 0 : HASH_ROWS) > area.rows) {
		char text[200];
		message_format(text, sizeof text, area.language, MSG_QR_TOO_LARGE,
			area.column + width + 1, grid->rows - area.rows + rows + HASH_ROWS,
			grid->columns, grid->rows);
		draw_hash(hash, 4, grid, area.row, area.column);
		if (made)
			(void)grid_wrap(grid, area.row + HASH_ROWS + 1, area.column, area.width,
				LOOK_PLAIN, text);
		return 0;
	}
	draw_code(&qr, model->details == 's', grid, area);
	if (beside)
		draw_hash(hash, 1, grid, area.row, area.column + width + GAP);
	else
		draw_hash(hash, 4, grid, area.row + rows, area.column);
	return 0;
}
