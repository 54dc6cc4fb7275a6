#include "tui/view.h"

#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "text/text.h"

enum { WALK_COLUMN = 1, WALK_WIDTH = 24, SUBJECT_COLUMN = 26, LOG_WIDTH = 40 };

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

static bool asks(const struct model *model, const char *kind)
{
	return model->question != NULL && strcmp(event_text(model->question, "kind"), kind) == 0;
}

static void draw_header(const struct model *model, struct grid *grid)
{
	char site[512];
	const struct json *kit = json_member(model->run, "kit");
	const struct json *place = json_member(model->run, "site");
	int column = grid_put_format(grid, 0, 1, LOOK_BOLD, "offkit %s", version_text());

	if (kit != NULL)
		column = grid_put_format(grid, 0, column + 2, LOOK_PLAIN, "%s %s",
			event_text(kit, "name"), event_text(kit, "version"));
	if (event_true(json_member(model->run, "root"), "demo"))
		(void)grid_put(grid, 0, column + 2, -1, LOOK_NOTICE, "DEMO ROOT");
	if (place != NULL) {
		(void)snprintf(site, sizeof site, "site %s · %s", event_text(place, "name"),
			event_text(place, "environment"));
		(void)grid_put_right(grid, 0, grid->columns, LOOK_PLAIN, site);
	}
	grid_rule(grid, 1);
}

static void draw_walk_row(struct grid *grid, int row, enum step_state state, bool here,
	const char *label, const char *duration)
{
	enum look look = states[state].look;

	(void)grid_put(grid, row, WALK_COLUMN, 1, look, states[state].sign);
	if (here && state != STEP_FAILED)
		look = LOOK_ACCENT;
	(void)grid_put(grid, row, WALK_COLUMN + 2, 16, look, label);
	if (duration != NULL)
		(void)grid_put_right(grid, row, WALK_COLUMN + WALK_WIDTH - 1, LOOK_DIM, duration);
}

static void draw_walk(const struct model *model, struct grid *grid)
{
	char duration[TEXT_DURATION_SIZE];
	bool at_kit = asks(model, "kit") || model->plan_left;
	int row = 3;

	draw_walk_row(grid, row++, at_kit ? STEP_CURRENT : STEP_DONE, at_kit, "Kit", NULL);
	for (size_t i = 0; i < model->step_count && row < grid->rows - 2; i++) {
		const struct model_step *step = &model->steps[i];
		bool here = !at_kit && model->end == NULL && (int)i == model->current;
		enum step_state state = step->state;
		if (here && state == STEP_WAITING)
			state = STEP_CURRENT;
		bool timed = step->state == STEP_DONE && step->duration >= 1000;
		draw_walk_row(grid, row++, state, here, step->label,
			timed ? text_stopwatch(step->duration, duration) : NULL);
	}
}

static void draw_keys(const struct model *model, struct grid *grid)
{
	struct model_key keys[MODEL_KEYS_MAX];
	int row = grid->rows - 1, column = 1;
	size_t choices = 0;

	model_keys(model, keys);
	grid_rule(grid, row - 1);
	while (keys[choices].key != 0 && keys[choices].label == NULL)
		choices++;
	if (choices > 0)
		column = grid_put_format(grid, row, column, LOOK_BOLD,
				 choices > 1 ? "1-%zu" : "%zu", choices) +
			 1;
	if (choices > 0)
		column = grid_put(grid, row, column, -1, LOOK_PLAIN, "choose") + 3;
	for (size_t i = choices; keys[i].key != 0; i++) {
		column = grid_put(grid, row, column, -1, LOOK_BOLD, keys[i].shown) + 1;
		column = grid_put(grid, row, column, -1, LOOK_PLAIN, keys[i].label) + 3;
	}
}

typedef void view_subject(const struct model *model, struct grid *grid, struct area area);

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
	static view_subject *const overlays[] = {[SUBJECT_HELP] = view_help,
		[SUBJECT_LOG] = view_log,
		[SUBJECT_DETAILS] = view_details};

	if (model->subject != SUBJECT_RUN)
		return overlays[model->subject];
	if (model->plan_left)
		return view_kit;
	for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
		if (asks(model, questions[i].kind))
			return questions[i].draw;
	return model->end != NULL ? view_end : view_work;
}

static void draw_too_small(const struct model *model, struct grid *grid)
{
	char text[128];

	(void)snprintf(text, sizeof text, "This window is %dx%d; offkit needs 80x24.%s",
		grid->columns, grid->rows, model->end == NULL ? " The work goes on." : "");
	(void)grid_wrap(grid, 0, 0, grid->columns, LOOK_PLAIN, text);
}

void view_draw(const struct model *model, struct grid *grid, int64_t now)
{
	(void)now;
	grid_clear(grid);
	if (grid->columns < VIEW_COLUMNS_MIN || grid->rows < VIEW_ROWS_MIN) {
		draw_too_small(model, grid);
		return;
	}
	struct area area = {.row = 3,
		.column = SUBJECT_COLUMN,
		.width = grid->columns - SUBJECT_COLUMN - 1,
		.rows = grid->rows - 5};
	draw_header(model, grid);
	draw_walk(model, grid);
	bool wide = grid->columns >= VIEW_WIDE;
	if (wide)
		area.width -= LOG_WIDTH + 2;
	if (model->run != NULL)
		subject_of(model)(model, grid, area);
	if (wide && model->subject != SUBJECT_LOG) {
		struct area third = area;
		third.column = area.column + area.width + 2;
		third.width = LOG_WIDTH;
		view_log(model, grid, third);
	}
	draw_keys(model, grid);
}
