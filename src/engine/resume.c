/* A run that goes on, and one that is undone: both begin with its journal. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/receipt.h"
#include "engine/lock.h"
#include "engine/restore.h"
#include "engine/run.h"
#include "trust/store.h"

static bool is_open(const struct history *history)
{
	return history_state(history) == RUN_OPEN;
}

static bool is_undoable(const struct history *history)
{
	enum history_state state = history_state(history);

	return state == RUN_OPEN || state == RUN_DONE;
}

static int open_journal(struct run *run, size_t *ret_torn, struct err *err)
{
	CLEANUP_FD int runs_fd = -1;
	int rc = folder_open_at(run->options->state_dirfd, "runs", &runs_fd, err);

	if (rc == 0)
		rc = folder_open_at(runs_fd, run->id, &run->run_dirfd, err);
	history_release(&run->history);
	if (rc == 0)
		rc = journal_open(
			run->run_dirfd, history_visit, &run->history, &run->journal, ret_torn, err);
	if (rc < 0)
		return err_context(err, "runs/%s", run->id);
	run_tell_journal(run);
	return 0;
}

int run_load_kit(struct run *run, const char *id, struct err *err)
{
	int state_dirfd = run->options->state_dirfd;

	int rc = trust_store_load(state_dirfd, &run->root, err);
	if (rc == 0)
		rc = verify_installed(state_dirfd, id, run->root, &run->own_kit, err);
	if (rc < 0)
		return err_context(err, "kit %s", id);
	run->kit = run->own_kit;
	return walk_build(run->kit, &run->scope, &run->walk, err);
}

static int load_kit(struct run *run, struct err *err)
{
	const struct json *kit = json_member(run->history.begin, "kit");
	const struct json *options = json_member(run->history.begin, "options");
	const struct json *alone = json_member(options, "alone");

	if (*history_text(options, "with") != '\0')
		run->scope.with = history_text(options, "with");
	run->scope.alone = alone != NULL && json_type(alone) == JSON_BOOL && json_bool(alone);
	int rc = run_load_kit(run, history_text(kit, "id"), err);

	for (size_t i = 0; rc == 0 && i < run->walk.count; i++)
		if (history_step(&run->history, run->walk.steps[i].name) == NULL)
			rc = err_set(err, ERR_JOURNAL,
				"run %s knows no step %s: another offkit began it", run->id,
				run->walk.steps[i].name);
	return rc;
}

int run_load(struct run *run, bool (*wanted)(const struct history *history), struct err *err)
{
	size_t torn = 0;

	runs_tidy(run->options->state_dirfd);
	int rc = history_newest(run->options->state_dirfd, wanted, &run->history, run->id, err);

	if (rc == 0)
		rc = lock_describe(run->options->lock_fd, run->options->command, err);
	if (rc == 0)
		rc = open_journal(run, &torn, err);
	if (rc == 0)
		rc = load_kit(run, err);
	run->torn = torn;
	return rc;
}

static int tell_torn(struct run *run, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	if (run->torn == 0)
		return 0;
	str_append_format(&text,
		"the journal's last line was torn by a crash and was cut off (%zu octets)",
		run->torn);
	return run_note(run, "", &text, err);
}

static size_t first_open_step(const struct run *run)
{
	size_t i = 0;

	while (i < run->walk.count && run->history.steps[i].end != NULL)
		i++;
	return i;
}

static int tell_resume(
	struct run *run, const char *command, const char *step, const char *target, struct err *err)
{
	struct json_writer *writer = run_event(run, EVENT_RUN_RESUME);

	json_member_string(writer, "run", run->id);
	json_member_string(writer, "command", command);
	json_member_string(writer, "step", step);
	if (target != NULL)
		json_member_string(writer, "target", target);
	if (run->options->step.remove_objects)
		json_member_bool(writer, "removeObjects", true);
	int rc = run_event_end(run, err);
	return rc < 0 ? rc : tell_torn(run, err);
}

/* Before the journal is written to: whoever does not get the lease leaves no trace in it. */
static int own_database(struct run *run, struct err *err)
{
	int rc = run_connect(run, err);

	if (rc == 0)
		rc = run_judge_resume(run, err);
	if (rc == 0)
		rc = run_take_lease(run, err);
	if (rc == 0)
		rc = run_judge_resume(run, err);
	if (rc == 0 && !run->recorded)
		rc = run_record_begin(run, err);
	run->record_pending = true;
	return rc;
}

/* ---- rollback */

static int ask_undo(struct run *run, size_t index, struct err *err)
{
	static const struct choice CHOICES[] = {
		{"begin", "undo it"}, {"later", "not now"}, {NULL, NULL}};
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	const struct step *step = &run->walk.steps[index];
	const char *choice = NULL, *lines[2] = {NULL, NULL};
	struct step_context context;

	str_append_format(&text, "Undo %s?", step->label);
	int rc = str_check(&text, err);
	run_context(run, index, &arena, &context);
	if (rc == 0 && step->kind->undo_warning != NULL)
		rc = step->kind->undo_warning(&context, &lines[0], err);
	if (rc < 0)
		return rc;
	const struct question question = {
		.kind = "gate",
		.step = step->name,
		.text = str_text(&text),
		.lines = lines[0] == NULL ? NULL : lines,
		.choices = CHOICES,
		.initial = "begin",
	};
	rc = run_ask(run, &question, &choice, err);
	if (rc == 0 && choice != CHOICES[0].name)
		rc = err_set(err, ERR_STOPPED, "%s was not undone", step->label);
	return rc;
}

static int undo_one(struct run *run, size_t index, struct err *err)
{
	const struct step *step = &run->walk.steps[index];
	const struct history_step *state = history_step(&run->history, step->name);

	if (state->begin == NULL || step->kind->undo == NULL)
		return 0;
	/* A step that found nothing to do has nothing to undo. */
	if (strcmp(history_text(state->end, "outcome"), "nothing") == 0)
		return 0;
	int rc = run_check_stop(run, err);
	/* To undo the backup is to prove by it that all is as before: nothing to be asked. */
	if (rc == 0 && !state->undoing && step->kind != &step_backup)
		rc = ask_undo(run, index, err);
	if (rc == 0)
		rc = run_step_undo(run, index, err);
	return rc;
}

static int rollback_walk(struct run *run, size_t down_to, struct err *err)
{
	int rc = run_connect(run, err);

	if (rc == 0)
		rc = run_finish_undo(run, err);
	for (size_t i = run->walk.count; rc == 0 && i-- > down_to;)
		rc = undo_one(run, i, err);
	if (rc < 0)
		return rc;
	if (down_to == 0)
		return run_end_event(
			run, "undone", "Everything that this run did is undone.", NULL, err);
	return run_end_event(run, "stopped",
		"Undone as far as was asked; offkit resume carries it out again.", NULL, err);
}

static int rollback(struct run *run, const char *step_name, struct err *err)
{
	size_t down_to = 0;

	if (step_name != NULL) {
		down_to = walk_find(&run->walk, step_name);
		if (down_to == run->walk.count)
			return err_set(
				err, ERR_USAGE, "run %s has no step \"%s\"", run->id, step_name);
	}
	run->effects = true;
	int rc = run->lease == NULL ? own_database(run, err) : 0;
	if (rc < 0)
		return rc;
	rc = tell_resume(run, "rollback", "", step_name, err);
	if (rc == 0)
		rc = run_await_lease(run, err);
	if (rc == 0)
		rc = rollback_walk(run, down_to, err);
	return rc < 0 ? run_fail(run, err) : 0;
}

int engine_rollback(const char *step_name, const struct engine_options *options,
	const struct engine_face *face, struct err *err)
{
	CLEANUP(run_release) struct run run;

	run_init(&run, NULL, options, face);
	int rc = run_load(&run, is_undoable, err);
	if (rc == -ERR_NOT_FOUND && run_judge_nothing(options, err) < 0)
		return -(int)err->code;
	if (rc == -ERR_NOT_FOUND)
		return err_set(err, ERR_NO_RUN, "nothing was done here that could be undone");
	return rc < 0 ? rc : rollback(&run, step_name, err);
}

/* ---- resume */

static int resume(struct run *run, struct err *err)
{
	size_t first = first_open_step(run);
	int rc = run->lease == NULL ? own_database(run, err) : 0;

	if (rc < 0)
		return rc;
	rc = tell_resume(run, "resume", first < run->walk.count ? run->walk.steps[first].name : "",
		NULL, err);
	if (rc == 0)
		rc = run_await_lease(run, err);
	if (rc == 0)
		rc = run_finish_undo(run, err);
	if (rc == 0)
		rc = run_walk(run, err);
	return rc < 0 ? run_fail(run, err) : 0;
}

static int adopt(struct run *run, struct err *err)
{
	CLEANUP_STR struct str target = STR_INIT;
	int rc = run_adopt(run, &target, err);

	if (rc < 0)
		return rc;
	if (target.size == 0)
		return resume(run, err);
	return rollback(run, strcmp(str_text(&target), "*") == 0 ? NULL : str_text(&target), err);
}

/* A crash after the end leaves nothing to do but its evidence. */
static int nothing_to_resume(const struct engine_options *options, struct err *err)
{
	CLEANUP(history_release) struct history history = {0};
	char id[RUN_ID_SIZE];
	bool mended = false;
	int rc = history_newest(options->state_dirfd, NULL, &history, id, err);

	if (rc == 0)
		rc = receipt_mend(options->state_dirfd, id, &history, &mended, err);
	if (rc < 0 && rc != -ERR_NOT_FOUND)
		return rc;
	return err_set(err, ERR_NO_RUN, "every run of the state folder has ended%s",
		mended ? "; the report and the receipt of the last one, which a crash had kept "
			 "back, "
			 "are written now"
		       : "");
}

static bool removes_objects(const struct history *history)
{
	const struct json *removes = json_member(history->resume, "removeObjects");

	return removes != NULL && json_type(removes) == JSON_BOOL && json_bool(removes);
}

int engine_resume(
	const struct engine_options *options, const struct engine_face *face, struct err *err)
{
	struct engine_options rollback_options = *options;
	CLEANUP(run_release) struct run run;

	run_init(&run, NULL, options, face);
	if (options->adopt)
		return adopt(&run, err);
	int rc = run_load(&run, is_open, err);
	if (rc == -ERR_NOT_FOUND && run_judge_nothing(options, err) < 0)
		return -(int)err->code;
	if (rc == -ERR_NOT_FOUND)
		return nothing_to_resume(options, err);
	if (rc < 0)
		return rc;
	if (run.history.rolling_back) {
		const char *target = history_text(run.history.resume, "target");
		rollback_options.step.remove_objects = removes_objects(&run.history);
		run.options = &rollback_options;
		return rollback(&run, *target == '\0' ? NULL : target, err);
	}
	run.effects = true;
	return resume(&run, err);
}
