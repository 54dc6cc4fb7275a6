#include "tui/tui.h"

#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "text/text.h"
#include "tui/model.h"
#include "tui/screen.h"
#include "tui/view.h"

enum { REDRAW_MS = 250 };

struct tui {
	struct feed *feed;
	const struct tui_options *options;
	struct screen *screen;
	struct grid grid;
	struct model model;
	bool changed;
	bool leaving;
};

static int fit_grid(struct tui *tui, struct err *err)
{
	int columns, rows;

	screen_size(tui->screen, &columns, &rows);
	if (tui->grid.cells != NULL && columns == tui->grid.columns && rows == tui->grid.rows)
		return 0;
	grid_release(&tui->grid);
	tui->changed = true;
	return grid_init(&tui->grid, columns, rows, tui->options->ascii, err);
}

static int draw(struct tui *tui, struct err *err)
{
	int result = fit_grid(tui, err);

	if (result < 0 || !tui->changed)
		return result;
	view_draw(&tui->model, &tui->grid, clock_boottime());
	screen_draw(tui->screen, &tui->grid);
	tui->changed = false;
	return 0;
}

static int read_events(struct tui *tui, struct err *err)
{
	struct bytes line;
	int result = 0;

	while (!feed_ended(tui->feed) && (result = feed_next(tui->feed, &line, err)) > 0) {
		result = model_event(&tui->model, line, clock_boottime(), err);
		if (result < 0)
			return result;
		tui->changed = true;
	}
	return result < 0 ? result : 0;
}

/* The plan's page as text, for whoever wants to read it over before starting. */
static void save_plan(struct tui *tui)
{
	struct str text = STR_INIT;
	struct grid page = {0};
	struct err err;

	if (tui->options->plan_dirfd < 0 ||
		grid_init(&page, 120, 60, tui->options->ascii, &err) < 0)
		return;
	view_plan(&tui->model, &page,
		(struct area){.row = 0, .column = 0, .width = page.columns, .rows = page.rows});
	for (int row = 0; row < page.rows; row++) {
		grid_row_text(&page, row, &text);
		str_append_char(&text, '\n');
	}
	const char *outcome = "the plan is in offkit-plan.txt";
	if (str_check(&text, &err) < 0 ||
		file_write_durable_at(tui->options->plan_dirfd, "offkit-plan.txt", str_bytes(&text),
			0644, &err) < 0)
		outcome = "offkit-plan.txt could not be written here";
	model_note(&tui->model, outcome);
	str_release(&text);
	grid_release(&page);
}

static void act(struct tui *tui, const struct model_action *action)
{
	switch (action->kind) {
	case ACTION_NONE:
		break;
	case ACTION_ANSWER:
		feed_answer(tui->feed, action->question, action->choice);
		break;
	case ACTION_STOP:
		feed_request(tui->feed, FEED_STOP);
		break;
	case ACTION_PAUSE:
		feed_request(tui->feed, FEED_PAUSE);
		break;
	case ACTION_RESUME:
		feed_request(tui->feed, FEED_RESUME);
		break;
	case ACTION_SAVE_PLAN:
		save_plan(tui);
		break;
	case ACTION_QUIT:
		tui->leaving = true;
		break;
	}
}

static int step(struct tui *tui, struct err *err)
{
	int result = read_events(tui, err);

	if (result < 0)
		return result;
	result = draw(tui, err);
	if (result < 0)
		return result;
	if (feed_ended(tui->feed) && tui->model.end == NULL) {
		tui->leaving = true; /* it ended before a run began: the caller says why */
		return 0;
	}
	int fd = feed_ended(tui->feed) ? -1 : feed_fd(tui->feed);
	uint32_t key = screen_key(tui->screen, fd, REDRAW_MS);
	if (tui->options->interrupted(tui->options->argument)) {
		if (tui->model.end != NULL)
			tui->leaving = true;
		else
			feed_request(tui->feed, FEED_STOP);
	}
	if (key == MODEL_KEY_NONE)
		return 0;
	struct model_action action = model_key(&tui->model, key, clock_boottime());
	act(tui, &action);
	tui->changed = true;
	return 0;
}

int tui_run(struct feed *feed, const struct tui_options *options, struct err *err)
{
	struct tui tui = {.feed = feed, .options = options, .changed = true};
	int result = screen_open(options->color, &tui.screen, err);

	if (result < 0)
		return result;
	model_init(&tui.model);
	while (result == 0 && !tui.leaving)
		result = step(&tui, err);
	screen_close(tui.screen);
	model_release(&tui.model);
	grid_release(&tui.grid);
	return result;
}
