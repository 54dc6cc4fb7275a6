/* The end of a batch, in the step's own thread and in the order of the source. */
#include "steps/backfill.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/throttle.h"
#include "text/text.h"

#include <string.h>

/* ---- progress */

static void add_counter(struct step_progress *progress, const char *name, int64_t value)
{
	progress->counters[progress->counter_count].name = name;
	progress->counters[progress->counter_count++].value = value;
}

/* A role that this migration does not write has no counter. */
static void count_role(
	const struct backfill_work *work, struct step_progress *progress, const char *role)
{
	int64_t count = 0;
	bool has = false;

	for (size_t i = 0; i < work->backfill.target_count; i++)
		if (strcmp(work->backfill.targets[i]->role, role) == 0) {
			has = true;
			count += work->state->targets[i].written;
		}
	if (has)
		add_counter(progress, role, count);
}

void backfill_tell(const struct backfill_work *work)
{
	const struct backfill_phase_state *done = &work->state->phases[work->state->phase];
	int64_t elapsed = clock_boottime() - work->started;
	int64_t fresh = done->documents - work->started_at;
	int64_t rest = work->total > done->documents ? work->total - done->documents : 0;
	struct step_progress progress = {
		.phase = work->backfill.phases[work->state->phase].name,
		.done = done->documents,
		.total = work->total,
		.unit = "documents",
		.left = -1,
		.lag = throttle_lag(work->throttle),
		.batch = work->state->batch,
		/* The number goes on from phase to phase, as in the journal. */
		.batches = work->state->batch + (rest + work->batch_size - 1) / work->batch_size,
		.batch_size = work->batch_size,
	};

	if (elapsed > 0 && fresh > 0) {
		progress.rate = (double)fresh * 1000 / (double)elapsed;
		progress.left =
			(int64_t)((double)(work->total - done->documents) * 1000 / progress.rate);
	}
	count_role(work, &progress, "observations");
	count_role(work, &progress, "linksets");
	count_role(work, &progress, "events");
	count_role(work, &progress, "tombstones");
	count_role(work, &progress, "documents");
	add_counter(&progress, "conflicts", work->state->conflicts);
	add_counter(&progress, "errors", work->state->errors);
	work->context->host->progress(work->context->host->self, &progress);
}

/* ---- lag */

static int stop_if_asked(const struct backfill_work *work, struct err *err)
{
	const struct step_host *host = work->context->host;

	if (!host->stop_requested(host->self))
		return 0;
	return err_set(err, ERR_STOPPED, "stopped after batch %lld of %s",
		(long long)work->state->batch, work->backfill.id);
}

static int tell_while_waiting(void *self, struct err *err)
{
	const struct backfill_work *work = self;
	int result = throttle_tell(work->throttle, work->context->host, err);

	backfill_tell(work);
	return result != 0 ? result : stop_if_asked(work, err);
}

int backfill_pause(struct backfill_work *work, struct err *err)
{
	int result =
		throttle_pass(work->throttle, work->context->mongo, tell_while_waiting, work, err);

	return result != 0 ? result : throttle_tell(work->throttle, work->context->host, err);
}

/* ---- the end of a batch */

/* What we may be at, or, when we are not past that yet, what an interrupted attempt was at. */
static int64_t units_ahead(const struct backfill_work *work)
{
	const struct backfill_state *state = work->state;
	int64_t ours = work->workers * work->batch_size, before = work->tried;

	if (state->phase < work->backfill.phase_count)
		before -= state->phases[state->phase].units - work->started_units;
	return ours > before ? ours : before;
}

int backfill_checkpoint(struct backfill_work *work, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	const struct step_host *host = work->context->host;
	int result = 0;

	work->state->ahead = units_ahead(work);
	result = backfill_state_write(work->state, &work->backfill, &text, err);
	return result != 0 ? result : host->checkpoint(host->self, str_bytes(&text), err);
}

/* "… (1 conflict and 0 errors; --max-conflicts allows 0; batch 3 wrote nothing; see FILE)" */
static int say_how_many(const struct backfill_work *work, const struct backfill_tally *tally,
	bool refused, struct err *err)
{
	const struct step_context *context = work->context;
	CLEANUP_STR struct str out = STR_INIT;

	text_plural(&out, work->state->conflicts + tally->conflicts, "conflict", NULL);
	str_append_text(&out, " and ");
	text_plural(&out, work->state->errors + tally->errors, "error", NULL);
	str_append_format(&out, "; --max-conflicts allows %lld; batch %lld %s; see ",
		(long long)work->conflict_limit, (long long)tally->number,
		refused ? "wrote nothing" : "was written in part");
	if (context->site != NULL)
		str_append_format(&out, "%s/runs/%s/", context->site->state_dir, context->run_id);
	str_append_text(&out, "conflicts.ndjson");
	return err_set(err, tally->why.code, "%s (%s)", tally->why.message, str_text(&out));
}

int backfill_commit(struct backfill_work *work, const struct backfill_tally *tally, bool refused,
	struct err *err)
{
	struct backfill_state *state = work->state;
	int64_t bad = tally->conflicts + tally->errors, octets = state->conflicts_octets;
	int result = 0;

	if (bad > 0)
		result = backfill_append_lines(
			work->context, "conflicts.ndjson", &octets, tally->lines, err);
	if (result != 0)
		return result;
	/* What another writer made a conflict is found when the batch is written. */
	if (bad > 0 && (refused || work->context->options->stop_on_error ||
			       state->conflicts + state->errors + bad > work->conflict_limit))
		return say_how_many(work, tally, refused, err);
	if (tally->findings.size > 0)
		result = backfill_append_lines(work->context, "findings.ndjson",
			&state->findings_octets, tally->findings, err);
	if (result != 0)
		return result;
	state->conflicts_octets = octets;
	state->conflicts += tally->conflicts;
	state->errors += tally->errors;
	result = backfill_state_add(state, &work->backfill.phases[state->phase], tally, err);
	throttle_spend(work->throttle, tally->counted.documents, clock_boottime());
	if (result == 0)
		result = backfill_checkpoint(work, err);
	if (result == 0)
		backfill_tell(work);
	return result;
}
