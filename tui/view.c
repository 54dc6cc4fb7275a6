#include "tui/view.h"

#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "text/text.h"

enum {
	WALK_COLUMN = 1,
	WALK_WIDTH = 24,
	SUBJECT_COLUMN = 26,
	SUBJECT_WIDTH_MAX = 80, /* longer lines are hard to read; the log takes the rest */
	LOG_WIDTH = 38,		/* at VIEW_WIDE the page has what it has at VIEW_COLUMNS_MIN */
	KIT_WIDTH = 30,
};

static const struct {
	const char *sign;
	enum look look;
} states[] = {
	[STEP_WAITING] = {"·", LOOK_DIM},
	[STEP_CURRENT] = {"▸", LOOK_ACCENT},
	[STEP_DONE] = {"✓", LOOK_PLAIN},
	[STEP_FAILED] = {"✗", LOOK_FAILED},
	[STEP_UNDONE] = {"-", LOOK_DIM},
	[STEP_SKIPPED] = {"-", LOOK_DIM},
};

const struct model_step *view_step(const struct model *model)
{
	return model->current >= 0 ? &model->steps[model->current] : NULL;
}

int view_labelled(struct grid *grid, struct area area, int row, const char *label, const char *text)
{
	(void)grid_put(grid, row, area.column, VIEW_LABEL_WIDTH - 1, LOOK_DIM, label);
	int next = grid_wrap(grid, row, area.column + VIEW_LABEL_WIDTH,
		area.width - VIEW_LABEL_WIDTH, LOOK_PLAIN, text);
	return next > row ? next : row + 1;
}

int view_labelled_record(
	struct grid *grid, struct area area, int row, const char *label, const char *text)
{
	struct str said = STR_INIT;

	message_append_record(&said, area.language, text);
	int next = view_labelled(grid, area, row, label, str_text(&said));
	str_release(&said);
	return next;
}

int view_record(struct grid *grid, struct area area, int row, enum look look, const char *text)
{
	struct str said = STR_INIT;

	message_append_record(&said, area.language, text);
	int next = grid_wrap(grid, row, area.column, area.width, look, str_text(&said));
	str_release(&said);
	return next;
}

bool view_fits(const struct grid *grid)
{
	return grid->columns >= VIEW_COLUMNS_MIN && grid->rows >= VIEW_ROWS_MIN;
}

static bool asks(const struct model *model, const char *kind)
{
	return model->question.event != NULL &&
	       strcmp(event_text(model->question.event, "kind"), kind) == 0;
}

/* On the right; its name gives way where names are long, and never what it is. */
static void draw_site(
	const struct model *model, const struct json *site, struct grid *grid, int first_column)
{
	const char *environment = event_text(site, "environment");
	char text[1024], name[512];

	(void)snprintf(name, sizeof name, "%s", event_text(site, "name"));
	message_format(
		text, sizeof text, model->language, MSG_SITE_AND_ENVIRONMENT, name, environment);
	int begin = grid->columns - grid_width(grid, text);
	if (begin < first_column) {
		int left = grid_width(grid, name) - (first_column - begin) - grid_width(grid, "…");
		size_t size = grid_fit(grid, name, left > 0 ? left : 0, &left);
		(void)snprintf(name + size, sizeof name - size, "…");
		message_format(text, sizeof text, model->language, MSG_SITE_AND_ENVIRONMENT, name,
			environment);
		begin = first_column;
	}
	(void)grid_put_short(grid, 0, begin, grid->columns - begin, LOOK_PLAIN, text);
}

static void draw_header(const struct model *model, struct grid *grid)
{
	const struct json *kit = json_member(model->run.event, "kit");
	const struct json *place = json_member(model->run.event, "site");
	char text[1024];
	int column = grid_put_format(grid, 0, 1, LOOK_BOLD, "offkit %s", version_text());

	if (kit != NULL) {
		(void)snprintf(text, sizeof text, "%s %s", event_text(kit, "name"),
			event_text(kit, "version"));
		column = grid_put_short(grid, 0, column + 2, KIT_WIDTH, LOOK_PLAIN, text);
	}
	if (event_true(json_member(model->run.event, "root"), "demo"))
		column = grid_put(grid, 0, column + 2, -1, LOOK_NOTICE,
			message_text(model->language, MSG_DEMO_ROOT));
	if (place != NULL)
		draw_site(model, place, grid, column + 2);
	grid_rule(grid, 1);
}

static void draw_walk_row(struct grid *grid, int row, enum step_state state, bool here,
	const char *label, const char *duration)
{
	enum look look = states[state].look;
	int end = WALK_COLUMN + WALK_WIDTH - 1;

	(void)grid_put(grid, row, WALK_COLUMN, 1, look, states[state].sign);
	if (here && state != STEP_FAILED)
		look = LOOK_ACCENT;
	int room = end - WALK_COLUMN - 2;
	if (duration[0] != '\0')
		room -= (int)strlen(duration) + 1;
	(void)grid_put_short(grid, row, WALK_COLUMN + 2, room, look, label);
	(void)grid_put_right(grid, row, end, LOOK_DIM, duration);
}

static void draw_walk_step(const struct model *model, struct grid *grid, int row,
	const struct model_step *step, bool here, int64_t now)
{
	char duration[TEXT_DURATION_SIZE] = "";
	bool asked = step->state == STEP_WAITING || asks(model, "plan");
	enum step_state state = here && asked ? STEP_CURRENT : step->state;
	bool works = state == STEP_CURRENT && here && model->question.event == NULL;

	if (step->state == STEP_DONE && step->duration >= 1000)
		(void)text_stopwatch(step->duration, duration);
	if (works && step->begun > 0 && now - step->begun >= 1000)
		(void)text_stopwatch(now - step->begun, duration);
	draw_walk_row(grid, row, state, here, step->label, duration);
}

/* A walk that is longer than the screen shows the part around the current step. */
static void draw_walk(const struct model *model, struct grid *grid, int64_t now)
{
	bool at_kit = asks(model, "kit") || model->plan_left;
	int rows = grid->rows - 5, count = (int)model->step_count + 1;
	int here = at_kit ? 0 : model->current + 1;
	int first = here - rows / 2;

	if (model->run.event == NULL)
		return;
	first = first + rows > count ? count - rows : first;
	first = first < 0 ? 0 : first;
	for (int i = first; i < count && i < first + rows; i++) {
		int row = 3 + i - first;
		bool is_here = i == here && model->end.event == NULL;
		if (i == 0)
			draw_walk_row(grid, row, at_kit ? STEP_CURRENT : STEP_DONE,
				is_here && at_kit, message_text(model->language, MSG_KIT), "");
		else
			draw_walk_step(model, grid, row, &model->steps[i - 1], is_here, now);
	}
}

static void draw_keys(const struct model *model, struct grid *grid)
{
	struct model_key keys[MODEL_KEYS_MAX];
	int row = grid->rows - 1, column = 1;
	size_t choices = 0;

	model_keys(model, keys);
	grid_rule(grid, row - 1);
	while (keys[choices].key != 0 && keys[choices].label == MSG_NONE)
		choices++;
	if (choices > 0) {
		column = grid_put_format(
			grid, row, column, LOOK_BOLD, choices > 1 ? "1-%zu" : "%zu", choices);
		column = grid_put(grid, row, column + 1, -1, LOOK_PLAIN,
				 message_text(model->language, MSG_CHOOSE)) +
			 3;
	}
	for (size_t i = choices; keys[i].key != 0; i++) {
		column = grid_put(grid, row, column, -1, LOOK_BOLD, keys[i].shown) + 1;
		column = grid_put(grid, row, column, -1, LOOK_PLAIN,
				 message_text(model->language, keys[i].label)) +
			 3;
	}
}

typedef void view_subject(const struct model *model, struct grid *grid, struct area area);
typedef int view_list(const struct model *model, struct grid *grid, struct area area, int first);

static view_subject *subject_of(const struct model *model)
{
	static const struct {
		const char *kind;
		view_subject *draw;
	} questions[] = {
		{"kit", view_kit},
		{"plan", view_plan},
		{"gate", view_gate},
		{"failure", view_failure},
		{"confirm", view_question},
		{"type", view_question},
	};

	if (model->plan_left)
		return view_kit;
	for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
		if (asks(model, questions[i].kind))
			return questions[i].draw;
	if (model_is_plan(model))
		return view_plan;
	return model->end.event != NULL ? view_end : view_work;
}

/* Returns how far it can be scrolled. */
static int draw_subject(const struct model *model, struct grid *grid, struct area area)
{
	static view_list *const overlays[] = {[SUBJECT_HELP] = view_help,
		[SUBJECT_LOG] = view_log,
		[SUBJECT_QR] = view_qr,
		[SUBJECT_DETAILS] = view_details};
	int limit = 0;

	grid_clip(grid, area.column + area.width, area.row, area.row + area.rows);
	if (model->subject != SUBJECT_RUN)
		limit = overlays[model->subject](model, grid, area, model->scroll);
	else if (model->run.event != NULL)
		subject_of(model)(model, grid, area);
	else
		(void)grid_put(grid, area.row, area.column, -1, LOOK_PLAIN,
			say(area, MSG_READING_JOURNAL));
	grid_clip(grid, grid->columns, 0, grid->rows);
	return limit;
}

static void draw_notice(const struct model *model, struct grid *grid, struct area area)
{
	int row = area.row + area.rows - 1;

	if (model->notice[0] == '\0')
		return;
	for (int column = area.column; column < area.column + area.width; column++)
		(void)grid_put(grid, row, column, 1, LOOK_PLAIN, " ");
	(void)grid_put_short(grid, row, area.column, area.width, LOOK_NOTICE, model->notice);
}

/* What is so besides the page: who is in command, and that this is not the beginning. */
static void draw_standing(const struct model *model, struct grid *grid, struct area area)
{
	enum message which = MSG_NONE;

	if (model->end.event != NULL || model->run.event == NULL)
		return;
	if (model->watching)
		which = model->taken ? MSG_WATCHING_TAKEN : MSG_WATCHING_FREE;
	else if (model->resumed)
		which = MSG_RESUMED;
	(void)grid_put_right(grid, area.row - 1, grid->columns - 1, LOOK_NOTICE, say(area, which));
}

static void draw_too_small(const struct model *model, struct grid *grid)
{
	enum message rest = model->end.event != NULL	    ? MSG_NONE
			    : model->question.event != NULL ? MSG_TOO_SMALL_QUESTION
							    : MSG_TOO_SMALL_WORK;
	struct str text = STR_INIT;

	message_append(&text, model->language, MSG_TOO_SMALL, grid->columns, grid->rows,
		VIEW_COLUMNS_MIN, VIEW_ROWS_MIN);
	str_append_char(&text, ' ');
	str_append_text(&text, message_text(model->language, rest));
	(void)grid_wrap(grid, 0, 0, grid->columns, LOOK_PLAIN, str_text(&text));
	str_release(&text);
}

int view_draw(const struct model *model, struct grid *grid, int64_t now)
{
	grid_clear(grid);
	if (!view_fits(grid)) {
		draw_too_small(model, grid);
		return 0;
	}
	struct area area = {.row = 3,
		.column = SUBJECT_COLUMN,
		.width = grid->columns - SUBJECT_COLUMN - 1,
		.rows = grid->rows - 5,
		.language = model->language};
	struct area third = area;
	/* A QR code is no text: it takes what there is. */
	bool wide = grid->columns >= VIEW_WIDE && model->subject != SUBJECT_QR;
	if (wide) {
		area.width -= LOG_WIDTH + 2;
		area.width = area.width > SUBJECT_WIDTH_MAX ? SUBJECT_WIDTH_MAX : area.width;
		third.column += area.width + 2;
		third.width = grid->columns - third.column - 1;
	}
	draw_header(model, grid);
	draw_standing(model, grid, area);
	draw_walk(model, grid, now);
	int limit = draw_subject(model, grid, area);
	if (wide && model->subject != SUBJECT_LOG)
		(void)view_log(model, grid, third, 0);
	draw_notice(model, grid, area);
	draw_keys(model, grid);
	return limit;
}
