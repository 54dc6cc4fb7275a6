#include "engine/host.h"

#include "base/clock.h"
#include "engine/run.h"

enum { PROGRESS_INTERVAL = 100 }; /* ms between two that are told */

static const char *const OUTCOMES[] = {
	[CHECK_PASSED] = "passed",
	[CHECK_FAILED] = "failed",
	[CHECK_WARNING] = "warning",
	[CHECK_SKIPPED] = "skipped",
};

static struct json_writer *step_event(struct run *run, enum event event)
{
	struct json_writer *writer = run_event(run, event);

	json_member_string(writer, "step", run->walk.steps[run->current].name);
	return writer;
}

static int host_check(
	void *self, const char *name, enum check_outcome outcome, const char *text, struct err *err)
{
	struct json_writer *writer = step_event(self, EVENT_CHECK);

	json_member_string(writer, "name", name);
	json_member_string(writer, "outcome", OUTCOMES[outcome]);
	json_member_string(writer, "text", text);
	return run_event_end(self, err);
}

static int host_note(void *self, const char *text, struct err *err)
{
	struct json_writer *writer = step_event(self, EVENT_NOTE);

	json_member_string(writer, "text", text);
	return run_event_end(self, err);
}

static int host_checkpoint(void *self, struct bytes fields, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct run *run = self;
	int rc = json_parse(fields, JSON_LIMITS_OWN(JOURNAL_LINE_MAX), &doc, err);

	if (rc < 0)
		return err_recode(err, ERR_INTERNAL);
	const struct json *before = host_checkpoint_of(run, run->walk.steps[run->current].name);
	/* What is about to be tried again is written down again: that is no progress. */
	bool is_news = before == NULL || !json_equal(before, json_root(doc));
	struct json_writer *writer = step_event(run, EVENT_CHECKPOINT);
	json_member_value(writer, "data", json_root(doc));
	rc = run_event_end(run, err);
	if (rc == 0 && is_news)
		run_progressed(run);
	return rc;
}

static int host_alert(void *self, const char *name, const char *text, bool firing, struct err *err)
{
	struct json_writer *writer = step_event(self, EVENT_ALERT);

	json_member_string(writer, "name", name);
	json_member_string(writer, "text", text);
	json_member_bool(writer, "firing", firing);
	return run_event_end(self, err);
}

static int host_answered(
	void *self, const char *text, const char *flag, bool *ret_yes, struct err *err)
{
	struct run *run = self;
	static const struct choice CHOICES[] = {{"yes", "yes"}, {"no", "no"}, {NULL, NULL}};
	const struct question question = {
		.kind = "confirm",
		.step = run->walk.steps[run->current].name,
		.text = text,
		.choices = CHOICES,
		.initial = "no",
		.flag = flag,
	};
	const char *choice = NULL;
	int rc = run_ask(run, &question, &choice, err);

	if (rc == 0)
		*ret_yes = choice == CHOICES[0].name;
	return rc;
}

static void host_progress(void *self, const struct step_progress *progress)
{
	struct run *run = self;
	struct err ignored;
	int64_t now = clock_boottime();
	bool last = progress->total > 0 && progress->done >= progress->total;

	if (!last && now - run->progress_told < PROGRESS_INTERVAL)
		return;
	run->progress_told = now;
	struct json_writer *writer = step_event(run, EVENT_PROGRESS);
	json_member_string(writer, "phase", progress->phase == NULL ? "" : progress->phase);
	json_member_integer(writer, "done", progress->done);
	json_member_integer(writer, "total", progress->total);
	json_member_string(writer, "unit", progress->unit == NULL ? "" : progress->unit);
	json_member_number(writer, "rate", progress->rate);
	json_member_integer(writer, "left", progress->left);
	json_member_integer(writer, "lag", progress->lag);
	json_member_integer(writer, "batch", progress->batch);
	json_member_integer(writer, "batches", progress->batches);
	json_member_integer(writer, "batchSize", progress->batch_size);
	json_member_array(writer, "counters");
	for (size_t i = 0; i < progress->counter_count; i++) {
		json_write_object(writer);
		json_member_string(writer, "name", progress->counters[i].name);
		json_member_integer(writer, "value", progress->counters[i].value);
		json_write_end(writer);
	}
	json_write_end(writer);
	/* Progress is for the eyes: one that cannot be told is left out. */
	int rc = run_event_end(run, &ignored);
	(void)rc;
}

static bool host_stop_requested(void *self)
{
	struct err ignored;

	return run_check_stop(self, &ignored) < 0;
}

const struct json *host_checkpoint_of(void *self, const char *step_name)
{
	struct run *run = self;
	const struct history_step *step = history_step(&run->history, step_name);

	return step == NULL ? NULL : step->checkpoint;
}

void host_init(struct step_host *host, struct run *run)
{
	*host = (struct step_host){
		.self = run,
		.check = host_check,
		.note = host_note,
		.checkpoint = host_checkpoint,
		.alert = host_alert,
		.answered = host_answered,
		.progress = host_progress,
		.stop_requested = host_stop_requested,
	};
}
