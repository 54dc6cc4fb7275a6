/* Documents on their way back: one file, read by whoever has a connection free to insert. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/restore_run.h"

/* An insert of this size is the fastest: larger ones make the server wait for us and us for it. */
enum { BATCH_DOCUMENTS = 1000, BATCH_OCTETS = 2 * 1024 * 1024 };

struct batch {
	struct str octets; /* documents, one after another */
	size_t count;
};

/* With the mutex held: the file is decoded by one at a time. */
static int read_batch(
	struct restoring *restoring, size_t place, struct batch *batch, struct err *err)
{
	struct restore_target *target = &restoring->targets[place];
	struct bytes doc;
	int result = 0;

	if (target->reader == NULL)
		result = backup_reader_new(restoring->dirfd,
			restoring->index.collections[place].documents.name,
			restoring->index.compression, &target->reader, err);
	while (result == 0 && batch->count < BATCH_DOCUMENTS && batch->octets.size < BATCH_OCTETS) {
		result = backup_reader_next(target->reader, &doc, err);
		if (result <= 0) {
			target->at_end = result == 0;
			break;
		}
		str_append(&batch->octets, doc.data, doc.size);
		batch->count++;
		result = str_check(&batch->octets, err);
	}
	return result;
}

static int take_batch(
	struct restoring *restoring, size_t place, struct batch *batch, struct err *err)
{
	struct restore_target *target = &restoring->targets[place];
	int result = 0;

	str_truncate(&batch->octets, 0);
	batch->count = 0;
	(void)pthread_mutex_lock(&target->mutex);
	if (!target->at_end)
		result = read_batch(restoring, place, batch, err);
	(void)pthread_mutex_unlock(&target->mutex);
	return result;
}

/* The reader has checked the lengths. */
static struct bytes next_document(struct bytes *left)
{
	const uint8_t *octets = left->data;
	size_t size = (size_t)octets[0] | (size_t)octets[1] << 8 | (size_t)octets[2] << 16 |
		      (size_t)octets[3] << 24;

	*left = bytes_make(octets + size, left->size - size);
	return bytes_make(octets, size);
}

static int send(struct mongo_bulk *bulk, size_t count, struct err *err)
{
	struct mongo_bulk_result done;
	int result = mongo_bulk_run(bulk, &done, err);

	if (result != 0)
		return result;
	if (done.error_count > 0)
		return err_set(err, ERR_RESTORE, "a document was refused: %s (server's code %d)",
			done.errors[0].message, done.errors[0].code);
	if (done.inserted != (int64_t)count)
		return err_set(err, ERR_RESTORE, "of %zu documents %" PRId64 " were inserted",
			count, done.inserted);
	return 0;
}

static int insert_batch(struct mongo *mongo, const char *collection, const struct batch *batch,
	struct lthash_stream *stream, struct lthash *sum, struct err *err)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	struct bytes left = str_bytes(&batch->octets);
	int result = mongo_bulk_begin(mongo, collection, &bulk, err);

	while (result == 0 && left.size > 0) {
		struct bytes doc = next_document(&left);
		result = lthash_add(stream, sum, doc, err);
		if (result == 0)
			result = mongo_bulk_insert(bulk, doc, err);
	}
	return result != 0 ? result : send(bulk, batch->count, err);
}

static int fill(struct restoring *restoring, size_t place, struct mongo *mongo,
	struct crew_tally *tally, struct lthash *sum, struct err *err)
{
	const char *collection = restoring->index.collections[place].name;
	CLEANUP(lthash_stream_cleanup) struct lthash_stream *stream = NULL;
	struct batch batch = {0};
	int result = lthash_stream_new(&stream, err);

	while (result == 0 && (result = take_batch(restoring, place, &batch, err)) == 0 &&
		batch.count > 0) {
		result = insert_batch(mongo, collection, &batch, stream, sum, err);
		if (result == 0)
			result = crew_cancelled(tally, err);
		atomic_fetch_add(&tally->documents, (int64_t)batch.count);
		atomic_fetch_add(&tally->octets, (int64_t)batch.octets.size);
	}
	str_release(&batch.octets);
	return result;
}

int restore_fill_collection(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	struct restoring *restoring = self;
	size_t place = restoring->items[item].place;
	struct restore_target *target = &restoring->targets[place];
	struct lthash sum;

	lthash_reset(&sum);
	int result = fill(restoring, place, mongo, tally, &sum, err);
	(void)pthread_mutex_lock(&target->mutex);
	lthash_merge(&target->written, &sum);
	(void)pthread_mutex_unlock(&target->mutex);
	return result != 0 ? err_context(err, "%s", restoring->index.collections[place].name) : 0;
}
