#include "cli/face_plain.h"
#include "cli/show_qr.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/event.h"
#include "text/text.h"

enum {
	PROGRESS_LINE_MS = 10000, /* DESIGN: at most every ten seconds on what is no terminal */
	PROGRESS_TERMINAL_MS = 2000,
	WAITING_MS = 10 * 1000,
	COLUMNS_MAX = 400,
};

/* ---- members */

const char *plain_text(const struct json *event, const char *name)
{
	const struct json *member = event == NULL ? NULL : json_member(event, name);

	return member != NULL && json_type(member) == JSON_STRING ? json_string(member) : "";
}

int64_t plain_number(const struct json *event, const char *name)
{
	const struct json *member = event == NULL ? NULL : json_member(event, name);

	return member != NULL && json_type(member) == JSON_NUMBER ? (int64_t)json_number(member)
								  : 0;
}

bool plain_true(const struct json *event, const char *name)
{
	const struct json *member = event == NULL ? NULL : json_member(event, name);

	return member != NULL && json_type(member) == JSON_BOOL && json_bool(member);
}

void plain_escaped(struct str *out, const char *text)
{
	text_escape(out, bytes_of_string(text), COLUMNS_MAX);
}

void plain_begin_line(struct str *out, const struct json *event)
{
	const char *time = plain_text(event, "time");

	if (strlen(time) >= 19)
		str_append_format(out, "%.8s ", time + 11);
}

void plain_say(struct plain_face *plain, const struct str *line)
{
	face_say(plain->face, line);
}

/* ---- one function an event */

typedef void show(struct plain_face *plain, const struct json *event, struct str *line);

static void show_run_begin(struct plain_face *plain, const struct json *event, struct str *line)
{
	const struct json *kit = json_member(event, "kit");
	const struct json *site = json_member(event, "site");

	plain_escaped(line, plain_text(kit, "name"));
	str_append_char(line, ' ');
	plain_escaped(line, plain_text(kit, "version"));
	str_append_format(
		line, ", sequence %lld, on site ", (long long)plain_number(kit, "sequence"));
	plain_escaped(line, plain_text(site, "name"));
	str_append_text(line, ", database ");
	plain_escaped(line, plain_text(site, "database"));
	str_append_text(line, ". Run ");
	plain_escaped(line, plain_text(event, "run"));
	str_append_char(line, '.');
	plain_kit_page(plain->face, event, line);
}

static void show_run_resume(struct plain_face *plain, const struct json *event, struct str *line)
{
	bool rollback = strcmp(plain_text(event, "command"), "rollback") == 0;

	(void)plain;
	str_append_text(line, rollback ? "Undoing run " : "Going on with run ");
	plain_escaped(line, plain_text(event, "run"));
	str_append_char(line, '.');
}

static void show_check(struct plain_face *plain, const struct json *event, struct str *line)
{
	static const struct {
		const char *outcome;
		enum face_sign sign;
	} SIGNS[] = {
		{"passed", SIGN_GOOD},
		{"failed", SIGN_BAD},
		{"warning", SIGN_WARN},
	};
	enum face_sign sign = SIGN_NONE;

	for (size_t i = 0; i < sizeof SIGNS / sizeof *SIGNS; i++)
		if (strcmp(SIGNS[i].outcome, plain_text(event, "outcome")) == 0)
			sign = SIGNS[i].sign;
	str_append_format(line, "%s ", face_sign(plain->face, sign));
	plain_escaped(line, plain_text(event, "text"));
}

static bool was_planned(struct plain_face *plain, const char *step)
{
	for (size_t i = 0; i < plain->planned_count; i++)
		if (strcmp(plain->planned[i], step) == 0)
			return true;
	if (plain->planned_count < PLAIN_PLANS_MAX) {
		const char *copy = arena_string(&plain->arena, step);
		if (copy != NULL)
			plain->planned[plain->planned_count++] = copy;
	}
	return false;
}

/* An estimate has no parts of a second. */
static const char *about(int64_t takes, char text[static TEXT_DURATION_SIZE])
{
	return text_duration(takes < 1000 ? 1000 : takes, text);
}

/* What else there is to know about a step, for a gate's "details". */
static void keep_details(struct plain_face *plain, const struct json *event)
{
	static const struct {
		const char *member, *label;
	} ROWS[] = {
		{"changes", "Changes"},
		{"wayBackText", "Way back"},
		{"proof", "Proof"},
	};
	struct str *out = &plain->details;
	char takes[TEXT_DURATION_SIZE], size[TEXT_SIZE_SIZE];

	str_truncate(out, 0);
	for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
		if (*plain_text(event, ROWS[i].member) == '\0')
			continue;
		str_append_format(
			out, "%s%s%-10s", out->size > 0 ? "\n" : "", PLAIN_INDENT, ROWS[i].label);
		plain_escaped(out, plain_text(event, ROWS[i].member));
	}
	if (plain_number(event, "takes") >= 0)
		str_append_format(out, "\n%s%-10sabout %s", PLAIN_INDENT, "Takes",
			about(plain_number(event, "takes"), takes));
	if (plain_number(event, "octets") > 0)
		str_append_format(out, "\n%s%-10s%s", PLAIN_INDENT, "Disk",
			text_size((uint64_t)plain_number(event, "octets"), size));
}

static void append_effort(struct str *line, const struct json *event)
{
	char duration[TEXT_DURATION_SIZE], size[TEXT_SIZE_SIZE];

	if (plain_number(event, "takes") > 0)
		str_append_format(
			line, ", about %s", about(plain_number(event, "takes"), duration));
	if (plain_number(event, "octets") > 0)
		str_append_format(
			line, ", %s", text_size((uint64_t)plain_number(event, "octets"), size));
}

/* The first time it is a row of the plan, the second time the text of the gate. */
static void show_plan(struct plain_face *plain, const struct json *event, struct str *line)
{
	bool gate = was_planned(plain, plain_text(event, "step"));
	const struct json *what = json_member(event, "what");

	keep_details(plain, event);
	str_append_text(line, gate ? "Next: " : "Plan: ");
	plain_escaped(line, plain_text(event, "label"));
	if (plain_true(event, "nothingToDo")) {
		str_append_text(line, ": nothing to do");
		return;
	}
	if (*plain_text(event, "size") != '\0') {
		str_append_text(line, ": ");
		plain_escaped(line, plain_text(event, "size"));
	}
	append_effort(line, event);
	if (!gate)
		return;
	str_append_char(line, '.');
	for (const struct json *item = what == NULL ? NULL : json_first(what); item != NULL;
		item = json_next(item)) {
		str_append_format(line, "\n%s", PLAIN_INDENT);
		plain_escaped(line, json_string(item));
	}
	if (*plain_text(event, "wayBackText") != '\0') {
		str_append_format(line, "\n%sWay back: ", PLAIN_INDENT);
		plain_escaped(line, plain_text(event, "wayBackText"));
		str_append_char(line, '.');
	}
	if (plain_true(event, "noReturn"))
		str_append_format(line, "\n%sAfter this, going back is not exact.", PLAIN_INDENT);
}

static void show_answer(struct plain_face *plain, const struct json *event, struct str *line)
{
	if (strcmp(plain_text(event, "by"), "--yes") != 0)
		return;
	(void)plain;
	str_append_text(line, "--yes answers: ");
	plain_escaped(line, plain_text(event, "choice"));
}

static void show_begin(struct plain_face *plain, const struct json *event, struct str *line)
{
	plain->progress_due = clock_boottime() + PROGRESS_TERMINAL_MS;
	plain_escaped(line, plain_text(event, "step"));
	str_append_text(line, " begins.");
}

static void show_end(struct plain_face *plain, const struct json *event, struct str *line)
{
	char duration[TEXT_DURATION_SIZE];
	bool done = strcmp(plain_text(event, "outcome"), "done") == 0;

	(void)plain;
	plain_escaped(line, plain_text(event, "step"));
	if (done)
		str_append_format(line, " done in %s",
			text_duration(plain_number(event, "duration"), duration));
	else
		str_append_format(line, " %s", plain_text(event, "outcome"));
	if (*plain_text(event, "text") != '\0') {
		str_append_text(line, ": ");
		plain_escaped(line, plain_text(event, "text"));
	}
	str_append_char(line, '.');
}

static void show_text(struct plain_face *plain, const struct json *event, struct str *line)
{
	(void)plain;
	plain_escaped(line, plain_text(event, "text"));
}

/* Whoever pressed Ctrl+C has read it. */
static void show_stopping(struct plain_face *plain, const struct json *event, struct str *line)
{
	if (!plain->stop_asked)
		show_text(plain, event, line);
}

static void show_paused(struct plain_face *plain, const struct json *event, struct str *line)
{
	bool paused = plain_true(event, "paused");

	if (paused)
		str_append_text(line, "Paused at a safe point. r goes on, x stops.");
	else if (plain->paused)
		str_append_text(line, "Going on.");
	plain->paused = paused;
}

static void show_alert(struct plain_face *plain, const struct json *event, struct str *line)
{
	str_append_format(line, "%s alert %s: ",
		face_sign(plain->face, plain_true(event, "firing") ? SIGN_BAD : SIGN_GOOD),
		plain_true(event, "firing") ? "fires" : "is over");
	plain_escaped(line, plain_text(event, "text"));
}

static void show_failure(struct plain_face *plain, const struct json *event, struct str *line)
{
	str_append_format(line, "%s ", face_sign(plain->face, SIGN_BAD));
	plain_escaped(line, plain_text(event, "step"));
	str_append_text(line, " stopped: ");
	plain_escaped(line, plain_text(event, "message"));
	str_append_format(line, "\n%s", PLAIN_INDENT);
	plain_escaped(line, plain_text(event, "sentence"));
	str_append_text(line, "; ");
	plain_escaped(line, plain_text(event, "next"));
	str_append_char(line, '.');
}

static void show_undo_begin(struct plain_face *plain, const struct json *event, struct str *line)
{
	(void)plain;
	plain_escaped(line, plain_text(event, "step"));
	str_append_text(line, " is being undone.");
}

static void show_undo_end(struct plain_face *plain, const struct json *event, struct str *line)
{
	char duration[TEXT_DURATION_SIZE];

	(void)plain;
	plain_escaped(line, plain_text(event, "step"));
	str_append_format(
		line, " undone in %s.", text_duration(plain_number(event, "duration"), duration));
}

static void show_progress(struct plain_face *plain, const struct json *event, struct str *line)
{
	bool terminal = isatty(STDERR_FILENO) == 1;
	int64_t done = plain_number(event, "done"), total = plain_number(event, "total");
	int64_t now = clock_boottime();
	char done_text[TEXT_COUNT_SIZE], total_text[TEXT_COUNT_SIZE], left[TEXT_DURATION_SIZE];

	if (now < plain->progress_due)
		return;
	plain->progress_due = now + (terminal ? PROGRESS_TERMINAL_MS : PROGRESS_LINE_MS);
	plain_escaped(line, plain_text(event, "step"));
	if (total > 0)
		str_append_format(line, " %3d %%   %s of %s", (int)(done * 100 / total),
			text_count(done, done_text), text_count(total, total_text));
	else
		str_append_format(line, "   %s", text_count(done, done_text));
	if (plain_number(event, "rate") > 0)
		str_append_format(
			line, "   %s/s", text_count(plain_number(event, "rate"), done_text));
	if (plain_number(event, "left") >= 0)
		str_append_format(
			line, "   %s left", text_duration(plain_number(event, "left"), left));
	if (plain_number(event, "lag") >= 0)
		str_append_format(
			line, "   lag %s", text_duration(plain_number(event, "lag"), left));
}

/* The countdown: a line a try, and every ten seconds between them. */
static void show_waiting(struct plain_face *plain, const struct json *event, struct str *line)
{
	char next[TEXT_DURATION_SIZE], left[TEXT_DURATION_SIZE];
	int64_t attempt = plain_number(event, "attempt");
	int64_t now = clock_boottime();

	if (!plain_true(event, "waiting")) {
		plain->waiting_attempt = 0;
		return;
	}
	if (plain_number(event, "next") == 0 ||
		(attempt == plain->waiting_attempt && now < plain->waiting_due))
		return;
	plain->waiting_attempt = attempt;
	plain->waiting_due = now + WAITING_MS;
	str_append_format(line, "waiting for the server, next try in %s (%s until a safe stop)",
		text_duration(plain_number(event, "next"), next),
		text_duration(plain_number(event, "left"), left));
}

/* A run that the operator ended is no failure: one calm line, and what to do. */
static bool show_stop(struct plain_face *plain, const struct json *event, struct str *line)
{
	if (strcmp(plain_text(event, "code"), err_name(ERR_CANCELLED)) == 0) {
		str_append_text(line, "Cancelled; nothing was changed.");
	} else if (strcmp(plain_text(event, "code"), err_name(ERR_STOPPED)) == 0) {
		str_append_text(line, "Stopped at a safe point: ");
		plain_escaped(line, plain_text(event, "text"));
		str_append_text(line, ". offkit resume goes on.");
	} else {
		return false;
	}
	plain->face->end_told = true;
	return true;
}

static void show_run_end(struct plain_face *plain, const struct json *event, struct str *line)
{
	const struct json *report = json_member(event, "report");
	char duration[TEXT_DURATION_SIZE];
	struct str *result = &plain->face->result;

	if (plain_number(event, "exit") != 0 && show_stop(plain, event, line))
		return;
	plain_escaped(line, plain_text(event, "text"));
	str_append_format(line, "   %s", text_duration(plain_number(event, "duration"), duration));
	if (plain_number(event, "exit") != 0)
		return;
	const struct json *receipt = json_member(event, "receipt");
	plain_escaped(result, plain_text(event, "text"));
	str_append_char(result, '\n');
	if (*plain_text(event, "reportHash") != '\0')
		str_append_format(
			result, "Backfill report  sha256 %s\n", plain_text(event, "reportHash"));
	if (report != NULL)
		str_append_format(result, "Report  %s\n        %s\n        %s\n",
			plain_text(report, "html"), plain_text(report, "text"),
			plain_text(report, "json"));
	if (receipt != NULL)
		str_append_format(result, "Receipt %s\n        signed by the site key %s\n",
			plain_text(receipt, "path"), plain_text(receipt, "key"));
	/* What follows the lines of a run is not taken off the screen again. */
	plain->face->options.no_pager = true;
	show_qr(plain->face, plain_text(event, "reportHash"), result);
}

static void show_adopt(struct plain_face *plain, const struct json *event, struct str *line)
{
	const struct json *from = json_member(event, "from");

	(void)plain;
	str_append_text(line, "Taken over from host ");
	plain_escaped(line, plain_text(from, "host"));
	str_append_text(line, ", state folder ");
	plain_escaped(line, plain_text(from, "stateDir"));
	str_append_text(line, ": ");
	plain_escaped(line, plain_text(event, "reason"));
	str_append_char(line, '.');
}

static show *const SHOWS[EVENT_COUNT] = {
	[EVENT_RUN_BEGIN] = show_run_begin,
	[EVENT_RUN_ADOPT] = show_adopt,
	[EVENT_RUN_RESUME] = show_run_resume,
	[EVENT_CHECK] = show_check,
	[EVENT_PLAN] = show_plan,
	[EVENT_ANSWER] = show_answer,
	[EVENT_STEP_BEGIN] = show_begin,
	[EVENT_NOTE] = show_text,
	[EVENT_ALERT] = show_alert,
	[EVENT_STEP_END] = show_end,
	[EVENT_FAILURE] = show_failure,
	[EVENT_UNDO_BEGIN] = show_undo_begin,
	[EVENT_UNDO_END] = show_undo_end,
	[EVENT_RUN_END] = show_run_end,
	[EVENT_PROGRESS] = show_progress,
	[EVENT_STOPPING] = show_stopping,
	[EVENT_PAUSED] = show_paused,
	[EVENT_WAITING] = show_waiting,
};

static void show_event(
	struct plain_face *plain, enum event which, struct bytes text, const struct json *event)
{
	CLEANUP_STR struct str line = STR_INIT;

	if (plain->face->json) {
		(void)fwrite(text.data, 1, text.size, stdout);
		(void)fputc('\n', stdout);
		(void)fflush(stdout);
		return;
	}
	if (which == EVENT_COUNT || SHOWS[which] == NULL)
		return;
	plain_begin_line(&line, event);
	size_t head = line.size;
	SHOWS[which](plain, event, &line);
	if (line.size > head)
		plain_say(plain, &line);
}

void plain_event(struct plain_face *plain, struct bytes text, const struct json *event)
{
	enum event which = event_by_name(plain_text(event, "event"));

	if (plain->live)
		show_event(plain, which, text, event);
	else if (which == EVENT_PLAN)
		(void)was_planned(plain, plain_text(event, "step"));
}

void plain_face_init(struct plain_face *plain, struct face *face)
{
	*plain = (struct plain_face){
		.face = face, .progress_due = clock_boottime() + PROGRESS_TERMINAL_MS};
}

void plain_face_release(struct plain_face *plain)
{
	json_release(plain->question_doc);
	str_release(&plain->typed);
	arena_release(&plain->arena);
	str_release(&plain->details);
}
