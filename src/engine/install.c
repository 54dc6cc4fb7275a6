/* A new run of a kit, the walk from any point on, and the plan alone. */
#include <string.h>

#include "base/clock.h"
#include "engine/lock.h"
#include "engine/receipt.h"
#include "engine/rehearsed.h"
#include "engine/report.h"
#include "engine/run.h"
#include "engine/site_key.h"
#include "engine/staging.h"
#include "steps/record.h"

/* ---- how a run ends */

/* A run that was interrupted took what its steps took, in however many processes; what ends
 * otherwise says how long this one worked. */
static int64_t run_duration(const struct run *run, bool done)
{
	int64_t duration = 0;

	if (!done)
		return clock_boottime() - run->started;
	for (size_t i = 0; i < run->history.step_count; i++)
		duration += history_spent(&run->history.steps[i]);
	return duration;
}

/* How a run ended is told also where it cannot be signed: then NULL. That it can be was seen to
 * before the first effect. */
static struct private_key *take_site_key(const struct run *run)
{
	struct private_key *key = NULL;
	struct err ignored;

	if (run->run_dirfd < 0 || !journal_persisted(run->journal) ||
		site_key_take(run->options->state_dirfd, &key, &ignored) < 0)
		return NULL;
	return key;
}

/* Written again, now that the end is known; a run that failed has a report too. */
static int write_evidence(struct run *run, const struct private_key *key, struct err *err)
{
	const struct journal_head *head = journal_head(run->journal);
	int rc = report_write(&run->history, head, run->run_dirfd, err);

	return rc < 0 || key == NULL ? rc
				     : receipt_make(&run->history, head, key, run->run_dirfd, err);
}

int run_end_event(struct run *run, const char *outcome, const char *text, const struct err *failure,
	struct err *err)
{
	const struct history_step *report = history_step(&run->history, "report");
	const struct json *result =
		report == NULL || report->end == NULL ? NULL : json_member(report->end, "report");
	CLEANUP(private_key_cleanup) struct private_key *key = take_site_key(run);
	struct json_writer *writer = run_event(run, EVENT_RUN_END);

	json_member_string(writer, "outcome", outcome);
	json_member_integer(writer, "exit", failure == NULL ? 0 : err_exit_code(failure->code));
	json_member_integer(writer, "duration", run_duration(run, strcmp(outcome, "done") == 0));
	json_member_string(writer, "text", text != NULL ? text : failure->message);
	if (failure != NULL) {
		json_member_string(writer, "code", err_name(failure->code));
		json_member_string(writer, "sentence", err_sentence(failure->code));
		json_member_string(writer, "next", err_next(failure->code));
		if (failure->code == ERR_STOPPED && run->face->signalled != NULL &&
			run->face->signalled(run->face->self))
			json_member_bool(writer, "signal", true);
	}
	if (result != NULL && json_member(result, "files") != NULL)
		json_member_value(writer, "report", json_member(result, "files"));
	if (result != NULL && json_member(result, "reportHash") != NULL)
		json_member_value(writer, "reportHash", json_member(result, "reportHash"));
	if (key != NULL)
		receipt_announce(
			writer, run->options->site->state_dir, run->id, private_key_public(key));
	int rc = run_event_end(run, err);
	return rc == 0 && run->run_dirfd >= 0 ? write_evidence(run, key, err) : rc;
}

/*
 * What ended a run is told by the exit status even if the journal cannot take it (a full disk); but
 * a run that stands there without an end waits to be resumed, so nothing was changed is not said of
 * it.
 */
int run_fail(struct run *run, struct err *err)
{
	/* A refused command, of the lease or of a plan, before anything was migrated. */
	if (!run->effects && err->code == ERR_MIGRATION)
		(void)err_recode(err, ERR_PREFLIGHT);
	(void)run_lost_before_or_after(run, err);
	struct err failure = *err;
	if (failure.code == ERR_DATABASE_LOST && run->lease != NULL)
		lease_unsure(run->lease);
	const char *outcome = failure.code == ERR_CANCELLED ? "cancelled"
			      : failure.code == ERR_STOPPED ? "stopped"
							    : "failed";

	if (run->history.begin != NULL && run_end_event(run, outcome, NULL, &failure, err) < 0 &&
		journal_persisted(run->journal) &&
		err_exit_code(failure.code) == err_exit_code(ERR_STATE_FOLDER))
		failure.code = ERR_DISK;
	*err = failure;
	return -(int)failure.code;
}

/* ---- the walk */

static int tell_done(struct run *run, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(run->kit);
	CLEANUP_STR struct str text = STR_INIT;

	str_append_format(&text, "%s %s is in place.", manifest->name, manifest->version);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : run_end_event(run, "done", str_text(&text), NULL, err);
}

int run_walk(struct run *run, struct err *err)
{
	for (size_t i = 0; i < run->walk.count; i++) {
		if (history_step(&run->history, run->walk.steps[i].name)->end != NULL)
			continue;
		int rc = run_persist(run, err);
		if (rc < 0)
			return rc;
		rc = run_step(run, i, err);
		if (rc < 0)
			return rc;
		run->effects = true;
		run_progressed(run);
	}
	return tell_done(run, err);
}

/* ---- before the first effect */

static int ask_page(struct run *run, const char *kind, const char *text, const char *yes,
	const char *yes_label, struct err *err)
{
	const struct choice choices[] = {{yes, yes_label}, {"leave", "leave"}, {NULL, NULL}};
	const struct question question = {
		.kind = kind,
		.text = text,
		.choices = choices,
		.initial = yes,
	};
	const char *choice = NULL;

	if (run->options->without_ui_questions)
		return 0;
	int rc = run_ask(run, &question, &choice, err);
	if (rc == 0 && choice != choices[0].name)
		rc = err_set(err, ERR_CANCELLED, "before anything was done");
	return rc;
}

static int preflight(struct run *run, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	size_t index = walk_find(&run->walk, "preflight");
	struct step_context context;
	int64_t begun = clock_boottime();

	run_context(run, index, &arena, &context);
	struct json_writer *writer = run_event(run, EVENT_STEP_BEGIN);
	json_member_string(writer, "step", "preflight");
	int rc = run_event_end(run, err);
	if (rc == 0)
		rc = context.step->kind->apply(&context, err);
	if (rc < 0) {
		run_recode(run, context.step->kind, err);
		return -(int)err->code;
	}
	writer = run_event(run, EVENT_STEP_END);
	json_member_string(writer, "step", "preflight");
	json_member_string(writer, "outcome", "done");
	json_member_integer(writer, "duration", clock_boottime() - begun);
	json_member_string(writer, "text", "every check that applies passed");
	json_member_object(writer, "report");
	json_write_end(writer);
	return run_event_end(run, err);
}

/* What is known of how it will go; in production also that nothing is. */
static int tell_rehearsal(struct run *run, struct err *err)
{
	const struct site *site = run->options->site;
	CLEANUP(json_cleanup)
	struct json_doc *rehearsed = rehearsed_load(site->state_dir, run->kit, site->database);
	CLEANUP_STR struct str text = STR_INIT;

	rehearsed_say(rehearsed, site->environment, &text);
	if (text.size == 0 && !text.failed)
		return 0;
	return run_note(run, "", &text, err);
}

/* The plan of every step; *ret_nothing: no migration of the kit has anything to do. */
static int tell_plans(struct run *run, bool *ret_nothing, struct err *err)
{
	bool nothing = true;
	int rc = tell_rehearsal(run, err);

	for (size_t i = 0; rc == 0 && i < run->walk.count; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		struct step_plan plan;
		if (run->walk.steps[i].kind->plan == NULL ||
			i == walk_find(&run->walk, "preflight"))
			continue;
		rc = run_step_plan(run, i, &arena, &plan, err);
		if (rc == 0)
			rc = run_plan_event(run, &plan, err);
		if (rc == 0 && run->walk.steps[i].migration != NULL && !plan.nothing_to_do)
			nothing = false;
	}
	if (rc == 0)
		*ret_nothing = nothing;
	return rc;
}

/* Looks only: whether every migration of the kit is as it would leave the database. */
static int is_done(struct run *run, bool *ret_done, struct err *err)
{
	for (size_t i = 0; i < run->walk.count; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		struct step_plan plan;
		if (run->walk.steps[i].migration == NULL)
			continue;
		int rc = run_step_plan(run, i, &arena, &plan, err);
		if (rc < 0)
			return rc;
		if (!plan.nothing_to_do) {
			*ret_done = false;
			return 0;
		}
	}
	*ret_done = true;
	return 0;
}

/* By the records of all that the kit does by itself. */
static int is_installed(struct run *run, bool *ret_installed, struct err *err)
{
	bool installed = true;

	for (size_t i = 0; installed && i < run->walk.count; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		struct step_context context;
		struct record record;
		if (run->walk.steps[i].migration == NULL || run->walk.steps[i].kind->on_request)
			continue;
		run_context(run, i, &arena, &context);
		int rc = record_look(&context, &record, err);
		if (rc < 0)
			return rc;
		installed = record.status == RECORD_DONE && !record.other_content;
	}
	*ret_installed = installed;
	return 0;
}

static int build_walk(struct run *run, struct err *err)
{
	run->scope.with = run->options->with;
	int rc = walk_build(run->kit, &run->scope, &run->walk, err);
	if (rc < 0 || run->scope.with == NULL)
		return rc;
	rc = run_connect(run, err);
	if (rc == 0)
		rc = is_installed(run, &run->scope.alone, err);
	if (rc < 0 || !run->scope.alone)
		return rc;
	walk_release(&run->walk);
	return walk_build(run->kit, &run->scope, &run->walk, err);
}

static int begin(struct run *run, struct err *err)
{
	int rc = journal_new(&run->journal, err);

	if (rc == 0)
		rc = build_walk(run, err);
	if (rc == 0)
		rc = run_begin_event(run, err);
	return rc;
}

static int install_walk(struct run *run, struct err *err)
{
	bool done = false, nothing = false;
	int rc = ask_page(
		run, "kit", "This kit is exactly what its makers signed.", "go", "go on", err);

	if (rc == 0)
		rc = run_connect(run, err);
	if (rc == 0)
		rc = run_judge_kit(run, err);
	if (rc == 0)
		rc = is_done(run, &done, err);
	if (rc == 0 && !done)
		rc = staging_judge(run, err);
	/* Before the lease is taken from anybody, and again when nobody else can begin a run. */
	if (rc == 0 && !done)
		rc = run_judge_install(run, err);
	if (rc == 0 && !done)
		rc = run_take_lease(run, err);
	if (rc == 0 && !done)
		rc = run_judge_install(run, err);
	if (rc == 0 && !done)
		rc = run_await_lease(run, err);
	if (rc == 0 && !done)
		rc = preflight(run, err);
	if (rc == 0)
		rc = tell_plans(run, &nothing, err);
	if (rc < 0)
		return rc;
	if (done)
		return run_end_event(run, "done",
			"Nothing to do: everything that this kit does is done already.", NULL, err);
	rc = ask_page(run, "plan", "Start?", "start", "start", err);
	if (rc == 0)
		rc = run_check_stop(run, err);
	return rc < 0 ? rc : run_walk(run, err);
}

static bool has_effects(const struct history *history)
{
	enum history_state state = history_state(history);

	return state != RUN_EMPTY && state != RUN_CANCELLED;
}

static int refuse_unfinished(const struct engine_options *options, struct err *err)
{
	CLEANUP(history_release) struct history history = {0};
	char id[RUN_ID_SIZE];
	struct err ignored;
	bool mended;

	runs_tidy(options->state_dirfd);
	int rc = history_newest(options->state_dirfd, has_effects, &history, id, err);

	if (rc < 0)
		return err->code == ERR_NOT_FOUND ? 0 : rc;
	/* What cannot be written is no reason to refuse the next run. */
	rc = receipt_mend(options->state_dirfd, id, &history, &mended, &ignored);
	if (history_state(&history) == RUN_OPEN)
		return err_set(err, ERR_STOPPED,
			"run %s is not finished: offkit resume goes on with it, offkit rollback "
			"undoes it",
			id);
	return 0;
}

int engine_install(const struct trusted_kit *kit, const struct engine_options *options,
	const struct engine_face *face, struct err *err)
{
	CLEANUP(run_release) struct run run;

	run_init(&run, kit, options, face);
	int rc = refuse_unfinished(options, err);
	if (rc == 0)
		rc = lock_describe(options->lock_fd, options->command, err);
	if (rc == 0)
		rc = begin(&run, err);
	if (rc < 0)
		return rc;
	rc = install_walk(&run, err);
	if (rc < 0 && err->code == ERR_STOPPED && !journal_persisted(run.journal))
		(void)err_recode(err, ERR_CANCELLED);
	return rc < 0 ? run_fail(&run, err) : 0;
}

static int plan_walk(struct run *run, struct err *err)
{
	bool nothing = false;
	int rc = run_connect(run, err);

	if (rc == 0)
		rc = staging_judge(run, err);
	if (rc == 0)
		rc = preflight(run, err);
	if (rc == 0)
		rc = tell_plans(run, &nothing, err);
	if (rc < 0)
		return rc;
	return run_end_event(run, "done",
		nothing ? "Nothing to do: everything that this kit does is done already."
			: "This is the plan; nothing was changed.",
		NULL, err);
}

int engine_plan(const struct trusted_kit *kit, const struct engine_options *options,
	const struct engine_face *face, struct err *err)
{
	CLEANUP(run_release) struct run run;

	run_init(&run, kit, options, face);
	run.read_only = true;
	int rc = begin(&run, err);
	if (rc < 0)
		return rc;
	rc = plan_walk(&run, err);
	return rc < 0 ? run_fail(&run, err) : 0;
}
