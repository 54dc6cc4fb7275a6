/* offkit log: the event chain of a run, checked line by line; only reads. */
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/face.h"
#include "engine/event.h"
#include "engine/history.h"
#include "engine/report.h"
#include "text/text.h"

static const struct option no_options[] = {OPTION_END};

enum { ROW_MEMBERS_MAX = 3, ROW_STEP_WIDTH = 14, LABEL_COLUMNS = 7 };

/* What stands in an event's row: a word for it, and these of its members. */
static const struct row {
	enum message word;
	const char *members[ROW_MEMBERS_MAX];
} ROWS[EVENT_COUNT] = {
	[EVENT_RUN_BEGIN] = {MSG_EVENT_RUN_BEGINS, {"command", "run"}},
	[EVENT_RUN_RESUME] = {MSG_LOG_GOING_ON, {"command", "target"}},
	[EVENT_RUN_ADOPT] = {MSG_EVENT_TAKEN_OVER, {"reason"}},
	[EVENT_LEASE] = {MSG_EVENT_LEASE_ON, {"taken", "reason"}},
	[EVENT_CHECK] = {MSG_EVENT_OF_CHECK, {"name", "outcome", "text"}},
	[EVENT_PLAN] = {MSG_EVENT_OF_PLAN, {"label", "size"}},
	[EVENT_QUESTION] = {MSG_EVENT_OF_QUESTION, {"id", "text"}},
	[EVENT_ANSWER] = {MSG_EVENT_OF_ANSWER, {"choice", "by", "reason"}},
	[EVENT_STEP_BEGIN] = {MSG_EVENT_BEGINS, {NULL}},
	[EVENT_CHECKPOINT] = {MSG_EVENT_OF_CHECKPOINT, {NULL}},
	[EVENT_NOTE] = {MSG_EVENT_OF_NOTE, {"text"}},
	[EVENT_ALERT] = {MSG_EVENT_OF_ALERT, {"name", "text"}},
	[EVENT_STEP_END] = {MSG_EVENT_ENDS, {"outcome", "text"}},
	[EVENT_FAILURE] = {MSG_EVENT_OF_FAILURE, {"code", "message"}},
	[EVENT_UNDO_BEGIN] = {MSG_EVENT_UNDO_BEGINS, {"by"}},
	[EVENT_UNDO_END] = {MSG_EVENT_UNDO_ENDS, {"outcome", "text"}},
	[EVENT_RUN_END] = {MSG_EVENT_RUN_ENDS, {"outcome", "text"}},
};

struct log {
	struct face *face;
	struct json_writer writer;
	char id[RUN_ID_SIZE];
	struct journal_head head;     /* of what holds so far */
	struct journal_head reported; /* what report.json says; seq 0: there is none */
	bool contradicted;	      /* that line has another hash */
	size_t torn;
};

static void append_padded(struct str *out, const char *text, size_t width)
{
	text_escape(out, bytes_of_string(text), 0);
	for (size_t size = text_width(text); size < width; size++)
		str_append_char(out, ' ');
}

static void show_row(struct face *face, const struct json *event)
{
	struct str *out = &face->result;
	enum event which = event_by_name(history_text(event, "event"));
	const struct row *row = which < EVENT_COUNT ? &ROWS[which] : NULL;
	bool first = true;

	text_escape(out, bytes_of_string(history_text(event, "time")), 0);
	str_append_text(out, "  ");
	append_padded(out, history_text(event, "step"), ROW_STEP_WIDTH);
	str_append_char(out, ' ');
	if (row == NULL || row->word == MSG_NONE)
		text_escape(out, bytes_of_string(history_text(event, "event")), 0);
	else
		str_append_text(out, face_text(face, row->word));
	for (size_t i = 0; row != NULL && i < ROW_MEMBERS_MAX && row->members[i] != NULL; i++) {
		const char *text = history_text(event, row->members[i]);
		if (*text == '\0')
			continue;
		str_append_text(out, first ? ": " : ", ");
		text_escape(out, bytes_of_string(text), 0);
		first = false;
	}
	str_append_char(out, '\n');
}

static int visit(
	void *argument, struct bytes line, struct json_doc *doc, bool *keep, struct err *err)
{
	struct log *log = argument;
	const struct json *event = json_root(doc);

	(void)line;
	(void)keep;
	log->head.seq++;
	(void)snprintf(log->head.hash, sizeof log->head.hash, "%s", history_text(event, "hash"));
	if (log->head.seq == log->reported.seq)
		log->contradicted = strcmp(log->head.hash, log->reported.hash) != 0;
	if (log->face->json)
		json_write_value(&log->writer, event);
	else
		show_row(log->face, event);
	return str_check(&log->face->result, err);
}

/* A chain that was cut off at a line's end is whole: how long it was stands in the report. */
static int read_report(int run_fd, struct log *log, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const struct json *journal;
	const char *head;
	int rc = file_read_at(run_fd, REPORT_NAME, REPORT_SIZE_MAX, &text, err);

	if (rc == -ERR_NOT_FOUND)
		return 0;
	if (rc == 0)
		rc = json_parse(str_bytes(&text), JSON_LIMITS_OWN(REPORT_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = json_need(json_root(doc), "journal", JSON_OBJECT, &journal, err);
	if (rc == 0)
		rc = json_need_integer(
			journal, "events", 0, INT64_C(1) << 52, &log->reported.seq, err);
	if (rc == 0)
		rc = json_need_string(journal, "head", SHA256_HEX_SIZE - 1, &head, err);
	if (rc < 0) {
		(void)err_context(err, REPORT_NAME);
		return err_recode(err, ERR_JOURNAL);
	}
	(void)snprintf(log->reported.hash, sizeof log->reported.hash, "%s", head);
	return 0;
}

static int judge(const struct log *log, struct err *err)
{
	if (log->reported.seq > log->head.seq)
		return err_set(err, ERR_JOURNAL,
			"%s: line %lld is missing: %s was written when there were %lld",
			JOURNAL_NAME, (long long)log->head.seq + 1, REPORT_NAME,
			(long long)log->reported.seq);
	if (log->contradicted)
		return err_set(err, ERR_JOURNAL,
			"%s: line %lld is another than when %s was written", JOURNAL_NAME,
			(long long)log->reported.seq, REPORT_NAME);
	return 0;
}

static void end_text(const struct log *log, int rc)
{
	const struct language *language = log->face->language;
	CLEANUP_STR struct str events = STR_INIT, octets = STR_INIT;
	struct str *out = &log->face->result;

	message_append_count(&events, language, log->head.seq, MSG_ONE_EVENT, MSG_SOME_EVENTS);
	str_append_char(out, '\n');
	message_append_label(out, language, MSG_STATUS_RUN, LABEL_COLUMNS);
	str_append_format(out, "%s\n", log->id);
	message_append_label(out, language, MSG_CHAIN, LABEL_COLUMNS);
	if (rc == 0)
		message_append(
			out, language, MSG_CHAIN_IS_WHOLE, str_text(&events), log->head.hash);
	else
		message_append(
			out, language, MSG_CHAIN_IS_BROKEN, str_text(&events), log->head.hash);
	str_append_char(out, '\n');
	if (log->torn == 0)
		return;
	message_append_count(&octets, language, (int64_t)log->torn, MSG_ONE_OCTET, MSG_SOME_OCTETS);
	message_append_label(out, language, MSG_NONE, LABEL_COLUMNS);
	message_append(out, language, MSG_CHAIN_TORN, str_text(&octets));
	str_append_char(out, '\n');
}

static void end_json(struct log *log, int rc, const struct err *broken)
{
	struct json_writer *writer = &log->writer;

	json_write_end(writer);
	json_member_integer(writer, "events", log->head.seq);
	json_member_string(writer, "head", log->head.hash);
	json_member_bool(writer, "whole", rc == 0);
	if (rc < 0)
		json_member_string(writer, "message", broken->message);
	if (log->torn > 0)
		json_member_integer(writer, "torn", (int64_t)log->torn);
	json_write_end(writer);
	str_append_char(&log->face->result, '\n');
}

static int show(struct log *log, int run_fd, struct err *err)
{
	struct face *face = log->face;
	struct journal_head head;
	struct err reading;
	int report_rc = read_report(run_fd, log, &reading);

	if (face->json) {
		json_write_begin(&log->writer, &face->result);
		json_write_object(&log->writer);
		json_member_string(&log->writer, "run", log->id);
		json_member_array(&log->writer, "log");
	}
	journal_head_reset(&log->head);
	int rc = journal_read(run_fd, visit, log, &head, &log->torn, err);
	/* A report that is damaged hides nothing of the chain. */
	if (rc == 0 && report_rc < 0) {
		*err = reading;
		rc = report_rc;
	}
	if (rc == 0)
		rc = judge(log, err);
	if (rc < 0 && err->code != ERR_JOURNAL) {
		str_truncate(&face->result, 0);
		return rc;
	}
	if (face->json)
		end_json(log, rc, err);
	else
		end_text(log, rc);
	face->result_tells = true;
	return rc;
}

static int log_run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP_FD int state_dirfd = -1;
	CLEANUP_FD int run_fd = -1;
	struct log log = {.face = face};
	int rc = 0;

	(void)values;
	if (operand_count > 0 && !history_is_run_id(operands[0]))
		return err_set(err, ERR_USAGE, "%s is no run's name", operands[0]);
	rc = face_open_state(face, &state_dirfd, err);
	if (rc < 0)
		return rc;
	if (operand_count > 0)
		memcpy(log.id, operands[0], sizeof log.id);
	rc = state_dirfd < 0 ? err_set(err, ERR_NOT_FOUND, "there is no state folder")
			     : run_open(state_dirfd, log.id, &run_fd, err);
	if (rc == -ERR_NOT_FOUND && operand_count == 0)
		return err_set(err, ERR_NOTHING_YET, "the state folder has no run");
	return rc < 0 ? rc : show(&log, run_fd, err);
}

const struct command command_log = {
	.name = "log",
	.synopsis = "[RUN]",
	.summary = "the event chain of a run, checked",
	.options = no_options,
	.operands_max = 1,
	.run = log_run,
};
