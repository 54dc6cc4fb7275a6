#include "engine/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/event.h"

static int bad_event(struct err *err, const char *what)
{
	return err_set(err, ERR_JOURNAL, "an event of the journal %s", what);
}

void history_release(struct history *history)
{
	for (size_t i = 0; i < history->doc_count; i++)
		json_release(history->docs[i]);
	for (size_t i = 0; i < history->step_count; i++)
		json_release(history->steps[i].checkpoint_doc);
	free(history->docs);
	free(history->events);
	arena_release(&history->arena);
	*history = (struct history){0};
}

const char *history_text(const struct json *event, const char *name)
{
	const struct json *member = event == NULL ? NULL : json_member(event, name);

	return member != NULL && json_type(member) == JSON_STRING ? json_string(member) : "";
}

struct history_step *history_step(struct history *history, const char *name)
{
	for (size_t i = 0; i < history->step_count; i++)
		if (strcmp(history->steps[i].name, name) == 0)
			return &history->steps[i];
	return NULL;
}

int history_reserve(struct history *history, struct err *err)
{
	if (history->doc_count < history->doc_room)
		return 0;
	size_t room = history->doc_room == 0 ? 64 : history->doc_room * 2;
	struct json_doc **docs = realloc(history->docs, room * sizeof(*docs));
	if (docs != NULL)
		history->docs = docs;
	const struct json **events = realloc((void *)history->events, room * sizeof(*events));
	if (events != NULL)
		history->events = events;
	if (docs == NULL || events == NULL)
		return err_no_memory(err);
	history->doc_room = room;
	return 0;
}

static int keep_doc(struct history *history, struct json_doc *doc, struct err *err)
{
	int rc = history_reserve(history, err);

	if (rc < 0)
		return rc;
	history->events[history->doc_count] = json_root(doc);
	history->docs[history->doc_count++] = doc;
	return 0;
}

/* ---- one function an event that changes what we know */

static int fold_run_begin(struct history *history, struct history_step *step,
	const struct json *event, struct err *err)
{
	const struct json *steps;

	(void)step;
	if (history->begin != NULL)
		return bad_event(err, "begins a second run");
	int rc = json_need(event, "steps", JSON_ARRAY, &steps, err);
	if (rc < 0)
		return err_recode(err, ERR_JOURNAL);
	history->begin = event;
	for (const struct json *row = json_first(steps); row != NULL; row = json_next(row)) {
		if (history->step_count == HISTORY_STEPS_MAX)
			return bad_event(err, "has too many steps");
		history->steps[history->step_count++] = (struct history_step){
			.name = history_text(row, "name"),
			.label = history_text(row, "label"),
			.kind = history_text(row, "kind"),
		};
	}
	return 0;
}

static void close_segment(struct history *history, struct history_step *step)
{
	if (step != NULL && step->segment != 0) {
		step->spent += history->last_time - step->segment;
		step->segment = 0;
	}
}

static int64_t event_time(const struct json *event)
{
	struct err ignored;
	int64_t time = 0;

	return time_parse(history_text(event, "time"), &time, &ignored) == 0 ? time : 0;
}

static int fold_run_resume(struct history *history, struct history_step *step,
	const struct json *event, struct err *err)
{
	(void)err;
	history->end = NULL;
	history->resume = event;
	history->rolling_back = strcmp(history_text(event, "command"), "rollback") == 0;
	close_segment(history, history->current);
	if (step != NULL && step->begin != NULL && step->end == NULL) {
		step->segment = event_time(event);
		step->failure = NULL;
		history->current = step;
	}
	return 0;
}

static int fold_run_adopt(struct history *history, struct history_step *step,
	const struct json *event, struct err *err)
{
	(void)step;
	(void)event;
	(void)err;
	history->taken_over = true;
	return 0;
}

static int fold_step_begin(struct history *history, struct history_step *step,
	const struct json *event, struct err *err)
{
	if (step == NULL)
		return bad_event(err, "begins a step that is not in the walk");
	if (step->begin == NULL)
		step->begin = event;
	/* Preflight only looks. */
	if (strcmp(step->name, "preflight") != 0)
		history->begun = true;
	step->end = step->undo = step->failure = NULL;
	step->segment = event_time(event);
	history->current = step;
	return 0;
}

static int fold_step_end(struct history *history, struct history_step *step,
	const struct json *event, struct err *err)
{
	if (step == NULL)
		return bad_event(err, "ends a step that is not in the walk");
	step->end = event;
	step->segment = 0;
	step->failure = NULL;
	history->current = NULL;
	return 0;
}

static int fold_failure(struct history *history, struct history_step *step,
	const struct json *event, struct err *err)
{
	(void)err;
	if (step != NULL) {
		step->failure = event;
		if (step->segment != 0) {
			step->spent += event_time(event) - step->segment;
			step->segment = 0;
		}
	}
	(void)history;
	return 0;
}

static int fold_undo_begin(struct history *history, struct history_step *step,
	const struct json *event, struct err *err)
{
	if (step == NULL)
		return bad_event(err, "undoes a step that is not in the walk");
	close_segment(history, history->current);
	step->undoing = true;
	history->went_back = true;
	step->undo_begin = event;
	step->restoring = strcmp(history_text(event, "by"), "backup") == 0;
	history->end = NULL;
	return 0;
}

static void forget(struct history_step *step)
{
	json_release(step->checkpoint_doc);
	*step = (struct history_step){.name = step->name, .label = step->label, .kind = step->kind};
}

static int fold_undo_end(struct history *history, struct history_step *step,
	const struct json *event, struct err *err)
{
	if (step == NULL)
		return bad_event(err, "undoes a step that is not in the walk");
	forget(step);
	step->undo = event;
	/* What came after it and has nothing to undo (validation, report) was about what is gone.
	 */
	for (struct history_step *later = step + 1; later < history->steps + history->step_count;
		later++)
		if (later->undo == NULL)
			forget(later);
	history->current = NULL;
	return 0;
}

static int fold_plan(struct history *history, struct history_step *step, const struct json *event,
	struct err *err)
{
	(void)history;
	(void)err;
	if (step != NULL)
		step->plan = event;
	return 0;
}

static int fold_question(struct history *history, struct history_step *step,
	const struct json *event, struct err *err)
{
	(void)step;
	(void)err;
	history->question = event;
	history->question_count++;
	return 0;
}

static int fold_run_end(struct history *history, struct history_step *step,
	const struct json *event, struct err *err)
{
	(void)step;
	(void)err;
	const struct json *exit = json_member(event, "exit");

	close_segment(history, history->current);
	history->end = event;
	if (exit != NULL && json_type(exit) == JSON_NUMBER && json_number(exit) == 0)
		history->rolling_back = false;
	return 0;
}

typedef int fold(struct history *history, struct history_step *step, const struct json *event,
	struct err *err);

static fold *const FOLDS[EVENT_COUNT] = {
	[EVENT_RUN_BEGIN] = fold_run_begin,
	[EVENT_RUN_RESUME] = fold_run_resume,
	[EVENT_RUN_ADOPT] = fold_run_adopt,
	[EVENT_PLAN] = fold_plan,
	[EVENT_QUESTION] = fold_question,
	[EVENT_STEP_BEGIN] = fold_step_begin,
	[EVENT_STEP_END] = fold_step_end,
	[EVENT_FAILURE] = fold_failure,
	[EVENT_UNDO_BEGIN] = fold_undo_begin,
	[EVENT_UNDO_END] = fold_undo_end,
	[EVENT_RUN_END] = fold_run_end,
};

static int add_checkpoint(
	struct history *history, struct history_step *step, struct json_doc *doc, struct err *err)
{
	const struct json *data = json_member(json_root(doc), "data");
	const struct json *resumed = data == NULL ? NULL : json_member(data, "ingestResumed");

	if (step == NULL || data == NULL || json_type(data) != JSON_OBJECT) {
		json_release(doc);
		return bad_event(err, "is a checkpoint of no step");
	}
	if (resumed != NULL && json_type(resumed) == JSON_BOOL && json_bool(resumed))
		history->ingest_resumed = true;
	json_release(step->checkpoint_doc);
	step->checkpoint_doc = doc;
	step->checkpoint = data;
	return 0;
}

int history_add(struct history *history, struct json_doc *doc, struct err *err)
{
	const struct json *event = json_root(doc);
	enum event which = event_by_name(history_text(event, "event"));
	struct history_step *step = history_step(history, history_text(event, "step"));
	int rc = 0;

	if (which == EVENT_COUNT) {
		json_release(doc);
		return bad_event(err, "is of no kind that this program knows");
	}
	if (!event_journaled(which)) {
		json_release(doc);
		return 0;
	}
	/* A segment is closed at the time of the last event before the interruption. */
	int64_t time = event_time(event);
	if (which == EVENT_CHECKPOINT) {
		rc = add_checkpoint(history, step, doc, err);
	} else {
		rc = keep_doc(history, doc, err);
		if (rc < 0)
			json_release(doc);
		else if (FOLDS[which] != NULL)
			rc = FOLDS[which](history, step, event, err);
	}
	if (time > history->last_time)
		history->last_time = time;
	return rc;
}

int history_visit(
	void *argument, struct bytes line, struct json_doc *doc, bool *keep, struct err *err)
{
	(void)line;
	*keep = true;
	return history_add(argument, doc, err);
}

enum history_state history_state(const struct history *history)
{
	const char *outcome = history_text(history->end, "outcome");

	if (history->begin == NULL)
		return RUN_EMPTY;
	if (strcmp(outcome, "done") == 0)
		return RUN_DONE;
	if (strcmp(outcome, "undone") == 0)
		return RUN_UNDONE;
	if (strcmp(outcome, "cancelled") == 0 || (history->end != NULL && !history->begun))
		return RUN_CANCELLED;
	return RUN_OPEN;
}

bool history_interrupted(const struct history *history)
{
	const struct json *exit = json_member(history->end, "exit");
	const struct json *signal = json_member(history->end, "signal");

	if (history_state(history) != RUN_OPEN)
		return false;
	if (history->end == NULL || signal != NULL)
		return true;
	return exit != NULL && json_is_integer(exit) &&
	       json_integer(exit) == err_exit_code(ERR_STOPPED) &&
	       strcmp(history_text(history->end, "code"), err_name(ERR_STOPPED)) != 0;
}

const char *history_outcome(const struct history *history, const struct history_step *step)
{
	if (step->end != NULL)
		return history_text(step->end, "outcome");
	if (step->undoing)
		return "undoing";
	if (step->undo != NULL)
		return "undone";
	if (step->failure != NULL)
		return "failed";
	if (step->begin != NULL)
		return "begun";
	return history_state(history) == RUN_UNDONE ? "undone" : "waiting";
}

const char *history_state_name(enum history_state state)
{
	static const char *const NAMES[] = {
		[RUN_EMPTY] = "empty",
		[RUN_OPEN] = "open",
		[RUN_DONE] = "done",
		[RUN_UNDONE] = "undone",
		[RUN_CANCELLED] = "cancelled",
	};

	return NAMES[state];
}

int64_t history_spent(const struct history_step *step)
{
	const struct json *duration = step->end == NULL ? NULL : json_member(step->end, "duration");

	if (duration != NULL && json_type(duration) == JSON_NUMBER)
		return (int64_t)json_number(duration);
	return step->spent;
}
