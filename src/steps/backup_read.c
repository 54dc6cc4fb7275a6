/* The work of a backup: documents on their way to files. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/backup_run.h"

/*
 * A reply of about this many octets is the fastest: larger ones make the server wait for us and us
 * for it. What is compressed by itself, and what an interruption costs, is as large.
 */
enum { PIECE_OCTETS = 1024 * 1024, BATCH_MAX = 5000, BATCH_UNKNOWN = 200 };

/* ---- a collection that is open */

int backup_open_new(struct backup_open **ret_open, struct err *err)
{
	struct backup_open *open = calloc(1, sizeof *open);

	if (open == NULL)
		return err_no_memory(err);
	(void)pthread_mutex_init(&open->mutex, NULL);
	*ret_open = open;
	return 0;
}

void backup_open_free(struct backup_open *open)
{
	if (open == NULL)
		return;
	backup_joint_free(open->joint);
	(void)pthread_mutex_destroy(&open->mutex);
	free(open);
}

struct backup_open *backup_open_at(struct backup_run *run, size_t place)
{
	(void)pthread_mutex_lock(&run->opening);
	struct backup_open *open = run->open[place];
	(void)pthread_mutex_unlock(&run->opening);
	return open;
}

bool backup_open_leave(
	struct backup_open *open, struct backup_ranges *ranges, struct backup_range *range)
{
	(void)pthread_mutex_lock(&open->mutex);
	range->done = true;
	bool last = !open->ended;
	for (size_t i = 0; i < ranges->count; i++)
		last = last && ranges->ranges[i].done;
	if (last)
		open->ended = true;
	(void)pthread_mutex_unlock(&open->mutex);
	return last;
}

void backup_open_settle(struct backup_open *open)
{
	(void)pthread_mutex_lock(&open->mutex);
	open->settled = true;
	(void)pthread_mutex_unlock(&open->mutex);
}

/* ---- a range, in a worker's thread */

struct piece {
	struct backup_open *open;
	struct backup_range *range;
	struct lthash_stream *digest;
	struct stream_writer *stream; /* NULL: digests only */
	struct str out;		      /* what the stream made */
	struct lthash sum;	      /* of the documents of the piece */
};

static int take_out(void *self, struct bytes data, struct err *err)
{
	struct piece *piece = self;

	str_append(&piece->out, data.data, data.size);
	return str_check(&piece->out, err);
}

static int begin_piece(struct piece *piece, enum compression compression, struct err *err)
{
	struct stream_sink sink = {.self = piece, .write = take_out};

	lthash_reset(&piece->sum);
	int result = lthash_stream_new(&piece->digest, err);
	if (result == 0 && piece->open->joint != NULL)
		result = stream_writer_new(compression, sink, &piece->stream, err);
	return result;
}

static void release_piece(struct piece *piece)
{
	lthash_stream_free(piece->digest);
	stream_writer_free(piece->stream);
	str_release(&piece->out);
}

/*
 * Hands the piece over: its octets, its sum, and the range's place move together. last: its last
 * document; empty for the end of the range.
 */
static int hand_over(struct piece *piece, struct bytes last, struct err *err)
{
	struct backup_open *open = piece->open;
	int result = 0;

	if (piece->stream != NULL && piece->sum.count > 0)
		result = stream_writer_cut(piece->stream, err);
	if (result != 0)
		return result;
	(void)pthread_mutex_lock(&open->mutex);
	if (open->joint != NULL)
		result = backup_joint_append(open->joint, str_bytes(&piece->out), err);
	if (result == 0 && last.size > 0)
		result = backup_range_advance(piece->range, last, err);
	lthash_merge(&open->sum, &piece->sum);
	if (result == 0 && last.size == 0)
		piece->range->done = true;
	(void)pthread_mutex_unlock(&open->mutex);
	str_truncate(&piece->out, 0);
	lthash_reset(&piece->sum);
	return result;
}

static int add_document(
	struct piece *piece, struct bytes doc, struct crew_tally *tally, struct err *err)
{
	int result = lthash_add(piece->digest, &piece->sum, doc, err);

	if (result == 0 && piece->stream != NULL)
		result = stream_write(piece->stream, doc, err);
	if (result == 0)
		result = crew_cancelled(tally, err);
	atomic_fetch_add_explicit(&tally->documents, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&tally->octets, (int64_t)doc.size, memory_order_relaxed);
	return result;
}

static int read_pieces(
	struct piece *piece, struct mongo_cursor *cursor, struct crew_tally *tally, struct err *err)
{
	struct bytes doc;
	int result = 0;

	while (result == 0 && (result = mongo_cursor_next(cursor, &doc, err)) == 1) {
		result = add_document(piece, doc, tally, err);
		if (result == 0 && piece->sum.octets >= PIECE_OCTETS) {
			mongo_cursor_batch_size(cursor, (uint32_t)piece->sum.count);
			result = hand_over(piece, doc, err);
		}
	}
	return result != 0 ? result : hand_over(piece, bytes_make(NULL, 0), err);
}

static uint32_t batch_of(int64_t average)
{
	int64_t batch = average > 0 ? PIECE_OCTETS / average : BATCH_UNKNOWN;

	return batch < 1 ? 1 : batch > BATCH_MAX ? BATCH_MAX : (uint32_t)batch;
}

static int open_range(struct backup_run *run, size_t place, const struct backup_range *range,
	struct mongo *mongo, struct mongo_cursor **ret_cursor, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT, order = STR_INIT;
	struct doc_writer writer;
	struct mongo_find find = {
		.collection = run->index.collections[place].name,
		.batch_size = batch_of(run->average[place]),
		.no_timeout = true,
		.unchecked = true,
	};
	int result = backup_range_filter(range, &filter, err);

	if (range->ordered) {
		doc_write_begin(&writer, &order);
		doc_write_int32(&writer, "_id", 1);
		doc_write_end(&writer);
		find.sort = str_bytes(&order);
	}
	if (result == 0)
		result = str_check(&order, err);
	find.filter = str_bytes(&filter);
	return result != 0 ? result : mongo_find(mongo, &find, ret_cursor, err);
}

int backup_read_range(struct backup_run *run, size_t place, struct backup_range *range,
	struct backup_open *open, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	struct piece piece = {.open = open, .range = range};
	int result = begin_piece(&piece, run->index.compression, err);

	if (result == 0)
		result = open_range(run, place, range, mongo, &cursor, err);
	if (result == 0)
		result = read_pieces(&piece, cursor, tally, err);
	release_piece(&piece);
	return result;
}

/* ---- a collection */

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
	struct backup_open *open = NULL;
	int result = open_collection(run, place, &open, err);

	if (result == 0 && !backup_is_view(collection) && !range->done)
		result = backup_read_range(run, place, range, open, mongo, tally, err);
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

/* Where each collection is divided; what was open has its ranges already. */
static int divide(struct backup_run *run, struct err *err)
{
	const struct step_context *context = run->context;
	int result = 0;

	for (size_t i = 0; result == 0 && i < run->index.count; i++) {
		const struct backup_collection *collection = &run->index.collections[i];
		if (run->finished[i] || run->ranges[i].count > 0)
			continue;
		bool several = context->site->backup_workers > 1 && !run->capped[i] &&
			       !backup_is_view(collection);
		result = backup_ranges_make(context->mongo, collection->name, run->expected[i],
			several, &run->ranges[i], err);
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
