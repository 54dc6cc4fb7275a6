/*
 * resume ingest: the point of no exact return. The publishers go on, one of our events is seen to
 * come through, and the outbox is watched for a while.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/hook_step.h"
#include "steps/outbox.h"
#include "steps/referrers.h"
#include "steps/silence.h"
#include "steps/ttl.h"
#include "text/text.h"

enum { LOOK_INTERVAL = 1000 }; /* ms between two looks at the outbox */

struct watch {
	const struct step_context *context;
	struct outboxes outboxes;
	int64_t own;	 /* our events that waited at the begin */
	int64_t backlog; /* now */
	int64_t first;	 /* at the first look */
	int64_t highest;
	int64_t drained; /* boottime of the first empty backlog, 0: not yet */
	int64_t over;	 /* boottime since which it is over the limit, 0: it is not */
	struct str seen; /* id of an event of ours that came through */
	bool firing;
};

static int resume_plan(const struct step_context *context, struct step_plan *plan, struct err *err)
{
	const struct site *site = context->site;
	char duration[TEXT_DURATION_SIZE];

	if (site->unfreeze.argv == NULL) {
		plan->what[plan->what_count++] =
			"The site names no hook that resumes ingest: do it by hand afterwards.";
		plan->what[plan->what_count++] =
			"Arms the TTL indexes again. That events come through is not looked at.";
	} else {
		plan->what[plan->what_count++] = arena_format(
			context->arena, "Runs the site's hook %s.", site->unfreeze.argv[0]);
		plan->what[plan->what_count++] =
			"Arms the TTL indexes again and sees one event come through.";
		plan->what[plan->what_count++] = arena_format(context->arena,
			"Watches backlog and errors for %s.", text_duration(site->watch, duration));
	}
	/* Who resumes it, the hook or a hand, makes no difference to what is published then. */
	plan->no_return = true;
	for (size_t i = 0; i < plan->what_count; i++)
		if (plan->what[i] == NULL)
			return err_no_memory(err);
	plan->takes = site->unfreeze.argv == NULL ? 0 : site->watch;
	plan->changes = "ingest writes again, and events are published";
	plan->way_back = WAY_BACK_NONE;
	plan->way_back_text = site->unfreeze.argv == NULL
				      ? "exact only until you resume ingest; what is published "
					"cannot be called back"
				      : "what was published cannot be called back";
	return 0;
}

/* ---- looking */

static int count_backlog(struct watch *watch, struct err *err)
{
	int64_t total = 0;

	for (size_t i = 0; i < watch->outboxes.count; i++) {
		int64_t count = 0;
		int rc = outbox_backlog(
			watch->context->mongo, &watch->outboxes.list[i], &count, err);
		if (rc < 0)
			return rc;
		total += count;
	}
	watch->backlog = total;
	if (total > watch->highest)
		watch->highest = total;
	if (total == 0 && watch->drained == 0)
		watch->drained = clock_boottime();
	return 0;
}

static int look_for_event(struct watch *watch, struct err *err)
{
	for (size_t i = 0; watch->seen.size == 0 && i < watch->outboxes.count; i++) {
		int rc = outbox_published_example(watch->context->mongo, &watch->outboxes.list[i],
			watch->context->run_id, &watch->seen, err);
		if (rc < 0)
			return rc;
		if (watch->seen.size > 0) {
			CLEANUP_STR struct str note = STR_INIT;
			str_append_format(&note, "event %s of %s came through",
				str_text(&watch->seen), watch->outboxes.list[i].collection);
			rc = str_check(&note, err);
			if (rc == 0)
				rc = watch->context->host->note(
					watch->context->host->self, str_text(&note), err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static int set_alert(struct watch *watch, bool firing, const char *text, struct err *err)
{
	const struct step_host *host = watch->context->host;

	if (watch->firing == firing)
		return 0;
	watch->firing = firing;
	return host->alert(host->self, "backlog", text, firing, err);
}

/* Growth over what was there at the begin, or too many for too long. While it drains, a large
 * backlog that shrinks is as it should be. */
static int judge(struct watch *watch, struct err *err)
{
	const struct site *site = watch->context->site;
	char text[160], count[TEXT_COUNT_SIZE];
	int64_t now = clock_boottime();
	bool draining = watch->drained == 0 && watch->backlog < watch->first;

	if (watch->backlog <= site->backlog_limit || draining)
		watch->over = 0;
	else if (watch->over == 0)
		watch->over = now;
	bool grows = watch->backlog > watch->first && watch->backlog > site->backlog_limit;
	bool long_over = watch->over != 0 && now - watch->over >= site->backlog_time;
	(void)snprintf(text, sizeof text, "%s events wait to be published",
		text_count(watch->backlog, count));
	return set_alert(watch, grows || long_over, text, err);
}

static void tell_progress(const struct watch *watch, int64_t done)
{
	const struct step_progress progress = {
		.phase = "",
		.done = done,
		.total = watch->context->site->watch,
		.unit = "milliseconds",
		.left = watch->context->site->watch - done,
		.lag = -1,
		.counters = {{"backlog", watch->backlog}},
		.counter_count = 1,
	};

	watch->context->host->progress(watch->context->host->self, &progress);
}

static int look(struct watch *watch, int64_t done, struct err *err)
{
	int rc = count_backlog(watch, err);

	if (rc == 0 && done == 0)
		watch->first = watch->backlog;
	if (rc == 0)
		rc = look_for_event(watch, err);
	if (rc == 0)
		rc = judge(watch, err);
	if (rc == 0)
		tell_progress(watch, done);
	return rc;
}

static int watch_outbox(struct watch *watch, struct err *err)
{
	const int64_t begun = clock_boottime();
	const int64_t total = watch->context->site->watch;

	for (int64_t done = 0; done <= total; done = clock_boottime() - begun) {
		int64_t left = total - done;
		int rc = look(watch, done, err);
		if (rc == 0)
			rc = wait_watching(watch->context,
				left < LOOK_INTERVAL ? left + 1 : LOOK_INTERVAL, err);
		if (rc < 0)
			return rc;
	}
	int rc = look(watch, total, err);
	if (rc == 0 && watch->own > 0 && watch->seen.size == 0)
		rc = err_set(err, ERR_HOOK,
			"ingest was resumed, but none of this run's %lld events was published",
			(long long)watch->own);
	return rc;
}

/* ---- the step */

static int leave_checkpoint(
	const struct step_context *context, const struct watch *watch, bool ended, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	if (context->site->unfreeze.argv != NULL)
		json_member_bool(&writer, "ingestResumed", true);
	else
		json_member_string(&writer, "outcome", "skipped");
	if (ended) {
		json_member_integer(&writer, "backlog", watch->backlog);
		json_member_integer(&writer, "highestBacklog", watch->highest);
		json_member_integer(&writer, "watched", context->site->watch);
		json_member_string(&writer, "event", str_text(&watch->seen));
		json_member_bool(&writer, "alert", watch->firing);
	}
	json_write_end(&writer);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : context->host->checkpoint(context->host->self, str_bytes(&text), err);
}

static int count_own(struct watch *watch, struct err *err)
{
	const struct step_context *context = watch->context;

	for (size_t i = 0; i < watch->outboxes.count; i++) {
		const struct outbox *outbox = &watch->outboxes.list[i];
		int64_t waiting = 0, published = 0;
		if (!outbox->publish)
			continue;
		int rc = outbox_own(context->mongo, outbox, context->run_id, false, &waiting, err);
		if (rc == 0)
			rc = outbox_own(
				context->mongo, outbox, context->run_id, true, &published, err);
		if (rc < 0)
			return rc;
		watch->own += waiting + published;
	}
	return 0;
}

static int resume_and_watch(struct watch *watch, struct err *err)
{
	const struct step_context *context = watch->context;
	size_t armed = 0;
	int rc = outboxes_find(
		context->kit, context->steps, context->step_count, &watch->outboxes, err);

	if (rc == 0)
		rc = count_own(watch, err);
	/* Before the hook: from here on what was published cannot be called back. */
	if (rc == 0)
		rc = leave_checkpoint(context, watch, false, err);
	if (rc == 0)
		rc = ttl_arm(context, &armed, err);
	if (rc == 0)
		rc = hook_step(context, &context->site->unfreeze, "unfreeze", err);
	if (rc == 0 && context->site->unfreeze.argv != NULL)
		rc = watch_outbox(watch, err);
	if (rc == 0)
		rc = leave_checkpoint(context, watch, context->site->unfreeze.argv != NULL, err);
	return rc;
}

static int resume_apply(const struct step_context *context, struct err *err)
{
	struct watch watch = {.context = context};
	int rc = resume_and_watch(&watch, err);

	str_release(&watch.seen);
	outboxes_release(&watch.outboxes);
	return rc;
}

/* ---- undo: ingest is frozen again, and it is said what cannot be undone */

static int list_published(const struct step_context *context, struct str *text, struct err *err)
{
	struct outboxes outboxes = {0};
	int rc = outboxes_find(context->kit, context->steps, context->step_count, &outboxes, err);

	for (size_t i = 0; rc == 0 && i < outboxes.count; i++) {
		int64_t count = 0;
		rc = outbox_own(
			context->mongo, &outboxes.list[i], context->run_id, true, &count, err);
		str_append_text(text, text->size > 0 ? ", " : "");
		text_plural(text, count, "event of ", "events of ");
		str_append_format(text, "%s %s published", outboxes.list[i].collection,
			count == 1 ? "was" : "were");
	}
	outboxes_release(&outboxes);
	return rc < 0 ? rc : str_check(text, err);
}

static int resume_undo(const struct step_context *context, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	size_t collections = 0;
	int rc = 0;

	if (!context->ingest_resumed)
		return 0;
	rc = list_published(context, &text, err);
	if (rc == 0)
		rc = referrers_list(context, &text, err);
	if (rc < 0)
		return rc;
	if (!context->options->accept_inexact || context->options->reason == NULL)
		return err_set(err, ERR_NO_WAY_BACK,
			"ingest was resumed, and what happened since cannot be called back: %s",
			str_text(&text));
	rc = context->host->note(context->host->self, str_text(&text), err);
	if (rc == 0)
		rc = hook_step(context, &context->site->freeze, "freeze", err);
	if (rc == 0)
		rc = silence_observe(context, &collections, err);
	return rc;
}

static int resume_report(
	const struct step_context *context, struct json_writer *writer, struct err *err)
{
	CLEANUP_STR struct str summary = STR_INIT;
	const struct json *checkpoint = context->checkpoint;
	const struct json *backlog = checkpoint == NULL ? NULL : json_member(checkpoint, "backlog");

	if (checkpoint == NULL)
		return 0;
	if (backlog == NULL) {
		str_append_text(&summary, "resume ingest by hand, and look at the outbox");
	} else {
		const struct json *event = json_member(checkpoint, "event");
		text_plural(&summary, json_integer(backlog), "event waits", "events wait");
		if (event != NULL && *json_string(event) != '\0')
			str_append_format(&summary, ", event %s came through", json_string(event));
	}
	int rc = str_check(&summary, err);
	if (rc < 0)
		return rc;
	json_member_string(writer, "summary", str_text(&summary));
	json_write_members(writer, checkpoint);
	return 0;
}

const struct step_kind step_resume_ingest = {
	.name = "resume-ingest",
	.label = "Resume ingest",
	.weight = 10,
	.gate = true,
	.failure = ERR_HOOK,
	.plan = resume_plan,
	.apply = resume_apply,
	.undo = resume_undo,
	.report = resume_report,
};
