#include "steps/restore_collection.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"

enum { BULK_DOCUMENTS = 1000, BULK_OCTETS = 8 * 1024 * 1024 };

/* ---- checking */

static int check_file(
	int dirfd, const struct backup_file *file, struct crew_tally *tally, struct err *err)
{
	CLEANUP(backup_reader_cleanup) struct backup_reader *reader = NULL;

	if (file->name == NULL)
		return 0;
	int result = backup_reader_new(dirfd, file->name, COMPRESSION_NONE, &reader, err);
	if (result == 0)
		result = backup_reader_drain(reader, tally, err);
	return result != 0 ? result : backup_reader_check(reader, file, err);
}

/* Without digests: that it can be decoded to its end. */
static int check_foreign(struct restoring *restoring, const struct backup_file *file,
	struct crew_tally *tally, struct err *err)
{
	CLEANUP(backup_reader_cleanup) struct backup_reader *reader = NULL;
	struct bytes doc;

	if (file->name == NULL)
		return 0;
	int result = backup_reader_new(
		restoring->dirfd, file->name, restoring->index.compression, &reader, err);
	while (result == 0 && (result = backup_reader_next(reader, &doc, err)) == 1)
		result = crew_cancelled(tally, err);
	return result;
}

int restore_check_collection(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	struct restoring *restoring = self;
	const struct backup_collection *collection = &restoring->index.collections[item];
	int result;

	(void)mongo;
	if (restoring->index.foreign)
		result = check_foreign(restoring, &collection->documents, tally, err);
	else
		result = check_file(restoring->dirfd, &collection->documents, tally, err);
	if (result == 0 && !restoring->index.foreign)
		result = check_file(restoring->dirfd, &collection->metadata, tally, err);
	if (restoring->index.foreign)
		atomic_fetch_add(&tally->octets, (int64_t)collection->documents.size);
	return result != 0 ? result : crew_cancelled(tally, err);
}

/* ---- making */

static int command(struct mongo *mongo, const struct str *octets, struct err *err)
{
	CLEANUP_STR struct str reply = STR_INIT;
	int result = str_check(octets, err);

	return result != 0 ? result : mongo_command(mongo, str_bytes(octets), &reply, NULL, err);
}

/* Set after the documents are there: what was valid once may not be by today's validator. */
static bool is_validation(const char *name)
{
	return strcmp(name, "validator") == 0 || strcmp(name, "validationLevel") == 0 ||
	       strcmp(name, "validationAction") == 0;
}

static int read_metadata(const struct backup_collection *collection, struct arena *arena,
	struct backup_metadata *metadata, struct err *err)
{
	int result = backup_metadata_read(collection->definition, arena, metadata, err);

	return result != 0 ? err_context(err, "%s", collection->name) : 0;
}

int restore_create(struct mongo *mongo, const struct backup_collection *collection, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str octets = STR_INIT;
	struct backup_metadata metadata;
	struct doc_writer writer;
	struct value value;
	const char *name;
	int result = read_metadata(collection, &arena, &metadata, err);

	if (result != 0)
		return result;
	struct doc_iter iter = doc_iter_begin(metadata.options);
	doc_write_begin(&writer, &octets);
	doc_write_string(&writer, "create", collection->name);
	while (doc_iter_next(&iter, &name, &value))
		if (!is_validation(name) && strcmp(name, "autoIndexId") != 0)
			doc_write_value(&writer, name, &value);
	doc_write_end(&writer);
	result = command(mongo, &octets, err);
	return result != 0 ? err_context(err, "making %s", collection->name) : 0;
}

static int set_validation(struct mongo *mongo, const struct backup_collection *collection,
	struct bytes options, struct err *err)
{
	CLEANUP_STR struct str octets = STR_INIT;
	struct doc_iter iter = doc_iter_begin(options);
	struct doc_writer writer;
	struct value value;
	const char *name;
	bool any = false;

	doc_write_begin(&writer, &octets);
	doc_write_string(&writer, "collMod", collection->name);
	while (doc_iter_next(&iter, &name, &value)) {
		if (!is_validation(name))
			continue;
		doc_write_value(&writer, name, &value);
		any = true;
	}
	doc_write_end(&writer);
	if (!any)
		return 0;
	int result = command(mongo, &octets, err);
	return result != 0 ? err_context(err, "the validator of %s", collection->name) : 0;
}

static bool is_of_id(struct bytes index)
{
	struct bytes key = doc_get(index, "key").bytes;

	return doc_count(key) == 1 && doc_get(key, "_id").type != VALUE_MISSING &&
	       strcmp(doc_get_string(index, "name"), "_id_") == 0;
}

static bool expires(struct bytes index)
{
	return doc_get(index, "expireAfterSeconds").type != VALUE_MISSING;
}

static int make_index(
	struct mongo *mongo, const char *collection, struct bytes index, struct err *err)
{
	CLEANUP_STR struct str octets = STR_INIT;
	struct doc_iter iter = doc_iter_begin(index);
	struct doc_writer writer;
	struct value value;
	const char *name;

	doc_write_begin(&writer, &octets);
	doc_write_string(&writer, "createIndexes", collection);
	doc_write_array(&writer, "indexes");
	doc_write_document(&writer, NULL);
	while (doc_iter_next(&iter, &name, &value))
		if (!backup_is_servers_field(name, &value))
			doc_write_value(&writer, name, &value);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int result = command(mongo, &octets, err);
	return result != 0 ? err_context(err, "index %s of %s", doc_get_string(index, "name"),
				     collection)
			   : 0;
}

static int make_indexes(struct mongo *mongo, const char *collection,
	const struct backup_metadata *metadata, bool expiring, struct crew_tally *tally,
	struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < metadata->index_count; i++) {
		struct bytes index = metadata->indexes[i];
		if (is_of_id(index) || expires(index) != expiring)
			continue;
		result = crew_cancelled(tally, err);
		if (result == 0)
			result = make_index(mongo, collection, index, err);
	}
	return result;
}

/* ---- filling */

struct filler {
	struct mongo *mongo;
	const char *collection;
	struct mongo_bulk *bulk; /* NULL: nothing waits */
	size_t count, octets;
};

static int send(struct filler *filler, struct err *err)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = STEAL(filler->bulk);
	struct mongo_bulk_result done;
	size_t count = filler->count;

	filler->count = filler->octets = 0;
	if (bulk == NULL)
		return 0;
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

static int put(struct filler *filler, struct bytes doc, struct err *err)
{
	int result = 0;

	if (filler->count >= BULK_DOCUMENTS || filler->octets + doc.size > BULK_OCTETS)
		result = send(filler, err);
	if (result == 0 && filler->bulk == NULL)
		result = mongo_bulk_begin(filler->mongo, filler->collection, &filler->bulk, err);
	if (result == 0)
		result = mongo_bulk_insert(filler->bulk, doc, err);
	filler->count++;
	filler->octets += doc.size;
	return result;
}

static int fill(struct restoring *restoring, const struct backup_collection *collection,
	struct mongo *mongo, struct crew_tally *tally, struct lthash *sum, struct err *err)
{
	CLEANUP(lthash_stream_cleanup) struct lthash_stream *stream = NULL;
	CLEANUP(backup_reader_cleanup) struct backup_reader *reader = NULL;
	struct filler filler = {.mongo = mongo, .collection = collection->name};
	struct bytes doc;

	lthash_reset(sum);
	int result = lthash_stream_new(&stream, err);
	if (result == 0)
		result = backup_reader_new(restoring->dirfd, collection->documents.name,
			restoring->index.compression, &reader, err);
	while (result == 0 && (result = backup_reader_next(reader, &doc, err)) == 1) {
		result = lthash_add(stream, sum, doc, err);
		if (result == 0)
			result = put(&filler, doc, err);
		if (result == 0)
			result = crew_cancelled(tally, err);
		atomic_fetch_add_explicit(&tally->documents, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&tally->octets, (int64_t)doc.size, memory_order_relaxed);
	}
	if (result == 0)
		result = send(&filler, err);
	mongo_bulk_free(filler.bulk);
	return result;
}

static int read_back(const char *collection, struct mongo *mongo, struct crew_tally *tally,
	struct lthash *sum, struct err *err)
{
	CLEANUP(lthash_stream_cleanup) struct lthash_stream *stream = NULL;
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	struct mongo_find find = {.collection = collection, .no_timeout = true, .unchecked = true};
	struct bytes doc;

	lthash_reset(sum);
	int result = lthash_stream_new(&stream, err);
	if (result == 0)
		result = mongo_find(mongo, &find, &cursor, err);
	while (result == 0 && (result = mongo_cursor_next(cursor, &doc, err)) == 1) {
		result = lthash_add(stream, sum, doc, err);
		if (result == 0)
			result = crew_cancelled(tally, err);
		atomic_fetch_add_explicit(&tally->octets, (int64_t)doc.size, memory_order_relaxed);
	}
	return result;
}

/* What the server has now is what the file had, and that what the index says. */
static int prove(struct restoring *restoring, struct backup_collection *collection,
	struct mongo *mongo, struct crew_tally *tally, const struct lthash *written,
	struct err *err)
{
	struct lthash there;
	struct sha256 digest_written, digest_there;
	int result = lthash_digest(written, &digest_written, err);

	if (result == 0)
		result = read_back(collection->name, mongo, tally, &there, err);
	if (result == 0)
		result = lthash_digest(&there, &digest_there, err);
	if (result != 0)
		return result;
	if (restoring->index.foreign) {
		collection->count = written->count;
		collection->octets = written->octets;
	} else if (!sha256_equal(&digest_written, &collection->digest)) {
		return err_set(err, ERR_RESTORE, "its file has other documents than the index");
	}
	if (!sha256_equal(&digest_written, &digest_there))
		return err_set(err, ERR_RESTORE,
			"the server has other documents than were written to it (%" PRIu64
			" of %" PRIu64 ")",
			there.count, written->count);
	return 0;
}

int restore_collection(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	struct restoring *restoring = self;
	struct backup_collection *collection = &restoring->index.collections[item];
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct backup_metadata metadata;
	struct lthash written;

	if (collection->documents.name == NULL)
		return 0;
	int result = read_metadata(collection, &arena, &metadata, err);
	if (result == 0)
		result = restore_create(mongo, collection, err);
	if (result == 0)
		result = fill(restoring, collection, mongo, tally, &written, err);
	if (result == 0)
		result = make_indexes(mongo, collection->name, &metadata, false, tally, err);
	if (result == 0)
		result = set_validation(mongo, collection, metadata.options, err);
	if (result == 0)
		result = prove(restoring, collection, mongo, tally, &written, err);
	if (result == 0)
		result = make_indexes(mongo, collection->name, &metadata, true, tally, err);
	return result != 0 ? err_context(err, "%s", collection->name) : 0;
}
