/*
 * offkit monitor: the alerts, once for cron (16 when one fires) or again and again. Looks at the
 * newest run's journal, at its outbox and at the replicas; changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/stop.h"
#include "engine/monitor.h"
#include "text/text.h"

enum { INTERVAL_DEFAULT = 15, LABEL_COLUMNS = 19 };

struct monitor_values {
	bool once;
	int64_t interval; /* s, 0: not given */
	const char *prometheus;
};

static const struct option options[] = {
	OPTION_ROW_FLAG("once", 0, struct monitor_values, once, "look once, and end"),
	OPTION_ROW_INTEGER("interval", 0, "SECONDS", 1, 3600, struct monitor_values, interval,
		"between two looks (15)"),
	OPTION_ROW_TEXT("prometheus", 0, "FILE", struct monitor_values, prometheus,
		"write each look to FILE, for a textfile collector"),
	OPTION_END,
};

/* ---- what is said */

static void say_finding(const struct face *face, const struct monitor *monitor,
	enum monitor_alert i, struct str *out)
{
	static const enum face_sign SIGNS[] = {[MONITOR_QUIET] = SIGN_GOOD,
		[MONITOR_FIRING] = SIGN_BAD,
		[MONITOR_SKIPPED] = SIGN_NONE};
	const struct monitor_finding *finding = &monitor->findings[i];
	CLEANUP_STR struct str said = STR_INIT;

	str_append_format(out, "%s ", face_sign(face, SIGNS[finding->outcome]));
	text_append_column(
		out, message_of_record(face->language, monitor_alert_label(i)), LABEL_COLUMNS);
	message_append_record(&said, face->language, finding->text);
	text_escape(out, str_bytes(&said), 0);
	str_append_char(out, '\n');
}

static void say_trouble(const struct face *face, const struct monitor *monitor, struct str *out)
{
	str_append_format(out, "%s ", face_sign(face, SIGN_WARN));
	message_append_label(out, face->language, MSG_ALERT_DATABASE, LABEL_COLUMNS);
	text_escape(out, bytes_of_string(monitor->trouble.message), 0);
	str_append_char(out, '\n');
}

/* before: what was said last, NULL: nothing yet. Only what has changed is said again. */
static void say_look(const struct face *face, const struct monitor *monitor,
	const struct monitor *before, struct str *out)
{
	char time[RFC3339_SIZE];

	if (face->json) {
		struct json_writer writer;
		json_write_begin(&writer, out);
		monitor_json(monitor, &writer);
		str_append_char(out, '\n');
		return;
	}
	time_format(monitor->time / 1000 * 1000, time);
	if (!monitor->up && (before == NULL || before->up)) {
		str_append_text(out, before == NULL ? "" : time);
		str_append_text(out, before == NULL ? "" : " ");
		say_trouble(face, monitor, out);
	}
	for (enum monitor_alert i = 0; i < MONITOR_ALERTS; i++) {
		if (before != NULL && before->findings[i].outcome == monitor->findings[i].outcome)
			continue;
		if (before != NULL)
			str_append_format(out, "%s ", time);
		say_finding(face, monitor, i, out);
	}
}

static int print(const struct str *text, struct err *err)
{
	int rc = str_check(text, err);

	if (rc == 0 && text->size > 0 &&
		(fwrite(str_text(text), 1, text->size, stdout) != text->size ||
			fflush(stdout) != 0))
		rc = err_set_errno(err, ERR_DISK, errno, "writing the result");
	return rc;
}

/* ---- the textfile */

static int write_textfile(const struct monitor *monitor, const char *path, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP_FD int dirfd = -1;
	const char *slash = strrchr(path, '/');
	CLEANUP_FREE char *folder =
		slash == NULL ? strdup(".")
			      : strndup(path, slash == path ? 1 : (size_t)(slash - path));

	if (folder == NULL)
		return err_no_memory(err);
	dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_set_errno(err, ERR_USAGE, errno, "--prometheus %s", path);
	monitor_metrics(monitor, &text);
	int rc = str_check(&text, err);
	if (rc == 0)
		rc = file_write_durable_at(
			dirfd, slash == NULL ? path : slash + 1, str_bytes(&text), 0644, err);
	return rc < 0 ? err_context(err, "--prometheus %s", path) : 0;
}

/* ---- looking */

/* The state folder may be made, or mounted, while the monitor waits. */
static int look(struct monitor *monitor, const struct monitor_values *given, struct err *err)
{
	CLEANUP_FD int state_dirfd = -1;
	struct err opening;
	int rc = folder_open(monitor->site->state_dir, &state_dirfd, &opening);

	if (rc < 0 && rc != -ERR_NOT_FOUND) {
		*err = opening;
		return err_recode(err, ERR_STATE_FOLDER);
	}
	rc = monitor_look(monitor, rc < 0 ? -1 : state_dirfd, clock_now(), err);
	if (rc == 0 && given->prometheus != NULL)
		rc = write_textfile(monitor, given->prometheus, err);
	return rc;
}

static int judge(const struct monitor *monitor, struct err *err)
{
	enum monitor_alert firing = monitor_firing(monitor);

	if (firing < MONITOR_ALERTS)
		return err_set(err, ERR_ALERT, "%s: %s", monitor_alert_label(firing),
			monitor->findings[firing].text);
	if (!monitor->up) {
		*err = monitor->trouble;
		return -(int)err->code;
	}
	if (monitor->run[0] == '\0')
		return err_set(err, ERR_NOTHING_YET, "the state folder has no run");
	return 0;
}

static int look_once(struct face *face, struct monitor *monitor, const struct monitor_values *given,
	struct err *err)
{
	int rc = look(monitor, given, err);

	if (rc < 0)
		return rc;
	if (monitor->run[0] != '\0')
		say_look(face, monitor, NULL, &face->result);
	return judge(monitor, err);
}

static void wait_for(int64_t milliseconds)
{
	enum { SLICE = 500 };
	const int64_t until = clock_boottime() + milliseconds;

	for (int64_t left = milliseconds; left > 0 && !stop_wanted();
		left = until - clock_boottime())
		(void)poll(NULL, 0, left < SLICE ? (int)left : SLICE);
}

/* What has ended must not look as if it were still looking. */
static int end_watch(struct monitor *monitor, const struct monitor_values *given, struct err *err)
{
	if (given->prometheus == NULL)
		return 0;
	monitor->up = false;
	for (size_t i = 0; i < MONITOR_ALERTS; i++)
		monitor->findings[i] =
			(struct monitor_finding){.outcome = MONITOR_SKIPPED, .value = -1};
	return write_textfile(monitor, given->prometheus, err);
}

/* A disk that is full now may have room at the next look: that is said, and no reason to end. */
static int look_again(struct face *face, struct monitor *monitor,
	const struct monitor_values *given, bool *failing, struct err *err)
{
	int rc = look(monitor, given, err);

	if (rc == 0 || err->code != ERR_DISK) {
		*failing = false;
		return rc;
	}
	if (!*failing)
		face_note(face, "%s", err->message);
	*failing = true;
	return 0;
}

static int watch(struct face *face, struct monitor *monitor, const struct monitor_values *given,
	struct err *err)
{
	const int64_t interval = 1000 * (given->interval > 0 ? given->interval : INTERVAL_DEFAULT);
	struct monitor before;
	bool said = false, failing = false;

	stop_watch();
	while (!stop_wanted()) {
		CLEANUP_STR struct str text = STR_INIT;
		int rc = look_again(face, monitor, given, &failing, err);
		if (rc == 0) {
			say_look(face, monitor, said ? &before : NULL, &text);
			rc = print(&text, err);
		}
		if (rc < 0)
			return rc;
		before = *monitor;
		said = true;
		wait_for(interval);
	}
	return end_watch(monitor, given, err);
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(session_release) struct session session = SESSION_INIT;
	CLEANUP(monitor_release) struct monitor monitor = {0};
	const struct monitor_values *given = values;

	(void)operand_count;
	(void)operands;
	if (given->once && given->interval > 0)
		return err_set(err, ERR_USAGE, "--once looks once: --interval is not for it");
	int rc = session_open(face, "monitor", SESSION_READS, NULL, &session, err);
	if (rc < 0)
		return rc;
	monitor_init(&monitor, &session.site);
	return given->once ? look_once(face, &monitor, given, err)
			   : watch(face, &monitor, given, err);
}

const struct command command_monitor = {
	.name = "monitor",
	.synopsis = "",
	.summary = "the alerts, once (16 when one fires) or again and again",
	.options = options,
	.values_size = sizeof(struct monitor_values),
	.run = run,
};
