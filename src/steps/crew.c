#include "steps/crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum {
	LOOK_INTERVAL = 100, /* ms */
	/* musl's default of 128 KiB is little for TLS and for nested documents. */
	STACK_SIZE = 1024 * 1024,
	/* Each waits for the server or the disk most of the time: two even on one core. */
	WORKERS_LEAST = 2,
	WORKERS_USUAL = 8,
};

struct shared {
	const struct crew *crew;
	struct crew_tally tally;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	/* under the mutex */
	size_t items, next;
	size_t *finished; /* items in the order of finishing, of which the first were handed over */
	size_t finished_count, finished_room, handed;
	size_t running; /* threads */
	bool failed;
	bool deaf; /* done or look failed: they are not called again */
	struct err err;
};

size_t crew_workers(int64_t asked, size_t most)
{
	int64_t count = asked;

	if (count < 1) {
		count = sysconf(_SC_NPROCESSORS_ONLN);
		count = count < WORKERS_LEAST	? WORKERS_LEAST
			: count > WORKERS_USUAL ? WORKERS_USUAL
						: count;
	}
	return count > (int64_t)most ? most : (size_t)count;
}

int crew_cancelled(const struct crew_tally *tally, struct err *err)
{
	if (atomic_load_explicit(&tally->cancelled, memory_order_relaxed))
		return err_set(err, ERR_STOPPED, "stopped");
	return 0;
}

/* What is cancelled fails with ERR_STOPPED: that is a consequence and never the reason. */
static void keep_failure(struct shared *shared, const struct err *err)
{
	if (!shared->failed || (shared->err.code == ERR_STOPPED && err->code != ERR_STOPPED)) {
		shared->err = *err;
		shared->failed = true;
	}
	atomic_store(&shared->tally.cancelled, true);
}

static bool take_item(struct shared *shared, size_t *ret_item)
{
	if (shared->failed || shared->next >= shared->items)
		return false;
	*ret_item = shared->next++;
	return true;
}

static int keep_finished(struct shared *shared, size_t item, struct err *err)
{
	if (shared->handed == shared->finished_count)
		shared->handed = shared->finished_count = 0;
	if (shared->finished_count == shared->finished_room) {
		size_t room = 2 * shared->finished_room + 16;
		size_t *finished = reallocarray(shared->finished, room, sizeof *finished);
		if (finished == NULL)
			return err_no_memory(err);
		shared->finished = finished;
		shared->finished_room = room;
	}
	shared->finished[shared->finished_count++] = item;
	return 0;
}

static void work_until_done(struct shared *shared, struct mongo *mongo)
{
	const struct crew *crew = shared->crew;
	struct err err;
	size_t item;

	while (take_item(shared, &item)) {
		(void)pthread_mutex_unlock(&shared->mutex);
		int result = crew->work(crew->self, item, mongo, &shared->tally, &err);
		(void)pthread_mutex_lock(&shared->mutex);
		if (result > 0 && item < shared->items)
			shared->items = item;
		if (result == 0)
			result = keep_finished(shared, item, &err);
		if (result < 0)
			keep_failure(shared, &err);
		(void)pthread_cond_signal(&shared->changed);
	}
}

static void *worker(void *argument)
{
	struct shared *shared = argument;
	struct mongo *mongo = NULL;
	struct err err;
	int result = 0;

	if (shared->crew->mongo != NULL)
		result = mongo_connect_again(
			shared->crew->mongo, shared->crew->database, &mongo, &err);
	(void)pthread_mutex_lock(&shared->mutex);
	if (result != 0)
		keep_failure(shared, &err);
	else
		work_until_done(shared, mongo);
	shared->running--;
	(void)pthread_cond_signal(&shared->changed);
	(void)pthread_mutex_unlock(&shared->mutex);
	mongo_close(mongo);
	return NULL;
}

static void wait_a_moment(struct shared *shared)
{
	const struct timespec until = clock_deadline(LOOK_INTERVAL);

	(void)pthread_cond_timedwait(&shared->changed, &shared->mutex, &until);
}

/* With the mutex held; it is let go while the caller's functions run. */
static void hand_over(struct shared *shared)
{
	const struct crew *crew = shared->crew;

	while (shared->handed < shared->finished_count) {
		struct err err;
		size_t item = shared->finished[shared->handed++];
		if (crew->done == NULL || shared->deaf)
			continue;
		(void)pthread_mutex_unlock(&shared->mutex);
		int result = crew->done(crew->self, item, &err);
		(void)pthread_mutex_lock(&shared->mutex);
		if (result != 0) {
			keep_failure(shared, &err);
			shared->deaf = true;
		}
	}
}

static void look(struct shared *shared)
{
	const struct crew *crew = shared->crew;
	struct err err;

	(void)pthread_mutex_unlock(&shared->mutex);
	if (crew->tell != NULL)
		crew->tell(crew->self, &shared->tally);
	int result = 0;
	if (crew->look != NULL && !shared->deaf)
		result = crew->look(crew->self, &err);
	bool stop = crew->stop_requested != NULL && crew->stop_requested(crew->self);
	(void)pthread_mutex_lock(&shared->mutex);
	if (result != 0) {
		keep_failure(shared, &err);
		shared->deaf = true;
	}
	if (stop && !shared->failed) {
		(void)err_set(&err, ERR_STOPPED, "stopped at a safe point, as you asked");
		keep_failure(shared, &err);
	}
}

static int begin_threads(struct shared *shared, pthread_t *threads, size_t wanted,
	size_t *ret_count, struct err *err)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	int failure = 0;
	size_t count = 0;

	/* Signals are the caller's thread's. */
	(void)sigfillset(&all);
	if (pthread_attr_init(&attributes) != 0)
		return err_no_memory(err);
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)pthread_mutex_lock(&shared->mutex);
	while (count < wanted && failure == 0) {
		failure = pthread_create(&threads[count], &attributes, worker, shared);
		if (failure == 0)
			count++;
	}
	shared->running = count;
	(void)pthread_mutex_unlock(&shared->mutex);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	if (count == 0)
		return err_set_errno(err, ERR_NO_MEMORY, failure, "no thread can be started");
	*ret_count = count;
	return 0;
}

static int run(struct shared *shared, pthread_t *threads, size_t workers, struct err *err)
{
	size_t count = 0;
	int result = begin_threads(shared, threads, workers, &count, err);

	if (result != 0)
		return result;
	(void)pthread_mutex_lock(&shared->mutex);
	while (shared->running > 0) {
		/* What finished while we looked has not been waited for: its signal is gone. */
		if (shared->handed == shared->finished_count)
			wait_a_moment(shared);
		hand_over(shared);
		look(shared);
	}
	hand_over(shared);
	(void)pthread_mutex_unlock(&shared->mutex);
	for (size_t i = 0; i < count; i++)
		(void)pthread_join(threads[i], NULL);
	if (!shared->failed)
		return 0;
	*err = shared->err;
	return -(int)err->code;
}

int crew_run(const struct crew *crew, size_t items, struct err *err)
{
	struct shared shared = {.crew = crew, .items = items};
	size_t workers = crew->workers < 1 ? 1 : crew->workers;
	pthread_condattr_t clock;

	if (items == 0)
		return 0;
	if (workers > items)
		workers = items;
	CLEANUP_FREE pthread_t *threads = calloc(workers, sizeof *threads);
	if (threads == NULL)
		return err_no_memory(err);
	(void)pthread_mutex_init(&shared.mutex, NULL);
	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&shared.changed, &clock);
	(void)pthread_condattr_destroy(&clock);
	int result = run(&shared, threads, workers, err);
	free(shared.finished);
	(void)pthread_cond_destroy(&shared.changed);
	(void)pthread_mutex_destroy(&shared.mutex);
	return result;
}
