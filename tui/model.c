#include "tui/model.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "text/text.h"

static void event_release(struct model_event *place)
{
	json_release(place->doc);
	*place = (struct model_event){0};
}

void model_init(struct model *model, const struct language *language)
{
	memset(model, 0, sizeof *model);
	model->language = language;
	model->current = -1;
}

void model_release(struct model *model)
{
	event_release(&model->run);
	event_release(&model->question);
	event_release(&model->failure);
	event_release(&model->end);
	for (size_t i = 0; i < MODEL_STEPS_MAX; i++) {
		event_release(&model->steps[i].plan);
		event_release(&model->steps[i].progress);
		event_release(&model->steps[i].end);
	}
	for (size_t i = 0; i < MODEL_CHECKS_MAX; i++)
		event_release(&model->checks[i]);
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

bool model_is_frozen(const struct model *model)
{
	bool frozen = false;

	for (size_t i = 0; i < model->step_count; i++) {
		const struct model_step *step = &model->steps[i];
		if (strcmp(step->kind, "freeze") == 0)
			frozen = step->state == STEP_DONE;
		/* Its hook runs first: from then on ingest may go on. */
		if (strcmp(step->kind, "resume-ingest") == 0 && step->state != STEP_WAITING)
			frozen = false;
	}
	return frozen;
}

bool model_is_plan(const struct model *model)
{
	return model->end.event != NULL && event_integer(model->end.event, "exit", 0) == 0 &&
	       strcmp(event_text(model->run.event, "command"), "plan") == 0;
}

/* ---- the log */

const struct model_line *model_log(const struct model *model, size_t index)
{
	if (index >= model->log_count || index >= MODEL_LOG_MAX)
		return NULL;
	return &model->log[(model->log_count - 1 - index) % MODEL_LOG_MAX];
}

/* Cut between characters. */
static void copy_text(char out[static MODEL_TEXT_MAX], const char *text)
{
	struct bytes bytes = bytes_make(text, strnlen(text, MODEL_TEXT_MAX + 4));
	size_t offset = 0, size;
	uint32_t character;

	while ((size = utf8_next(bytes, offset, &character)) > 0) {
		if (offset + size >= MODEL_TEXT_MAX)
			break;
		offset += size;
	}
	memcpy(out, text, offset);
	out[offset] = '\0';
}

/* The oldest line makes room: the journal has it still. */
static void log_line(struct model *model, const struct json *event, bool failed, const char *text)
{
	const struct model_line *before = model_log(model, 0);
	int64_t time = before != NULL ? before->time : 0;
	struct err ignored;

	if (text[0] == '\0')
		return;
	if (time_parse(event_text(event, "time"), &time, &ignored) < 0)
		time = before != NULL ? before->time : 0;
	struct model_line *line = &model->log[model->log_count++ % MODEL_LOG_MAX];
	line->time = time;
	line->failed = failed;
	copy_text(line->text, text);
}

static void log_pair(
	struct model *model, const struct json *event, bool failed, const char *a, const char *b)
{
	char text[2 * MODEL_TEXT_MAX];

	(void)snprintf(text, sizeof text, "%s%s%s", a, b[0] != '\0' ? ": " : "", b);
	log_line(model, event, failed, text);
}

void model_note(struct model *model, const char *text)
{
	log_line(model, NULL, false, text);
	copy_text(model->notice, text);
}

/* ---- one function an event; each returns the place where the event is kept, NULL for nowhere */

static struct model_event *on_run_begin(struct model *model, const struct json *event)
{
	const struct json *steps = json_member(event, "steps");

	model->step_count = 0;
	if (steps == NULL)
		return &model->run;
	for (const struct json *s = json_first(steps); s != NULL; s = json_next(s)) {
		if (model->step_count == MODEL_STEPS_MAX)
			break;
		struct model_step *step = &model->steps[model->step_count++];
		step->name = event_text(s, "name");
		step->kind = event_text(s, "kind");
		/* The operator's page of what was looked at is the plan. */
		step->label = strcmp(step->kind, "preflight") == 0
				      ? message_text(model->language, MSG_PLAN)
				      : message_of_record(model->language, event_text(s, "label"));
	}
	return &model->run;
}

/* What stood in the journal was told again before; what was open then is asked anew. */
static struct model_event *on_run_resume(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	model->failure.event = NULL;
	model->question.event = NULL;
	model->end.event = NULL;
	model->stopping = model->pausing = model->paused = model->undoing = false;
	model->going_back = strcmp(event_text(event, "command"), "rollback") == 0;
	model->resumed = !model->going_back;
	model->alert[0] = '\0';
	if (step != NULL) {
		if (step->state == STEP_FAILED)
			step->state = STEP_CURRENT;
		step->begun = model->now;
		event_release(&step->progress);
		model->current = (int)(step - model->steps);
	}
	log_pair(model, event, false,
		message_text(
			model->language, model->going_back ? MSG_LOG_GOING_BACK : MSG_LOG_GOING_ON),
		step != NULL ? step->label : "");
	return NULL;
}

static struct model_event *on_check(struct model *model, const struct json *event)
{
	bool failed = strcmp(event_text(event, "outcome"), "failed") == 0;

	log_pair(model, event, failed,
		message_of_record(model->language, event_text(event, "outcome")),
		event_text(event, "text"));
	if (model->check_count == MODEL_CHECKS_MAX)
		return NULL;
	return &model->checks[model->check_count++];
}

static struct model_event *on_plan(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	return step != NULL ? &step->plan : NULL;
}

static struct model_event *on_question(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	model->typed[0] = '\0';
	model->notice[0] = '\0';
	model->scroll = 0;
	model->subject = SUBJECT_RUN;
	model->plan_left = false;
	for (size_t i = 0; i < model->step_count; i++)
		if (strcmp(event_text(event, "kind"), "plan") == 0 &&
			strcmp(model->steps[i].kind, "preflight") == 0)
			step = &model->steps[i];
	if (step != NULL)
		model->current = (int)(step - model->steps);
	return &model->question;
}

static struct model_event *on_answer(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, model->question.event);
	const char *choice = event_text(event, "choice");

	if (step != NULL && step->state == STEP_FAILED && strcmp(choice, "retry") == 0) {
		step->state = STEP_CURRENT;
		step->begun = model->now;
		model->failure.event = NULL;
	}
	model->question.event = NULL;
	log_pair(model, event, false, message_text(model->language, MSG_LOG_ANSWERED), choice);
	return NULL;
}

static struct model_event *on_step_begin(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	model->failure.event = NULL;
	if (step == NULL)
		return NULL;
	step->state = STEP_CURRENT;
	step->begun = model->now;
	event_release(&step->progress);
	model->current = (int)(step - model->steps);
	log_pair(model, event, false, step->label, message_text(model->language, MSG_LOG_BEGUN));
	return NULL;
}

static struct model_event *on_checkpoint(struct model *model, const struct json *event)
{
	int64_t batch = event_integer(json_member(event, "data"), "batch", 0);
	char count[TEXT_COUNT_SIZE];

	if (batch > 0)
		log_pair(model, event, false, message_text(model->language, MSG_LOG_DURABLE),
			text_count(batch, count));
	return NULL;
}

static struct model_event *on_note(struct model *model, const struct json *event)
{
	log_line(model, event, false, event_text(event, "text"));
	return NULL;
}

static struct model_event *on_alert(struct model *model, const struct json *event)
{
	bool firing = event_true(event, "firing");

	copy_text(model->alert, firing ? event_text(event, "text") : "");
	log_line(model, event, firing, event_text(event, "text"));
	return NULL;
}

static struct model_event *on_step_end(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	model->resumed = false;
	if (step == NULL)
		return NULL;
	step->state =
		strcmp(event_text(event, "outcome"), "skipped") == 0 ? STEP_SKIPPED : STEP_DONE;
	step->duration = event_integer(event, "duration", 0);
	model->alert[0] = '\0';
	log_pair(model, event, false, step->label, event_text(event, "text"));
	return &step->end;
}

static struct model_event *on_failure(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	if (step != NULL) {
		step->state = STEP_FAILED;
		model->current = (int)(step - model->steps);
	}
	log_pair(model, event, true,
		message_of_record(model->language, event_text(event, "sentence")),
		event_text(event, "message"));
	return &model->failure;
}

static struct model_event *on_undo_begin(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	model->undoing = true;
	model->failure.event = NULL;
	if (step == NULL)
		return NULL;
	step->state = STEP_CURRENT;
	step->begun = model->now;
	event_release(&step->progress);
	model->current = (int)(step - model->steps);
	log_pair(model, event, false, step->label, message_text(model->language, MSG_LOG_UNDOING));
	return NULL;
}

static struct model_event *on_undo_end(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);
	const char *text = event_text(event, "text");

	model->undoing = model->resumed = false;
	if (step == NULL)
		return NULL;
	step->state = STEP_UNDONE;
	step->duration = event_integer(event, "duration", 0);
	log_pair(model, event, false, step->label,
		text[0] != '\0' ? text : message_text(model->language, MSG_UNDONE));
	return NULL;
}

static struct model_event *on_run_end(struct model *model, const struct json *event)
{
	bool failed = event_integer(event, "exit", 0) != 0;

	model->question.event = NULL;
	model->stopping = model->pausing = model->paused = model->undoing = false;
	model->plan_left = model->resumed = false;
	model->alert[0] = '\0';
	model->notice[0] = '\0';
	model->waiting = false;
	model->subject = SUBJECT_RUN;
	model->scroll = 0;
	for (size_t i = 0; failed && i < model->step_count; i++)
		if (model->steps[i].state == STEP_CURRENT &&
			strcmp(event_text(event, "outcome"), "failed") == 0)
			model->steps[i].state = STEP_FAILED;
	log_line(model, event, failed, event_text(event, "text"));
	return &model->end;
}

static struct model_event *on_stopping(struct model *model, const struct json *event)
{
	model->stopping = true;
	log_line(model, event, false, event_text(event, "text"));
	return NULL;
}

static struct model_event *on_paused(struct model *model, const struct json *event)
{
	bool paused = event_true(event, "paused");

	/* A face that comes later hears of a pause that is over as well. */
	if (paused != model->paused)
		log_line(model, event, false,
			message_text(model->language, paused ? MSG_PAUSED : MSG_LOG_GOES_ON));
	model->paused = paused;
	model->pausing = false;
	return NULL;
}

/* How the run and its faces stand: what was replayed does not know how long the step is at work. */
static struct model_event *on_feed_state(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	model->watching = !event_true(event, "inCommand");
	model->taken = event_true(event, "taken");
	model->paused = event_true(event, "paused");
	model->pausing = event_true(event, "pausing");
	model->stopping = model->stopping || event_true(event, "stopping");
	if (step != NULL && step->state == STEP_CURRENT)
		step->begun = model->now - event_integer(event, "spent", 0);
	return NULL;
}

static struct model_event *on_feed_refused(struct model *model, const struct json *event)
{
	model_note(model, event_text(event, "text"));
	return NULL;
}

static struct model_event *on_waiting(struct model *model, const struct json *event)
{
	model->waiting = event_true(event, "waiting");
	model->waiting_next = event_integer(event, "next", 0);
	model->waiting_left = event_integer(event, "left", 0);
	return NULL;
}

/* Thousands of these come in a run; the newest of a step takes the place of the one before. */
static struct model_event *on_progress(struct model *model, const struct json *event)
{
	struct model_step *step = step_of(model, event);

	return step != NULL ? &step->progress : NULL;
}

static const struct {
	const char *name;
	struct model_event *(*apply)(struct model *model, const struct json *event);
} handlers[] = {
	{"progress", on_progress},
	{"checkpoint", on_checkpoint},
	{"run.begin", on_run_begin},
	{"run.resume", on_run_resume},
	{"check", on_check},
	{"plan", on_plan},
	{"question", on_question},
	{"answer", on_answer},
	{"step.begin", on_step_begin},
	{"note", on_note},
	{"alert", on_alert},
	{"step.end", on_step_end},
	{"failure", on_failure},
	{"undo.begin", on_undo_begin},
	{"undo.end", on_undo_end},
	{"run.end", on_run_end},
	{"stopping", on_stopping},
	{"paused", on_paused},
	{"waiting", on_waiting},
	{"feed.state", on_feed_state},
	{"feed.refused", on_feed_refused},
};

int model_event(struct model *model, struct bytes line, int64_t now, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	int result = json_parse(line, JSON_LIMITS_OWN(MODEL_LINE_MAX), &doc, err);

	if (result < 0)
		return result;
	model->now = now;
	const struct json *event = json_root(doc);
	const char *name = event_text(event, "event");
	for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
		if (strcmp(handlers[i].name, name) != 0)
			continue;
		struct model_event *place = handlers[i].apply(model, event);
		if (place != NULL) {
			json_release(place->doc);
			*place = (struct model_event){.doc = STEAL(doc), .event = event};
		}
		return 0;
	}
	return 0;
}
