/* offkit status and offkit report: what was done here, from the journal; both only read. */
#include <string.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/show_status.h"
#include "engine/report.h"
#include "text/text.h"

static const struct option no_options[] = {OPTION_END};

/* ---- status */

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
		status_json(&newest, &database, &face->result);
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
	CLEANUP_STR struct str json = STR_INIT, folder = STR_INIT;
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
	text_escape(&folder, bytes_of_string(history_text(newest.history.begin, "stateDir")), 0);
	str_append_char(&face->result, '\n');
	message_append(&face->result, face->language, MSG_TO_PRINT, str_text(&folder), newest.id);
	str_append_char(&face->result, '\n');
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
