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
	int64_t second; /* that is drawn: the time of a step runs on */
	bool changed;
	bool asked; /* a question came that has not been drawn yet */
	bool terminating;
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
	int64_t now = clock_boottime();
	int result = fit_grid(tui, err);

	if (result < 0 || (!tui->changed && now / 1000 == tui->second))
		return result;
	model_scroll_limit(&tui->model, view_draw(&tui->model, &tui->grid, now));
	screen_draw(tui->screen, &tui->grid);
	/* A key that was pressed for the page before does not answer this one. */
	if (tui->asked)
		screen_forget_keys(tui->screen);
	tui->asked = tui->changed = false;
	tui->second = now / 1000;
	return 0;
}

static int read_events(struct tui *tui, struct err *err)
{
	struct bytes line;
	int result = 0;

	while (!feed_ended(tui->feed) && (result = feed_next(tui->feed, &line, err)) > 0) {
		const struct json *question = tui->model.question.event;
		bool watching = tui->model.watching;
		result = model_event(&tui->model, line, clock_boottime(), err);
		if (result < 0)
			return result;
		tui->changed = true;
		if (tui->model.question.event != NULL &&
			(tui->model.question.event != question || tui->model.watching != watching))
			tui->asked = true;
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
		(struct area){.row = 0,
			.column = 0,
			.width = page.columns,
			.rows = page.rows,
			.language = tui->options->language});
	for (int row = 0; row < page.rows; row++) {
		grid_row_text(&page, row, &text);
		str_append_char(&text, '\n');
	}
	enum message outcome = MSG_PLAN_SAVED;
	if (str_check(&text, &err) < 0 ||
		file_write_durable_at(tui->options->plan_dirfd, "offkit-plan.txt", str_bytes(&text),
			0644, &err) < 0)
		outcome = MSG_PLAN_NOT_SAVED;
	model_note(&tui->model, message_text(tui->options->language, outcome));
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
	case ACTION_COMMAND:
		feed_request(tui->feed, FEED_TAKE_COMMAND);
		break;
	case ACTION_SAVE_PLAN:
		save_plan(tui);
		break;
	case ACTION_DETACH:
	case ACTION_QUIT:
		/* How the run ended is known a moment after it is shown. */
		if (tui->model.end.event != NULL && !feed_ended(tui->feed))
			tui->model.left = true;
		else
			tui->leaving = true;
		break;
	}
}

static void take_signal(struct tui *tui)
{
	enum tui_signal signal = tui->options->signalled(tui->options->argument);

	if (signal == TUI_NO_SIGNAL)
		return;
	if (signal == TUI_HANGUP) {
		tui->leaving = true;
		return;
	}
	struct model_action action = model_interrupt(&tui->model, clock_boottime());
	if (signal == TUI_TERMINATE && action.kind == ACTION_STOP)
		feed_request(tui->feed, FEED_SHUTDOWN);
	else
		act(tui, &action);
	tui->terminating = tui->terminating || signal == TUI_TERMINATE;
	tui->changed = true;
}

static int step(struct tui *tui, struct err *err)
{
	uint32_t key;
	int result = read_events(tui, err);

	if (result == 0)
		result = draw(tui, err);
	if (result < 0)
		return result;
	bool ended = feed_ended(tui->feed);
	/* One that ended before it began is the caller's to explain. */
	if (ended && (tui->terminating || tui->model.left || tui->model.end.event == NULL)) {
		tui->leaving = true;
		return 0;
	}
	result = screen_key(tui->screen, ended ? -1 : feed_fd(tui->feed), REDRAW_MS, &key, err);
	if (result < 0)
		return result;
	take_signal(tui);
	if (key == MODEL_KEY_NONE || !view_fits(&tui->grid))
		return 0;
	struct model_action action = model_key(&tui->model, key, clock_boottime());
	act(tui, &action);
	tui->changed = true;
	return 0;
}

int tui_run(
	struct feed *feed, const struct tui_options *options, struct str *summary, struct err *err)
{
	struct tui tui = {.feed = feed, .options = options, .changed = true};
	int result = screen_open(options->color, &tui.screen, err);

	if (result < 0)
		return result;
	model_init(&tui.model, options->language);
	while (result == 0 && !tui.leaving)
		result = step(&tui, err);
	screen_close(tui.screen);
	if (result == 0)
		view_summary(&tui.model, summary);
	model_release(&tui.model);
	grid_release(&tui.grid);
	return result;
}
