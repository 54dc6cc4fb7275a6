/* offkit status and offkit report: what was done here, from the journal; both only read. */
#include <string.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/show_lease.h"
#include "cli/show_run.h"
#include "engine/report.h"
#include "text/text.h"

static const struct option no_options[] = {OPTION_END};

/* ---- status */

static void write_standing(struct json_writer *writer, const struct json *standing)
{
	static const char *const MEMBERS[] = {"command", "pid", "yes", "faces", "taken", "paused",
		"pausing", "stopping", "question", "text", "step", "spent"};

	for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
		const struct json *member = json_member(standing, MEMBERS[i]);
		if (member != NULL)
			json_member_value(writer, MEMBERS[i], member);
	}
}

static void write_status_json(
	struct face *face, const struct newest_run *newest, const struct database_view *database)
{
	const struct history *history = &newest->history;
	struct json_writer writer;

	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "state",
		newest->found ? history_state_name(history_state(history)) : "none");
	json_member_string(&writer, "atWork", newest->holder);
	if (newest->standing != NULL) {
		json_member_object(&writer, "engine");
		write_standing(&writer, json_root(newest->standing));
		json_write_end(&writer);
	}
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
			json_member_string(&writer, "outcome", history_outcome(history, step));
			json_member_integer(&writer, "duration", history_spent(step));
			if (step->failure != NULL)
				json_member_string(
					&writer, "message", history_text(step->failure, "message"));
			json_write_end(&writer);
		}
		json_write_end(&writer);
		if (history->end != NULL && json_member(history->end, "receipt") != NULL)
			json_member_value(&writer, "receipt", json_member(history->end, "receipt"));
		json_member_bool(&writer, "ingestResumed", history->ingest_resumed);
		json_member_object(&writer, "journal");
		json_member_integer(&writer, "events", newest->head.seq);
		json_member_string(&writer, "head", newest->head.hash);
		json_write_end(&writer);
	}
	database_view_write(database, &writer);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static int status(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(newest_run_release) struct newest_run newest = {0};
	struct database_view database;
	int rc = newest_run_find(face, &newest, err);

	(void)values;
	(void)operand_count;
	(void)operands;
	if (rc < 0)
		return rc;
	database_view_find(face, &database);
	newest.elsewhere = database.behind != NULL;
	if (face->json) {
		write_status_json(face, &newest, &database);
	} else {
		newest_run_show(face, &newest);
		database_view_show(face, &database, newest.id);
	}
	return 0;
}

/* ---- report */

static int report(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(newest_run_release) struct newest_run newest = {0};
	CLEANUP_STR struct str json = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	int rc = newest_run_find(face, &newest, err);

	(void)values;
	(void)operand_count;
	(void)operands;
	if (rc == 0 && !newest.found)
		rc = err_set(err, ERR_NOTHING_YET, "the state folder has no run");
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
