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
	SHOWN_KEPT = 16 * 1024, /* octets */
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

void plain_record(struct plain_face *plain, struct str *out, const char *text)
{
	CLEANUP_STR struct str said = STR_INIT;

	message_append_record(&said, plain->face->language, text);
	plain_escaped(out, str_text(&said));
}

const char *plain_shown(struct plain_face *plain, const struct json *event, const char *name)
{
	CLEANUP_STR struct str text = STR_INIT;

	plain_escaped(&text, plain_text(event, name));
	const char *kept = arena_string(&plain->shown, str_text(&text));
	return kept != NULL ? kept : "";
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

	message_append(line, plain->face->language, MSG_RUN_OF_KIT, plain_shown(plain, kit, "name"),
		plain_shown(plain, kit, "version"), (long long)plain_number(kit, "sequence"),
		plain_shown(plain, site, "name"), plain_shown(plain, site, "database"),
		plain_shown(plain, event, "run"));
	plain_kit_page(plain, event, line);
}

static void show_run_resume(struct plain_face *plain, const struct json *event, struct str *line)
{
	const char *run = plain_shown(plain, event, "run");

	if (strcmp(plain_text(event, "command"), "rollback") == 0)
		message_append(line, plain->face->language, MSG_UNDOING_RUN, run);
	else
		message_append(line, plain->face->language, MSG_GOING_ON_WITH_RUN, run);
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
	plain_record(plain, line, plain_text(event, "text"));
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
static void append_about(struct str *out, const struct language *language, int64_t takes)
{
	char text[TEXT_DURATION_SIZE];

	message_append(out, language, MSG_ABOUT, text_duration(takes < 1000 ? 1000 : takes, text));
}

static void begin_detail(struct str *out, const struct language *language, enum message label)
{
	str_append_format(out, "%s%s", out->size > 0 ? "\n" : "", PLAIN_INDENT);
	message_append_label(out, language, label, 10);
}

/* What else there is to know about a step, for a gate's "details". */
static void keep_details(struct plain_face *plain, const struct json *event)
{
	static const struct {
		const char *member;
		enum message label;
	} ROWS[] = {
		{"changes", MSG_CHANGES},
		{"wayBackText", MSG_WAY_BACK},
		{"proof", MSG_PROOF},
	};
	const struct language *language = plain->face->language;
	struct str *out = &plain->details;
	char size[TEXT_SIZE_SIZE];

	str_truncate(out, 0);
	for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
		if (*plain_text(event, ROWS[i].member) == '\0')
			continue;
		begin_detail(out, language, ROWS[i].label);
		plain_record(plain, out, plain_text(event, ROWS[i].member));
	}
	if (plain_number(event, "takes") >= 0) {
		begin_detail(out, language, MSG_TAKES);
		append_about(out, language, plain_number(event, "takes"));
	}
	if (plain_number(event, "octets") > 0) {
		begin_detail(out, language, MSG_DISK);
		str_append_text(out, text_size((uint64_t)plain_number(event, "octets"), size));
	}
}

static void append_effort(
	struct str *line, const struct language *language, const struct json *event)
{
	char size[TEXT_SIZE_SIZE];

	if (plain_number(event, "takes") > 0) {
		str_append_text(line, ", ");
		append_about(line, language, plain_number(event, "takes"));
	}
	if (plain_number(event, "octets") > 0)
		str_append_format(
			line, ", %s", text_size((uint64_t)plain_number(event, "octets"), size));
}

/* What is done, how it is taken back, and what the operator has to know before. */
static void append_gate(struct plain_face *plain, const struct json *event, struct str *line)
{
	const struct json *what = json_member(event, "what");

	str_append_char(line, '.');
	for (const struct json *item = what == NULL ? NULL : json_first(what); item != NULL;
		item = json_next(item)) {
		str_append_format(line, "\n%s", PLAIN_INDENT);
		plain_record(plain, line, json_string(item));
	}
	if (*plain_text(event, "wayBackText") != '\0') {
		str_append_format(
			line, "\n%s%s: ", PLAIN_INDENT, face_text(plain->face, MSG_WAY_BACK));
		plain_record(plain, line, plain_text(event, "wayBackText"));
		str_append_char(line, '.');
	}
	if (plain_true(event, "noReturn"))
		str_append_format(
			line, "\n%s%s", PLAIN_INDENT, face_text(plain->face, MSG_NO_RETURN));
}

/* The first time it is a row of the plan, the second time the text of the gate. */
static void show_plan(struct plain_face *plain, const struct json *event, struct str *line)
{
	const struct language *language = plain->face->language;
	CLEANUP_STR struct str label = STR_INIT;
	bool gate = was_planned(plain, plain_text(event, "step"));

	keep_details(plain, event);
	plain_record(plain, &label, plain_text(event, "label"));
	if (gate)
		message_append(line, language, MSG_NEXT_TITLE, str_text(&label));
	else
		message_append(line, language, MSG_PLAN_ROW, str_text(&label));
	if (plain_true(event, "nothingToDo")) {
		str_append_format(line, ": %s", message_text(language, MSG_NOTHING_TO_DO));
		return;
	}
	if (*plain_text(event, "size") != '\0') {
		str_append_text(line, ": ");
		plain_record(plain, line, plain_text(event, "size"));
	}
	append_effort(line, language, event);
	if (gate)
		append_gate(plain, event, line);
}

static void show_answer(struct plain_face *plain, const struct json *event, struct str *line)
{
	if (strcmp(plain_text(event, "by"), "--yes") != 0)
		return;
	message_append(
		line, plain->face->language, MSG_YES_ANSWERS, plain_shown(plain, event, "choice"));
}

static void show_begin(struct plain_face *plain, const struct json *event, struct str *line)
{
	plain->progress_due = clock_boottime() + PROGRESS_TERMINAL_MS;
	message_append(
		line, plain->face->language, MSG_STEP_BEGINS, plain_shown(plain, event, "step"));
}

static void show_end(struct plain_face *plain, const struct json *event, struct str *line)
{
	const char *step = plain_shown(plain, event, "step");
	const char *outcome = plain_text(event, "outcome");
	char duration[TEXT_DURATION_SIZE];

	if (strcmp(outcome, "done") == 0)
		message_append(line, plain->face->language, MSG_STEP_DONE_IN, step,
			text_duration_in(
				plain->face->language, plain_number(event, "duration"), duration));
	else
		str_append_format(
			line, "%s %s", step, message_of_record(plain->face->language, outcome));
	if (*plain_text(event, "text") != '\0') {
		str_append_text(line, ": ");
		plain_record(plain, line, plain_text(event, "text"));
	}
	str_append_char(line, '.');
}

static void show_text(struct plain_face *plain, const struct json *event, struct str *line)
{
	plain_record(plain, line, plain_text(event, "text"));
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
		str_append_text(line, face_text(plain->face, MSG_PAUSED_HOW));
	else if (plain->paused)
		str_append_text(line, face_text(plain->face, MSG_GOING_ON));
	plain->paused = paused;
}

static void show_alert(struct plain_face *plain, const struct json *event, struct str *line)
{
	bool firing = plain_true(event, "firing");

	str_append_format(line, "%s ", face_sign(plain->face, firing ? SIGN_BAD : SIGN_GOOD));
	if (firing)
		message_append(line, plain->face->language, MSG_ALERT_FIRES,
			plain_shown(plain, event, "text"));
	else
		message_append(line, plain->face->language, MSG_ALERT_IS_OVER,
			plain_shown(plain, event, "text"));
}

static void show_failure(struct plain_face *plain, const struct json *event, struct str *line)
{
	str_append_format(line, "%s ", face_sign(plain->face, SIGN_BAD));
	message_append(line, plain->face->language, MSG_STEP_STOPPED,
		plain_shown(plain, event, "step"), plain_shown(plain, event, "message"));
	str_append_format(line, "\n%s", PLAIN_INDENT);
	plain_record(plain, line, plain_text(event, "sentence"));
	str_append_text(line, "; ");
	plain_record(plain, line, plain_text(event, "next"));
	str_append_char(line, '.');
}

static void show_undo_begin(struct plain_face *plain, const struct json *event, struct str *line)
{
	message_append(
		line, plain->face->language, MSG_STEP_UNDOING, plain_shown(plain, event, "step"));
}

static void show_undo_end(struct plain_face *plain, const struct json *event, struct str *line)
{
	char duration[TEXT_DURATION_SIZE];

	message_append(line, plain->face->language, MSG_STEP_UNDONE_IN,
		plain_shown(plain, event, "step"),
		text_duration_in(plain->face->language, plain_number(event, "duration"), duration));
}

static void show_progress(struct plain_face *plain, const struct json *event, struct str *line)
{
	bool terminal = isatty(STDERR_FILENO) == 1;
	int64_t done = plain_number(event, "done"), total = plain_number(event, "total");
	const struct language *language = plain->face->language;
	int64_t now = clock_boottime();
	const char *unit = plain_text(event, "unit");
	char done_text[TEXT_AMOUNT_SIZE], total_text[TEXT_AMOUNT_SIZE], left[TEXT_DURATION_SIZE];

	if (now < plain->progress_due)
		return;
	plain->progress_due = now + (terminal ? PROGRESS_TERMINAL_MS : PROGRESS_LINE_MS);
	const char *step = plain_shown(plain, event, "step");
	if (total > 0)
		message_append(line, language, MSG_PROGRESS_OF, step, (int)(done * 100 / total),
			text_amount(done, unit, done_text), text_amount(total, unit, total_text));
	else
		str_append_format(line, "%s   %s", step, text_amount(done, unit, done_text));
	if (plain_number(event, "rate") > 0)
		str_append_format(
			line, "   %s/s", text_amount(plain_number(event, "rate"), unit, done_text));
	if (plain_number(event, "left") >= 0) {
		str_append_text(line, "   ");
		message_append(line, language, MSG_PROGRESS_LEFT,
			text_duration(plain_number(event, "left"), left));
	}
	if (plain_number(event, "lag") >= 0) {
		str_append_text(line, "   ");
		message_append(line, language, MSG_PROGRESS_LAG,
			text_duration(plain_number(event, "lag"), left));
	}
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
	message_append(line, plain->face->language, MSG_WAITING_COUNTDOWN,
		text_duration(plain_number(event, "next"), next),
		text_duration(plain_number(event, "left"), left));
}

/* A run that the operator ended is no failure: one calm line, and what to do. */
static bool show_stop(struct plain_face *plain, const struct json *event, struct str *line)
{
	if (strcmp(plain_text(event, "code"), err_name(ERR_CANCELLED)) == 0) {
		str_append_text(line, face_text(plain->face, MSG_CANCELLED_LINE));
	} else if (strcmp(plain_text(event, "code"), err_name(ERR_STOPPED)) == 0) {
		message_append(line, plain->face->language, MSG_STOPPED_LINE,
			plain_shown(plain, event, "text"));
	} else {
		return false;
	}
	plain->face->end_told = true;
	return true;
}

/* A label and the column in which what belongs to it stands, line for line. */
static void begin_result(struct str *result, const struct language *language, enum message label)
{
	size_t report = text_width(message_text(language, MSG_REPORT));
	size_t receipt = text_width(message_text(language, MSG_RECEIPT));

	message_append_label(result, language, label, 1 + (report > receipt ? report : receipt));
}

static void append_evidence(struct plain_face *plain, const struct json *event, struct str *result)
{
	static const char *const FILES[] = {"html", "text", "json"};
	const struct language *language = plain->face->language;
	const struct json *report = json_member(event, "report");
	const struct json *receipt = json_member(event, "receipt");

	if (*plain_text(event, "reportHash") != '\0')
		str_append_format(result, "%s %s\n", message_text(language, MSG_BACKFILL_REPORT),
			plain_text(event, "reportHash"));
	for (size_t i = 0; report != NULL && i < sizeof FILES / sizeof *FILES; i++) {
		begin_result(result, language, i > 0 ? MSG_NONE : MSG_REPORT);
		str_append_format(result, "%s\n", plain_text(report, FILES[i]));
	}
	if (receipt == NULL)
		return;
	begin_result(result, language, MSG_RECEIPT);
	str_append_format(result, "%s\n", plain_text(receipt, "path"));
	begin_result(result, language, MSG_NONE);
	message_append(result, language, MSG_SIGNED_BY_SITE_KEY, plain_text(receipt, "key"));
	str_append_char(result, '\n');
}

static void show_run_end(struct plain_face *plain, const struct json *event, struct str *line)
{
	char duration[TEXT_DURATION_SIZE];
	struct str *result = &plain->face->result;

	if (plain_number(event, "exit") != 0 && show_stop(plain, event, line))
		return;
	plain_record(plain, line, plain_text(event, "text"));
	str_append_format(line, "   %s",
		text_duration_in(plain->face->language, plain_number(event, "duration"), duration));
	if (plain_number(event, "exit") != 0)
		return;
	plain_record(plain, result, plain_text(event, "text"));
	str_append_char(result, '\n');
	append_evidence(plain, event, result);
	/* What follows the lines of a run is not taken off the screen again. */
	plain->face->options.no_pager = true;
	show_qr(plain->face, plain_text(event, "reportHash"), result);
}

static void show_adopt(struct plain_face *plain, const struct json *event, struct str *line)
{
	const struct json *from = json_member(event, "from");

	message_append(line, plain->face->language, MSG_TAKEN_OVER,
		plain_shown(plain, from, "host"), plain_shown(plain, from, "stateDir"),
		plain_shown(plain, event, "reason"));
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
	arena_reset(&plain->shown, SHOWN_KEPT);
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
	arena_release(&plain->shown);
	str_release(&plain->details);
}
