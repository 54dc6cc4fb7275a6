/*
 * The pages of the work: a step at work, a failure and its choices, questions.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "text/text.h"
#include "tui/view.h"

/* ---- a step at work */

static bool counts_in(const struct json *progress, const char *unit)
{
	return strcmp(event_text(progress, "unit"), unit) == 0;
}

/* They fit into the same room. */
static const char *amount(
	const struct json *progress, int64_t value, char text[static TEXT_AMOUNT_SIZE])
{
	return text_amount(value, event_text(progress, "unit"), text);
}

static const char *unit_of(const struct json *progress)
{
	if (counts_in(progress, "octets") || counts_in(progress, "milliseconds"))
		return "";
	return event_text(progress, "unit");
}

static int work_bar(const struct json *progress, struct grid *grid, struct area area, int row)
{
	char done[TEXT_SIZE_SIZE], total[TEXT_SIZE_SIZE], percent[8], text[256];
	int64_t have = event_integer(progress, "done", 0);
	int64_t all = event_integer(progress, "total", 0);
	const char *unit = unit_of(progress);

	(void)amount(progress, have, done);
	if (all <= 0) {
		(void)grid_put_format(grid, row, area.column, LOOK_PLAIN, "%s %s", done, unit);
		return row + 1;
	}
	double share = (double)have / (double)all;
	/* 100 % is only said when it is. */
	int hundredths = have >= all ? 100 : share < 0 ? 0 : (int)(share * 100);
	grid_bar(grid, row, area.column, area.width - 6, share);
	(void)snprintf(percent, sizeof percent, "%3d %%", hundredths);
	(void)grid_put_right(grid, row, area.column + area.width, LOOK_PLAIN, percent);
	message_format(text, sizeof text, area.language, MSG_DONE_OF, done,
		amount(progress, all, total), unit[0] != '\0' ? " " : "", unit);
	(void)grid_put(grid, row + 1, area.column, -1, LOOK_PLAIN, text);
	return row + 2;
}

enum { RATE_WIDTH = 7 };

/* Nobody waits so long: it is the estimate that is wrong. */
#define LEFT_MAX ((int64_t)100 * 24 * 3600 * 1000)

static int work_rate(const struct json *progress, struct grid *grid, struct area area, int row)
{
	const struct json *rate = json_member(progress, "rate");
	double speed = rate != NULL && json_type(rate) == JSON_NUMBER ? json_number(rate) : 0;
	int64_t left = event_integer(progress, "left", -1);
	char number[TEXT_SIZE_SIZE], text[64];

	if (speed > 0 && !counts_in(progress, "milliseconds")) {
		int64_t whole = speed > 1e15 ? (int64_t)1e15 : speed < 1 ? 1 : (int64_t)speed;
		(void)snprintf(
			text, sizeof text, "%*s /s", RATE_WIDTH, amount(progress, whole, number));
		(void)grid_put(grid, row, area.column, -1, LOOK_DIM, say(area, MSG_RATE));
		(void)grid_put(grid, row, area.column + VIEW_LABEL_WIDTH, -1, LOOK_PLAIN, text);
	}
	if (left >= 0 && left < LEFT_MAX) {
		message_format(
			text, sizeof text, area.language, MSG_LEFT, text_duration(left, number));
		(void)grid_put_right(grid, row, area.column + area.width, LOOK_PLAIN, text);
	}
	return speed > 0 || left >= 0 ? row + 1 : row;
}

static int work_figures(const struct json *progress, struct grid *grid, struct area area, int row)
{
	char a[TEXT_COUNT_SIZE], b[TEXT_COUNT_SIZE], text[128];
	int64_t lag = event_integer(progress, "lag", -1);
	int64_t batch = event_integer(progress, "batch", 0);
	int64_t batches = event_integer(progress, "batches", 0);

	row = work_rate(progress, grid, area, row);
	if (batch > 0) {
		(void)text_count(batches, b);
		message_format(text, sizeof text, area.language, MSG_BATCH_OF,
			(int)strlen(b) > RATE_WIDTH ? (int)strlen(b) : RATE_WIDTH,
			text_count(batch, a), b);
		(void)grid_put(grid, row, area.column, -1, LOOK_DIM, say(area, MSG_BATCH));
		(void)grid_put(grid, row, area.column + VIEW_LABEL_WIDTH, -1, LOOK_PLAIN, text);
		message_format(text, sizeof text, area.language, MSG_BATCH_SIZE,
			text_count(event_integer(progress, "batchSize", 0), a));
		(void)grid_put_right(grid, row++, area.column + area.width, LOOK_PLAIN, text);
	}
	if (lag >= 0) {
		(void)snprintf(text, sizeof text, "%*s", RATE_WIDTH + 2, text_duration(lag, a));
		(void)grid_put(grid, row, area.column, -1, LOOK_DIM, say(area, MSG_OPLOG_LAG));
		(void)grid_put(grid, row++, area.column + VIEW_LABEL_WIDTH, -1, LOOK_PLAIN, text);
	}
	return row;
}

static int work_counters(const struct json *progress, struct grid *grid, struct area area, int row)
{
	const struct json *counters = json_member(progress, "counters");
	char count[TEXT_COUNT_SIZE];

	if (counters == NULL)
		return row;
	for (const struct json *c = json_first(counters); c != NULL; c = json_next(c)) {
		char name[64];
		(void)snprintf(name, sizeof name, "%s", event_text(c, "name"));
		if (name[0] >= 'a' && name[0] <= 'z')
			name[0] = (char)(name[0] - 'a' + 'A');
		(void)grid_put_short(grid, row, area.column, 22, LOOK_PLAIN, name);
		(void)grid_put_right(grid, row++, area.column + 36, LOOK_PLAIN,
			text_count(event_integer(c, "value", 0), count));
	}
	return row;
}

static enum message work_state(const struct model *model)
{
	if (model->stopping)
		return MSG_STOPPING_SAFELY;
	if (model->paused)
		return MSG_PAUSED;
	if (model->waiting)
		return MSG_WAITING_FOR_SERVER;
	return model->pausing ? MSG_PAUSING : MSG_NONE;
}

static void draw_newest_lines(
	const struct model *model, struct grid *grid, struct area area, int row)
{
	char time[RFC3339_SIZE];
	const struct model_line *line;
	int end = area.row + area.rows - 1;

	end = grid->columns >= VIEW_WIDE ? row : end; /* the log has a column of its own there */
	for (size_t i = 0; row < end && (line = model_log(model, i)) != NULL; i++, row++) {
		time_format(line->time, time);
		(void)grid_put_format(grid, row, area.column, LOOK_DIM, "%.8s", time + 11);
		(void)grid_put_short(grid, row, area.column + 10, area.width - 10,
			line->failed ? LOOK_FAILED : LOOK_DIM, line->text);
	}
}

static void draw_title(const struct model *model, const struct model_step *step, struct grid *grid,
	struct area area)
{
	const char *state = say(area, work_state(model));
	const char *phase = event_text(step->progress.event, "phase");
	char title[512], what[400];

	(void)snprintf(
		what, sizeof what, "%s%s%s", step->label, phase[0] != '\0' ? ": " : "", phase);
	if (step->state != STEP_CURRENT)
		(void)snprintf(title, sizeof title, "%s", say(area, MSG_LOOKING_NEXT));
	else if (model->undoing)
		message_format(title, sizeof title, area.language, MSG_UNDOING, what);
	else
		(void)snprintf(title, sizeof title, "%s", what);
	int room = area.width - (state[0] != '\0' ? grid_width(grid, state) + 2 : 0);
	(void)grid_put_short(grid, area.row, area.column, room, LOOK_BOLD, title);
	(void)grid_put_right(grid, area.row, area.column + area.width, LOOK_NOTICE, state);
}

static int draw_waiting(const struct model *model, struct grid *grid, struct area area, int row)
{
	char next[TEXT_DURATION_SIZE], left[TEXT_DURATION_SIZE], text[256];

	if (model->waiting_next > 0)
		message_format(text, sizeof text, area.language, MSG_WAITING_NEXT,
			text_duration(model->waiting_next, next));
	else
		(void)snprintf(text, sizeof text, "%s", say(area, MSG_WAITING_NOW));
	(void)grid_put(grid, row, area.column, 1, LOOK_NOTICE, "!");
	(void)grid_put(grid, row++, area.column + 2, area.width - 2, LOOK_NOTICE, text);
	message_format(text, sizeof text, area.language, MSG_WAITING_LEFT,
		text_duration(model->waiting_left, left));
	(void)grid_put_short(grid, row++, area.column + 2, area.width - 2, LOOK_PLAIN, text);
	return row + 1;
}

void view_work(const struct model *model, struct grid *grid, struct area area)
{
	const struct model_step *step = view_step(model);
	int row = area.row + 2;

	if (step == NULL) {
		(void)grid_put(grid, area.row, area.column, area.width, LOOK_BOLD,
			say(area, MSG_LOOKING_SITE));
		draw_newest_lines(model, grid, area, row);
		return;
	}
	const struct json *progress = step->state == STEP_CURRENT ? step->progress.event : NULL;
	draw_title(model, step, grid, area);
	if (progress != NULL)
		row = work_bar(progress, grid, area, row) + 1;
	if (model->waiting)
		row = draw_waiting(model, grid, area, row);
	if (progress != NULL) {
		/* Rate and time left are of a server that answers. */
		int next = model->waiting ? row : work_figures(progress, grid, area, row);
		row = next > row ? next + 1 : row;
		next = work_counters(progress, grid, area, row);
		row = next > row ? next + 1 : row;
	}
	if (model->alert[0] != '\0') {
		(void)grid_put(grid, row, area.column, 1, LOOK_NOTICE, "!");
		row = grid_wrap(grid, row, area.column + 2, area.width - 2, LOOK_NOTICE,
			      model->alert) +
		      1;
	}
	draw_newest_lines(model, grid, area, row);
}

/* ---- a failure and its choices */

static int draw_choices(const struct json *choices, struct grid *grid, struct area area, int row)
{
	int number = 1;

	for (const struct json *c = json_first(choices); c != NULL; c = json_next(c)) {
		(void)grid_put_format(grid, row, area.column + 2, LOOK_BOLD, "%d", number++);
		int next = grid_wrap(grid, row, area.column + 5, area.width - 5, LOOK_PLAIN,
			message_of_record(area.language, event_text(c, "label")));
		row = next > row ? next : row + 1;
	}
	return row;
}

/* The question says it in its own words, or repeats what the failure says below. */
static void failure_title(const struct model *model, char title[static 512])
{
	const struct model_step *step = view_step(model);
	const char *text = event_text(model->question.event, "text");
	const char *sentence =
		message_of_record(model->language, event_text(model->failure.event, "sentence"));

	if (sentence[0] == '\0' || strcmp(text, event_text(model->failure.event, "message")) != 0)
		(void)snprintf(title, 512, "%s", text);
	else
		(void)snprintf(title, 512, "%s: %s.",
			step != NULL ? step->label : message_text(model->language, MSG_THE_RUN),
			sentence);
}

void view_failure(const struct model *model, struct grid *grid, struct area area)
{
	const struct json *failure = model->failure.event;
	const struct json *choices = json_member(model->question.event, "choices");
	int count = choices != NULL ? (int)json_count(choices) : 0;
	int end = area.row + area.rows - count - 3;
	int right = grid->column_end, bottom = grid->row_end;
	char title[512];

	failure_title(model, title);
	int row = grid_wrap(grid, area.row, area.column, area.width, LOOK_FAILED, title) + 1;
	/* A long message must not push the choices off the page: d has all of it. */
	grid_clip(grid, right, area.row, end);
	if (failure != NULL) {
		row = view_labelled(
			grid, area, row, say(area, MSG_WHAT), event_text(failure, "message"));
		row = view_labelled(grid, area, row, say(area, MSG_WAY_ON),
			message_of_record(model->language, event_text(failure, "next")));
	}
	if (json_member(failure, "conflicts") != NULL)
		row = view_labelled(
			grid, area, row, say(area, MSG_COMPARE), say(area, MSG_COMPARE_HOW));
	grid_clip(grid, right, area.row, bottom);
	row = row > end ? end : row;
	if (count == 0)
		return;
	(void)grid_put(grid, row + 1, area.column, area.width, LOOK_DIM, say(area, MSG_YOU_CAN));
	row = draw_choices(choices, grid, area, row + 2);
	if (model_is_frozen(model))
		(void)grid_put(grid, row, area.column, area.width, LOOK_PLAIN,
			say(area, MSG_FROZEN_UNTIL));
}

/* ---- what the plan could not foresee */

enum { TYPED_COLUMN = 7 };

void view_question(const struct model *model, struct grid *grid, struct area area)
{
	const struct json *question = model->question.event;
	const struct json *lines = json_member(question, "lines");
	int row = view_record(grid, area, area.row, LOOK_BOLD, event_text(question, "text")) + 1;

	if (lines != NULL)
		for (const struct json *line = json_first(lines); line != NULL;
			line = json_next(line))
			row = grid_wrap(
				grid, row, area.column, area.width, LOOK_PLAIN, json_string(line));
	if (strcmp(event_text(question, "kind"), "type") != 0)
		return;
	row++;
	row = grid_wrap(grid, row, area.column, area.width, LOOK_PLAIN, say(area, MSG_TYPE_NAME));
	(void)grid_put(grid, row, area.column, -1, LOOK_DIM, say(area, MSG_NAME));
	(void)grid_put(grid, row + 1, area.column, -1, LOOK_DIM, say(area, MSG_TYPED));
	int column = area.column + TYPED_COLUMN;
	(void)grid_put_short(grid, row, column, area.width - TYPED_COLUMN, LOOK_PLAIN,
		event_text(question, "expected"));
	column = grid_put(
		grid, row + 1, column, area.width - TYPED_COLUMN - 1, LOOK_BOLD, model->typed);
	(void)grid_put(grid, row + 1, column, 1, LOOK_ACCENT, "_");
}
