/* What the newest run is, and how it stands: for status, report and attach. */
#include "cli/show_run.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/feed.h"
#include "engine/lock.h"
#include "text/text.h"

enum { STATE_PATIENCE = 2000 }; /* ms: an engine that is held (SIGSTOP) says nothing */

void newest_run_release(struct newest_run *newest)
{
	json_release(newest->standing);
	history_release(&newest->history);
}

/* The chain is read once more for its head: history_newest looks at several. */
static int read_head(int state_dirfd, struct newest_run *newest, struct err *err)
{
	CLEANUP_FD int runs_fd = -1;
	CLEANUP_FD int run_fd = -1;
	size_t torn = 0;
	int rc = folder_open_at(state_dirfd, "runs", &runs_fd, err);

	if (rc == 0)
		rc = folder_open_at(runs_fd, newest->id, &run_fd, err);
	return rc < 0 ? rc : journal_read(run_fd, NULL, NULL, &newest->head, &torn, err);
}

/* The one line that the engine says about itself; it is left out if none comes. */
static void ask_engine(int state_dirfd, struct newest_run *newest)
{
	struct pollfd polled = {.events = POLLIN};
	struct feed *feed = NULL;
	struct bytes line;
	struct err ignored;

	if (feed_attach(state_dirfd, FEED_STATE, &feed, &ignored) < 0)
		return;
	polled.fd = feed_fd(feed);
	if (poll(&polled, 1, STATE_PATIENCE) == 1 && feed_next(feed, &line, &ignored) == 1 &&
		json_parse(line, JSON_LIMITS_OWN(FEED_LINE_MAX), &newest->standing, &ignored) < 0)
		newest->standing = NULL;
	int rc = feed_finish(feed, &ignored);
	(void)rc;
}

static int find_holder(
	struct face *face, int state_dirfd, struct newest_run *newest, struct err *err)
{
	struct err held;

	if (lock_look(state_dirfd, &held) == 0 || held.code != ERR_LOCKED)
		return 0;
	newest->holder = arena_string(&face->arena, held.message);
	if (newest->holder == NULL)
		return err_no_memory(err);
	ask_engine(state_dirfd, newest);
	return 0;
}

int newest_run_find(struct face *face, struct newest_run *newest, struct err *err)
{
	CLEANUP_FD int state_dirfd = -1;
	struct err missing;

	newest->holder = "";
	int rc = face_open_state(face, &state_dirfd, err);
	if (rc < 0 || state_dirfd < 0)
		return rc;
	rc = find_holder(face, state_dirfd, newest, err);
	if (rc < 0)
		return rc;
	rc = history_newest(state_dirfd, NULL, &newest->history, newest->id, &missing);
	if (rc == -ERR_NOT_FOUND)
		return 0;
	if (rc < 0) {
		*err = missing;
		return rc;
	}
	newest->found = true;
	return read_head(state_dirfd, newest, err);
}

static enum face_sign sign_of(const char *outcome)
{
	static const struct {
		const char *outcome;
		enum face_sign sign;
	} SIGNS[] = {
		{"done", SIGN_GOOD},
		{"nothing", SIGN_GOOD},
		{"failed", SIGN_BAD},
		{"begun", SIGN_WARN},
		{"undoing", SIGN_WARN},
	};

	for (size_t i = 0; i < sizeof SIGNS / sizeof *SIGNS; i++)
		if (strcmp(SIGNS[i].outcome, outcome) == 0)
			return SIGNS[i].sign;
	return SIGN_NONE;
}

/* The widest of them, and a blank. */
static size_t outcome_columns(const struct language *language)
{
	static const enum message OUTCOMES[] = {MSG_RECORD_DONE, MSG_RECORD_NOTHING,
		MSG_RECORD_FAILED, MSG_RECORD_BEGUN, MSG_RECORD_UNDOING, MSG_RECORD_UNDONE,
		MSG_RECORD_WAITING};
	size_t widest = 0;

	for (size_t i = 0; i < sizeof OUTCOMES / sizeof *OUTCOMES; i++) {
		size_t width = text_width(message_text(language, OUTCOMES[i]));
		widest = width > widest ? width : widest;
	}
	return widest + 1;
}

static void show_step(
	struct face *face, const struct history *history, const struct history_step *step)
{
	struct str *out = &face->result;
	const char *outcome = history_outcome(history, step);
	char duration[TEXT_DURATION_SIZE];
	bool worked = step->begin != NULL;

	str_append_format(out, "  %s ", face_sign(face, sign_of(outcome)));
	text_append_column(out, message_of_record(face->language, step->label), 20);
	str_append_char(out, ' ');
	text_append_column(
		out, message_of_record(face->language, outcome), outcome_columns(face->language));
	str_append_format(
		out, " %8s  ", worked ? text_stopwatch(history_spent(step), duration) : "");
	if (step->failure != NULL)
		text_escape(out, bytes_of_string(history_text(step->failure, "message")), 200);
	else
		text_escape(out, bytes_of_string(history_text(step->end, "text")), 200);
	str_append_char(out, '\n');
}

static void begin_row(struct face *face, enum message label)
{
	message_append_label(&face->result, face->language, label, SHOW_RUN_LABEL);
}

static void show_row(struct face *face, enum message label, enum message text)
{
	begin_row(face, label);
	str_append_format(&face->result, "%s\n", face_text(face, text));
}

static bool stands(const struct json *standing, const char *name)
{
	const struct json *member = json_member(standing, name);

	return member != NULL && json_type(member) == JSON_BOOL && json_bool(member);
}

static void append_question(struct face *face, const char *question)
{
	CLEANUP_STR struct str said = STR_INIT, shown = STR_INIT;

	message_append_record(&said, face->language, question);
	text_escape(&shown, bytes_of_string(str_text(&said)), 200);
	begin_row(face, MSG_NONE);
	message_append(&face->result, face->language, MSG_STATUS_WAITS_ANSWER, str_text(&shown));
	str_append_char(&face->result, '\n');
}

/* Who is at work, and whether it waits for somebody. */
static void show_work(struct face *face, const struct newest_run *newest)
{
	struct str *out = &face->result;
	const struct json *standing = newest->standing == NULL ? NULL : json_root(newest->standing);
	bool asks = *history_text(standing, "question") != '\0';

	if (*newest->holder == '\0')
		return;
	begin_row(face, MSG_STATUS_WORK);
	text_escape(out, bytes_of_string(newest->holder), 200);
	str_append_char(out, '\n');
	if (asks) {
		append_question(face, history_text(standing, "text"));
	}
	if (stands(standing, "paused"))
		show_row(face, MSG_NONE, MSG_STATUS_PAUSED);
	if (stands(standing, "stopping"))
		show_row(face, MSG_NONE, MSG_STATUS_STOPPING);
	if ((asks || stands(standing, "paused")) && !stands(standing, "taken"))
		show_row(face, MSG_NONE, MSG_STATUS_NOBODY);
}

static enum message next_of(const struct newest_run *newest)
{
	if (*newest->holder != '\0')
		return MSG_STATUS_NEXT_ATTACH;
	if (newest->elsewhere)
		return MSG_STATUS_NEXT_ELSEWHERE;
	switch (history_state(&newest->history)) {
	case RUN_OPEN:
		return MSG_STATUS_NEXT_OPEN;
	case RUN_DONE:
		return MSG_STATUS_NEXT_DONE;
	case RUN_EMPTY:
	case RUN_UNDONE:
	case RUN_CANCELLED:
		break;
	}
	return MSG_STATUS_NEXT_NOTHING;
}

static void show_receipt(struct face *face, const struct json *receipt)
{
	CLEANUP_STR struct str key = STR_INIT;

	if (receipt == NULL)
		return;
	text_escape(&key, bytes_of_string(history_text(receipt, "key")), 0);
	begin_row(face, MSG_STATUS_SIGNED);
	text_escape(&face->result, bytes_of_string(history_text(receipt, "path")), 0);
	str_append_char(&face->result, '\n');
	begin_row(face, MSG_NONE);
	message_append(&face->result, face->language, MSG_STATUS_BY_SITE_KEY, str_text(&key));
	str_append_char(&face->result, '\n');
	if (access(history_text(receipt, "path"), F_OK) != 0 && errno == ENOENT)
		show_row(face, MSG_NONE, MSG_STATUS_RECEIPT_GONE);
}

static void show_found(struct face *face, const struct newest_run *newest)
{
	const struct history *history = &newest->history;
	const struct json *kit = json_member(history->begin, "kit");
	struct str *out = &face->result;

	begin_row(face, MSG_STATUS_RUN);
	str_append_format(out, "%s, %s\n", newest->id,
		message_of_record(face->language, history_state_name(history_state(history))));
	begin_row(face, MSG_KIT);
	text_escape(out, bytes_of_string(history_text(kit, "name")), 80);
	str_append_char(out, ' ');
	text_escape(out, bytes_of_string(history_text(kit, "version")), 80);
	str_append_char(out, '\n');
	if (history->end != NULL)
		show_receipt(face, json_member(history->end, "receipt"));
	show_work(face, newest);
	show_row(face, MSG_STATUS_NEXT, next_of(newest));
	str_append_char(out, '\n');
	for (size_t i = 0; i < history->step_count; i++)
		show_step(face, history, &history->steps[i]);
}

void newest_run_show(struct face *face, const struct newest_run *newest)
{
	if (newest->found) {
		show_found(face, newest);
		return;
	}
	show_work(face, newest);
	str_append_format(&face->result, "%s\n", face_text(face, MSG_STATUS_NOTHING_YET));
}
