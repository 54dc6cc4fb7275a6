#include "tui/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "text/text.h"

void model_init(struct model *model)
{
	memset(model, 0, sizeof *model);
	model->current = -1;
}

void model_release(struct model *model)
{
	for (size_t i = 0; i < model->event_count; i++)
		json_release(model->events[i]);
	for (size_t i = 0; i < MODEL_STEPS_MAX; i++)
		json_release(model->newest_progress[i]);
	free(model->events);
	arena_release(&model->arena);
	memset(model, 0, sizeof *model);
}

const char *event_text(const struct json *object, const char *name)
{
	const struct json *member = json_member(object, name);

	return member != NULL && json_type(member) == JSON_STRING ? json_string(member) : "";
}

int64_t event_integer(const struct json *object, const char *name, int64_t otherwise)
{
	const struct json *member = json_member(object, name);

	return member != NULL && json_is_integer(member) ? json_integer(member) : otherwise;
}

bool event_true(const struct json *event, const char *name)
{
	const struct json *member = json_member(event, name);

	return member != NULL && json_type(member) == JSON_BOOL && json_bool(member);
}

static struct model_step *step_of(struct model *model, const struct json *event)
{
	const char *name = event_text(event, "step");

	for (size_t i = 0; i < model->step_count; i++)
		if (strcmp(model->steps[i].name, name) == 0)
			return &model->steps[i];
	return NULL;
}

/* The oldest line makes room: the journal has it still, and the log key shows what is newest. */
static void log_line(struct model *model, const struct json *event, const char *text, bool failed)
{
	int64_t time = 0;
	struct err ignored;

	if (event == NULL || time_parse(event_text(event, "time"), &time, &ignored) < 0)
		time = model->log_count > 0 ? model->log[model->log_count - 1].time : 0;
	if (model->log_count == MODEL_LOG_MAX) {
		memmove(model->log, model->log + 1, (MODEL_LOG_MAX - 1) * sizeof model->log[0]);
		model->log_count--;
	}
	model->log[model->log_count++] =
		(struct model_line){.time = time, .text = text, .failed = failed};
}

static void log_format(
	struct model *model, const struct json *event, bool failed, const char *a, const char *b)
{
	const char *text = arena_format(&model->arena, "%s%s%s", a, b[0] != '\0' ? ": " : "", b);

	if (text != NULL)
		log_line(model, event, text, failed);
}

/* ---- one function an event */

static void on_run_begin(struct model *model, const struct json *event)
{
	const struct json *steps = json_member(event, "steps");

	model->run = event;
	model->step_count = 0;
	if (steps == NULL)
		return;
	for (const struct json *s = json_first(steps); s != NULL; s = json_next(s)) {
		if (model->step_count == MODEL_STEPS_MAX)
			break;
		model->steps[model->step_count++] = (struct model_step){
			.name = event_text(s, "name"), .label = event_text(s, "label")};
	}
}

static void on_run_resume(struct model *model, const struct json *event)
{
	model->failure = NULL;
	model->end = NULL;
	model->stopping = false;
	log_format(model, event, false, "the run goes on", event_text(event, "step"));
}

static void on_check(struct model *model, const struct json *event)
{
	if (model->check_count < sizeof model->checks / sizeof model->checks[0])
		model->checks[model->check_count++] = event;
}

static void on_plan(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	if (step != NULL)
		step->plan = event;
}

static void on_question(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	model->question = event;
	model->typed[0] = '\0';
	model->scroll = 0;
	model->subject = SUBJECT_RUN;
	if (step != NULL && step->state == STEP_WAITING)
		model->current = (int)(step - model->steps);
}

static void on_answer(struct model *model, const struct json *event)
{
	model->question = NULL;
	log_format(model, event, false, "answered", event_text(event, "choice"));
}

static void on_step_begin(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	model->failure = NULL;
	if (step == NULL)
		return;
	step->state = STEP_CURRENT;
	step->begun = model->now;
	step->progress = NULL;
	model->current = (int)(step - model->steps);
	log_format(model, event, false, step->label, "begun");
}

static void on_checkpoint(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);
	const struct json *progress = step != NULL ? step->progress : NULL;
	int64_t batch = progress != NULL ? event_integer(progress, "batch", 0) : 0;
	char count[TEXT_COUNT_SIZE];

	if (batch > 0)
		log_format(model, event, false, "batch durable", text_count(batch, count));
}

static void on_note(struct model *model, const struct json *event)
{
	log_line(model, event, event_text(event, "text"), false);
}

static void on_alert(struct model *model, const struct json *event)
{
	log_line(model, event, event_text(event, "text"), true);
}

static void on_step_end(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	if (step == NULL)
		return;
	step->state =
		strcmp(event_text(event, "outcome"), "skipped") == 0 ? STEP_SKIPPED : STEP_DONE;
	step->duration = event_integer(event, "duration", 0);
	step->end = event;
	log_format(model, event, false, step->label, event_text(event, "text"));
}

static void on_failure(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	model->failure = event;
	if (step != NULL) {
		step->state = STEP_FAILED;
		model->current = (int)(step - model->steps);
	}
	log_format(model, event, true, event_text(event, "sentence"), event_text(event, "message"));
}

static void on_undo_begin(struct model *model, const struct json *event)
{
	on_step_begin(model, event);
	model->undoing = true;
}

static void on_undo_end(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	model->undoing = false;
	if (step == NULL)
		return;
	step->state = STEP_UNDONE;
	step->duration = event_integer(event, "duration", 0);
	log_format(model, event, false, step->label, event_text(event, "text"));
}

static void on_run_end(struct model *model, const struct json *event)
{
	model->end = event;
	model->question = NULL;
	model->stopping = false;
	model->subject = SUBJECT_RUN;
}

static void on_stopping(struct model *model, const struct json *event)
{
	model->stopping = true;
	log_line(model, event, event_text(event, "text"), false);
}

static void on_paused(struct model *model, const struct json *event)
{
	model->paused = event_true(event, "paused");
	log_format(model, event, false, model->paused ? "paused" : "going on", "");
}

static const struct {
	const char *name;
	void (*apply)(struct model *model, const struct json *event);
} handlers[] = {
	{"run.begin", on_run_begin},
	{"run.resume", on_run_resume},
	{"check", on_check},
	{"plan", on_plan},
	{"question", on_question},
	{"answer", on_answer},
	{"step.begin", on_step_begin},
	{"checkpoint", on_checkpoint},
	{"note", on_note},
	{"alert", on_alert},
	{"step.end", on_step_end},
	{"failure", on_failure},
	{"undo.begin", on_undo_begin},
	{"undo.end", on_undo_end},
	{"run.end", on_run_end},
	{"stopping", on_stopping},
	{"paused", on_paused},
};

void model_note(struct model *model, const char *text)
{
	log_line(model, NULL, text, false);
}

/* Thousands of these come in a run, so only the newest of each step stays in memory. */
static void take_progress(struct model *model, struct json_doc *doc)
{
	struct model_step *step = step_of(model, json_root(doc));

	if (step == NULL) {
		json_release(doc);
		return;
	}
	size_t index = (size_t)(step - model->steps);
	json_release(model->newest_progress[index]);
	model->newest_progress[index] = doc;
	step->progress = json_root(doc);
}

static int keep(struct model *model, struct json_doc *doc, struct err *err)
{
	if (model->event_count == model->event_room) {
		size_t room = model->event_room == 0 ? 256 : model->event_room * 2;
		struct json_doc **events = realloc(model->events, room * sizeof(struct json_doc *));
		if (events == NULL)
			return err_no_memory(err);
		model->events = events;
		model->event_room = room;
	}
	model->events[model->event_count++] = doc;
	return 0;
}

int model_event(struct model *model, struct bytes line, int64_t now, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	int result = json_parse(line, JSON_LIMITS(MODEL_LINE_MAX), &doc, err);

	if (result < 0)
		return result;
	model->now = now;
	const struct json *event = json_root(doc);
	const char *name = event_text(event, "event");
	if (strcmp(name, "progress") == 0) {
		take_progress(model, STEAL(doc));
		return 0;
	}
	for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
		if (strcmp(handlers[i].name, name) != 0)
			continue;
		result = keep(model, doc, err);
		if (result < 0)
			return result;
		doc = NULL;
		handlers[i].apply(model, event);
		return 0;
	}
	return 0;
}
