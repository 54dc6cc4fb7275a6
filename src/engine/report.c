#include "engine/report.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "engine/event.h"
#include "engine/run.h"

/* ---- the parts */

static void copy_members(
	struct json_writer *writer, const struct json *object, const char *const *names)
{
	for (; *names != NULL; names++) {
		const struct json *member = json_member(object, *names);
		if (member != NULL)
			json_member_value(writer, *names, member);
	}
}

/* What a validation that failed has asked is wanted most of all. */
static void write_unfinished(struct json_writer *writer, const struct history_step *step)
{
	if (step->checkpoint == NULL || json_member(step->checkpoint, "checks") == NULL)
		return;
	json_member_object(writer, "report");
	copy_members(writer, step->checkpoint, (const char *const[]){"checks", NULL});
	json_write_end(writer);
}

/* The report that is written within the walk's last step says how that step will end. */
static void write_step(
	struct json_writer *writer, const struct history *history, const struct history_step *step)
{
	json_write_object(writer);
	json_member_string(writer, "name", step->name);
	json_member_string(writer, "label", step->label);
	json_member_string(writer, "kind", step->kind);
	json_member_string(writer, "outcome", history_outcome(history, step));
	if (step->begin != NULL)
		copy_members(writer, step->begin, (const char *const[]){"time", NULL});
	json_member_integer(writer, "duration", history_spent(step));
	if (step->end != NULL)
		copy_members(writer, step->end, (const char *const[]){"text", "report", NULL});
	else if (step->undo != NULL)
		copy_members(writer, step->undo, (const char *const[]){"text", NULL});
	else
		write_unfinished(writer, step);
	json_write_end(writer);
}

const struct json *report_checks(const struct json *step)
{
	const struct json *result = json_member(step, "report");
	const struct json *checks = result == NULL ? NULL : json_member(result, "checks");

	return checks != NULL && json_type(checks) == JSON_ARRAY ? checks : NULL;
}

static bool is_event(const struct json *event, enum event which)
{
	return event_by_name(history_text(event, "event")) == which;
}

static void write_list(struct json_writer *writer, const struct history *history, const char *name,
	enum event which, const char *const *members)
{
	json_member_array(writer, name);
	for (size_t i = 0; i < history->doc_count; i++) {
		if (!is_event(history->events[i], which))
			continue;
		json_write_object(writer);
		copy_members(writer, history->events[i], members);
		json_write_end(writer);
	}
	json_write_end(writer);
}

static const struct json *find_question(const struct history *history, const char *id)
{
	for (size_t i = 0; i < history->doc_count; i++)
		if (is_event(history->events[i], EVENT_QUESTION) &&
			strcmp(history_text(history->events[i], "id"), id) == 0)
			return history->events[i];
	return NULL;
}

static void write_answers(struct json_writer *writer, const struct history *history)
{
	json_member_array(writer, "answers");
	for (size_t i = 0; i < history->doc_count; i++) {
		const struct json *event = history->events[i];
		if (!is_event(event, EVENT_ANSWER))
			continue;
		const struct json *question = find_question(history, history_text(event, "id"));
		json_write_object(writer);
		copy_members(writer, event,
			(const char *const[]){"time", "choice", "by", "reason", NULL});
		if (question != NULL)
			copy_members(writer, question,
				(const char *const[]){"kind", "step", "text", NULL});
		json_write_end(writer);
	}
	json_write_end(writer);
}

static void write_hashes(struct json_writer *writer, const struct history *history)
{
	json_member_object(writer, "reportHashes");
	for (size_t i = 0; i < history->step_count; i++) {
		const struct json *end = history->steps[i].end;
		const struct json *report = end == NULL ? NULL : json_member(end, "report");
		const char *hash = history_text(report, "reportHash");
		/* The report step repeats the hash of a backfill; it has none of its own. */
		if (*hash != '\0' && strcmp(history->steps[i].kind, step_report.name) != 0)
			json_member_string(writer, history->steps[i].name, hash);
	}
	json_write_end(writer);
}

static void write_head(struct json_writer *writer, const struct history *history)
{
	static const char *const FROM_BEGIN[] = {"run", "command", "offkit", "commit", "kit",
		"signers", "threshold", "sumsSigner", "files", "octets", "evidence", "root", "site",
		"options", "force", "stateDir", "backupDir", NULL};

	json_member_integer(writer, "format", 1);
	copy_members(writer, history->begin, FROM_BEGIN);
	json_member_string(writer, "begun", history_text(history->begin, "time"));
	json_member_string(writer, "state", history_state_name(history_state(history)));
	if (history->end != NULL) {
		json_member_string(writer, "ended", history_text(history->end, "time"));
		copy_members(writer, history->end,
			(const char *const[]){
				"outcome", "exit", "duration", "text", "receipt", NULL});
	}
}

int report_json(const struct history *history, const struct journal_head *head, struct str *out,
	struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	write_head(&writer, history);
	json_member_array(&writer, "steps");
	for (size_t i = 0; i < history->step_count; i++)
		write_step(&writer, history, &history->steps[i]);
	json_write_end(&writer);
	write_list(&writer, history, "checks", EVENT_CHECK,
		(const char *const[]){"step", "name", "outcome", "text", "staging", NULL});
	write_answers(&writer, history);
	write_list(&writer, history, "alerts", EVENT_ALERT,
		(const char *const[]){"time", "step", "name", "text", "firing", NULL});
	write_list(&writer, history, "failures", EVENT_FAILURE,
		(const char *const[]){
			"time", "step", "code", "exit", "message", "sentence", "next", NULL});
	write_list(&writer, history, "notes", EVENT_NOTE,
		(const char *const[]){"time", "step", "text", NULL});
	write_hashes(&writer, history);
	json_member_object(&writer, "journal");
	json_member_integer(&writer, "events", head->seq);
	json_member_string(&writer, "head", head->hash);
	json_write_end(&writer);
	json_write_end(&writer);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : json_canonical_text(str_bytes(&text), out, err);
}

/* ---- the step */

static const struct {
	const char *name;
	const char *member;
	int (*write)(const struct json *report, struct str *out, struct err *err);
} FILES[] = {
	{"report.txt", "text", report_text},
	{"report.html", "html", report_html},
};

static int write_files(int run_dirfd, const struct str *json, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	int rc = json_parse(str_bytes(json), JSON_LIMITS_OWN(REPORT_SIZE_MAX), &doc, err);

	if (rc == 0)
		rc = file_write_durable_at(run_dirfd, REPORT_NAME, str_bytes(json), 0600, err);
	for (size_t i = 0; rc == 0 && i < sizeof FILES / sizeof *FILES; i++) {
		CLEANUP_STR struct str text = STR_INIT;
		rc = FILES[i].write(json_root(doc), &text, err);
		if (rc == 0)
			rc = str_check(&text, err);
		if (rc == 0)
			rc = file_write_durable_at(
				run_dirfd, FILES[i].name, str_bytes(&text), 0600, err);
	}
	return rc;
}

int report_write(const struct history *history, const struct journal_head *head, int run_dirfd,
	struct err *err)
{
	CLEANUP_STR struct str json = STR_INIT;
	int rc = report_json(history, head, &json, err);

	return rc < 0 ? rc : write_files(run_dirfd, &json, err);
}

static int report_apply(const struct step_context *context, struct err *err)
{
	struct run *run = context->host->self;

	return report_write(&run->history, journal_head(run->journal), context->run_dirfd, err);
}

static int report_report(
	const struct step_context *context, struct json_writer *writer, struct err *err)
{
	struct run *run = context->host->self;
	const char *dir = context->site->state_dir;
	const struct history *history = &run->history;
	char path[1024];

	(void)err;
	json_member_string(writer, "summary", "report.txt, report.json, report.html");
	json_member_object(writer, "files");
	(void)snprintf(path, sizeof path, "%s/runs/%s/report.json", dir, context->run_id);
	json_member_string(writer, "json", path);
	for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
		(void)snprintf(
			path, sizeof path, "%s/runs/%s/%s", dir, context->run_id, FILES[i].name);
		json_member_string(writer, FILES[i].member, path);
	}
	json_write_end(writer);
	for (size_t i = history->step_count; i-- > 0;) {
		const struct json *end = history->steps[i].end;
		const char *hash =
			history_text(end == NULL ? NULL : json_member(end, "report"), "reportHash");
		if (*hash != '\0') {
			json_member_string(writer, "reportHash", hash);
			break;
		}
	}
	return 0;
}

const struct step_kind step_report = {
	.name = "report",
	.label = "Report",
	.weight = 1,
	.failure = ERR_DISK,
	.apply = report_apply,
	.report = report_report,
};
