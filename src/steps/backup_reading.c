#include "steps/backup_reading.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/backup_packer.h"

enum { BATCH_MAX = 5000, BATCH_UNKNOWN = 200 }; /* documents */

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

void backup_open_enter(struct backup_open *open)
{
	(void)pthread_mutex_lock(&open->mutex);
	open->readers++;
	(void)pthread_mutex_unlock(&open->mutex);
}

/* A range is done when its end is in the file, which is before its reader leaves: who makes the end
 * must be the last, for what is ended is freed. */
bool backup_open_leave(
	struct backup_open *open, struct backup_ranges *ranges, struct backup_range *range)
{
	(void)pthread_mutex_lock(&open->mutex);
	range->done = true;
	bool last = --open->readers == 0 && !open->ended;
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

static int read_all(struct backup_packer *packer, struct mongo_cursor *cursor,
	struct crew_tally *tally, struct err *err)
{
	struct bytes doc;
	size_t piece = 0;
	int result = 0;

	while (result == 0 && (result = mongo_cursor_next(cursor, &doc, err)) == 1) {
		result = backup_packer_add(packer, doc, &piece, err);
		if (piece > 0)
			mongo_cursor_batch_size(cursor, (uint32_t)piece);
		if (result == 0)
			result = crew_cancelled(tally, err);
		atomic_fetch_add_explicit(&tally->documents, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&tally->octets, (int64_t)doc.size, memory_order_relaxed);
	}
	return result != 0 ? result : backup_packer_end(packer, err);
}

static uint32_t batch_of(int64_t average)
{
	int64_t batch = average > 0 ? BACKUP_PIECE_OCTETS / average : BATCH_UNKNOWN;

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
	CLEANUP(backup_packer_cleanup) struct backup_packer *packer = NULL;
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	int result = open_range(reading, range, mongo, &cursor, err);

	if (result == 0)
		result = backup_packer_new(reading->compression, range, open, &packer, err);
	return result != 0 ? result : read_all(packer, cursor, tally, err);
}
