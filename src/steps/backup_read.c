/* The work of a backup: documents on their way to files. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/backup_run.h"

/* ---- a collection */

struct backup_open *backup_open_at(struct backup_run *run, size_t place)
{
	(void)pthread_mutex_lock(&run->opening);
	struct backup_open *open = run->open[place];
	(void)pthread_mutex_unlock(&run->opening);
	return open;
}

static int write_metadata(
	struct backup_run *run, struct backup_collection *collection, struct err *err)
{
	CLEANUP(backup_writer_cleanup) struct backup_writer *writer = NULL;
	CLEANUP_STR struct str json = STR_INIT;
	int result = doc_to_json(collection->definition, true, &json, err);

	if (result == 0)
		result = backup_writer_new(run->database_dirfd, collection->metadata.name,
			run->index.compression, &writer, err);
	if (result == 0)
		result = backup_writer_write(writer, str_bytes(&json), err);
	return result != 0 ? result : backup_writer_end(writer, &collection->metadata, err);
}

/* By the first of its threads; the others find it open. */
static int open_collection(
	struct backup_run *run, size_t place, struct backup_open **ret_open, struct err *err)
{
	struct backup_collection *collection = &run->index.collections[place];
	struct backup_open *open = NULL;
	int result = 0;

	(void)pthread_mutex_lock(&run->opening);
	if (run->open[place] == NULL) {
		result = backup_open_new(&open, err);
		if (result == 0 && !backup_is_view(collection))
			result = backup_joint_new(
				run->database_dirfd, collection->documents.name, &open->joint, err);
		if (result == 0)
			run->open[place] = open;
		else
			backup_open_free(open);
	}
	*ret_open = run->open[place];
	(void)pthread_mutex_unlock(&run->opening);
	return result;
}

static int take_piece(void *self, struct bytes data, struct err *err)
{
	return backup_joint_append(self, data, err);
}

/* A file of no octets is no gzip file and no zstd file. */
static int write_empty(struct backup_run *run, struct backup_joint *joint, struct err *err)
{
	CLEANUP(stream_writer_cleanup) struct stream_writer *stream = NULL;
	struct stream_sink sink = {.self = joint, .write = take_piece};
	int result = stream_writer_new(run->index.compression, sink, &stream, err);

	return result != 0 ? result : stream_writer_finish(stream, err);
}

static int seal(struct backup_open *open, struct err *err)
{
	(void)pthread_mutex_lock(&open->mutex);
	int result = backup_joint_seal(open->joint, err);
	(void)pthread_mutex_unlock(&open->mutex);
	return result;
}

static int end_collection(
	struct backup_run *run, size_t place, struct backup_open *open, struct err *err)
{
	struct backup_collection *collection = &run->index.collections[place];
	int result = write_metadata(run, collection, err);

	if (result == 0 && open->joint != NULL && open->sum.count == 0)
		result = write_empty(run, open->joint, err);
	if (result == 0 && open->joint != NULL)
		result = seal(open, err);
	if (result == 0 && open->joint != NULL)
		result = backup_joint_end(open->joint, &collection->documents, err);
	if (result == 0)
		result = lthash_digest(&open->sum, &collection->digest, err);
	collection->count = open->sum.count;
	collection->octets = open->sum.octets;
	if (result == 0)
		backup_open_settle(open);
	return result;
}

static int read_item(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	const struct backup_crew *crew = self;
	struct backup_run *run = crew->run;
	size_t place = crew->items[item].place;
	struct backup_collection *collection = &run->index.collections[place];
	struct backup_ranges *ranges = &run->ranges[place];
	struct backup_range *range = &ranges->ranges[crew->items[item].range];
	const struct backup_reading reading = {
		collection->name, run->average[place], run->index.compression};
	struct backup_open *open = NULL;
	int result = open_collection(run, place, &open, err);

	if (result == 0)
		backup_open_enter(open);
	if (result == 0 && !backup_is_view(collection) && !range->done)
		result = backup_read_range(&reading, range, open, mongo, tally, err);
	if (result == 0 && backup_open_leave(open, ranges, range))
		result = end_collection(run, place, open, err);
	return result != 0 ? err_context(err, "%s", collection->name) : 0;
}

static bool is_not_finished(const struct backup_run *run, size_t place)
{
	return !run->finished[place];
}

static int collection_is_finished(struct backup_run *run, size_t place, struct err *err)
{
	backup_open_free(run->open[place]);
	run->open[place] = NULL;
	run->finished[place] = true;
	run->expected[place] = (int64_t)run->index.collections[place].octets;
	return backup_run_checkpoint(run, err);
}

/* Octets that a checkpoint would keep; a collection of one range is kept when it is finished. */
static uint64_t keepable(struct backup_run *run)
{
	uint64_t octets = 0;

	for (size_t i = 0; i < run->index.count; i++) {
		struct backup_open *open = backup_open_at(run, i);
		if (open == NULL || (run->ranges[i].count < 2 && !run->ranges[i].ranges[0].ordered))
			continue;
		(void)pthread_mutex_lock(&open->mutex);
		octets += open->sum.octets;
		(void)pthread_mutex_unlock(&open->mutex);
	}
	return octets;
}

/* Something was read since the last time: is it time to keep it? */
static int keep_progress(void *self, struct err *err)
{
	struct backup_run *run = ((struct backup_crew *)self)->run;
	int64_t every = run->context->site->backup_checkpoint_seconds * 1000;

	if (clock_boottime() - run->last_checkpoint < every)
		return 0;
	uint64_t octets = keepable(run);
	if (octets == run->last_kept)
		return 0;
	run->last_kept = octets;
	return backup_run_checkpoint(run, err);
}

/* One whose order counts is never divided, nor anything where nobody reads beside. */
int64_t backup_divide_from(const struct backup_run *run, size_t place)
{
	const struct site *site = run->context->site;

	return site->backup_workers > 1 && !run->capped[place] ? site->backup_divide_octets : 0;
}

/* Where each collection is divided; what was open has its ranges already. */
static int divide(struct backup_run *run, struct err *err)
{
	const struct step_context *context = run->context;
	int result = 0;

	for (size_t i = 0; result == 0 && i < run->index.count; i++) {
		const struct backup_collection *collection = &run->index.collections[i];
		if (run->finished[i] || run->ranges[i].count > 0)
			continue;
		result = backup_ranges_make(context->mongo, collection->name, run->expected[i],
			backup_divide_from(run, i), &run->ranges[i], err);
	}
	return result;
}

int backup_run_read(struct backup_run *run, struct err *err)
{
	int result = divide(run, err);

	run->last_checkpoint = clock_boottime();
	if (result == 0)
		result = backup_run_crew(run, "reading", is_not_finished, read_item,
			collection_is_finished, keep_progress, err);
	return result;
}
