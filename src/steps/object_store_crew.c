#include "steps/object_store_crew.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/object_store.h"

enum {
	DOCUMENTS_A_READ = 100,
	BATCH_OCTETS = 32 * 1024 * 1024, /* that a batch stands for, but for its last document */
	ARENA_KEPT = 64 * 1024,
};

struct desk {
	bool taken;
	struct arena arena;
};

struct object_crew_inside {
	struct object_crew *crew;
	int64_t started;
	_Atomic(const struct crew_tally *) tally; /* NULL: nobody is at work yet */
	pthread_mutex_t reading, mutex;
	/* with `reading` held */
	struct mongo *reader;
	struct mongo_cursor *cursor;
	bool at_end; /* of the cursor, which is not asked again */
	/* with the mutex held */
	struct desk desks[OBJECT_WORKERS_MAX];
	struct str *warnings;
	size_t warning_count, warnings_told;
};

void object_count(struct object_batch *batch, int64_t at, int64_t *counted)
{
	if (at <= *counted)
		return;
	atomic_fetch_add(&batch->tally->octets, at - *counted);
	*counted = at;
}

/* ---- what is said, in the step's own thread */

int object_crew_warn(struct object_crew *crew, const char *text, struct err *err)
{
	struct object_crew_inside *inside = crew->inside;
	struct str warning = STR_INIT;

	str_append_text(&warning, text);
	int rc = str_check(&warning, err);
	if (rc < 0)
		return rc;
	(void)pthread_mutex_lock(&inside->mutex);
	struct str *warnings =
		reallocarray(inside->warnings, inside->warning_count + 1, sizeof *inside->warnings);
	if (warnings != NULL) {
		warnings[inside->warning_count++] = warning;
		inside->warnings = warnings;
	}
	(void)pthread_mutex_unlock(&inside->mutex);
	if (warnings != NULL)
		return 0;
	str_release(&warning);
	return err_no_memory(err);
}

static int tell_warnings(struct object_crew_inside *inside, struct err *err)
{
	const struct step_host *host = inside->crew->context->host;
	int rc = 0;

	while (rc == 0) {
		struct str warning = STR_INIT;
		(void)pthread_mutex_lock(&inside->mutex);
		bool more = inside->warnings_told < inside->warning_count;
		if (more) {
			warning = inside->warnings[inside->warnings_told];
			inside->warnings[inside->warnings_told++] = (struct str)STR_INIT;
		}
		(void)pthread_mutex_unlock(&inside->mutex);
		if (!more)
			return 0;
		rc = host->check(host->self, "object", CHECK_WARNING, str_text(&warning), err);
		str_release(&warning);
	}
	return rc;
}

static void tell(void *self, const struct crew_tally *tally)
{
	struct object_crew_inside *inside = self;
	const struct object_crew *crew = inside->crew;
	const struct step_host *host = crew->context->host;
	int64_t took = clock_boottime() - inside->started, done = atomic_load(&tally->octets);
	double rate = took > 0 ? (double)done * 1000 / (double)took : 0;
	int64_t left = crew->total > done ? crew->total - done : 0;
	const struct step_progress progress = {
		.phase = crew->phase,
		.done = done,
		.total = crew->total > done ? crew->total : done,
		.unit = "octets",
		.rate = rate,
		.left = rate > 0 ? (int64_t)((double)left * 1000 / rate) : -1,
		.lag = inside->crew->throttle == NULL ? -1 : throttle_lag(inside->crew->throttle),
		.counters = {{"files", atomic_load(&tally->documents)}},
		.counter_count = 1,
	};

	host->progress(host->self, &progress);
}

static int look(void *self, struct err *err)
{
	struct object_crew_inside *inside = self;
	int rc = tell_warnings(inside, err);

	if (rc == 0 && inside->crew->throttle != NULL)
		rc = throttle_tell(inside->crew->throttle, inside->crew->context->host, err);
	return rc;
}

static bool stop_requested(void *self)
{
	const struct step_host *host = ((struct object_crew_inside *)self)->crew->context->host;

	return host->stop_requested(host->self);
}

/* ---- in a worker's thread */

static int64_t weight_of(const struct object_crew *crew, struct bytes doc)
{
	int64_t weight = 0;

	if (crew->weighs == NULL || !doc_get_integer(doc, crew->weighs, &weight) || weight < 0)
		return 0;
	return weight;
}

/* The next ones; none is the end. */
static int read_batch(
	struct object_crew_inside *inside, struct object_batch *batch, struct err *err)
{
	int64_t octets = 0;
	struct bytes doc;

	while (!inside->at_end && batch->count < OBJECT_BATCH_MAX && octets < BATCH_OCTETS) {
		int more = mongo_cursor_next(inside->cursor, &doc, err);
		inside->at_end = more <= 0;
		if (more <= 0)
			return more;
		struct bytes kept = arena_bytes(batch->context.arena, doc);
		if (kept.data == NULL)
			return err_no_memory(err);
		batch->docs[batch->count++] = kept;
		octets += weight_of(inside->crew, doc);
	}
	return 0;
}

static int take_work(
	struct object_crew_inside *inside, size_t item, struct object_batch *batch, struct err *err)
{
	int rc = crew_cancelled(batch->tally, err);

	batch->item = item;
	if (rc < 0 || inside->crew->collection == NULL)
		return rc;
	(void)pthread_mutex_lock(&inside->reading);
	rc = read_batch(inside, batch, err);
	(void)pthread_mutex_unlock(&inside->reading);
	return rc < 0 ? rc : batch->count == 0;
}

static int waiting(void *self, struct err *err)
{
	return crew_cancelled(self, err);
}

static size_t take_desk(struct object_crew_inside *inside)
{
	size_t i = 0;

	(void)pthread_mutex_lock(&inside->mutex);
	while (inside->desks[i].taken)
		i++;
	inside->desks[i].taken = true;
	(void)pthread_mutex_unlock(&inside->mutex);
	return i;
}

static void leave_desk(struct object_crew_inside *inside, size_t i)
{
	arena_reset(&inside->desks[i].arena, ARENA_KEPT);
	(void)pthread_mutex_lock(&inside->mutex);
	inside->desks[i].taken = false;
	(void)pthread_mutex_unlock(&inside->mutex);
}

static int work(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	struct object_crew_inside *inside = self;
	struct object_crew *crew = inside->crew;
	size_t worker = take_desk(inside);
	struct object_batch batch = {
		.crew = crew,
		.worker = worker,
		.context = *crew->context,
		.tally = tally,
	};

	atomic_store(&inside->tally, tally);
	batch.context.mongo = mongo;
	batch.context.arena = &inside->desks[worker].arena;
	int rc = take_work(inside, item, &batch, err);
	if (rc == 0 && inside->crew->throttle != NULL)
		rc = throttle_pass(inside->crew->throttle, mongo, waiting, tally, err);
	if (rc == 0)
		rc = crew->work(crew->self, &batch, err);
	if (rc == 0 && inside->crew->throttle != NULL)
		throttle_spend(inside->crew->throttle,
			crew->collection == NULL ? 1 : (int64_t)batch.count, clock_boottime());
	leave_desk(inside, worker);
	return rc;
}

/* The store's, while it waits for something. */
static int look_at_stop(void *self, struct err *err)
{
	const struct crew_tally *tally = atomic_load(&((struct object_crew_inside *)self)->tally);

	return tally == NULL ? 0 : crew_cancelled(tally, err);
}

/* ---- the whole */

static int open_cursor(struct object_crew_inside *inside, struct err *err)
{
	const struct object_crew *crew = inside->crew;
	CLEANUP_STR struct str order = STR_INIT;
	struct doc_writer writer;

	if (crew->collection == NULL)
		return 0;
	doc_write_begin(&writer, &order);
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
	int rc = str_check(&order, err);
	const struct mongo_find find = {
		.collection = crew->collection,
		.sort = str_bytes(&order),
		.batch_size = DOCUMENTS_A_READ,
		.no_timeout = true,
	};
	/* One of its own: the caller's is the caller's thread's. */
	if (rc == 0)
		rc = mongo_connect_again(crew->context->mongo, NULL, &inside->reader, err);
	return rc < 0 ? rc : mongo_find(inside->reader, &find, &inside->cursor, err);
}

static void inside_end(struct object_crew_inside *inside)
{
	mongo_cursor_close(inside->cursor);
	mongo_close(inside->reader);
	for (size_t i = 0; i < OBJECT_WORKERS_MAX; i++)
		arena_release(&inside->desks[i].arena);
	for (size_t i = 0; i < inside->warning_count; i++)
		str_release(&inside->warnings[i]);
	free(inside->warnings);
	(void)pthread_mutex_destroy(&inside->reading);
	(void)pthread_mutex_destroy(&inside->mutex);
}

static int run(struct object_crew_inside *inside, struct err *err)
{
	const struct object_crew *crew = inside->crew;
	const struct crew hands = {
		.self = inside,
		.mongo = crew->context->mongo,
		.workers = crew_workers(crew->context->options->workers, OBJECT_WORKERS_MAX),
		.work = work,
		.tell = tell,
		.look = look,
		.stop_requested = stop_requested,
	};
	int rc = open_cursor(inside, err);

	if (rc == 0)
		rc = crew_run(&hands, crew->collection == NULL ? crew->items : CREW_OPEN_END, err);
	/* What was found before a failure is told as well. */
	struct err telling;
	int told = tell_warnings(inside, &telling);
	if (rc == 0 && told < 0)
		*err = telling;
	return rc < 0 ? rc : told;
}

int object_crew_run(struct object_crew *crew, struct err *err)
{
	struct object_crew_inside inside = {.crew = crew, .started = clock_boottime()};
	const struct object_watch watch = {.self = &inside, .look = look_at_stop};

	(void)pthread_mutex_init(&inside.reading, NULL);
	(void)pthread_mutex_init(&inside.mutex, NULL);
	crew->inside = &inside;
	object_store_watch(crew->store, &watch);
	int rc = run(&inside, err);
	object_store_watch(crew->store, &(struct object_watch){0});
	crew->inside = NULL;
	inside_end(&inside);
	return rc;
}
