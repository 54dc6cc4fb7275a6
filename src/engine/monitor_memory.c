/*
 * state/monitor.json: what the monitor remembers between two looks.
 *
 *	{"run": ID, "lag": {"firing", "since"}, "backlog": {"begun", "drained", "firing", "stuck",
 *	 "lowest", "lowerAt", "overAt"}}
 *
 * A file that is damaged is as none: what fires then is judged afresh.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "engine/monitor.h"

enum { MEMORY_SIZE_MAX = 64 * 1024 };

#define NUMBER_MAX (INT64_C(1) << 53)

void monitor_memory_write(const struct monitor_memory *memory, struct str *out)
{
	struct json_writer writer;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_string(&writer, "run", memory->run);
	json_member_object(&writer, "lag");
	json_member_bool(&writer, "firing", memory->lag.firing);
	json_member_integer(&writer, "since", memory->lag.since);
	json_write_end(&writer);
	json_member_object(&writer, "backlog");
	json_member_bool(&writer, "begun", memory->backlog.begun);
	json_member_bool(&writer, "drained", memory->backlog.drained);
	json_member_bool(&writer, "firing", memory->backlog.firing);
	json_member_bool(&writer, "stuck", memory->backlog.stuck);
	json_member_integer(&writer, "lowest", memory->backlog.lowest);
	json_member_integer(&writer, "lowerAt", memory->backlog.lower_at);
	json_member_integer(&writer, "overAt", memory->backlog.over_at);
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(out, '\n');
}

static int read_bool(const struct json *object, const char *name, bool *ret, struct err *err)
{
	const struct json *member = NULL;
	int rc = json_need(object, name, JSON_BOOL, &member, err);

	if (rc == 0)
		*ret = json_bool(member);
	return rc;
}

static int read_lag(const struct json *object, struct alarm *alarm, struct err *err)
{
	int rc = read_bool(object, "firing", &alarm->firing, err);

	return rc < 0 ? rc : json_need_integer(object, "since", 0, NUMBER_MAX, &alarm->since, err);
}

static int read_backlog(const struct json *object, struct backlog *backlog, struct err *err)
{
	int rc = read_bool(object, "begun", &backlog->begun, err);

	if (rc == 0)
		rc = read_bool(object, "drained", &backlog->drained, err);
	if (rc == 0)
		rc = read_bool(object, "firing", &backlog->firing, err);
	if (rc == 0)
		rc = read_bool(object, "stuck", &backlog->stuck, err);
	if (rc == 0)
		rc = json_need_integer(object, "lowest", 0, NUMBER_MAX, &backlog->lowest, err);
	if (rc == 0)
		rc = json_need_integer(object, "lowerAt", 0, NUMBER_MAX, &backlog->lower_at, err);
	if (rc == 0)
		rc = json_need_integer(object, "overAt", 0, NUMBER_MAX, &backlog->over_at, err);
	return rc;
}

int monitor_memory_read(
	struct bytes untrusted_text, struct monitor_memory *ret_memory, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct monitor_memory memory = {0};
	const struct json *lag = NULL, *backlog = NULL;
	const char *run = NULL;
	int rc = json_parse(untrusted_text, JSON_LIMITS(MEMORY_SIZE_MAX), &doc, err);

	if (rc == 0)
		rc = json_need_string(json_root(doc), "run", RUN_ID_SIZE - 1, &run, err);
	if (rc == 0)
		rc = json_need(json_root(doc), "lag", JSON_OBJECT, &lag, err);
	if (rc == 0)
		rc = json_need(json_root(doc), "backlog", JSON_OBJECT, &backlog, err);
	if (rc == 0)
		rc = read_lag(lag, &memory.lag, err);
	if (rc == 0)
		rc = read_backlog(backlog, &memory.backlog, err);
	if (rc < 0)
		return rc;
	(void)snprintf(memory.run, sizeof memory.run, "%s", run);
	*ret_memory = memory;
	return 0;
}

bool monitor_memory_load(int state_dirfd, struct monitor_memory *ret_memory)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct err ignored;

	*ret_memory = (struct monitor_memory){0};
	return file_read_at(state_dirfd, MONITOR_STATE_NAME, MEMORY_SIZE_MAX, &text, &ignored) ==
		       0 &&
	       monitor_memory_read(str_bytes(&text), ret_memory, &ignored) == 0;
}

bool monitor_memory_save(int state_dirfd, const struct monitor_memory *memory)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct err ignored;

	monitor_memory_write(memory, &text);
	return !text.failed && file_write_durable_at(state_dirfd, MONITOR_STATE_NAME,
				       str_bytes(&text), 0600, &ignored) == 0;
}
