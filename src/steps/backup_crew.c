/* What reading and confirming share: the ranges in order, and what is said meanwhile. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/backup_run.h"

static void tell(void *self, const struct crew_tally *tally)
{
	struct backup_run *run = ((struct backup_crew *)self)->run;
	const struct step_host *host = run->context->host;
	int64_t read = atomic_load(&tally->octets), done = read + run->kept;
	int64_t took = clock_boottime() - run->started;
	/* The server's sizes lag behind. */
	int64_t total = done > run->total ? done : run->total;
	double rate = took > 0 ? (double)read * 1000 / (double)took : 0;
	struct step_progress progress = {
		.phase = run->phase,
		.done = done,
		.total = total,
		.unit = "octets",
		.rate = rate,
		.left = rate > 0 ? (int64_t)((double)(total - done) * 1000 / rate) : -1,
		.lag = -1,
		.counters = {{"documents", atomic_load(&tally->documents)}},
		.counter_count = 1,
	};

	host->progress(host->self, &progress);
}

static bool stop_requested(void *self)
{
	const struct step_host *host = ((struct backup_crew *)self)->run->context->host;

	return host->stop_requested(host->self);
}

/* A collection is finished by the last of its ranges, whichever that is. */
static int item_is_done(void *self, size_t item, struct err *err)
{
	struct backup_crew *crew = self;
	struct backup_run *run = crew->run;
	size_t place = crew->items[item].place;
	struct backup_open *open = run->open[place];
	bool settled = false;

	if (open != NULL) {
		(void)pthread_mutex_lock(&open->mutex);
		settled = open->settled;
		(void)pthread_mutex_unlock(&open->mutex);
	}
	return settled && crew->finished != NULL ? crew->finished(run, place, err) : 0;
}

struct place {
	size_t number;
	int64_t size;
};

static int largest_first(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	if (left->size != right->size)
		return left->size > right->size ? -1 : 1;
	return (left->number > right->number) - (left->number < right->number);
}

static size_t choose(struct backup_run *run, bool (*chosen)(const struct backup_run *, size_t),
	struct place *places, size_t *ret_ranges)
{
	size_t count = 0;

	*ret_ranges = 0;
	run->total = 0;
	for (size_t i = 0; i < run->index.count; i++) {
		if (!chosen(run, i))
			continue;
		places[count++] = (struct place){i, run->expected[i]};
		*ret_ranges += run->ranges[i].count;
		run->total += run->expected[i];
	}
	qsort(places, count, sizeof *places, largest_first);
	return count;
}

/* A collection of which all was read and that was not ended has to be looked at too. */
static void add_items(struct backup_crew *crew, size_t place)
{
	const struct backup_ranges *ranges = &crew->run->ranges[place];
	size_t before = crew->count;

	for (size_t i = 0; i < ranges->count; i++)
		if (!ranges->ranges[i].done)
			crew->items[crew->count++] = (struct backup_item){place, i};
	if (crew->count == before)
		crew->items[crew->count++] = (struct backup_item){place, 0};
}

int backup_run_crew(struct backup_run *run, const char *phase,
	bool (*chosen)(const struct backup_run *, size_t), backup_work *work,
	int (*finished)(struct backup_run *, size_t, struct err *),
	int (*look)(void *, struct err *), struct err *err)
{
	struct backup_crew backup_crew = {.run = run, .finished = finished};
	struct crew crew = {
		.self = &backup_crew,
		.mongo = run->context->mongo,
		.workers = (size_t)run->context->site->backup_workers,
		.work = work,
		.done = item_is_done,
		.tell = tell,
		.look = look,
		.stop_requested = stop_requested,
	};
	size_t ranges = 0;
	CLEANUP_FREE struct place *places = calloc(run->index.count + 1, sizeof *places);

	if (places == NULL)
		return err_no_memory(err);
	size_t count = choose(run, chosen, places, &ranges);
	CLEANUP_FREE struct backup_item *items = calloc(ranges + 1, sizeof *items);
	if (items == NULL)
		return err_no_memory(err);
	backup_crew.items = items;
	for (size_t i = 0; i < count; i++)
		add_items(&backup_crew, places[i].number);
	run->phase = phase;
	run->started = clock_boottime();
	return crew_run(&crew, backup_crew.count, err);
}
