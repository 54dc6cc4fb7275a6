#include "cli/face_plain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/stop.h"
#include "engine/event.h"
#include "text/text.h"

enum {
	PROGRESS_LINE_MS = 10000, /* DESIGN: at most every ten seconds on what is no terminal */
	PROGRESS_TERMINAL_MS = 2000,
	COLUMNS_MAX = 400,
};

static const char INDENT[] = "         ";

/* ---- members */

static const char *text_of(const struct json *event, const char *name)
{
	const struct json *member = event == NULL ? NULL : json_member(event, name);

	return member != NULL && json_type(member) == JSON_STRING ? json_string(member) : "";
}

static int64_t number_of(const struct json *event, const char *name)
{
	const struct json *member = event == NULL ? NULL : json_member(event, name);

	return member != NULL && json_type(member) == JSON_NUMBER ? (int64_t)json_number(member)
								  : 0;
}

static bool true_in(const struct json *event, const char *name)
{
	const struct json *member = event == NULL ? NULL : json_member(event, name);

	return member != NULL && json_type(member) == JSON_BOOL && json_bool(member);
}

static void escaped(struct str *out, const char *text)
{
	text_escape(out, bytes_of_string(text), COLUMNS_MAX);
}

/* "09:24:55 ", of the event */
static void begin_line(struct str *out, const struct json *event)
{
	const char *time = text_of(event, "time");

	if (strlen(time) >= 19)
		str_append_format(out, "%.8s ", time + 11);
}

static void say(struct plain_face *plain, const struct str *line)
{
	face_note(plain->face, "%s", str_text(line));
}

/* ---- one function an event */

typedef void show(struct plain_face *plain, const struct json *event, struct str *line);

static void show_run_begin(struct plain_face *plain, const struct json *event, struct str *line)
{
	const struct json *kit = json_member(event, "kit");
	const struct json *site = json_member(event, "site");

	(void)plain;
	escaped(line, text_of(kit, "name"));
	str_append_char(line, ' ');
	escaped(line, text_of(kit, "version"));
	str_append_format(line, ", sequence %lld, on site ", (long long)number_of(kit, "sequence"));
	escaped(line, text_of(site, "name"));
	str_append_text(line, ", database ");
	escaped(line, text_of(site, "database"));
	str_append_text(line, ". Run ");
	escaped(line, text_of(event, "run"));
	str_append_char(line, '.');
}

static void show_run_resume(struct plain_face *plain, const struct json *event, struct str *line)
{
	bool rollback = strcmp(text_of(event, "command"), "rollback") == 0;

	(void)plain;
	str_append_text(line, rollback ? "Undoing run " : "Going on with run ");
	escaped(line, text_of(event, "run"));
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
		if (strcmp(SIGNS[i].outcome, text_of(event, "outcome")) == 0)
			sign = SIGNS[i].sign;
	str_append_format(line, "%s ", face_sign(plain->face, sign));
	escaped(line, text_of(event, "text"));
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

static void append_effort(struct str *line, const struct json *event)
{
	char duration[TEXT_DURATION_SIZE], size[TEXT_SIZE_SIZE];

	if (number_of(event, "takes") > 0)
		str_append_format(
			line, ", about %s", text_duration(number_of(event, "takes"), duration));
	if (number_of(event, "octets") > 0)
		str_append_format(
			line, ", %s", text_size((uint64_t)number_of(event, "octets"), size));
}

/* The first time it is a row of the plan, the second time the text of the gate. */
static void show_plan(struct plain_face *plain, const struct json *event, struct str *line)
{
	bool gate = was_planned(plain, text_of(event, "step"));
	const struct json *what = json_member(event, "what");

	str_append_text(line, gate ? "Next: " : "Plan: ");
	escaped(line, text_of(event, "label"));
	if (true_in(event, "nothingToDo")) {
		str_append_text(line, ": nothing to do");
		return;
	}
	if (*text_of(event, "size") != '\0') {
		str_append_text(line, ": ");
		escaped(line, text_of(event, "size"));
	}
	append_effort(line, event);
	if (!gate)
		return;
	str_append_char(line, '.');
	for (const struct json *item = what == NULL ? NULL : json_first(what); item != NULL;
		item = json_next(item)) {
		str_append_format(line, "\n%s", INDENT);
		escaped(line, json_string(item));
	}
	if (*text_of(event, "wayBackText") != '\0') {
		str_append_format(line, "\n%sWay back: ", INDENT);
		escaped(line, text_of(event, "wayBackText"));
		str_append_char(line, '.');
	}
	if (true_in(event, "noReturn"))
		str_append_format(line, "\n%sAfter this, going back is not exact.", INDENT);
}

static void show_answer(struct plain_face *plain, const struct json *event, struct str *line)
{
	if (strcmp(text_of(event, "by"), "--yes") != 0)
		return;
	(void)plain;
	str_append_text(line, "--yes answers: ");
	escaped(line, text_of(event, "choice"));
}

static void show_begin(struct plain_face *plain, const struct json *event, struct str *line)
{
	plain->progress_due = clock_boottime() + PROGRESS_TERMINAL_MS;
	escaped(line, text_of(event, "step"));
	str_append_text(line, " begins.");
}

static void show_end(struct plain_face *plain, const struct json *event, struct str *line)
{
	char duration[TEXT_DURATION_SIZE];
	bool done = strcmp(text_of(event, "outcome"), "done") == 0;

	(void)plain;
	escaped(line, text_of(event, "step"));
	if (done)
		str_append_format(
			line, " done in %s", text_duration(number_of(event, "duration"), duration));
	else
		str_append_format(line, " %s", text_of(event, "outcome"));
	if (*text_of(event, "text") != '\0') {
		str_append_text(line, ": ");
		escaped(line, text_of(event, "text"));
	}
	str_append_char(line, '.');
}

static void show_text(struct plain_face *plain, const struct json *event, struct str *line)
{
	(void)plain;
	escaped(line, text_of(event, "text"));
}

static void show_alert(struct plain_face *plain, const struct json *event, struct str *line)
{
	str_append_format(line, "%s alert %s: ",
		face_sign(plain->face, true_in(event, "firing") ? SIGN_BAD : SIGN_GOOD),
		true_in(event, "firing") ? "fires" : "is over");
	escaped(line, text_of(event, "text"));
}

static void show_failure(struct plain_face *plain, const struct json *event, struct str *line)
{
	str_append_format(line, "%s ", face_sign(plain->face, SIGN_BAD));
	escaped(line, text_of(event, "step"));
	str_append_text(line, " stopped: ");
	escaped(line, text_of(event, "message"));
	str_append_format(line, "\n%s", INDENT);
	escaped(line, text_of(event, "sentence"));
	str_append_text(line, "; ");
	escaped(line, text_of(event, "next"));
	str_append_char(line, '.');
}

static void show_undo_begin(struct plain_face *plain, const struct json *event, struct str *line)
{
	(void)plain;
	escaped(line, text_of(event, "step"));
	str_append_text(line, " is being undone.");
}

static void show_undo_end(struct plain_face *plain, const struct json *event, struct str *line)
{
	char duration[TEXT_DURATION_SIZE];

	(void)plain;
	escaped(line, text_of(event, "step"));
	str_append_format(
		line, " undone in %s.", text_duration(number_of(event, "duration"), duration));
}

static void show_progress(struct plain_face *plain, const struct json *event, struct str *line)
{
	bool terminal = isatty(STDERR_FILENO) == 1;
	int64_t done = number_of(event, "done"), total = number_of(event, "total");
	int64_t now = clock_boottime();
	char done_text[TEXT_COUNT_SIZE], total_text[TEXT_COUNT_SIZE], left[TEXT_DURATION_SIZE];

	if (now < plain->progress_due)
		return;
	plain->progress_due = now + (terminal ? PROGRESS_TERMINAL_MS : PROGRESS_LINE_MS);
	escaped(line, text_of(event, "step"));
	if (total > 0)
		str_append_format(line, " %3d %%   %s of %s", (int)(done * 100 / total),
			text_count(done, done_text), text_count(total, total_text));
	else
		str_append_format(line, "   %s", text_count(done, done_text));
	if (number_of(event, "rate") > 0)
		str_append_format(line, "   %s/s", text_count(number_of(event, "rate"), done_text));
	if (number_of(event, "left") >= 0)
		str_append_format(
			line, "   %s left", text_duration(number_of(event, "left"), left));
	if (number_of(event, "lag") >= 0)
		str_append_format(line, "   lag %s", text_duration(number_of(event, "lag"), left));
}

static void show_run_end(struct plain_face *plain, const struct json *event, struct str *line)
{
	const struct json *report = json_member(event, "report");
	char duration[TEXT_DURATION_SIZE];
	struct str *result = &plain->face->result;

	escaped(line, text_of(event, "text"));
	str_append_format(line, "   %s", text_duration(number_of(event, "duration"), duration));
	if (number_of(event, "exit") != 0 || plain->face->json)
		return;
	escaped(result, text_of(event, "text"));
	str_append_char(result, '\n');
	if (*text_of(event, "reportHash") != '\0')
		str_append_format(
			result, "Backfill report  sha256 %s\n", text_of(event, "reportHash"));
	if (report != NULL)
		str_append_format(result, "Report  %s\n        %s\n        %s\n",
			text_of(report, "html"), text_of(report, "text"), text_of(report, "json"));
}

static show *const SHOWS[EVENT_COUNT] = {
	[EVENT_RUN_BEGIN] = show_run_begin,
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
	[EVENT_STOPPING] = show_text,
};

static void on_event(void *self, struct bytes text, const struct json *event)
{
	CLEANUP_STR struct str line = STR_INIT;
	struct plain_face *plain = self;
	enum event which = event_by_name(text_of(event, "event"));
	struct err ignored;
	int64_t time = 0;

	if (time_parse(text_of(event, "time"), &time, &ignored) == 0 && time < plain->started) {
		if (which == EVENT_PLAN)
			(void)was_planned(plain, text_of(event, "step"));
		return;
	}
	if (plain->face->json) {
		(void)fwrite(text.data, 1, text.size, stdout);
		(void)fputc('\n', stdout);
		(void)fflush(stdout);
		return;
	}
	if (which == EVENT_COUNT || SHOWS[which] == NULL)
		return;
	begin_line(&line, event);
	size_t head = line.size;
	SHOWS[which](plain, event, &line);
	if (line.size > head)
		say(plain, &line);
}

/* ---- questions */

static int answer_yes(const struct json *question, struct str *ret_choice, struct err *err)
{
	const char *kind = text_of(question, "kind");

	if (strcmp(kind, "confirm") == 0 || strcmp(kind, "type") == 0)
		return err_set(err, ERR_PREFLIGHT,
			"--yes does not answer \"%s\": repeat with --accept-inexact --reason TEXT",
			text_of(question, "text"));
	str_append_text(ret_choice, text_of(question, "default"));
	return 0;
}

/* A line of the operator's, without its end. ERR_STOPPED at a signal and at the end of input. */
static int read_answer(struct str *line, struct err *err)
{
	for (;;) {
		char c;
		ssize_t got = read(STDIN_FILENO, &c, 1);
		if (got < 0 && errno == EINTR && !stop_wanted())
			continue;
		if (got <= 0)
			return err_set(err, ERR_STOPPED, "no answer came");
		if (c == '\n')
			return str_check(line, err);
		if (line->size < 1024)
			str_append_char(line, c);
	}
}

static void print_choices(struct plain_face *plain, const struct json *choices)
{
	CLEANUP_STR struct str line = STR_INIT;
	int number = 1;

	str_append_text(&line, INDENT);
	for (const struct json *choice = json_first(choices); choice != NULL;
		choice = json_next(choice)) {
		str_append_format(&line, "%s%d ", number > 1 ? "   " : "", number);
		number++;
		escaped(&line, text_of(choice, "label"));
	}
	say(plain, &line);
}

/* By number, or by name; an empty line is the default. */
static const char *match(const struct json *question, const char *answer)
{
	int number = 1;
	char digits[16];
	const struct json *choices = json_member(question, "choices");

	if (*answer == '\0')
		return text_of(question, "default");
	for (const struct json *choice = json_first(choices); choice != NULL;
		choice = json_next(choice), number++) {
		(void)snprintf(digits, sizeof digits, "%d", number);
		if (strcmp(answer, digits) == 0 || strcmp(answer, text_of(choice, "name")) == 0)
			return text_of(choice, "name");
	}
	return NULL;
}

static int default_number(const struct json *question)
{
	const struct json *choices = json_member(question, "choices");
	int number = 1;

	for (const struct json *choice = json_first(choices); choice != NULL;
		choice = json_next(choice), number++)
		if (strcmp(text_of(choice, "name"), text_of(question, "default")) == 0)
			return number;
	return 1;
}

static void print_question(struct plain_face *plain, const struct json *question)
{
	CLEANUP_STR struct str line = STR_INIT;
	const struct json *lines = json_member(question, "lines");

	begin_line(&line, question);
	escaped(&line, text_of(question, "text"));
	for (const struct json *item = lines == NULL ? NULL : json_first(lines); item != NULL;
		item = json_next(item)) {
		str_append_format(&line, "\n%s", INDENT);
		escaped(&line, json_string(item));
	}
	say(plain, &line);
}

static int on_ask(void *self, const struct json *question, struct str *ret_choice,
	const char **ret_by, struct err *err)
{
	struct plain_face *plain = self;
	const char *expected = text_of(question, "expected");

	if (plain->face->options.yes) {
		*ret_by = "--yes";
		return answer_yes(question, ret_choice, err);
	}
	print_question(plain, question);
	*ret_by = "operator";
	for (;;) {
		CLEANUP_STR struct str answer = STR_INIT;
		if (*expected == '\0')
			print_choices(plain, json_member(question, "choices"));
		else
			face_note(plain->face, "%sType %s to go on.", INDENT, expected);
		(void)fprintf(stderr, *expected == '\0' ? "choice [%d]: " : "> ",
			default_number(question));
		(void)fflush(stderr);
		int rc = read_answer(&answer, err);
		if (rc < 0)
			return rc;
		const char *choice =
			*expected == '\0' ? match(question, str_text(&answer)) : str_text(&answer);
		if (choice != NULL) {
			str_append_text(ret_choice, choice);
			return str_check(ret_choice, err);
		}
	}
}

static bool on_stop_requested(void *self)
{
	(void)self;
	return stop_wanted();
}

void plain_face_init(struct plain_face *plain, struct face *face, struct engine_face *ret_face)
{
	*plain = (struct plain_face){.face = face,
		.started = clock_now(),
		.progress_due = clock_boottime() + PROGRESS_TERMINAL_MS};
	*ret_face = (struct engine_face){
		.self = plain,
		.event = on_event,
		.ask = on_ask,
		.stop_requested = on_stop_requested,
	};
}

void plain_face_release(struct plain_face *plain)
{
	arena_release(&plain->arena);
}
