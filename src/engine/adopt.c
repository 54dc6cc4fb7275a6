/*
 * A run that is taken over from another state folder: a lost one, another host's.
 *
 * The database knows which run it is, its kit, what each step began with and, of the steps that
 * alone know what they changed, their last checkpoint (ledger.h). From that a new journal begins
 * under the same run's id; so what the run wrote is still its own. Steps whose results can be seen
 * in the database are done again: it costs time, and ends in the same documents and report.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "engine/ledger.h"
#include "engine/lock.h"
#include "engine/run.h"
#include "steps/backup.h"
#include "text/text.h"

/* ---- which run */

static int find_run(struct run *run, struct arena *arena, struct ledger *ledger, struct err *err)
{
	struct ledger_view view = {.state_dir = run->options->site->state_dir};
	struct err judgement;
	int rc = run_connect(run, err);

	if (rc == 0)
		rc = run_read_ledger(run, arena, ledger, err);
	if (rc < 0)
		return rc;
	if (!ledger_is_open(ledger) || !history_is_run_id(ledger->run))
		return err_set(err, ERR_NO_RUN,
			"the database knows no run that could be taken over%s%s",
			ledger->known ? ": the last one is " : "",
			ledger->known ? ledger->state : "");
	rc = run_view(run->options->state_dirfd, ledger, &view, err);
	/* A damaged journal is a lost one. */
	if (rc < 0 && err->code != ERR_JOURNAL)
		return rc;
	if (rc == 0 && ledger_judge(ledger, &view, &judgement) == 0)
		return err_set(err, ERR_USAGE,
			"run %s is here, and whole: offkit resume goes on with it", ledger->run);
	memcpy(run->id, ledger->run, RUN_ID_SIZE);
	return 0;
}

/* Between our look and our lease somebody may have gone on with it, or begun to undo it. */
static int look_again(struct run *run, struct arena *arena, struct ledger *ledger, struct err *err)
{
	struct ledger now;
	int rc = ledger_read(lease_document(run->lease), arena, &now, err);

	if (rc < 0)
		return rc;
	if (strcmp(now.run, ledger->run) != 0 || !ledger_is_open(&now))
		return err_set(err, ERR_LOCKED, "run %s went on elsewhere meanwhile", ledger->run);
	*ledger = now;
	return 0;
}

/* The older copy stays, as evidence, under a name that is no run's. */
static int set_aside(struct run *run, char aside[static 2 * RUN_ID_SIZE], struct err *err)
{
	CLEANUP_FD int runs_fd = -1;
	char now[TIME_NAME_SIZE];
	int rc = folder_make_at(run->options->state_dirfd, "runs", &runs_fd, err);

	if (rc < 0)
		return rc;
	time_format_name(clock_now(), now);
	(void)snprintf(aside, 2 * RUN_ID_SIZE, "%s.%s", run->id, now);
	if (renameat(runs_fd, run->id, runs_fd, aside) == 0)
		return 0;
	aside[0] = '\0';
	return errno == ENOENT ? 0
			       : err_set_errno(err, ERR_STATE_FOLDER, errno, "runs/%s", run->id);
}

/* ---- the new journal */

static int tell_adoption(
	struct run *run, const struct ledger *ledger, const char *aside, struct err *err)
{
	struct json_writer *writer = run_event(run, EVENT_RUN_ADOPT);

	json_member_string(writer, "run", run->id);
	json_member_string(writer, "reason", run->options->step.reason);
	json_member_object(writer, "from");
	json_member_string(writer, "host", ledger->host);
	json_member_string(writer, "stateDir", ledger->state_dir);
	json_member_integer(writer, "events", ledger->head.seq);
	json_member_string(writer, "head", ledger->head.hash);
	json_write_end(writer);
	if (*aside != '\0')
		json_member_string(writer, "aside", aside);
	return run_event_end(run, err);
}

static int parse(const char *text, struct json_doc **ret_doc, struct err *err)
{
	if (*text == '\0')
		return 0;
	int rc = json_parse(bytes_of_string(text), JSON_LIMITS_OWN(JOURNAL_LINE_MAX), ret_doc, err);
	if (rc == 0 && json_type(json_root(*ret_doc)) != JSON_OBJECT)
		rc = err_set(err, ERR_JOURNAL, "not an object");
	if (rc < 0) {
		(void)err_context(err, MONGO_OWN_COLLECTION ": a step");
		return err->code == ERR_NO_MEMORY ? rc : err_recode(err, ERR_JOURNAL);
	}
	return 0;
}

/* An event of the journal that is not here, told again: the members that are its own. */
static int tell_again(struct run *run, enum event event, const char *step,
	const struct json *members, const char *const *names, struct err *err)
{
	struct json_writer *writer = run_event(run, event);

	json_member_string(writer, "step", step);
	for (; *names != NULL; names++)
		if (json_member(members, *names) != NULL)
			json_member_value(writer, *names, json_member(members, *names));
	return run_event_end(run, err);
}

static int tell_checkpoint(
	struct run *run, const char *step, const struct json *data, struct err *err)
{
	struct json_writer *writer = run_event(run, EVENT_CHECKPOINT);

	json_member_string(writer, "step", step);
	json_member_value(writer, "data", data);
	return run_event_end(run, err);
}

static int tell_step(struct run *run, const struct ledger_step *step, struct err *err)
{
	static const char *const begin_names[] = {"before", "collection", NULL};
	static const char *const end_names[] = {"outcome", "duration", "text", "report", NULL};
	static const char *const undo_names[] = {"by", NULL};
	CLEANUP(json_cleanup) struct json_doc *begin = NULL, *checkpoint = NULL;
	CLEANUP(json_cleanup) struct json_doc *end = NULL, *undo = NULL;
	int rc = parse(step->begin, &begin, err);

	if (rc == 0)
		rc = parse(step->checkpoint, &checkpoint, err);
	if (rc == 0)
		rc = parse(step->end, &end, err);
	if (rc == 0)
		rc = parse(step->undo, &undo, err);
	if (rc == 0)
		rc = tell_again(
			run, EVENT_STEP_BEGIN, step->name, json_root(begin), begin_names, err);
	if (rc == 0 && checkpoint != NULL)
		rc = tell_checkpoint(run, step->name, json_root(checkpoint), err);
	if (rc == 0 && end != NULL)
		rc = tell_again(run, EVENT_STEP_END, step->name, json_root(end), end_names, err);
	if (rc == 0 && undo != NULL)
		rc = tell_again(
			run, EVENT_UNDO_BEGIN, step->name, json_root(undo), undo_names, err);
	return rc;
}

/* What a migration found before it began is known from its begin alone. */
static bool is_wanted(const struct step *row, const struct ledger_step *step)
{
	if (*step->begin == '\0')
		return false;
	return row->migration != NULL || row->kind->takeover == TAKEOVER_AS_IT_IS ||
	       (row->kind->takeover == TAKEOVER_WHEN_ENDED && *step->end != '\0');
}

static int tell_steps(struct run *run, struct err *err)
{
	for (size_t i = 0; i < run->walk.count; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		struct ledger_step step;
		bool found = false;
		int rc = ledger_get_step(
			run->mongo, run->id, run->walk.steps[i].name, &arena, &step, &found, err);
		if (rc == 0 && found && is_wanted(&run->walk.steps[i], &step))
			rc = tell_step(run, &step, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* It is on the disk of the host that made it: known by name and hash, and to be brought here. */
static int look_for_backup(struct run *run, const struct ledger *ledger, struct err *err)
{
	const struct history_step *backup = history_step(&run->history, "backup");
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP_FD int dirfd = -1;
	struct sha256 index;
	struct err ignored;
	const char *dir;

	if (backup == NULL || backup->end == NULL ||
		backup_of_checkpoint(backup->checkpoint, &dir, &index, &ignored) < 0 ||
		folder_open(dir, &dirfd, &ignored) == 0)
		return 0;
	str_append_text(&text, "the backup of this run is not here: bring ");
	text_escape(&text, bytes_of_string(dir), 200);
	str_append_text(&text, " of host ");
	text_escape(&text, bytes_of_string(ledger->host), 128);
	str_append_text(&text, " to the same place before a rollback or a restore");
	return run_note(run, "", &text, err);
}

static int begin_journal(struct run *run, const struct ledger *ledger, struct err *err)
{
	char aside[2 * RUN_ID_SIZE];
	int rc = journal_new(&run->journal, err);

	if (rc == 0)
		rc = set_aside(run, aside, err);
	if (rc == 0)
		rc = run_begin_event(run, err);
	if (rc == 0)
		rc = tell_adoption(run, ledger, aside, err);
	if (rc == 0)
		rc = tell_steps(run, err);
	if (rc == 0)
		rc = look_for_backup(run, ledger, err);
	if (rc == 0)
		rc = run_persist(run, err);
	run->record_pending = true;
	return rc;
}

static int was_begun(struct run *run, const char *step, bool *ret_begun, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct ledger_step ignored;

	return ledger_get_step(run->mongo, run->id, step, &arena, &ignored, ret_begun, err);
}

/* A migration on request that the run has begun, by the database; alone, there was no freeze. */
static int find_scope(struct run *run, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(run->kit);
	bool begun = false, frozen = false;
	int rc = 0;

	for (size_t i = 0; rc == 0 && !begun && i < manifest->migration_count; i++) {
		if (walk_find(&run->walk, manifest->migrations[i]) < run->walk.count)
			continue;
		rc = was_begun(run, manifest->migrations[i], &begun, err);
		if (rc == 0 && begun)
			run->scope.with = manifest->migrations[i];
	}
	if (rc == 0 && begun)
		rc = was_begun(run, "freeze", &frozen, err);
	if (rc < 0 || !begun)
		return rc;
	run->scope.alone = !frozen;
	walk_release(&run->walk);
	return walk_build(run->kit, &run->scope, &run->walk, err);
}

int run_adopt(struct run *run, struct str *target, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct ledger ledger;
	int rc = find_run(run, &arena, &ledger, err);

	if (rc == 0)
		rc = lock_describe(run->options->lock_fd, run->options->command, err);
	if (rc == 0)
		rc = run_load_kit(run, ledger.kit_id, err);
	if (rc == -ERR_NOT_FOUND)
		return err_context(err,
			"the run's kit is not in this state folder (offkit resume --adopt KIT "
			"brings it)");
	if (rc == 0)
		rc = find_scope(run, err);
	if (rc == 0)
		rc = run_take_lease(run, err);
	if (rc == 0)
		rc = look_again(run, &arena, &ledger, err);
	if (rc < 0)
		return rc;
	run->effects = true;
	str_append_text(target, ledger.target);
	rc = str_check(target, err);
	return rc < 0 ? rc : begin_journal(run, &ledger, err);
}
