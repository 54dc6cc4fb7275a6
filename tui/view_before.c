/*
 * The pages before the work: the kit, the plan with its checks, the gate of a step.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "text/text.h"
#include "tui/view.h"

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

static void append_installed(
	const struct json *kit, const struct language *language, struct str *out)
{
	const struct json *installed = json_member(kit, "installed");
	int64_t here = event_integer(installed, "sequence", 0);
	int64_t new = event_integer(kit, "sequence", 0);

	if (installed == NULL || json_type(installed) != JSON_OBJECT) {
		str_append_text(out, message_text(language, MSG_INSTALLED_NOTHING));
		return;
	}
	message_append(out, language, MSG_INSTALLED_SEQUENCE, event_text(installed, "version"),
		(long long)here,
		message_text(language, new > here    ? MSG_THIS_IS_NEWER
				       : new == here ? MSG_THIS_IS_THE_SAME
						     : MSG_THIS_IS_OLDER));
}

static int kit_identity(const struct json *kit, struct grid *grid, struct area area, int row)
{
	struct str text = STR_INIT;

	message_append(&text, area.language, MSG_KIT_SEQUENCE, event_text(kit, "name"),
		event_text(kit, "version"), (long long)event_integer(kit, "sequence", 0));
	row = view_labelled(grid, area, row, say(area, MSG_KIT), str_text(&text));
	str_truncate(&text, 0);
	append_time(&text, event_text(kit, "created"));
	if (event_text(kit, "expires")[0] != '\0')
		message_append(&text, area.language, MSG_EXPIRES, event_text(kit, "expires"));
	row = view_labelled(grid, area, row, say(area, MSG_MADE), str_text(&text));
	str_truncate(&text, 0);
	append_installed(kit, area.language, &text);
	row = view_labelled(grid, area, row, say(area, MSG_INSTALLED), str_text(&text));
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

/* A line each, so that the page has room for all: e has them whole. */
static int kit_evidence(const struct json *evidence, struct grid *grid, struct area area, int row)
{
	if (evidence == NULL || json_type(evidence) != JSON_ARRAY)
		return row;
	for (const struct json *item = json_first(evidence); item != NULL; item = json_next(item)) {
		(void)grid_put(grid, row, area.column, 1, LOOK_PLAIN, "✓");
		(void)grid_put_short(
			grid, row, area.column + 2, 13, LOOK_PLAIN, event_text(item, "name"));
		(void)grid_put_short(grid, row++, area.column + 16, area.width - 16, LOOK_PLAIN,
			event_text(item, "text"));
	}
	return row;
}

static int kit_proofs(const struct json *run, struct grid *grid, struct area area, int row)
{
	const struct json *signers = json_member(run, "signers");
	const struct json *root = json_member(run, "root");
	struct str names = STR_INIT, text = STR_INIT;
	char count[TEXT_COUNT_SIZE], size[TEXT_SIZE_SIZE];

	int good = count_signed(signers, &names);
	message_append(&text, area.language, MSG_KEYS_OF, good,
		signers != NULL ? json_count(signers) : 0, str_text(&names));
	row = proved(grid, area, row, say(area, MSG_MANIFEST), str_text(&text));
	str_truncate(&text, 0);
	(void)text_count(event_integer(run, "files", 0), count);
	message_append(
		&text, area.language, MSG_KEY_AND_FILES, event_text(run, "sumsSigner"), count);
	row = proved(grid, area, row, "SHA256SUMS", str_text(&text));
	str_truncate(&text, 0);
	message_append(&text, area.language, MSG_FILES_OF, count, count,
		text_size((uint64_t)event_integer(run, "octets", 0), size));
	row = proved(grid, area, row, say(area, MSG_FILES), str_text(&text));
	row = kit_evidence(json_member(run, "evidence"), grid, area, row);
	str_truncate(&text, 0);
	message_append(&text, area.language, MSG_ROOT_VERSION,
		(long long)event_integer(root, "version", 0), event_text(root, "expires"));
	row = proved(grid, area, row, say(area, MSG_TRUST_ROOT), str_text(&text));
	str_release(&names);
	str_release(&text);
	return row;
}

void view_kit(const struct model *model, struct grid *grid, struct area area)
{
	const struct json *run = model->run.event;
	const struct json *force = json_member(run, "force");

	(void)grid_put(
		grid, area.row, area.column, area.width, LOOK_BOLD, say(area, MSG_KIT_IS_SIGNED));
	int row = kit_identity(json_member(run, "kit"), grid, area, area.row + 2) + 1;
	row = kit_proofs(run, grid, area, row);
	if (event_true(json_member(run, "root"), "demo")) {
		(void)grid_put(grid, row, area.column, 1, LOOK_NOTICE, "!");
		row = grid_wrap(grid, row, area.column + 2, area.width - 2, LOOK_NOTICE,
			say(area, MSG_DEMO_ROOT_WARNING));
	}
	if (force != NULL) {
		struct str text = STR_INIT;
		message_append(&text, area.language, MSG_FORCED, event_text(force, "reason"));
		(void)grid_put(grid, row, area.column, 1, LOOK_NOTICE, "!");
		row = grid_wrap(
			grid, row, area.column + 2, area.width - 2, LOOK_NOTICE, str_text(&text));
		str_release(&text);
	}
	(void)grid_put(grid, row + 1, area.column, area.width, LOOK_DIM, say(area, MSG_KIT_PAGES));
}

/* ---- the plan and its checks */

static const struct {
	const char *outcome;
	const char *sign;
	enum look look;
} outcomes[] = {
	{"failed", "✗", LOOK_FAILED},
	{"warning", "!", LOOK_NOTICE},
	{"passed", "✓", LOOK_PLAIN},
	{"skipped", "-", LOOK_DIM},
};

const char *view_outcome(const struct json *check, enum look *ret_look)
{
	for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
		if (strcmp(outcomes[i].outcome, event_text(check, "outcome")) == 0) {
			*ret_look = outcomes[i].look;
			return outcomes[i].sign;
		}
	*ret_look = LOOK_PLAIN;
	return "";
}

/* What failed is told whole, the others in a line: d has them. */
static int draw_check(struct grid *grid, struct area area, int row, const struct json *check)
{
	enum look look;
	const char *sign = view_outcome(check, &look);

	(void)grid_put(grid, row, area.column, 1, look, sign);
	if (look == LOOK_FAILED)
		return grid_wrap(grid, row, area.column + 2, area.width - 2, look,
			event_text(check, "text"));
	(void)grid_put_short(
		grid, row, area.column + 2, area.width - 2, look, event_text(check, "text"));
	return row + 1;
}

/* What did not pass stands first, so that a small screen never hides it behind what did. */
int view_checks(const struct model *model, struct grid *grid, struct area area, int row, int rows)
{
	int shown = 0, count = (int)model->check_count;
	int room = count > rows ? rows - 1 : rows;

	for (size_t o = 0; o < sizeof outcomes / sizeof outcomes[0]; o++)
		for (size_t i = 0; i < model->check_count; i++) {
			const struct json *check = model->checks[i].event;
			if (strcmp(event_text(check, "outcome"), outcomes[o].outcome) != 0 ||
				shown == room)
				continue;
			row = draw_check(grid, area, row, check);
			shown++;
		}
	if (shown < count) {
		char text[64];
		message_format(text, sizeof text, area.language, MSG_MORE_CHECKS, count - shown);
		(void)grid_put(grid, row++, area.column + 2, -1, LOOK_DIM, text);
	}
	return row;
}

static int planned_steps(const struct model *model)
{
	int count = 0;

	for (size_t i = 0; i < model->step_count; i++)
		count += model->steps[i].plan.event != NULL;
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

/* Of a page of the least width; a wider one has more room for the size. */
enum { PLAN_SIZE = 18, PLAN_ABOUT_WIDTH = 8, PLAN_OCTETS_WIDTH = 8 };

static void draw_planned(
	const struct model_step *step, struct grid *grid, struct area area, int row)
{
	char text[TEXT_DURATION_SIZE], size[TEXT_SIZE_SIZE];
	const struct json *plan = step->plan.event;
	bool nothing = event_true(plan, "nothingToDo");
	int64_t takes = nothing ? -1 : event_integer(plan, "takes", -1);
	int64_t octets = nothing ? 0 : event_integer(plan, "octets", 0);
	int end = area.width - PLAN_OCTETS_WIDTH - (takes >= 0 ? PLAN_ABOUT_WIDTH : 0);

	(void)grid_put_short(grid, row, area.column + 2, 15, LOOK_PLAIN, step->label);
	(void)grid_put_short(grid, row, area.column + PLAN_SIZE, end - PLAN_SIZE, LOOK_PLAIN,
		nothing ? say(area, MSG_NOTHING_TO_DO) : event_text(plan, "size"));
	if (takes >= 0)
		(void)grid_put_right(grid, row, area.column + area.width - PLAN_OCTETS_WIDTH,
			LOOK_PLAIN, about(takes, text));
	if (octets > 0)
		(void)grid_put_right(grid, row, area.column + area.width, LOOK_PLAIN,
			text_size((uint64_t)octets, size));
}

void view_plan(const struct model *model, struct grid *grid, struct area area)
{
	int row = area.row, steps = planned_steps(model);

	(void)grid_put(grid, row, area.column, area.width, LOOK_BOLD, say(area, MSG_PLAN_TITLE));
	row += 2;
	(void)grid_put(grid, row++, area.column, area.width, LOOK_DIM, say(area, MSG_CHECKS));
	int room = area.rows - 6 - steps;
	row = view_checks(model, grid, area, row, room < 3 ? 3 : room) + 1;
	(void)grid_put(grid, row, area.column, area.width, LOOK_DIM, say(area, MSG_STEPS));
	(void)grid_put_right(grid, row++, area.column + area.width - PLAN_OCTETS_WIDTH, LOOK_DIM,
		say(area, MSG_ABOUT_COLUMN));
	for (size_t i = 0; i < model->step_count; i++)
		if (model->steps[i].plan.event != NULL)
			draw_planned(&model->steps[i], grid, area, row++);
	(void)grid_put(grid, row, area.column, area.width, LOOK_DIM, say(area, MSG_PLAN_FOOT));
}

/* ---- a gate before a step */

/* In the rows before end: a long text must not push the question off the page. */
static int gate_what(const struct json *plan, struct grid *grid, struct area area, int row, int end)
{
	const struct json *what = json_member(plan, "what");
	int right = grid->column_end, bottom = grid->row_end;

	if (what == NULL)
		return row;
	grid_clip(grid, right, area.row, end);
	for (const struct json *line = json_first(what); line != NULL; line = json_next(line))
		row = view_record(grid, area, row, LOOK_PLAIN, json_string(line));
	grid_clip(grid, right, area.row, bottom);
	if (row <= end)
		return row;
	for (int column = area.column; column < area.column + area.width; column++)
		(void)grid_put(grid, end - 1, column, 1, LOOK_PLAIN, " ");
	(void)grid_put(grid, end - 1, area.column, area.width, LOOK_DIM, say(area, MSG_ALL_OF_IT));
	return end;
}

static void append_size_and_time(
	const struct json *plan, const struct language *language, struct str *out)
{
	char text[TEXT_DURATION_SIZE], size[TEXT_SIZE_SIZE];
	int64_t takes = event_integer(plan, "takes", -1);
	int64_t octets = event_integer(plan, "octets", 0);

	if (takes >= 0)
		message_append(out, language, MSG_ABOUT, about(takes, text));
	else
		str_append_text(out, message_text(language, MSG_TIME_NOT_KNOWN));
	if (octets > 0)
		message_append(out, language, MSG_OF_DISK, text_size((uint64_t)octets, size));
}

/* The way back of a step that is done. */
static void view_undo_gate(const struct model *model, const struct model_step *step,
	struct grid *grid, struct area area)
{
	const struct json *plan = step->plan.event;
	int row = area.row + 2;

	char title[512];

	message_format(title, sizeof title, area.language, MSG_UNDO_TITLE, step->label);
	(void)grid_put(grid, area.row, area.column, -1, LOOK_BOLD, title);
	if (step->end.event != NULL)
		row = view_labelled(grid, area, row, say(area, MSG_WAS_DONE),
			event_text(step->end.event, "text"));
	row = view_labelled_record(
		grid, area, row, say(area, MSG_WAY_BACK), event_text(plan, "wayBackText"));
	if (event_text(plan, "proof")[0] != '\0')
		row = view_labelled_record(
			grid, area, row, say(area, MSG_PROOF), event_text(plan, "proof"));
	area.row = row + 1;
	view_question(model, grid, area);
}

/* Size, way back, proof and the question: what always stands on the page. */
static int gate_below(const struct model *model, const struct json *plan, struct grid *grid,
	struct area area, int row)
{
	struct str text = STR_INIT;
	char ask[512];

	append_size_and_time(plan, area.language, &text);
	row = view_labelled(grid, area, row, say(area, MSG_TAKES), str_text(&text));
	str_release(&text);
	row = view_labelled_record(
		grid, area, row, say(area, MSG_CHANGES), event_text(plan, "changes"));
	row = view_labelled_record(
		grid, area, row, say(area, MSG_WAY_BACK), event_text(plan, "wayBackText"));
	if (event_text(plan, "proof")[0] != '\0')
		row = view_labelled_record(
			grid, area, row, say(area, MSG_PROOF), event_text(plan, "proof"));
	if (event_true(plan, "noReturn")) {
		(void)grid_put(grid, ++row, area.column, 1, LOOK_NOTICE, "!");
		row = grid_wrap(grid, row, area.column + 2, area.width - 2, LOOK_NOTICE,
			say(area, MSG_NO_RETURN));
	}
	if (model_is_frozen(model))
		row = grid_wrap(
			grid, row + 1, area.column, area.width, LOOK_PLAIN, say(area, MSG_FROZEN));
	/* The engine repeats the warning that stands above. */
	(void)snprintf(ask, sizeof ask, "%s", event_text(model->question.event, "text"));
	ask[strcspn(ask, "?") + (strchr(ask, '?') != NULL)] = '\0';
	return view_record(grid, area, row + 1, LOOK_BOLD, ask);
}

void view_gate(const struct model *model, struct grid *grid, struct area area)
{
	enum { OFF_SCREEN = -100000 };
	char title[512];
	const struct model_step *step = view_step(model);
	const struct json *plan = step != NULL ? step->plan.event : NULL;

	if (plan == NULL) {
		view_question(model, grid, area);
		return;
	}
	if (model->going_back) {
		view_undo_gate(model, step, grid, area);
		return;
	}
	int below = gate_below(model, plan, grid, area, OFF_SCREEN) - OFF_SCREEN;
	message_format(title, sizeof title, area.language, MSG_NEXT_TITLE, step->label);
	(void)grid_put(grid, area.row, area.column, -1, LOOK_BOLD, title);
	int row = gate_what(plan, grid, area, area.row + 2, area.row + area.rows - below - 1);
	(void)gate_below(model, plan, grid, area, row + 1);
}
