/*
 * view: draws a model into a grid: a pure function of both and of the time.
 */
#ifndef OFFKIT_TUI_VIEW_H
#define OFFKIT_TUI_VIEW_H

#include "tui/grid.h"
#include "tui/model.h"

enum { VIEW_COLUMNS_MIN = 80, VIEW_ROWS_MIN = 24, VIEW_WIDE = 120 };

/* Whether the grid is large enough for the pages; keys are not obeyed while nothing is seen. */
bool view_fits(const struct grid *grid);

/*
 * The whole screen; returns how far the subject can be scrolled (model_scroll_limit). A grid that
 * is too small gets the request to enlarge the window.
 */
int view_draw(const struct model *model, struct grid *grid, int64_t now);

/* What remains to be said on the ordinary screen when the pages are gone: some lines. */
void view_summary(const struct model *model, struct str *out);

/* ---- between the views */

/* Where a subject may write, and in which language: the right column. */
struct area {
	int row, column, width, rows;
	const struct language *language;
};

static inline const char *say(struct area area, enum message which)
{
	return message_text(area.language, which);
}

void view_kit(const struct model *model, struct grid *grid, struct area area);
void view_plan(const struct model *model, struct grid *grid, struct area area);
void view_gate(const struct model *model, struct grid *grid, struct area area);
void view_work(const struct model *model, struct grid *grid, struct area area);
void view_failure(const struct model *model, struct grid *grid, struct area area);
void view_question(const struct model *model, struct grid *grid, struct area area);
void view_end(const struct model *model, struct grid *grid, struct area area);

/* Lists, from line first on; they return how far they can be scrolled. */
int view_help(const struct model *model, struct grid *grid, struct area area, int first);
int view_log(const struct model *model, struct grid *grid, struct area area, int first);
int view_qr(const struct model *model, struct grid *grid, struct area area, int first);
int view_details(const struct model *model, struct grid *grid, struct area area, int first);

/* The step that the right column is about, NULL if none. */
const struct model_step *view_step(const struct model *model);

enum { VIEW_LABEL_WIDTH = 11 };

/* "Takes      about 6 min": a label, wrapped text behind it; returns the row behind them. */
int view_labelled(
	struct grid *grid, struct area area, int row, const char *label, const char *text);

/* The same of a text of the record. */
int view_labelled_record(
	struct grid *grid, struct area area, int row, const char *label, const char *text);

/* A text of the record, wrapped, in the area's language as far as it is known there; returns the
 * row behind it. */
int view_record(struct grid *grid, struct area area, int row, enum look look, const char *text);

/* What the checks found, what did not pass first, in so many rows at most. */
int view_checks(const struct model *model, struct grid *grid, struct area area, int row, int rows);

/* The sign and look of a check's outcome; "" for an outcome that is not known. */
const char *view_outcome(const struct json *check, enum look *ret_look);

#endif
