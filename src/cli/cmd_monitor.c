/*
 * offkit monitor --once: the alerts, for cron: 16 when one fires. Looks at the newest run's journal
 * and at the outbox of its kit; changes nothing.
 */
#include <string.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "engine/history.h"
#include "engine/walk.h"
#include "steps/outbox.h"
#include "text/text.h"

struct monitor_values {
	bool once;
};

static const struct option options[] = {
	OPTION_ROW_FLAG("once", 0, struct monitor_values, once, "look once, and end"),
	OPTION_END,
};

struct alert {
	const char *name;
	bool firing, known;
	int64_t value; /* -1: there is none */
	char text[256];
};

enum { ALERT_ERRORS, ALERT_BACKLOG, ALERT_LAG, ALERT_COUNT };

/* A run whose last word is a failure. */
static void look_at_errors(const struct history *history, struct alert *alert)
{
	alert->name = "migration errors";
	alert->known = true;
	alert->value = 0;
	(void)snprintf(alert->text, sizeof alert->text, "no step has failed");
	for (size_t i = 0; i < history->step_count; i++) {
		const struct json *failure = history->steps[i].failure;
		if (failure == NULL)
			continue;
		alert->value++;
		alert->firing = true;
		(void)snprintf(alert->text, sizeof alert->text, "%s: %.200s",
			history->steps[i].name, history_text(failure, "message"));
	}
}

static int look_at_outbox(struct session *session, const struct trusted_kit *kit,
	struct mongo *mongo, struct alert *alert, struct err *err)
{
	struct outboxes outboxes = {0};
	struct walk walk = {0};
	char count[TEXT_COUNT_SIZE];
	int rc = walk_build(kit, &walk, err);

	if (rc == 0)
		rc = outboxes_find(kit, walk.steps, walk.count, &outboxes, err);
	alert->known = rc == 0 && outboxes.count > 0;
	alert->value = alert->known ? 0 : -1;
	for (size_t i = 0; rc == 0 && i < outboxes.count; i++) {
		int64_t waiting = 0;
		rc = outbox_backlog(mongo, &outboxes.list[i], &waiting, err);
		alert->value += waiting;
	}
	outboxes_release(&outboxes);
	walk_release(&walk);
	alert->firing = alert->value > session->site.backlog_limit;
	(void)snprintf(alert->text, sizeof alert->text, "%s events wait to be published",
		text_count(alert->value, count));
	return rc;
}

static int look_at_database(struct session *session, const struct history *history,
	struct alert alerts[static ALERT_COUNT], struct err *err)
{
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	const char *id = history_text(json_member(history->begin, "kit"), "id");
	struct mongo_server server;
	int rc = verify_installed(session->state_dirfd, id, session->root, &kit, err);

	if (rc == 0)
		rc = mongo_connect(session->site.uri, session->site.database, &mongo, err);
	if (rc == 0)
		rc = look_at_outbox(session, kit, mongo, &alerts[ALERT_BACKLOG], err);
	if (rc == 0)
		rc = mongo_server(mongo, &server, err);
	if (rc < 0)
		return rc;
	(void)snprintf(alerts[ALERT_LAG].text, sizeof alerts[ALERT_LAG].text, "%s",
		server.topology == TOPOLOGY_STANDALONE ? "skipped, a standalone server has no lag"
						       : "skipped, it was not measured");
	return 0;
}

static void write_result(struct face *face, const struct alert alerts[static ALERT_COUNT])
{
	struct json_writer writer;

	if (!face->json) {
		for (size_t i = 0; i < ALERT_COUNT; i++)
			str_append_format(&face->result, "%s %-18s %s\n",
				face_sign(face, !alerts[i].known   ? SIGN_NONE
						: alerts[i].firing ? SIGN_BAD
								   : SIGN_GOOD),
				alerts[i].name, alerts[i].text);
		return;
	}
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_array(&writer, "alerts");
	for (size_t i = 0; i < ALERT_COUNT; i++) {
		json_write_object(&writer);
		json_member_string(&writer, "name", alerts[i].name);
		json_member_string(&writer, "outcome",
			!alerts[i].known   ? "skipped"
			: alerts[i].firing ? "firing"
					   : "quiet");
		if (alerts[i].value >= 0)
			json_member_integer(&writer, "value", alerts[i].value);
		json_member_string(&writer, "text", alerts[i].text);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static int judge(const struct alert alerts[static ALERT_COUNT], struct err *err)
{
	for (size_t i = 0; i < ALERT_COUNT; i++)
		if (alerts[i].firing)
			return err_set(err, ERR_ALERT, "%s: %s", alerts[i].name, alerts[i].text);
	return 0;
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(session_release) struct session session = SESSION_INIT;
	CLEANUP(history_release) struct history history = {0};
	const struct monitor_values *given = values;
	struct alert alerts[ALERT_COUNT] = {
		[ALERT_BACKLOG] = {.name = "outbox backlog", .value = -1},
		[ALERT_LAG] = {.name = "replication lag", .value = -1},
	};
	char id[RUN_ID_SIZE];

	(void)operand_count;
	(void)operands;
	if (!given->once)
		return err_set(err, ERR_USAGE, "monitor needs --once");
	int rc = session_open(face, "monitor", SESSION_READS, NULL, &session, err);
	if (rc == 0 && session.state_dirfd < 0)
		rc = err_set(err, ERR_NOT_FOUND, "nothing was done here yet");
	if (rc == 0)
		rc = history_newest(session.state_dirfd, NULL, &history, id, err);
	if (rc < 0)
		return rc;
	look_at_errors(&history, &alerts[ALERT_ERRORS]);
	rc = look_at_database(&session, &history, alerts, err);
	if (rc < 0)
		return rc;
	write_result(face, alerts);
	return judge(alerts, err);
}

const struct command command_monitor = {
	.name = "monitor",
	.synopsis = "",
	.summary = "the alerts; 16 when one fires",
	.options = options,
	.values_size = sizeof(struct monitor_values),
	.run = run,
};
