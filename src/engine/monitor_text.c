/* What a look of the monitor is for programs: JSON, and a Prometheus textfile. */
#include "engine/monitor.h"

#include "text/text.h"

void monitor_json(const struct monitor *monitor, struct json_writer *writer)
{
	json_write_object(writer);
	json_member_time(writer, "time", monitor->time);
	if (monitor->run[0] != '\0') {
		json_member_string(writer, "run", monitor->run);
		json_member_string(
			writer, "state", history_state_name(history_state(&monitor->history)));
	}
	json_member_bool(writer, "up", monitor->up);
	if (!monitor->up)
		json_member_string(writer, "trouble", monitor->trouble.message);
	json_member_bool(writer, "remembers", monitor->remembers);
	json_member_array(writer, "alerts");
	for (enum monitor_alert i = 0; i < MONITOR_ALERTS; i++) {
		const struct monitor_finding *finding = &monitor->findings[i];
		json_write_object(writer);
		json_member_string(writer, "name", monitor_alert_label(i));
		json_member_string(writer, "outcome", monitor_outcome_name(finding->outcome));
		if (finding->value >= 0)
			json_member_integer(writer, "value", finding->value);
		json_member_string(writer, "text", finding->text);
		json_write_end(writer);
	}
	json_write_end(writer);
	json_write_end(writer);
}

/* ---- the exposition format */

static void head(struct str *out, const char *name, const char *help)
{
	str_append_format(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void gauge(struct str *out, const char *name, const char *help, double value)
{
	head(out, name, help);
	str_append_format(out, "%s %.15g\n", name, value);
}

static void label(struct str *out, const char *name, const char *value, char after)
{
	str_append_format(out, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\n') {
			str_append_text(out, "\\n");
			continue;
		}
		if (*value == '\\' || *value == '"')
			str_append_char(out, '\\');
		str_append_char(out, *value);
	}
	str_append_format(out, "\"%c", after);
}

static void write_run(const struct monitor *monitor, struct str *out)
{
	const struct history *history = &monitor->history;
	const struct json *kit = json_member(history->begin, "kit");

	head(out, "offkit_run_info", "The newest run on this site.");
	str_append_text(out, "offkit_run_info{");
	label(out, "run", monitor->run, ',');
	label(out, "site", monitor->site->name, ',');
	label(out, "kit", history_text(kit, "name"), ',');
	label(out, "version", history_text(kit, "version"), ',');
	label(out, "state", history_state_name(history_state(history)), ',');
	label(out, "step", history->current == NULL ? "" : history->current->name, '}');
	str_append_text(out, " 1\n");
	gauge(out, "offkit_run_last_event_timestamp_seconds",
		"When the newest run last wrote to its journal.",
		(double)history->last_time / 1000);
}

static void write_alerts(const struct monitor *monitor, struct str *out)
{
	static const char *const NAMES[] = {
		[MONITOR_ERRORS] = "migration_errors",
		[MONITOR_BACKLOG] = "outbox_backlog",
		[MONITOR_LAG] = "replication_lag",
	};

	head(out, "offkit_alert_firing",
		"Whether an alert fires, with its hysteresis; none where it cannot be judged.");
	for (enum monitor_alert i = 0; i < MONITOR_ALERTS; i++)
		if (monitor->findings[i].outcome != MONITOR_SKIPPED)
			str_append_format(out, "offkit_alert_firing{alert=\"%s\"} %d\n", NAMES[i],
				monitor->findings[i].outcome == MONITOR_FIRING);
}

void monitor_metrics(const struct monitor *monitor, struct str *out)
{
	static const struct {
		enum monitor_alert alert;
		const char *name, *help;
		double unit;
	} VALUES[] = {
		{MONITOR_ERRORS, "offkit_migration_errors",
			"Steps of the newest run that have failed and were not taken up again.", 1},
		{MONITOR_BACKLOG, "offkit_outbox_backlog_events",
			"Events that wait to be published.", 1},
		{MONITOR_LAG, "offkit_replication_lag_seconds",
			"How far the slowest secondary is behind.", 1000},
	};

	gauge(out, "offkit_up", "Whether the last look was answered by the database.",
		monitor->up ? 1 : 0);
	gauge(out, "offkit_look_timestamp_seconds",
		"When that look was; a file that is older than the interval says nothing.",
		(double)monitor->time / 1000);
	if (monitor->run[0] == '\0')
		return;
	write_run(monitor, out);
	write_alerts(monitor, out);
	for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++)
		if (monitor->findings[VALUES[i].alert].value >= 0)
			gauge(out, VALUES[i].name, VALUES[i].help,
				(double)monitor->findings[VALUES[i].alert].value / VALUES[i].unit);
}
