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
	const char *choice = NULL;

	str_append_format(&text,
		"Restore the backup over database %s? Everything in it now is replaced.",
		run->options->site->database);
	int rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	const struct question question = {
		.kind = "type",
		.text = str_text(&text),
		.choices = CHOICES,
		.initial = "leave",
		.expected = run->options->site->database,
	};
	rc = run_ask(run, &question, &choice, err);
	if (rc == 0 && choice != CHOICES[0].name)
		rc = err_set(err, ERR_STOPPED, "the backup was not restored");
	return rc;
}

/* The backup has the database as it was before the first migration, its records too. */
static int tell_undone(struct run *run, int64_t duration, struct err *err)
{
	for (size_t i = run->walk.count; i-- > 0;) {
		const struct step *step = &run->walk.steps[i];
		if (step->migration == NULL ||
			history_step(&run->history, step->name)->begin == NULL)
			continue;
		json_member_string(run_event(run, EVENT_UNDO_BEGIN), "step", step->name);
		int rc = run_event_end(run, err);
		if (rc < 0)
			return rc;
		struct json_writer *writer = run_event(run, EVENT_UNDO_END);
		json_member_string(writer, "step", step->name);
		json_member_string(writer, "outcome", "undone");
		json_member_integer(writer, "duration", duration);
		json_member_string(writer, "text", "the backup was restored");
		rc = run_event_end(run, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int run_restore(struct run *run, struct err *err)
{
	struct restore_result result;
	struct sha256 index;
	const char *dir;
	int64_t begun = clock_boottime();
	int rc = backup_of_checkpoint(host_checkpoint_of(run, "backup"), &dir, &index, err);

	if (rc == 0)
		rc = ask(run, err);
	if (rc == 0)
		rc = run_connect(run, err);
	if (rc < 0)
		return rc;
	const struct restore restore = {
		.dir = dir,
		.index_sha256 = &index,
		.mongo = run->mongo,
		.drop = true,
		.workers = (size_t)run->options->site->backup_workers,
		.host = &run->host,
	};
	rc = restore_backup(&restore, &result, err);
	return rc < 0 ? rc : tell_undone(run, clock_boottime() - begun, err);
}
