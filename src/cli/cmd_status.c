/* offkit status and offkit report: what was done here, from the journal; both only read. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/face.h"
#include "engine/lock.h"
#include "engine/report.h"
#include "text/text.h"

static const struct option no_options[] = {OPTION_END};

struct newest {
	struct history history;
	char id[RUN_ID_SIZE];
	struct journal_head head;
	const char *holder; /* of the lock, "" if nobody works here */
	bool found;
};

static void newest_release(struct newest *newest)
{
	history_release(&newest->history);
}

/* The chain is read once more for its head: history_newest looks at several. */
static int read_head(int state_dirfd, struct newest *newest, struct err *err)
{
	CLEANUP_FD int runs_fd = -1;
	CLEANUP_FD int run_fd = -1;
	size_t torn = 0;
	int rc = folder_open_at(state_dirfd, "runs", &runs_fd, err);

	if (rc == 0)
		rc = folder_open_at(runs_fd, newest->id, &run_fd, err);
	return rc < 0 ? rc : journal_read(run_fd, NULL, NULL, &newest->head, &torn, err);
}

static int find_newest(struct face *face, struct newest *newest, struct err *err)
{
	CLEANUP_FD int state_dirfd = -1;
	struct err missing;
	int rc = face_open_state(face, &state_dirfd, err);

	if (rc < 0)
		return rc;
	newest->holder = "";
	if (state_dirfd < 0)
		return 0;
	rc = history_newest(state_dirfd, NULL, &newest->history, newest->id, &missing);
	if (rc == -ERR_NOT_FOUND)
		return 0;
	if (rc < 0) {
		*err = missing;
		return rc;
	}
	newest->found = true;
	if (lock_look(state_dirfd, &missing) < 0 && missing.code == ERR_LOCKED)
		newest->holder = arena_string(&face->arena, missing.message);
	return newest->holder == NULL ? err_no_memory(err) : read_head(state_dirfd, newest, err);
}

/* ---- status */

static const char *outcome_of(const struct history_step *step)
{
	if (step->end != NULL)
		return history_text(step->end, "outcome");
	if (step->undoing)
		return "undoing";
	if (step->undo != NULL)
		return "undone";
	if (step->failure != NULL)
		return "failed";
	return step->begin != NULL ? "begun" : "waiting";
}

static void write_status_json(struct face *face, const struct newest *newest)
{
	const struct history *history = &newest->history;
	struct json_writer writer;

	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "state",
		newest->found ? history_state_name(history_state(history)) : "none");
	json_member_string(&writer, "atWork", newest->holder);
	if (newest->found) {
		json_member_string(&writer, "run", newest->id);
		json_member_value(&writer, "kit", json_member(history->begin, "kit"));
		json_member_string(&writer, "begun", history_text(history->begin, "time"));
		json_member_array(&writer, "steps");
		for (size_t i = 0; i < history->step_count; i++) {
			const struct history_step *step = &history->steps[i];
			json_write_object(&writer);
			json_member_string(&writer, "name", step->name);
			json_member_string(&writer, "label", step->label);
			json_member_string(&writer, "outcome", outcome_of(step));
			json_member_integer(&writer, "duration", history_spent(step));
			if (step->failure != NULL)
				json_member_string(
					&writer, "message", history_text(step->failure, "message"));
			json_write_end(&writer);
		}
		json_write_end(&writer);
		json_member_bool(&writer, "ingestResumed", history->ingest_resumed);
		json_member_object(&writer, "journal");
		json_member_integer(&writer, "events", newest->head.seq);
		json_member_string(&writer, "head", newest->head.hash);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
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

static void write_status_step(struct face *face, const struct history_step *step)
{
	struct str *out = &face->result;
	const char *outcome = outcome_of(step);
	char duration[TEXT_DURATION_SIZE];
	bool worked = step->begin != NULL;

	str_append_format(out, "  %s %-20s %-8s %8s  ", face_sign(face, sign_of(outcome)),
		step->label, outcome, worked ? text_stopwatch(history_spent(step), duration) : "");
	if (step->failure != NULL)
		text_escape(out, bytes_of_string(history_text(step->failure, "message")), 200);
	else
		text_escape(out, bytes_of_string(history_text(step->end, "text")), 200);
	str_append_char(out, '\n');
}

static const char *next_of(const struct newest *newest)
{
	if (*newest->holder != '\0')
		return "wait until it ends, or attach to it";
	switch (history_state(&newest->history)) {
	case RUN_OPEN:
		return "offkit resume goes on; offkit rollback undoes";
	case RUN_DONE:
		return "nothing; offkit report shows the evidence";
	case RUN_EMPTY:
	case RUN_UNDONE:
	case RUN_CANCELLED:
		break;
	}
	return "nothing";
}

static void write_status_text(struct face *face, const struct newest *newest)
{
	const struct history *history = &newest->history;
	const struct json *kit = json_member(history->begin, "kit");
	struct str *out = &face->result;

	str_append_format(
		out, "Run    %s, %s\n", newest->id, history_state_name(history_state(history)));
	str_append_text(out, "Kit    ");
	text_escape(out, bytes_of_string(history_text(kit, "name")), 80);
	str_append_char(out, ' ');
	text_escape(out, bytes_of_string(history_text(kit, "version")), 80);
	if (*newest->holder != '\0') {
		str_append_text(out, "\nWork   ");
		text_escape(out, bytes_of_string(newest->holder), 200);
	}
	str_append_format(out, "\nNext   %s\n\n", next_of(newest));
	for (size_t i = 0; i < history->step_count; i++)
		write_status_step(face, &history->steps[i]);
}

static int status(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(newest_release) struct newest newest = {0};
	int rc = find_newest(face, &newest, err);

	(void)values;
	(void)operand_count;
	(void)operands;
	if (rc < 0)
		return rc;
	if (face->json)
		write_status_json(face, &newest);
	else if (newest.found)
		write_status_text(face, &newest);
	else
		str_append_text(&face->result, "Nothing was done here yet.\n");
	return 0;
}

/* ---- report */

static int report(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(newest_release) struct newest newest = {0};
	CLEANUP_STR struct str json = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	int rc = find_newest(face, &newest, err);

	(void)values;
	(void)operand_count;
	(void)operands;
	if (rc == 0 && !newest.found)
		rc = err_set(err, ERR_NOT_FOUND, "nothing was done here yet");
	if (rc == 0)
		rc = report_json(&newest.history, &newest.head, &json, err);
	if (rc < 0)
		return rc;
	if (face->json) {
		str_append(&face->result, json.text, json.size);
		str_append_char(&face->result, '\n');
		return 0;
	}
	rc = json_parse(str_bytes(&json), JSON_LIMITS_OWN(json.size), &doc, err);
	if (rc == 0)
		rc = report_text(json_root(doc), &face->result, err);
	if (rc < 0)
		return rc;
	str_append_text(&face->result, "\nTo print: ");
	text_escape(
		&face->result, bytes_of_string(history_text(newest.history.begin, "stateDir")), 0);
	str_append_format(&face->result, "/runs/%s/report.html\n", newest.id);
	return 0;
}

const struct command command_status = {
	.name = "status",
	.synopsis = "",
	.summary = "what was done here, and what is next",
	.options = no_options,
	.run = status,
};

const struct command command_report = {
	.name = "report",
	.synopsis = "",
	.summary = "the evidence of the newest run",
	.options = no_options,
	.run = report,
};
