/*
 * The pages of the walk: the kit, the plan, the gate, work, failure, questions, the end.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "text/text.h"
#include "tui/view.h"

enum { LABEL_WIDTH = 11 };

/* "Takes      about 6 min": a label and wrapped text behind it. */
static int labelled(
	struct grid *grid, struct area area, int row, const char *label, const char *text)
{
	(void)grid_put(grid, row, area.column, LABEL_WIDTH, LOOK_DIM, label);
	return grid_wrap(
		grid, row, area.column + LABEL_WIDTH, area.width - LABEL_WIDTH, LOOK_PLAIN, text);
}

static void append_time(struct str *out, const char *rfc3339)
{
	/* 2025-12-19T14:02:11Z as 2025-12-19 14:02 UTC */
	if (strlen(rfc3339) >= 16)
		str_append_format(out, "%.10s %.5s UTC", rfc3339, rfc3339 + 11);
}

static int count_signed(const struct json *signers, struct str *names)
{
	int count = 0;

	if (signers == NULL)
		return 0;
	for (const struct json *s = json_first(signers); s != NULL; s = json_next(s)) {
		if (!event_true(s, "signed"))
			continue;
		str_append_format(names, "%s%s", count > 0 ? ", " : "", event_text(s, "name"));
		count++;
	}
	return count;
}

/* ---- the kit and who signed it */

static int kit_identity(const struct json *kit, struct grid *grid, struct area area, int row)
{
	struct str text = STR_INIT;
	const struct json *installed = json_member(kit, "installed");

	str_append_format(&text, "%s %s, sequence %lld", event_text(kit, "name"),
		event_text(kit, "version"), (long long)event_integer(kit, "sequence", 0));
	row = labelled(grid, area, row, "Kit", str_text(&text));
	str_truncate(&text, 0);
	append_time(&text, event_text(kit, "created"));
	if (event_text(kit, "expires")[0] != '\0')
		str_append_format(&text, ", expires %.10s", event_text(kit, "expires"));
	row = labelled(grid, area, row, "Made", str_text(&text));
	str_truncate(&text, 0);
	if (installed == NULL || json_type(installed) != JSON_OBJECT) {
		str_append_text(&text, "nothing yet");
	} else {
		int64_t here = event_integer(installed, "sequence", 0);
		int64_t new = event_integer(kit, "sequence", 0);
		str_append_format(&text, "%s, sequence %lld (%s)", event_text(installed, "version"),
			(long long)here,
			new > here    ? "this is newer"
			: new == here ? "this is the same"
				      : "this is older");
	}
	row = labelled(grid, area, row, "Installed", str_text(&text));
	str_release(&text);
	return row;
}

/* "✓ Manifest      2 of 3 keys: ..." */
static int proved(struct grid *grid, struct area area, int row, const char *what, const char *text)
{
	(void)grid_put(grid, row, area.column, 1, LOOK_PLAIN, "✓");
	(void)grid_put(grid, row, area.column + 2, 14, LOOK_PLAIN, what);
	int next = grid_wrap(grid, row, area.column + 16, area.width - 16, LOOK_PLAIN, text);
	return next > row ? next : row + 1;
}

void view_kit(const struct model *model, struct grid *grid, struct area area)
{
	const struct json *run = model->run;
	const struct json *signers = json_member(run, "signers");
	const struct json *root = json_member(run, "root");
	struct str names = STR_INIT, text = STR_INIT;
	char count[TEXT_COUNT_SIZE], size[TEXT_SIZE_SIZE];

	(void)grid_put(grid, area.row, area.column, area.width, LOOK_BOLD,
		"This kit is exactly what its makers signed.");
	int row = kit_identity(json_member(run, "kit"), grid, area, area.row + 2) + 1;
	int good = count_signed(signers, &names);
	str_append_format(&text, "%d of %zu keys: %s", good,
		signers != NULL ? json_count(signers) : 0, str_text(&names));
	row = proved(grid, area, row, "Manifest", str_text(&text));
	str_truncate(&text, 0);
	(void)text_count(event_integer(run, "files", 0), count);
	str_append_format(&text, "key %s; %s files listed", event_text(run, "sumsSigner"), count);
	row = proved(grid, area, row, "SHA256SUMS", str_text(&text));
	str_truncate(&text, 0);
	str_append_format(&text, "%s of %s, %s", count, count,
		text_size((uint64_t)event_integer(run, "octets", 0), size));
	row = proved(grid, area, row, "Files", str_text(&text));
	str_truncate(&text, 0);
	str_append_format(&text, "version %lld, until %.10s",
		(long long)event_integer(root, "version", 0), event_text(root, "expires"));
	row = proved(grid, area, row, "Trust root", str_text(&text));
	if (event_true(root, "demo")) {
		(void)grid_put(grid, row, area.column, 1, LOOK_NOTICE, "!");
		row = grid_wrap(grid, row, area.column + 2, area.width - 2, LOOK_NOTICE,
			"DEMO ROOT: its keys are public. Never for production.");
	}
	(void)grid_put(grid, row + 1, area.column, area.width, LOOK_DIM,
		"Trust root and keys: t    Files: f    Components: c");
	str_release(&names);
	str_release(&text);
}

/* ---- the plan and its checks */

static const struct {
	const char *outcome;
	const char *sign;
	enum look look;
} outcomes[] = {
	{"passed", "✓", LOOK_PLAIN},
	{"failed", "✗", LOOK_FAILED},
	{"warning", "!", LOOK_NOTICE},
	{"skipped", "-", LOOK_DIM},
};

static int draw_check(struct grid *grid, struct area area, int row, const struct json *check)
{
	for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
		if (strcmp(outcomes[i].outcome, event_text(check, "outcome")) == 0) {
			(void)grid_put(
				grid, row, area.column, 1, outcomes[i].look, outcomes[i].sign);
			(void)grid_put(grid, row, area.column + 2, area.width - 2, outcomes[i].look,
				event_text(check, "text"));
		}
	return row + 1;
}

/* What did not pass stands first, so that a small screen never hides it behind what did. */
static int draw_checks(
	const struct model *model, struct grid *grid, struct area area, int row, int rows)
{
	static const char *const order[] = {"failed", "warning", "passed", "skipped"};
	int shown = 0;

	for (size_t o = 0; o < sizeof order / sizeof order[0]; o++)
		for (size_t i = 0; i < model->check_count; i++) {
			if (strcmp(event_text(model->checks[i], "step"), "preflight") != 0 ||
				strcmp(event_text(model->checks[i], "outcome"), order[o]) != 0)
				continue;
			if (shown++ < rows)
				row = draw_check(grid, area, row, model->checks[i]);
		}
	if (shown > rows) {
		char text[64];
		(void)snprintf(text, sizeof text, "%d more: d", shown - rows);
		(void)grid_put(grid, row++, area.column + 2, -1, LOOK_DIM, text);
	}
	return row;
}

static int planned_steps(const struct model *model)
{
	int count = 0;

	for (size_t i = 0; i < model->step_count; i++)
		count += model->steps[i].plan != NULL;
	return count;
}

/* Rounded as one says it: "48 s", "6 min", "2 h". */
static const char *about(int64_t milliseconds, char text[static TEXT_DURATION_SIZE])
{
	enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
	int64_t unit = milliseconds < MINUTE ? SECOND : milliseconds < 2 * HOUR ? MINUTE : HOUR;
	int64_t units = (milliseconds + unit / 2) / unit;

	return text_duration((units > 0 ? units : 1) * unit, text);
}

enum { PLAN_SIZE = 18, PLAN_ABOUT_END = 45 };

static int draw_planned(const struct model_step *step, struct grid *grid, struct area area, int row)
{
	char text[TEXT_DURATION_SIZE], size[TEXT_SIZE_SIZE];
	const struct json *plan = step->plan;
	bool nothing = event_true(plan, "nothingToDo");
	int64_t takes = nothing ? -1 : event_integer(plan, "takes", -1);
	int64_t octets = event_integer(plan, "octets", 0);

	(void)grid_put(grid, row, area.column + 2, 15, LOOK_PLAIN, step->label);
	(void)grid_put(grid, row, area.column + PLAN_SIZE, 20, LOOK_PLAIN,
		nothing ? "nothing to do" : event_text(plan, "size"));
	if (takes >= 0)
		(void)grid_put_right(
			grid, row, area.column + PLAN_ABOUT_END, LOOK_PLAIN, about(takes, text));
	if (octets > 0)
		(void)grid_put_right(grid, row, area.column + area.width, LOOK_PLAIN,
			text_size((uint64_t)octets, size));
	return row + 1;
}

void view_plan(const struct model *model, struct grid *grid, struct area area)
{
	int row = area.row, steps = planned_steps(model);

	(void)grid_put(grid, row, area.column, area.width, LOOK_BOLD,
		"What will be done here, and what was checked first.");
	row += 2;
	(void)grid_put(grid, row++, area.column, area.width, LOOK_DIM, "Checks");
	int room = area.rows - 7 - steps;
	row = draw_checks(model, grid, area, row, room < 3 ? 3 : room) + 1;
	(void)grid_put(grid, row, area.column, area.width, LOOK_DIM, "Steps");
	(void)grid_put_right(grid, row++, area.column + PLAN_ABOUT_END, LOOK_DIM, "about");
	for (size_t i = 0; i < model->step_count; i++)
		if (model->steps[i].plan != NULL)
			row = draw_planned(&model->steps[i], grid, area, row);
	(void)grid_put(grid, row, area.column, area.width, LOOK_DIM,
		"Each gate shows its way back. Nothing has changed.");
}

/* ---- a gate before a step */

static int gate_what(const struct json *plan, struct grid *grid, struct area area, int row)
{
	const struct json *what = json_member(plan, "what");

	if (what == NULL)
		return row;
	for (const struct json *line = json_first(what); line != NULL; line = json_next(line))
		row = grid_wrap(grid, row, area.column, area.width, LOOK_PLAIN, json_string(line));
	return row + 1;
}

static void append_size_and_time(const struct json *plan, struct str *out)
{
	char text[TEXT_DURATION_SIZE], size[TEXT_SIZE_SIZE];
	int64_t takes = event_integer(plan, "takes", -1);
	int64_t octets = event_integer(plan, "octets", 0);

	if (takes >= 0)
		str_append_format(out, "about %s", about(takes, text));
	else
		str_append_text(out, "a time that is not known yet");
	if (octets > 0)
		str_append_format(out, ", %s of disk", text_size((uint64_t)octets, size));
}

void view_gate(const struct model *model, struct grid *grid, struct area area)
{
	const struct model_step *step = view_step(model);
	const struct json *plan = step != NULL ? step->plan : NULL;
	struct str text = STR_INIT;
	int row = area.row;

	if (plan == NULL) {
		view_question(model, grid, area);
		return;
	}
	(void)grid_put_format(grid, row, area.column, LOOK_BOLD, "Next: %s", step->label);
	row = gate_what(plan, grid, area, row + 2);
	append_size_and_time(plan, &text);
	row = labelled(grid, area, row, "Takes", str_text(&text));
	row = labelled(grid, area, row, "Changes", event_text(plan, "changes"));
	row = labelled(grid, area, row, "Way back", event_text(plan, "wayBackText"));
	if (event_text(plan, "proof")[0] != '\0')
		row = labelled(grid, area, row, "Proof", event_text(plan, "proof"));
	if (event_true(plan, "noReturn")) {
		(void)grid_put(grid, ++row, area.column, 1, LOOK_NOTICE, "!");
		row = grid_wrap(grid, row, area.column + 2, area.width - 2, LOOK_NOTICE,
			"After this, going back is not exact.");
	}
	(void)grid_wrap(grid, row + 1, area.column, area.width, LOOK_BOLD,
		event_text(model->question, "text"));
	str_release(&text);
}

/* ---- a step at work */

static int work_bar(const struct json *progress, struct grid *grid, struct area area, int row)
{
	char done[TEXT_COUNT_SIZE], total[TEXT_COUNT_SIZE], size[2][TEXT_SIZE_SIZE], percent[8];
	int64_t have = event_integer(progress, "done", 0),
		all = event_integer(progress, "total", 0);
	const char *unit = event_text(progress, "unit");
	bool octets = strcmp(unit, "octets") == 0;

	if (octets) {
		(void)text_size((uint64_t)have, size[0]);
		(void)text_size((uint64_t)all, size[1]);
	}
	if (all <= 0) {
		(void)grid_put_format(grid, row, area.column, LOOK_PLAIN, "%s %s",
			octets ? size[0] : text_count(have, done), octets ? "" : unit);
		return row + 1;
	}
	double share = (double)have / (double)all;
	grid_bar(grid, row, area.column, area.width - 6, share);
	(void)snprintf(percent, sizeof percent, "%3d %%", share >= 1 ? 100 : (int)(share * 100));
	(void)grid_put_right(grid, row, area.column + area.width, LOOK_PLAIN, percent);
	(void)grid_put_format(grid, row + 1, area.column, LOOK_PLAIN, "%s of %s%s%s",
		octets ? size[0] : text_count(have, done),
		octets ? size[1] : text_count(all, total), octets ? "" : " ", octets ? "" : unit);
	return row + 2;
}

static int work_figures(const struct json *progress, struct grid *grid, struct area area, int row)
{
	char a[TEXT_SIZE_SIZE], b[TEXT_COUNT_SIZE], text[128];
	const struct json *rate = json_member(progress, "rate");
	double speed = rate != NULL && json_type(rate) == JSON_NUMBER ? json_number(rate) : 0;
	int64_t left = event_integer(progress, "left", -1),
		lag = event_integer(progress, "lag", -1);
	int64_t batch = event_integer(progress, "batch", 0);

	if (speed > 0) {
		bool octets = strcmp(event_text(progress, "unit"), "octets") == 0;
		(void)snprintf(text, sizeof text, "%s/s%s",
			octets ? text_size((uint64_t)speed, a) : text_count((int64_t)speed, b),
			octets ? "" : "");
		(void)grid_put(grid, row, area.column, -1, LOOK_DIM, "Rate");
		(void)grid_put(grid, row, area.column + LABEL_WIDTH, -1, LOOK_PLAIN, text);
		if (left >= 0) {
			(void)snprintf(text, sizeof text, "left  %s", text_duration(left, a));
			(void)grid_put_right(grid, row, area.column + area.width, LOOK_PLAIN, text);
		}
		row++;
	}
	if (batch > 0) {
		(void)snprintf(text, sizeof text, "%s of %s", text_count(batch, a),
			text_count(event_integer(progress, "batches", 0), b));
		row = labelled(grid, area, row, "Batch", text);
		(void)snprintf(text, sizeof text, "%s a batch",
			text_count(event_integer(progress, "batchSize", 0), a));
		(void)grid_put_right(grid, row - 1, area.column + area.width, LOOK_PLAIN, text);
	}
	if (lag >= 0)
		row = labelled(grid, area, row, "Oplog lag", text_duration(lag, a));
	return row;
}

static int work_counters(const struct json *progress, struct grid *grid, struct area area, int row)
{
	const struct json *counters = json_member(progress, "counters");
	char count[TEXT_COUNT_SIZE];

	if (counters == NULL)
		return row;
	for (const struct json *c = json_first(counters); c != NULL; c = json_next(c)) {
		(void)grid_put(grid, row, area.column, 22, LOOK_PLAIN, event_text(c, "name"));
		(void)grid_put_right(grid, row++, area.column + 36, LOOK_PLAIN,
			text_count(event_integer(c, "value", 0), count));
	}
	return row;
}

static const char *work_state(const struct model *model)
{
	if (model->paused)
		return " - paused";
	if (model->stopping)
		return " - stopping at the next safe point";
	return model->undoing ? " - undoing" : "";
}

static void draw_newest_lines(
	const struct model *model, struct grid *grid, struct area area, int row)
{
	char time[RFC3339_SIZE];
	int bottom = area.row + area.rows - 1;

	for (size_t i = 0; i < 6 && i < model->log_count && row + (int)i < bottom; i++) {
		const struct model_line *line = &model->log[model->log_count - 1 - i];
		time_format(line->time, time);
		(void)grid_put_format(grid, row + (int)i, area.column, LOOK_DIM, "%.8s", time + 11);
		(void)grid_put(grid, row + (int)i, area.column + 10, area.width - 10,
			line->failed ? LOOK_FAILED : LOOK_DIM, line->text);
	}
}

void view_work(const struct model *model, struct grid *grid, struct area area)
{
	const struct model_step *step = view_step(model);
	const struct json *progress = step != NULL ? step->progress : NULL;
	int row = area.row;

	if (step == NULL) {
		(void)grid_put(
			grid, row, area.column, area.width, LOOK_PLAIN, "Looking at this site.");
		return;
	}
	int column = grid_put(grid, row, area.column, area.width, LOOK_BOLD, step->label);
	const char *phase = progress != NULL ? event_text(progress, "phase") : "";
	if (phase[0] != '\0')
		column = grid_put_format(grid, row, column, LOOK_PLAIN, ": %s", phase);
	(void)grid_put(grid, row, column, area.column + area.width - column, LOOK_NOTICE,
		work_state(model));
	row += 2;
	if (progress != NULL) {
		row = work_bar(progress, grid, area, row) + 1;
		row = work_figures(progress, grid, area, row) + 1;
		row = work_counters(progress, grid, area, row) + 1;
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
			event_text(c, "label"));
		row = next > row ? next : row + 1;
	}
	return row;
}

void view_failure(const struct model *model, struct grid *grid, struct area area)
{
	const struct json *failure = model->failure;
	const struct json *choices = json_member(model->question, "choices");
	int row = grid_wrap(grid, area.row, area.column, area.width, LOOK_FAILED,
		event_text(model->question, "text"));

	row++;
	if (failure != NULL) {
		row = labelled(grid, area, row, "What", event_text(failure, "message"));
		row = labelled(grid, area, row, "That is", event_text(failure, "sentence"));
		row = labelled(grid, area, row, "Way on", event_text(failure, "next"));
	}
	if (choices != NULL) {
		(void)grid_put(grid, row + 1, area.column, area.width, LOOK_DIM, "You can");
		(void)draw_choices(choices, grid, area, row + 2);
	}
}

/* ---- what the plan could not foresee */

void view_question(const struct model *model, struct grid *grid, struct area area)
{
	const struct json *question = model->question;
	const struct json *lines = json_member(question, "lines");
	int row = grid_wrap(grid, area.row, area.column, area.width, LOOK_BOLD,
			  event_text(question, "text")) +
		  1;

	if (lines != NULL)
		for (const struct json *line = json_first(lines); line != NULL;
			line = json_next(line))
			row = grid_wrap(
				grid, row, area.column, area.width, LOOK_PLAIN, json_string(line));
	if (strcmp(event_text(question, "kind"), "type") != 0)
		return;
	row++;
	row = grid_wrap(grid, row, area.column, area.width, LOOK_PLAIN,
		"This cannot be taken back. Type the name to do it:");
	(void)grid_put_format(
		grid, row, area.column, LOOK_DIM, "name   %s", event_text(question, "expected"));
	int column = grid_put(grid, row + 1, area.column, -1, LOOK_DIM, "typed  ");
	column = grid_put(grid, row + 1, column, -1, LOOK_BOLD, model->typed);
	(void)grid_put(grid, row + 1, column, 1, LOOK_ACCENT, "_");
}

/* ---- the end */

static void draw_hash(const char *hash, struct grid *grid, struct area area, int row)
{
	for (int i = 0; i < 8 && strlen(hash) >= (size_t)(i + 1) * 8; i++)
		(void)grid_put_format(grid, row + i / 4, area.column + 2 + i % 4 * 9, LOOK_BOLD,
			"%.8s", hash + (size_t)i * 8);
}

void view_end(const struct model *model, struct grid *grid, struct area area)
{
	const struct json *end = model->end;
	const struct json *report = json_member(end, "report");
	const char *hash = event_text(end, "reportHash");
	char duration[TEXT_DURATION_SIZE];
	int row = area.row;

	enum look look = event_integer(end, "exit", 0) == 0 ? LOOK_BOLD : LOOK_FAILED;
	row = grid_wrap(grid, row, area.column, area.width - 14, look, event_text(end, "text"));
	(void)grid_put_right(grid, area.row, area.column + area.width, LOOK_DIM,
		text_duration(event_integer(end, "duration", 0), duration));
	row++;
	for (size_t i = 0; i < model->step_count; i++) {
		const struct model_step *step = &model->steps[i];
		bool page =
			strcmp(step->name, "preflight") == 0 || strcmp(step->name, "report") == 0;
		const char *text = step->end != NULL ? event_text(step->end, "text") : "";
		if (page || text[0] == '\0' || row > area.row + area.rows - 8)
			continue;
		(void)grid_put(grid, row, area.column, 16, LOOK_DIM, step->label);
		row = grid_wrap(grid, row, area.column + 17, area.width - 17, LOOK_PLAIN, text);
	}
	if (hash[0] != '\0') {
		(void)grid_put(grid, ++row, area.column, -1, LOOK_DIM, "Backfill report  sha256");
		draw_hash(hash, grid, area, row + 1);
		row += 3;
	}
	if (report != NULL)
		(void)labelled(grid, area, row + 1, "Report", event_text(report, "html"));
}
