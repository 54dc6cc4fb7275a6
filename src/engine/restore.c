#include "engine/restore.h"

#include "base/clock.h"
#include "engine/host.h"
#include "engine/run.h"
#include "steps/restore.h"

static int ask(struct run *run, struct err *err)
{
	static const struct choice CHOICES[] = {
		{"restore", "restore"}, {"leave", "leave"}, {NULL, NULL}};
	CLEANUP_STR struct str text = STR_INIT;

	str_append_format(&text,
		"Restore the backup over database %s? Everything in it now is replaced.",
		run->options->site->database);
	return run_ask_name(run, CHOICES, &text, ERR_STOPPED, "the backup was not restored", err);
}

/* A migration that the backup takes back: it has the database as it was before the first of them.
 */
static bool is_taken_back(struct run *run, size_t i)
{
	const struct step *step = &run->walk.steps[i];

	return step->migration != NULL && history_step(&run->history, step->name)->begin != NULL;
}

/*
 * Before anything is dropped: what is interrupted from here on has to be restored to the end, and
 * nothing may be migrated before that.
 */
static int tell_begun(void *self, struct err *err)
{
	struct run *run = self;
	int rc = 0;

	for (size_t i = run->walk.count; rc == 0 && i-- > 0;) {
		const char *name = run->walk.steps[i].name;
		if (!is_taken_back(run, i) || history_step(&run->history, name)->restoring)
			continue;
		struct json_writer *writer = run_event(run, EVENT_UNDO_BEGIN);
		json_member_string(writer, "step", name);
		json_member_string(writer, "by", "backup");
		rc = run_event_end(run, err);
	}
	return rc;
}

static int tell_undone(struct run *run, int64_t duration, struct err *err)
{
	int rc = 0;

	for (size_t i = run->walk.count; rc == 0 && i-- > 0;) {
		if (!is_taken_back(run, i))
			continue;
		struct json_writer *writer = run_event(run, EVENT_UNDO_END);
		json_member_string(writer, "step", run->walk.steps[i].name);
		json_member_string(writer, "outcome", "undone");
		json_member_integer(writer, "duration", duration);
		json_member_string(writer, "text", "the backup was restored");
		rc = run_event_end(run, err);
	}
	return rc;
}

/* Repeatable: it starts over, and drops what was restored in part. */
static int bring_back_once(struct run *run, struct err *err)
{
	struct restore_result result;
	struct sha256 index;
	const char *dir;
	int rc = backup_of_checkpoint(host_checkpoint_of(run, "backup"), &dir, &index, err);

	if (rc == 0)
		rc = run_connect(run, err);
	if (rc == 0)
		rc = run_record_pending(run, err);
	if (rc < 0)
		return rc;
	const struct restore restore = {
		.dir = dir,
		.index_sha256 = &index,
		.mongo = run->mongo,
		.drop = true,
		.workers = (size_t)run->options->site->backup_workers,
		.divide_octets = run->options->site->backup_divide_octets,
		.host = &run->host,
		.changing = tell_begun,
		.changing_self = run,
	};
	return restore_backup(&restore, &result, err);
}

static int bring_back(struct run *run, struct err *err)
{
	int64_t begun = clock_boottime();
	int rc;

	do
		rc = bring_back_once(run, err);
	while (rc < 0 && run_server_came_back(run, err));
	if (rc < 0)
		return err_context(err, "offkit resume does it again");
	return tell_undone(run, clock_boottime() - begun, err);
}

int run_restore(struct run *run, struct err *err)
{
	int rc = ask(run, err);

	return rc < 0 ? rc : bring_back(run, err);
}

int run_finish_undo(struct run *run, struct err *err)
{
	for (size_t i = 0; i < run->walk.count; i++)
		if (history_step(&run->history, run->walk.steps[i].name)->restoring)
			return bring_back(run, err);
	for (size_t i = run->walk.count; i-- > 0;) {
		int rc = 0;
		if (history_step(&run->history, run->walk.steps[i].name)->undoing)
			rc = run_step_undo(run, i, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
