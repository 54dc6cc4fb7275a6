/*
 * resume ingest: the point of no exact return. The publishers go on, one of our events is seen to
 * come through, and the outbox is watched for a while.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/alarm.h"
#include "steps/hook_step.h"
#include "steps/lag.h"
#include "steps/outbox.h"
#include "steps/referrers.h"
#include "steps/silence.h"
#include "steps/ttl.h"
#include "text/text.h"

enum {
	LOOK_INTERVAL = 1000, /* ms between two looks at the outbox */
	LOOK_SHARE = 9,	      /* a look that takes long is followed by so much rest */
};

static const char EXACT_UNTIL[] =
	"exact only until you resume ingest; what is published cannot be called back";

struct watch {
	const struct step_context *context;
	struct outboxes outboxes;
	int64_t own;		/* our events that are to be published */
	int64_t backlog;	/* now */
	int64_t first, highest; /* at the first look, and ever */
	int64_t begun;		/* boottime of the first look */
	struct backlog state;
	struct alarm lag_alarm;
	struct lag lag;
	struct str seen; /* id of an event of ours that came through */
	struct silence silence;
	bool silence_known;
};

/* How many of this run's events wait; 0 in a plan, before the backfill. */
static int count_waiting(const struct step_context *context, int64_t *ret_count, struct err *err)
{
	struct outboxes outboxes = {0};
	int rc = outboxes_find(context->kit, context->steps, context->step_count, &outboxes, err);

	*ret_count = 0;
	for (size_t i = 0; rc == 0 && i < outboxes.count; i++) {
		int64_t count = 0;
		if (!outboxes.list[i].publish)
			continue;
		rc = outbox_own(
			context->mongo, &outboxes.list[i], context->run_id, false, &count, err);
		*ret_count += count;
	}
	outboxes_release(&outboxes);
	return rc;
}

static int resume_plan(const struct step_context *context, struct step_plan *plan, struct err *err)
{
	const struct site *site = context->site;
	char duration[TEXT_DURATION_SIZE], count[TEXT_COUNT_SIZE];

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
			"Watches backlog and lag for %s.", text_duration(site->watch, duration));
	}
	int64_t waiting = 0;
	int rc = count_waiting(context, &waiting, err);
	if (rc < 0)
		return rc;
	if (waiting > 0)
		plan->what[plan->what_count++] = arena_format(context->arena,
			"%s events of this run wait; how long they drain is shown then.",
			text_count(waiting, count));
	/* Who resumes it, the hook or a hand, makes no difference to what is published then. */
	plan->no_return = true;
	for (size_t i = 0; i < plan->what_count; i++)
		if (plan->what[i] == NULL)
			return err_no_memory(err);
	plan->takes = site->unfreeze.argv == NULL ? 0 : site->watch;
	plan->changes = "ingest writes again, and events are published";
	plan->way_back = WAY_BACK_NONE;
	plan->way_back_text = site->unfreeze.argv == NULL
				      ? EXACT_UNTIL
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

/* ms until the backlog is empty, at the pace since the first look; -1: it does not drain. */
static int64_t drain_left(const struct watch *watch)
{
	int64_t drained = watch->first - watch->backlog;
	int64_t spent = clock_boottime() - watch->begun;

	if (watch->backlog == 0)
		return 0;
	return drained > 0 && spent > 0
		       ? (int64_t)((double)watch->backlog * (double)spent / (double)drained)
		       : -1;
}

static int judge_backlog(struct watch *watch, struct err *err)
{
	const struct site *site = watch->context->site;
	const struct step_host *host = watch->context->host;
	const struct backlog_rule rule = backlog_rule_of(site->backlog_limit, site->backlog_time);
	char text[160], count[TEXT_COUNT_SIZE];

	if (!backlog_look(&watch->state, &rule, clock_boottime(), watch->backlog))
		return 0;
	(void)snprintf(text, sizeof text, "%s events wait to be published%s",
		text_count(watch->backlog, count),
		!watch->state.firing   ? ""
		: !watch->state.stuck  ? ", for too long"
		: watch->state.drained ? ", and they become no fewer"
				       : ", and they do not drain");
	return host->alert(host->self, "backlog", text, watch->state.firing, err);
}

static int judge_lag(struct watch *watch, struct err *err)
{
	const struct step_host *host = watch->context->host;
	const int64_t limit = watch->context->site->max_lag;
	const struct alarm_rule rule = {.raise_over = limit, .clear_at = limit / 2};
	char text[96], lag[TEXT_DURATION_SIZE];
	int rc = lag_measure(watch->context->mongo, &watch->lag, err);

	if (rc < 0 || !alarm_look(&watch->lag_alarm, &rule, clock_boottime(), watch->lag.lag))
		return rc;
	(void)snprintf(
		text, sizeof text, "replication lag is %s", text_duration(watch->lag.lag, lag));
	return host->alert(host->self, "oplog-lag", text, watch->lag_alarm.firing, err);
}

static void tell_progress(const struct watch *watch, int64_t done)
{
	const struct step_progress progress = {
		.phase = "",
		.done = done,
		.total = watch->context->site->watch,
		.unit = "milliseconds",
		.left = watch->context->site->watch - done,
		.lag = watch->lag.lag,
		.counters = {{"backlog", watch->backlog}, {"highest backlog", watch->highest}},
		.counter_count = 2,
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
		rc = judge_backlog(watch, err);
	if (rc == 0)
		rc = judge_lag(watch, err);
	if (rc == 0)
		tell_progress(watch, done);
	return rc;
}

/* One look and the rest after it: a count of millions must not be what the server does most. */
static int look_and_rest(struct watch *watch, int64_t done, int64_t left, struct err *err)
{
	int64_t began = clock_boottime();
	int rc = look(watch, done, err);

	if (rc < 0)
		return rc;
	int64_t rest = (clock_boottime() - began) * LOOK_SHARE;
	if (rest < LOOK_INTERVAL)
		rest = LOOK_INTERVAL;
	return wait_watching(watch->context, left < rest ? left + 1 : rest, err);
}

static int watch_outbox(struct watch *watch, struct err *err)
{
	const int64_t total = watch->context->site->watch;

	watch->begun = clock_boottime();
	for (int64_t done = 0; done <= total; done = clock_boottime() - watch->begun) {
		int rc = look_and_rest(watch, done, total - done, err);
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

/* Of a run that was interrupted while it watched: its last look was before ingest was resumed. */
static void keep_silence(const struct json *checkpoint, struct json_writer *writer)
{
	static const char *const MEMBERS[] = {"silence", "why", "position"};

	for (size_t i = 0; checkpoint != NULL && i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
		const struct json *member = json_member(checkpoint, MEMBERS[i]);
		if (member != NULL)
			json_member_value(writer, MEMBERS[i], member);
	}
}

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
		json_member_bool(&writer, "alert", watch->state.firing);
		if (!watch->state.drained)
			json_member_integer(&writer, "drainLeft", drain_left(watch));
	}
	json_member_array(&writer, "outboxes");
	for (size_t i = 0; i < watch->outboxes.count; i++)
		json_write_string(&writer, watch->outboxes.list[i].collection);
	json_write_end(&writer);
	if (watch->silence_known)
		silence_write(&watch->silence, &writer);
	else
		keep_silence(context->checkpoint, &writer);
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

/* The last look, while nothing is published yet. One who has written meanwhile has written to what
 * was copied already: that is the operator's to decide. */
static int check_silence(struct watch *watch, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	const struct step_context *context = watch->context;
	const struct step_host *host = context->host;

	if (context->ingest_resumed)
		return 0;
	int rc = silence_look(context, &watch->silence, err);
	if (rc < 0)
		return rc;
	watch->silence_known = true;
	if (watch->silence.state == SILENCE_BROKEN)
		silence_say(&watch->silence, &text);
	else if (watch->silence.state == SILENCE_PROVED)
		str_append_text(&text,
			"silence proved: since the freeze the oplog has no write but our own");
	else
		str_append_format(&text, "silence is observed only: %s", watch->silence.why);
	rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	if (watch->silence.state != SILENCE_BROKEN)
		return host->note(host->self, str_text(&text), err);
	if (!context->options->accept_inexact || context->options->reason == NULL)
		return err_set(err, ERR_NOT_SILENT,
			"%s; offkit rollback takes this run back, and offkit resume "
			"--accept-inexact --reason TEXT goes on without what was written",
			str_text(&text));
	return host->check(host->self, "silence", CHECK_WARNING, str_text(&text), err);
}

static int resume_and_watch(struct watch *watch, struct err *err)
{
	const struct step_context *context = watch->context;
	size_t armed = 0;
	int rc = outboxes_find(
		context->kit, context->steps, context->step_count, &watch->outboxes, err);

	if (rc == 0)
		rc = count_own(watch, err);
	if (rc == 0)
		rc = check_silence(watch, err);
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
	struct watch watch = {.context = context, .lag.lag = -1};
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
	char duration[TEXT_DURATION_SIZE];
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
		const struct json *left = json_member(checkpoint, "drainLeft");
		if (left != NULL && json_integer(left) > 0)
			str_append_format(&summary, ", drained in about %s",
				text_duration(json_integer(left), duration));
	}
	const struct json *silence = json_member(checkpoint, "silence");
	if (silence != NULL)
		str_append_format(&summary, "; silence %s", json_string(silence));
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
	.takeover = TAKEOVER_AS_IT_IS,
	.failure = ERR_HOOK,
	.plan = resume_plan,
	.apply = resume_apply,
	.undo = resume_undo,
	.report = resume_report,
};
