#include "steps/backup_reading.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

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

static int open_range(const struct backup_reading *reading, const struct backup_range *range,
	struct mongo *mongo, struct mongo_cursor **ret_cursor, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT, order = STR_INIT;
	struct doc_writer writer;
	struct mongo_find find = {
		.collection = reading->collection,
		.batch_size = batch_of(reading->average),
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

int backup_read_range(const struct backup_reading *reading, struct backup_range *range,
	struct backup_open *open, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	struct piece piece = {.open = open, .range = range};
	int result = begin_piece(&piece, reading->compression, err);

	if (result == 0)
		result = open_range(reading, range, mongo, &cursor, err);
	if (result == 0)
		result = read_pieces(&piece, cursor, tally, err);
	release_piece(&piece);
	return result;
}
