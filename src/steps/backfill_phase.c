/*
 * A phase: its batches are read one after another, in the order of the source, and are at work
 * beside each other, each with a worker that has a connection of its own. That the result does not
 * show it comes from four rules, which look at the batches before one's own only:
 *
 * - At most as many batches as there are workers are at work or wait for their checkpoint: so a
 *   resume repeats at most one batch a worker.
 * - A batch is compared when those before it are derived, and when those of them that derive to one
 *   of its ids have ended: of two documents with one id the source's order decides, not time.
 * - A batch is written when those before it were judged, and allowed: the first that goes over the
 *   limit of conflicts, and all after it, write nothing.
 * - Batches end in their order, in the step's own thread.
 */
#include "steps/backfill.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/crew.h"

enum {
	SLOTS_MAX = 2 * BACKFILL_WORKERS_MAX, /* each worker may have read one ahead */
	LOOK_INTERVAL = 100,		      /* ms */
};

enum stage { STAGE_READ, STAGE_DERIVED, STAGE_JUDGED, STAGE_REFUSED, STAGE_WRITTEN };

/* A derived document's place, by which batches find out that they write the same. */
struct mark {
	size_t target;
	uint8_t id[OBJECT_ID_SIZE];
};

/* A batch from its reading to its end. */
struct slot {
	enum stage stage;
	bool ended; /* nothing more is done with it but to commit it */
	int64_t bad;
	struct arena arena;
	struct mark *marks; /* sorted */
	size_t mark_count;
	struct backfill_tally tally;
};

/* What a worker works in, used again and again. */
struct desk {
	struct arena arena;
	struct sha256_stream *sha256;
	bool taken;
};

struct phase_run {
	struct backfill_work *work;
	const struct backfill_phase *phase;
	struct mongo *reader; /* of the source; used with `reading` held */
	struct backfill_source *source;
	pthread_mutex_t reading, mutex, large;
	pthread_cond_t changed;
	size_t workers, slot_count;
	int64_t first_number; /* of this phase's first batch, from 1 */
	/* with `reading` held */
	int64_t next;
	int64_t units;
	bool at_end;
	/* with the mutex held */
	int64_t committed; /* batches */
	int64_t bad;	   /* of these and of all before */
	size_t octets;	   /* of source documents at work */
	struct desk desks[BACKFILL_WORKERS_MAX];
	struct slot slots[SLOTS_MAX];
};

static struct slot *slot_of(struct phase_run *run, int64_t batch)
{
	return &run->slots[(size_t)batch % run->slot_count];
}

/* ---- waiting for the batches before one's own */

struct place {
	struct phase_run *run;
	struct slot *slot;
	int64_t batch; /* counted from 0 in this process */
	size_t octets;
};

static void announce(struct place *place, enum stage stage)
{
	(void)pthread_mutex_lock(&place->run->mutex);
	place->slot->stage = stage;
	(void)pthread_cond_broadcast(&place->run->changed);
	(void)pthread_mutex_unlock(&place->run->mutex);
}

/* Holds with the mutex; false also for ever, when a batch before ends the work. */
static int wait_until(struct place *place, bool (*holds)(const struct place *place),
	const struct crew_tally *crew, struct err *err)
{
	struct phase_run *run = place->run;
	int result = 0;

	(void)pthread_mutex_lock(&run->mutex);
	while (result == 0 && !holds(place)) {
		const struct timespec until = clock_deadline(LOOK_INTERVAL);
		result = crew_cancelled(crew, err);
		if (result == 0)
			(void)pthread_cond_timedwait(&run->changed, &run->mutex, &until);
	}
	(void)pthread_mutex_unlock(&run->mutex);
	return result;
}

static bool its_turn(const struct place *place)
{
	return place->batch < place->run->committed + (int64_t)place->run->workers;
}

static bool has_room(const struct place *place)
{
	return place->run->octets == 0 ||
	       place->run->octets + place->octets <= BACKFILL_FLIGHT_OCTETS;
}

static int compare_marks(const void *left, const void *right)
{
	const struct mark *a = left, *b = right;

	if (a->target != b->target)
		return a->target < b->target ? -1 : 1;
	return memcmp(a->id, b->id, OBJECT_ID_SIZE);
}

static bool share_a_mark(const struct slot *a, const struct slot *b)
{
	size_t i = 0, j = 0;

	while (i < a->mark_count && j < b->mark_count) {
		int order = compare_marks(&a->marks[i], &b->marks[j]);
		if (order == 0)
			return true;
		if (order < 0)
			i++;
		else
			j++;
	}
	return false;
}

static bool may_compare(const struct place *place)
{
	for (int64_t i = place->run->committed; i < place->batch; i++) {
		const struct slot *before = slot_of(place->run, i);
		if (before->stage == STAGE_READ || share_a_mark(before, place->slot))
			return false;
	}
	return true;
}

static bool were_allowed(const struct place *place)
{
	for (int64_t i = place->run->committed; i < place->batch; i++) {
		enum stage stage = slot_of(place->run, i)->stage;
		if (stage != STAGE_JUDGED && stage != STAGE_WRITTEN)
			return false;
	}
	return true;
}

/* ---- a batch, in a worker's thread */

static int take_marks(struct slot *slot, const struct backfill_batch *batch, struct err *err)
{
	slot->marks = arena_array(&slot->arena, batch->derived_count + 1, sizeof *slot->marks);
	if (slot->marks == NULL)
		return err_no_memory(err);
	slot->mark_count = batch->derived_count;
	for (size_t i = 0; i < batch->derived_count; i++) {
		slot->marks[i].target = batch->derived[i].write->target;
		memcpy(slot->marks[i].id, batch->derived[i].id.object_id, OBJECT_ID_SIZE);
	}
	qsort(slot->marks, slot->mark_count, sizeof *slot->marks, compare_marks);
	return 0;
}

static int64_t bad_of(const struct backfill_batch *batch)
{
	return (int64_t)batch->conflict_count + (int64_t)batch->failure_count;
}

/* Those before are judged: what they and this one found decides. */
static bool judge(struct place *place, const struct backfill_batch *batch)
{
	struct phase_run *run = place->run;
	const struct backfill_work *work = run->work;
	int64_t bad = bad_of(batch);

	(void)pthread_mutex_lock(&run->mutex);
	int64_t all = run->bad + bad;
	for (int64_t i = run->committed; i < place->batch; i++)
		all += slot_of(run, i)->bad;
	place->slot->bad = bad;
	bool allowed =
		bad == 0 || (!work->context->options->stop_on_error && all <= work->conflict_limit);
	place->slot->stage = allowed ? STAGE_JUDGED : STAGE_REFUSED;
	(void)pthread_cond_broadcast(&run->changed);
	(void)pthread_mutex_unlock(&run->mutex);
	return allowed;
}

static int derive(
	struct place *place, struct backfill_batch *batch, struct mongo *mongo, struct err *err)
{
	int result = backfill_look_up(mongo, batch, err);

	if (result == 0)
		result = backfill_derive(batch, place->run->work->context->run_id, err);
	if (result == 0)
		result = take_marks(place->slot, batch, err);
	if (result == 0)
		announce(place, STAGE_DERIVED);
	return result;
}

/* From the judgement on nothing is waited for: what is allowed is written, whatever comes. */
static int finish(
	struct place *place, struct backfill_batch *batch, struct mongo *mongo, struct err *err)
{
	const struct backfill_work *work = place->run->work;
	bool allowed = judge(place, batch);
	int result = allowed ? backfill_write(mongo, batch, work->context->run_id, err) : 0;

	if (result == 0)
		result = backfill_tally_take(&place->slot->tally, &work->backfill, batch,
			place->run->first_number + place->batch, err);
	if (result != 0)
		return result;
	(void)pthread_mutex_lock(&place->run->mutex);
	place->slot->bad = bad_of(batch);
	place->slot->ended = true;
	if (allowed)
		place->slot->stage = STAGE_WRITTEN;
	(void)pthread_cond_broadcast(&place->run->changed);
	(void)pthread_mutex_unlock(&place->run->mutex);
	return 0;
}

static int do_batch(struct place *place, struct backfill_batch *batch, struct mongo *mongo,
	const struct crew_tally *crew, struct err *err)
{
	int result = wait_until(place, its_turn, crew, err);

	if (result == 0)
		result = derive(place, batch, mongo, err);
	if (result == 0)
		result = wait_until(place, may_compare, crew, err);
	if (result == 0)
		result = backfill_compare(mongo, batch, place->run->work->context->run_id, err);
	if (result == 0)
		result = wait_until(place, were_allowed, crew, err);
	return result != 0 ? result : finish(place, batch, mongo, err);
}

/* ---- reading */

static size_t octets_of(const struct backfill_batch *batch)
{
	size_t octets = 0;

	for (size_t i = 0; i < batch->unit_count; i++)
		octets += batch->units[i].root.size;
	return octets;
}

static void begin_slot(struct place *place, int64_t batch)
{
	struct slot *slot = slot_of(place->run, batch);

	arena_reset(&slot->arena, 0);
	(void)pthread_mutex_lock(&place->run->mutex);
	slot->stage = STAGE_READ;
	slot->ended = false;
	slot->bad = 0;
	slot->marks = NULL;
	slot->mark_count = 0;
	(void)pthread_mutex_unlock(&place->run->mutex);
	place->slot = slot;
	place->batch = batch;
}

/* The next batch of the source; positive: there is none. Who reads waits for room as well. */
static int read_locked(struct place *place, struct backfill_batch *batch,
	const struct crew_tally *crew, struct err *err)
{
	struct phase_run *run = place->run;

	if (run->at_end)
		return 1;
	int result = crew_cancelled(crew, err);
	if (result == 0)
		result = backfill_source_read(
			run->source, batch->arena, &batch->units, &batch->unit_count, err);
	if (result != 0)
		return result;
	run->at_end = batch->unit_count == 0;
	if (run->at_end)
		return 1;
	place->octets = octets_of(batch);
	begin_slot(place, run->next++);
	batch->fresh = run->units >= run->work->tried;
	run->units += (int64_t)batch->unit_count;
	result = wait_until(place, has_room, crew, err);
	(void)pthread_mutex_lock(&run->mutex);
	run->octets += place->octets;
	(void)pthread_mutex_unlock(&run->mutex);
	return result;
}

static int read_batch(struct place *place, struct backfill_batch *batch,
	const struct crew_tally *crew, struct err *err)
{
	(void)pthread_mutex_lock(&place->run->reading);
	int result = read_locked(place, batch, crew, err);
	(void)pthread_mutex_unlock(&place->run->reading);
	return result;
}

static struct desk *take_desk(struct phase_run *run)
{
	struct desk *desk = run->desks;

	(void)pthread_mutex_lock(&run->mutex);
	while (desk->taken)
		desk++;
	desk->taken = true;
	(void)pthread_mutex_unlock(&run->mutex);
	return desk;
}

static void leave_desk(struct phase_run *run, struct desk *desk, size_t octets)
{
	arena_reset(&desk->arena, BACKFILL_KEPT_OCTETS / run->workers);
	(void)pthread_mutex_lock(&run->mutex);
	desk->taken = false;
	run->octets -= octets;
	(void)pthread_cond_broadcast(&run->changed);
	(void)pthread_mutex_unlock(&run->mutex);
}

/* The item is a batch, but not the one of that number: who reads first has the first. */
static int work_on(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *crew, struct err *err)
{
	struct phase_run *run = self;
	struct desk *desk = take_desk(run);
	struct backfill_batch batch = {
		.phase = run->phase, .arena = &desk->arena, .large = &run->large};
	struct place place = {.run = run};

	(void)item;
	int result = desk->sha256 != NULL ? 0 : sha256_stream_new(&desk->sha256, err);
	batch.sha256 = desk->sha256;
	if (result == 0)
		result = read_batch(&place, &batch, crew, err);
	if (result == 0)
		result = do_batch(&place, &batch, mongo, crew, err);
	leave_desk(run, desk, place.octets);
	return result;
}

/* ---- the ends of batches, in the step's own thread */

static bool next_has_ended(struct phase_run *run, bool *ret_refused)
{
	(void)pthread_mutex_lock(&run->mutex);
	const struct slot *slot = slot_of(run, run->committed);
	bool ended = slot->ended;
	*ret_refused = slot->stage == STAGE_REFUSED;
	(void)pthread_mutex_unlock(&run->mutex);
	return ended;
}

static int commit(struct phase_run *run, bool refused, struct err *err)
{
	struct slot *slot = slot_of(run, run->committed);
	int result = backfill_commit(run->work, &slot->tally, refused, err);

	if (result == 0)
		result = backfill_pause(run->work, err);
	if (result != 0)
		return result;
	(void)pthread_mutex_lock(&run->mutex);
	run->bad += slot->bad;
	slot->ended = false;
	run->committed++;
	(void)pthread_cond_broadcast(&run->changed);
	(void)pthread_mutex_unlock(&run->mutex);
	return 0;
}

static int commit_ended(void *self, size_t item, struct err *err)
{
	struct phase_run *run = self;
	bool refused = false;
	int result = 0;

	(void)item;
	while (result == 0 && next_has_ended(run, &refused))
		result = commit(run, refused, err);
	return result;
}

static bool stop_requested(void *self)
{
	const struct phase_run *run = self;
	const struct step_host *host = run->work->context->host;

	return host->stop_requested(host->self);
}

/* ---- the phase */

static bool begins_with(struct bytes index, const struct backfill_phase *phase)
{
	struct value key = doc_get(index, "key"), direction;
	struct doc_iter iter =
		doc_iter_begin(key.type == VALUE_DOCUMENT ? key.bytes : bytes_make(NULL, 0));
	const char *name;

	for (size_t i = 0; i < phase->key_count; i++)
		if (!doc_iter_next(&iter, &name, &direction) || strcmp(name, phase->keys[i]) != 0)
			return false;
	return true;
}

/* Without it the server would sort the whole collection in memory, and refuse a large one. */
static int need_index(
	const struct step_context *context, const struct backfill_phase *phase, struct err *err)
{
	struct bytes *indexes = NULL;
	size_t count = 0;

	if (phase->key_count == 0)
		return 0;
	int result = mongo_indexes(
		context->mongo, phase->collection, context->arena, &indexes, &count, err);
	if (result != 0)
		return result;
	for (size_t i = 0; i < count; i++)
		if (begins_with(indexes[i], phase))
			return 0;
	return err_set(err, ERR_MIGRATION,
		"phase %s: %s has no index that begins with the fields of groupBy", phase->name,
		phase->collection);
}

static int begin(struct phase_run *run, struct err *err)
{
	static const struct bytes all = {NULL, 0};
	struct backfill_work *work = run->work;
	struct mongo *mongo = work->context->mongo;
	int result = need_index(work->context, run->phase, err);

	if (result == 0)
		result = mongo_count(mongo, run->phase->collection, all, &work->total, err);
	if (result == 0)
		result = mongo_connect_again(mongo, NULL, &run->reader, err);
	if (result == 0)
		result = backfill_source_open(run->reader, run->phase,
			str_bytes(&work->state->after), work->batch_size, &run->source, err);
	work->started = clock_boottime();
	work->started_at = work->state->phases[work->state->phase].documents;
	work->started_units = work->state->phases[work->state->phase].units;
	return result == 0 ? backfill_pause(work, err) : result;
}

static void init(struct phase_run *run, struct backfill_work *work)
{
	pthread_condattr_t clock;

	*run = (struct phase_run){
		.work = work,
		.phase = &work->backfill.phases[work->state->phase],
		.workers = (size_t)work->workers,
		.slot_count = 2 * (size_t)work->workers,
		.first_number = work->state->batch + 1,
		.bad = work->state->conflicts + work->state->errors,
	};
	(void)pthread_mutex_init(&run->reading, NULL);
	(void)pthread_mutex_init(&run->mutex, NULL);
	(void)pthread_mutex_init(&run->large, NULL);
	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&run->changed, &clock);
	(void)pthread_condattr_destroy(&clock);
}

static void end(struct phase_run *run)
{
	backfill_source_close(run->source);
	mongo_close(run->reader);
	for (size_t i = 0; i < run->slot_count; i++) {
		arena_release(&run->slots[i].arena);
		backfill_tally_release(&run->slots[i].tally);
	}
	for (size_t i = 0; i < run->workers; i++) {
		arena_release(&run->desks[i].arena);
		sha256_stream_free(run->desks[i].sha256);
	}
	(void)pthread_cond_destroy(&run->changed);
	(void)pthread_mutex_destroy(&run->large);
	(void)pthread_mutex_destroy(&run->mutex);
	(void)pthread_mutex_destroy(&run->reading);
}

static int carry_out(struct phase_run *run, struct err *err)
{
	const struct crew crew = {
		.self = run,
		.mongo = run->work->context->mongo,
		.workers = run->workers,
		.work = work_on,
		.done = commit_ended,
		.stop_requested = stop_requested,
	};
	int result = begin(run, err);

	if (result == 0)
		result = crew_run(&crew, CREW_OPEN_END, err);
	if (result == -ERR_STOPPED)
		return err_set(err, ERR_STOPPED, "stopped after batch %lld of %s",
			(long long)run->work->state->batch, run->work->backfill.id);
	return result;
}

int backfill_phase(struct backfill_work *work, struct err *err)
{
	CLEANUP_FREE struct phase_run *run = malloc(sizeof *run);

	if (run == NULL)
		return err_no_memory(err);
	init(run, work);
	int result = carry_out(run, err);
	end(run);
	work->tried = work->context->taken_over ? BACKFILL_ALL : 0;
	work->started_units = 0;
	if (result != 0)
		return result;
	result = backfill_state_end_phase(work->state, &work->backfill, err);
	return result == 0 ? backfill_checkpoint(work, err) : result;
}
