/*
 * view: draws a model into a grid: a pure function of both and of the time.
 */
#ifndef OFFKIT_TUI_VIEW_H
#define OFFKIT_TUI_VIEW_H

#include "tui/grid.h"
#include "tui/model.h"

enum { VIEW_COLUMNS_MIN = 80, VIEW_ROWS_MIN = 24, VIEW_WIDE = 120 };

/* The whole screen. A grid smaller than 80x24 gets the request to enlarge the window. */
void view_draw(const struct model *model, struct grid *grid, int64_t now);

/* Where a subject may write: the right column. */
struct area {
	int row, column, width, rows;
};

/* One subject each; view.c has the table that says which. */
void view_kit(const struct model *model, struct grid *grid, struct area area);
void view_plan(const struct model *model, struct grid *grid, struct area area);
void view_gate(const struct model *model, struct grid *grid, struct area area);
void view_work(const struct model *model, struct grid *grid, struct area area);
void view_failure(const struct model *model, struct grid *grid, struct area area);
void view_question(const struct model *model, struct grid *grid, struct area area);
void view_end(const struct model *model, struct grid *grid, struct area area);
void view_help(const struct model *model, struct grid *grid, struct area area);
void view_log(const struct model *model, struct grid *grid, struct area area);
void view_details(const struct model *model, struct grid *grid, struct area area);

/* The step that the right column is about, NULL if none. */
const struct model_step *view_step(const struct model *model);

#endif
