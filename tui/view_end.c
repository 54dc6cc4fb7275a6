/*
 * How a run ended: its page, and what stays on the terminal afterwards.
 */
#include <stdio.h>
#include <string.h>

#include "text/text.h"
#include "tui/view.h"

static bool ended_well(const struct json *end)
{
	return event_integer(end, "exit", 0) == 0;
}

static bool has_worked(const struct model *model)
{
	for (size_t i = 0; i < model->step_count; i++)
		if (strcmp(model->steps[i].kind, "preflight") != 0 &&
			model->steps[i].end.event != NULL)
			return true;
	return false;
}

/* "Done. lnm 2025.12.1 is in place." or "A check before the start failed; nothing was changed." */
static void end_title(const struct model *model, char title[static 512])
{
	const struct json *end = model->end.event;
	const char *text = event_text(end, "text"),
		   *sentence = message_of_record(model->language, event_text(end, "sentence"));
	bool done = strcmp(event_text(end, "outcome"), "done") == 0 && has_worked(model);

	if (ended_well(end) || sentence[0] == '\0') {
		(void)snprintf(title, 512, "%s%s",
			done ? message_text(model->language, MSG_DONE) : "", text);
		return;
	}
	(void)snprintf(title, 512, "%s.", sentence);
	if (title[0] >= 'a' && title[0] <= 'z')
		title[0] = (char)(title[0] - 'a' + 'A');
}

static int draw_why(const struct model *model, struct grid *grid, struct area area, int row)
{
	const struct json *end = model->end.event;

	if (ended_well(end) || event_text(end, "sentence")[0] == '\0')
		return row;
	row = view_labelled(grid, area, row, say(area, MSG_WHAT), event_text(end, "text"));
	return view_labelled(grid, area, row, say(area, MSG_WAY_ON),
		       message_of_record(model->language, event_text(end, "next"))) +
	       1;
}

static bool has_failed_check(const struct model *model)
{
	for (size_t i = 0; i < model->check_count; i++)
		if (strcmp(event_text(model->checks[i].event, "outcome"), "failed") == 0)
			return true;
	return false;
}

enum { RESULT_COLUMN = 17 };

static bool is_result(const struct model_step *step)
{
	return strcmp(step->kind, "preflight") != 0 && strcmp(step->kind, "report") != 0 &&
	       event_text(step->end.event, "text")[0] != '\0';
}

static int draw_result(
	const struct model_step *step, struct grid *grid, struct area area, int row, bool wrapped)
{
	const char *text = step->state == STEP_UNDONE ? say(area, MSG_UNDONE)
						      : event_text(step->end.event, "text");
	int column = area.column + RESULT_COLUMN, width = area.width - RESULT_COLUMN;

	(void)grid_put_short(grid, row, area.column, RESULT_COLUMN - 1, LOOK_DIM, step->label);
	if (wrapped)
		return grid_wrap(grid, row, column, width, LOOK_PLAIN, text);
	(void)grid_put_short(grid, row, column, width, LOOK_PLAIN, text);
	return row + 1;
}

/* A line each, and whole where there is room for it: r has all of it. */
static int draw_results(
	const struct model *model, struct grid *grid, struct area area, int row, int end)
{
	enum { OFF_SCREEN = -100000 };
	int spare = end - row;

	for (size_t i = 0; i < model->step_count; i++)
		spare -= is_result(&model->steps[i]);
	for (size_t i = 0; i < model->step_count; i++) {
		const struct model_step *step = &model->steps[i];
		if (!is_result(step))
			continue;
		int more = draw_result(step, grid, area, OFF_SCREEN, true) - OFF_SCREEN - 1;
		bool wrapped = more <= spare;
		spare -= wrapped ? more : 0;
		row = draw_result(step, grid, area, row, wrapped);
	}
	return row;
}

static int draw_hash(const char *hash, struct grid *grid, struct area area, int row)
{
	if (strlen(hash) < 64)
		return row;
	(void)grid_put(
		grid, ++row, area.column, area.width, LOOK_DIM, say(area, MSG_BACKFILL_REPORT));
	for (int i = 0; i < 8; i++)
		(void)grid_put_format(grid, row + 1 + i / 4, area.column + 2 + i % 4 * 9, LOOK_BOLD,
			"%.8s", hash + (size_t)i * 8);
	return row + 3;
}

/* The key is known by its first digits to whoever has seen it before; r has all of it. */
static int draw_receipt(const struct json *receipt, struct grid *grid, struct area area, int row)
{
	char text[64];

	if (receipt == NULL)
		return row;
	message_format(text, sizeof text, area.language, MSG_SIGNED_BY_SITE_KEY_SHORT,
		event_text(receipt, "key"));
	return view_labelled(grid, area, row, say(area, MSG_RECEIPT), text);
}

/* What it is called, and the folder in which it lies. */
static void draw_report(const struct json *report, const struct json *receipt, struct grid *grid,
	struct area area, int row)
{
	struct str folder = STR_INIT, names = STR_INIT;

	if (report == NULL || json_type(report) != JSON_OBJECT)
		return;
	for (const struct json *file = json_first(report); file != NULL; file = json_next(file)) {
		if (json_type(file) != JSON_STRING)
			continue;
		const char *path = json_string(file), *slash = strrchr(path, '/');
		if (folder.size == 0 && slash != NULL)
			str_append(&folder, path, (size_t)(slash - path) + 1);
		str_append_format(&names, "%s%s", names.size > 0 ? ", " : "",
			slash != NULL ? slash + 1 : path);
	}
	row = view_labelled(grid, area, row, say(area, MSG_REPORT), str_text(&names));
	row = draw_receipt(receipt, grid, area, row);
	(void)grid_wrap(grid, row, area.column + 2, area.width - 2, LOOK_PLAIN, str_text(&folder));
	str_release(&folder);
	str_release(&names);
}

void view_end(const struct model *model, struct grid *grid, struct area area)
{
	const struct json *end = model->end.event;
	char duration[TEXT_DURATION_SIZE], title[512];
	const struct json *receipt = json_member(end, "receipt");
	int below = (event_text(end, "reportHash")[0] != '\0' ? 7 : 3) + (receipt != NULL);
	int right = grid->column_end, bottom = grid->row_end, limit = bottom - below;

	end_title(model, title);
	(void)text_duration(event_integer(end, "duration", 0), duration);
	int row = grid_wrap(grid, area.row, area.column, area.width - (int)strlen(duration) - 2,
			  ended_well(end) ? LOOK_BOLD : LOOK_FAILED, title) +
		  1;
	(void)grid_put_right(grid, area.row, area.column + area.width, LOOK_DIM, duration);
	/* Where the report lies is never pushed off the page. */
	grid_clip(grid, right, area.row, limit);
	row = draw_why(model, grid, area, row);
	if (!ended_well(end) && has_failed_check(model))
		row = view_checks(model, grid, area, row, 6) + 1;
	row = draw_results(model, grid, area, row, limit);
	grid_clip(grid, right, area.row, bottom);
	row = draw_hash(event_text(end, "reportHash"), grid, area, row > limit ? limit : row);
	draw_report(json_member(end, "report"), receipt, grid, area, row + 1);
}

void view_summary(const struct model *model, struct str *out)
{
	const struct json *end = model->end.event;
	const struct json *report = json_member(end, "report");
	const struct json *receipt = json_member(end, "receipt");
	const char *hash = event_text(end, "reportHash");
	const struct language *language = model->language;
	char duration[TEXT_DURATION_SIZE], title[512];

	if (end == NULL || !ended_well(end))
		return; /* the failure is said by whoever began the run */
	end_title(model, title);
	text_escape(out, bytes_of_string(title), 0);
	str_append_format(
		out, "  %s\n", text_duration(event_integer(end, "duration", 0), duration));
	if (hash[0] != '\0')
		str_append_format(
			out, "%s %.64s\n", message_text(language, MSG_BACKFILL_REPORT), hash);
	if (event_text(report, "html")[0] != '\0') {
		message_append_label(out, language, MSG_REPORT, RESULT_COLUMN);
		text_escape(out, bytes_of_string(event_text(report, "html")), 0);
		str_append_char(out, '\n');
	}
	if (receipt != NULL) {
		message_append_label(out, language, MSG_RECEIPT, RESULT_COLUMN);
		text_escape(out, bytes_of_string(event_text(receipt, "path")), 0);
		str_append_char(out, '\n');
		message_append_label(out, language, MSG_NONE, RESULT_COLUMN);
		message_append(out, language, MSG_SIGNED_BY_SITE_KEY, event_text(receipt, "key"));
		str_append_char(out, '\n');
	}
}
