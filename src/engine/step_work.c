/* One step of a run: its gate, its work, its failure with the choices, its undoing. */
#include <string.h>

#include "base/clock.h"
#include "engine/quoted.h"
#include "engine/rehearsed.h"
#include "engine/restore.h"
#include "engine/run.h"
#include "steps/record.h"

/* What was measured here beats what the step can tell. */
static void plan_as_rehearsed(const struct run *run, size_t step, struct step_plan *plan)
{
	const struct site *site = run->options->site;
	CLEANUP(json_cleanup)
	struct json_doc *doc = rehearsed_load(site->state_dir, run->kit, site->database);
	int64_t takes = rehearsed_takes(doc, run->walk.steps[step].name);

	if (takes >= 0 && !plan->nothing_to_do)
		plan->takes = takes;
}

int run_step_plan(
	struct run *run, size_t step, struct arena *arena, struct step_plan *plan, struct err *err)
{
	const struct step_kind *kind = run->walk.steps[step].kind;
	struct step_context context;

	*plan = (struct step_plan){.takes = -1};
	run_context(run, step, arena, &context);
	if (kind->plan == NULL)
		return 0;
	int rc = kind->plan(&context, plan, err);
	if (rc < 0) {
		run_recode(run, kind, err);
		return -(int)err->code;
	}
	plan_as_rehearsed(run, step, plan);
	return 0;
}

/* ---- the gate */

static int ask_gate(struct run *run, const struct step *step, bool no_return, struct err *err)
{
	static const struct choice CHOICES[] = {
		{"begin", "begin"},
		{"later", "not now"},
		{"pause", "pause here"},
		{NULL, NULL},
	};
	CLEANUP_STR struct str text = STR_INIT;
	const char *choice = NULL;

	str_append_format(&text, "Begin %s?%s", step->label,
		no_return ? " After this, going back is not exact." : "");
	int rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	const struct question question = {
		.kind = "gate",
		.step = step->name,
		.text = str_text(&text),
		.choices = CHOICES,
		.initial = "begin",
	};
	rc = run_ask(run, &question, &choice, err);
	if (rc < 0 || choice == CHOICES[0].name)
		return rc;
	if (!run->effects)
		return err_set(err, ERR_CANCELLED, "at the gate of %s", step->label);
	return err_set(err, ERR_STOPPED, "at the gate of %s", step->label);
}

/* ---- begin and end */

static int tell_begin(struct run *run, const struct step_context *context, struct err *err)
{
	CLEANUP_STR struct str before = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	bool collection = false;
	int rc = 0;

	if (context->step->migration != NULL) {
		rc = record_before(context->mongo, context->step->name, &before, &collection, err);
		if (rc == 0)
			rc = json_parse(
				str_bytes(&before), JSON_LIMITS_OWN(JOURNAL_LINE_MAX), &doc, err);
	}
	if (rc < 0)
		return rc;
	struct json_writer *writer = run_event(run, EVENT_STEP_BEGIN);
	json_member_string(writer, "step", context->step->name);
	if (doc != NULL) {
		json_member_value(writer, "before", json_root(doc));
		json_member_bool(writer, "collection", collection);
	}
	return run_event_end(run, err);
}

/* The step's own report as a document; {} if it has none. */
static int step_result(
	const struct step_context *context, struct json_doc **ret_doc, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;
	int rc = 0;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	if (context->step->kind->report != NULL)
		rc = context->step->kind->report(context, &writer, err);
	if (rc < 0)
		return rc;
	json_write_end(&writer);
	rc = str_check(&text, err);
	if (rc == 0)
		rc = json_parse(str_bytes(&text), JSON_LIMITS_OWN(JOURNAL_LINE_MAX), ret_doc, err);
	return rc;
}

static int tell_end(struct run *run, const struct step_context *context, const char *outcome,
	int64_t duration, const struct json *result, struct err *err)
{
	const char *summary = history_text(result, "summary");

	if (strcmp(history_text(result, "outcome"), "skipped") == 0)
		outcome = "skipped";
	if (*summary == '\0' && strcmp(outcome, "nothing") == 0)
		summary = "nothing to do: it is already as this step would leave it";
	struct json_writer *writer = run_event(run, EVENT_STEP_END);
	json_member_string(writer, "step", context->step->name);
	json_member_string(writer, "outcome", outcome);
	json_member_integer(writer, "duration", duration);
	json_member_string(writer, "text", summary);
	if (result != NULL)
		json_member_value(writer, "report", result);
	else {
		json_member_object(writer, "report");
		json_write_end(writer);
	}
	return run_event_end(run, err);
}

static int end_nothing(struct run *run, const struct step_context *context, struct err *err)
{
	struct json_writer *writer = run_event(run, EVENT_STEP_BEGIN);

	json_member_string(writer, "step", context->step->name);
	int rc = run_event_end(run, err);
	return rc < 0 ? rc : tell_end(run, context, "nothing", 0, NULL, err);
}

/* ---- the work */

/* apply is repeatable: after an interruption it ends where an undisturbed run ends. */
static int work(struct run *run, struct step_context *context, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *result = NULL;
	const struct step_kind *kind = context->step->kind;
	const struct history_step *state = history_step(&run->history, context->step->name);
	int64_t begun = clock_boottime();
	int64_t spent = state->spent;
	int rc = 0;

	if (context->step->migration != NULL)
		rc = record_begin(context, err);
	if (rc == 0)
		rc = kind->apply(context, err);
	context->checkpoint = state->checkpoint;
	if (rc == 0 && kind->verify != NULL)
		rc = kind->verify(context, err);
	context->checkpoint = state->checkpoint;
	context->ingest_resumed = run->history.ingest_resumed;
	int64_t duration = spent + clock_boottime() - begun;
	if (rc == 0)
		rc = step_result(context, &result, err);
	if (rc == 0 && context->step->migration != NULL)
		rc = record_done(context, duration, err);
	if (rc == 0)
		rc = tell_end(run, context, "done", duration, json_root(result), err);
	return rc;
}

/* A new checkpoint releases the one before it: a step looks at a copy while it works. */
static int copy_checkpoint(struct step_context *context, struct json_doc **ret_doc, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	if (context->checkpoint == NULL)
		return 0;
	json_write_begin(&writer, &text);
	json_write_value(&writer, context->checkpoint);
	int rc = str_check(&text, err);
	if (rc == 0)
		rc = json_parse(str_bytes(&text), JSON_LIMITS_OWN(JOURNAL_LINE_MAX), ret_doc, err);
	if (rc == 0)
		context->checkpoint = json_root(*ret_doc);
	return rc;
}

static int attempt(struct run *run, size_t index, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP(json_cleanup) struct json_doc *checkpoint = NULL;
	const struct step_kind *kind = run->walk.steps[index].kind;
	const struct history_step *state = history_step(&run->history, run->walk.steps[index].name);
	struct step_context context;
	bool done = false;
	int rc = run_connect(run, err);

	if (rc == 0)
		rc = run_record_pending(run, err);
	if (rc < 0)
		return rc;
	run_context(run, index, &arena, &context);
	if (state->begin == NULL) {
		if (kind->check != NULL)
			rc = kind->check(&context, &done, err);
		if (rc == 0 && done)
			return end_nothing(run, &context, err);
		if (rc == 0)
			rc = tell_begin(run, &context, err);
		if (rc < 0)
			return rc;
	}
	rc = copy_checkpoint(&context, &checkpoint, err);
	return rc < 0 ? rc : work(run, &context, err);
}

/* ---- failure */

enum failure_choice { FAILURE_RETRY, FAILURE_UNDO, FAILURE_RESTORE, FAILURE_LEAVE, FAILURE_COUNT };

static const struct choice FAILURE_CHOICES[FAILURE_COUNT] = {
	[FAILURE_RETRY] = {"retry", "try again"},
	[FAILURE_UNDO] = {"undo", "undo this step"},
	[FAILURE_RESTORE] = {"restore", "restore the backup"},
	[FAILURE_LEAVE] = {"leave", "leave it, decide later: offkit resume"},
};

static int tell_failure(
	struct run *run, const struct step *step, const struct err *failure, struct err *err)
{
	struct json_writer *writer = run_event(run, EVENT_FAILURE);

	json_member_string(writer, "step", step->name);
	json_member_string(writer, "code", err_name(failure->code));
	json_member_integer(writer, "exit", err_exit_code(failure->code));
	json_member_string(writer, "message", failure->message);
	json_member_string(writer, "sentence", err_sentence(failure->code));
	json_member_string(writer, "next", err_next(failure->code));
	if (failure->code == ERR_CONFLICT)
		quote_conflicts(run->run_dirfd, writer);
	return run_event_end(run, err);
}

static int ask_failure(struct run *run, const struct step *step, const struct err *failure,
	enum failure_choice *ret_choice, struct err *err)
{
	const struct history_step *state = history_step(&run->history, step->name);
	const struct history_step *backup = history_step(&run->history, "backup");
	struct choice choices[FAILURE_COUNT + 1] = {0};
	enum failure_choice which[FAILURE_COUNT];
	const char *choice = NULL;
	size_t count = 0;

	for (enum failure_choice i = 0; i < FAILURE_COUNT; i++) {
		if (i == FAILURE_UNDO && (step->kind->undo == NULL || state->begin == NULL ||
						 step->kind == &step_backup))
			continue;
		if (i == FAILURE_RESTORE &&
			(step->migration == NULL || backup == NULL || backup->end == NULL))
			continue;
		which[count] = i;
		choices[count++] = FAILURE_CHOICES[i];
	}
	const struct question question = {
		.kind = "failure",
		.step = step->name,
		.text = failure->message,
		.choices = choices,
		.initial = FAILURE_CHOICES[FAILURE_LEAVE].name,
	};
	int rc = run_ask(run, &question, &choice, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		if (choices[i].name == choice)
			*ret_choice = which[i];
	return 0;
}

/* The failure stays what it was; its end also says what was done about it. */
static int after_choice(enum failure_choice choice, const struct step *step,
	const struct err *failure, struct err *err)
{
	if (choice == FAILURE_UNDO)
		return err_set(err, failure->code,
			"%s - %s was undone; what was done before it stands, and ingest stays "
			"frozen",
			failure->message, step->label);
	if (choice == FAILURE_RESTORE)
		return err_set(err, failure->code,
			"%s - the backup was restored: no migration of this run is left, and "
			"ingest stays frozen",
			failure->message);
	*err = *failure;
	return -(int)failure->code;
}

/* 0: try again. Otherwise the run ends with the failure, after what was chosen was done. */
static int failed(struct run *run, size_t index, struct err *err)
{
	const struct step *step = &run->walk.steps[index];
	const struct err failure = *err;
	enum failure_choice choice = FAILURE_LEAVE;

	int rc = tell_failure(run, step, &failure, err);
	if (rc == 0)
		rc = ask_failure(run, step, &failure, &choice, err);
	if (rc == 0 && choice == FAILURE_UNDO)
		rc = run_step_undo(run, index, err);
	if (rc == 0 && choice == FAILURE_RESTORE)
		rc = run_restore(run, err);
	if (rc < 0 && choice != FAILURE_LEAVE) {
		/* What went wrong first is what the operator has to mend. */
		const struct err second = *err;
		return err_set(err, second.code, "%s - after: %s", second.message, failure.message);
	}
	if (rc == 0 && choice == FAILURE_RETRY) {
		/* The old connection may be half dead. */
		mongo_close(run->mongo);
		run->mongo = NULL;
		return 0;
	}
	/* What could not be told (a full disk) must not hide what failed first. */
	return after_choice(rc == 0 ? choice : FAILURE_LEAVE, step, &failure, err);
}

static int run_step_work(struct run *run, size_t index, struct err *err)
{
	const struct step_kind *kind = run->walk.steps[index].kind;

	for (;;) {
		int rc = run_check_stop(run, err);
		if (rc == 0)
			rc = attempt(run, index, err);
		if (rc == 0)
			return 0;
		run_recode(run, kind, err);
		if (run_server_came_back(run, err))
			continue;
		if (err->code == ERR_STOPPED || err->code == ERR_CANCELLED ||
			err->code == ERR_LEASE_LOST)
			return -(int)err->code;
		rc = failed(run, index, err);
		if (rc < 0)
			return rc;
	}
}

/* The plan and its gate; *ret_ended: there was nothing to do, and that is told. */
static int open_step(struct run *run, size_t index, bool *ret_ended, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	const struct step *step = &run->walk.steps[index];
	struct step_plan plan;
	struct step_context context;

	int rc = run_check_stop(run, err);
	if (rc == 0)
		rc = run_connect(run, err);
	if (rc < 0 || history_step(&run->history, step->name)->begin != NULL ||
		step->kind->plan == NULL)
		return rc;
	rc = run_step_plan(run, index, &arena, &plan, err);
	if (rc == 0)
		rc = run_plan_event(run, &plan, err);
	if (rc < 0)
		return rc;
	if (plan.nothing_to_do) {
		run_context(run, index, &arena, &context);
		*ret_ended = true;
		return end_nothing(run, &context, err);
	}
	return step->kind->gate ? ask_gate(run, step, plan.no_return, err) : 0;
}

int run_step(struct run *run, size_t index, struct err *err)
{
	bool ended = false;
	int rc;

	if (history_step(&run->history, run->walk.steps[index].name)->end != NULL)
		return 0;
	do
		rc = open_step(run, index, &ended, err);
	while (rc < 0 && run_server_came_back(run, err));
	if (rc < 0)
		return -(int)err->code;
	return ended ? 0 : run_step_work(run, index, err);
}

/* ---- undo */

static int undo_record(struct run *run, const struct step_context *context, struct err *err)
{
	const struct history_step *state = history_step(&run->history, context->step->name);
	const struct json *before = json_member(state->begin, "before");
	const struct json *collection = json_member(state->begin, "collection");

	if (context->step->migration == NULL || before == NULL)
		return 0;
	return record_undone(context, before,
		collection != NULL && json_type(collection) == JSON_BOOL && json_bool(collection),
		err);
}

static int tell_undo_begin(struct run *run, const struct step *step, struct err *err)
{
	struct json_writer *writer = run_event(run, EVENT_UNDO_BEGIN);

	json_member_string(writer, "step", step->name);
	return run_event_end(run, err);
}

/* Repeatable, as apply is. */
static int undo_once(struct run *run, size_t index, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP(json_cleanup) struct json_doc *checkpoint = NULL;
	const struct step *step = &run->walk.steps[index];
	struct step_context context;
	int rc = run_record_pending(run, err);

	if (rc < 0)
		return rc;
	run_context(run, index, &arena, &context);
	rc = copy_checkpoint(&context, &checkpoint, err);
	if (rc == 0 && step->migration != NULL)
		rc = record_undoing(&context, err);
	if (rc == 0)
		rc = step->kind->undo(&context, err);
	/* The record goes last: until then the migration counts as begun. */
	if (rc == 0)
		rc = undo_record(run, &context, err);
	if (rc < 0) {
		run_recode(run, step->kind, err);
		if (err->code == ERR_MIGRATION || err->code == ERR_BACKUP)
			err_recode(err, ERR_ROLLBACK);
		return -(int)err->code;
	}
	return 0;
}

int run_step_undo(struct run *run, size_t index, struct err *err)
{
	const struct step *step = &run->walk.steps[index];
	int64_t begun = clock_boottime();
	bool told = false;
	int rc;

	run->current = index;
	do {
		rc = run_connect(run, err);
		/* Once it is in the journal it is told, whether the database knows it yet or not.
		 */
		if (rc == 0 && !told) {
			told = true;
			rc = tell_undo_begin(run, step, err);
		}
		if (rc == 0)
			rc = undo_once(run, index, err);
	} while (rc < 0 && run_server_came_back(run, err));
	if (rc < 0)
		return -(int)err->code;
	struct json_writer *writer = run_event(run, EVENT_UNDO_END);
	json_member_string(writer, "step", step->name);
	json_member_string(writer, "outcome", "undone");
	json_member_integer(writer, "duration", clock_boottime() - begun);
	json_member_string(writer, "text", "");
	rc = run_event_end(run, err);
	if (rc == 0)
		run_progressed(run);
	return rc;
}
