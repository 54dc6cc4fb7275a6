#include "mongo/driver.h"

#include <stdlib.h>

#include "base/cleanup.h"

struct mongo_cursor {
	const struct mongo *mongo;
	mongoc_collection_t *collection; /* may be NULL */
	mongoc_cursor_t *cursor;
	bool unchecked;
};

int driver_cursor_new(struct mongo *mongo, mongoc_collection_t *owned_collection,
	mongoc_cursor_t *owned_cursor, bool unchecked, struct mongo_cursor **ret_cursor,
	struct err *err)
{
	struct mongo_cursor *cursor = calloc(1, sizeof *cursor);

	if (cursor == NULL) {
		mongoc_cursor_destroy(owned_cursor);
		if (owned_collection != NULL)
			mongoc_collection_destroy(owned_collection);
		return err_no_memory(err);
	}
	*cursor = (struct mongo_cursor){
		.mongo = mongo,
		.collection = owned_collection,
		.cursor = owned_cursor,
		.unchecked = unchecked,
	};
	*ret_cursor = cursor;
	return 0;
}

void driver_append_read_concern(const struct mongo *mongo, bson_t *opts)
{
	bson_t level;

	if (mongo->topology == TOPOLOGY_STANDALONE)
		return;
	(void)BSON_APPEND_DOCUMENT_BEGIN(opts, "readConcern", &level);
	(void)BSON_APPEND_UTF8(&level, "level", "majority");
	(void)bson_append_document_end(opts, &level);
}

static int append_document(bson_t *opts, const char *name, struct bytes doc, struct err *err)
{
	bson_t view;

	if (doc.size == 0)
		return 0;
	int result = driver_view(doc, &view, err);
	if (result == 0 && !bson_append_document(opts, name, -1, &view))
		result = err_no_memory(err);
	return result;
}

static int find_options(
	const struct mongo *mongo, const struct mongo_find *find, bson_t *opts, struct err *err)
{
	int result = append_document(opts, "sort", find->sort, err);

	if (result == 0)
		result = append_document(opts, "projection", find->projection, err);
	if (result == 0)
		result = append_document(opts, "hint", find->hint, err);
	if (result != 0)
		return result;
	if (find->batch_size > 0)
		(void)BSON_APPEND_INT32(opts, "batchSize", (int32_t)find->batch_size);
	if (find->limit > 0)
		(void)BSON_APPEND_INT64(opts, "limit", find->limit);
	if (find->limit == 1)
		(void)BSON_APPEND_BOOL(opts, "singleBatch", true);
	if (find->no_timeout)
		(void)BSON_APPEND_BOOL(opts, "noCursorTimeout", true);
	driver_append_read_concern(mongo, opts);
	return 0;
}

int mongo_find(struct mongo *mongo, const struct mongo_find *find, struct mongo_cursor **ret_cursor,
	struct err *err)
{
	bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER;
	int result = 0;

	if (find->filter.size > 0)
		result = driver_view(find->filter, &filter, err);
	if (result == 0)
		result = find_options(mongo, find, &opts, err);
	if (result == 0) {
		mongoc_collection_t *collection = mongoc_client_get_collection(
			mongo->client, mongo->database, find->collection);
		mongoc_cursor_t *cursor =
			mongoc_collection_find_with_opts(collection, &filter, &opts, NULL);
		result = driver_cursor_new(
			mongo, collection, cursor, find->unchecked, ret_cursor, err);
	}
	bson_destroy(&opts);
	bson_destroy(&filter);
	return result;
}

int mongo_aggregate(struct mongo *mongo, const char *collection, struct bytes pipeline,
	struct mongo_cursor **ret_cursor, struct err *err)
{
	bson_t stages, opts = BSON_INITIALIZER;
	int result = driver_view(pipeline, &stages, err);

	if (result == 0)
		result = driver_guard_pipeline(mongo, &stages, err);
	if (result == 0) {
		/* A pipeline that has to sort or group more than fits in the server's memory. */
		(void)BSON_APPEND_BOOL(&opts, "allowDiskUse", true);
		driver_append_read_concern(mongo, &opts);
		mongoc_collection_t *handle =
			mongoc_client_get_collection(mongo->client, mongo->database, collection);
		mongoc_cursor_t *cursor = mongoc_collection_aggregate(
			handle, MONGOC_QUERY_NONE, &stages, &opts, NULL);
		result = driver_cursor_new(mongo, handle, cursor, false, ret_cursor, err);
	}
	bson_destroy(&opts);
	return result;
}

int mongo_cursor_next(struct mongo_cursor *cursor, struct bytes *ret_doc, struct err *err)
{
	const bson_t *doc, *reply;
	bson_error_t error;

	driver_asks(cursor->mongo);
	bool got = mongoc_cursor_next(cursor->cursor, &doc);
	driver_answered(cursor->mongo);
	if (got) {
		struct bytes octets = bytes_make(bson_get_data(doc), doc->len);
		int result = cursor->unchecked ? 0 : doc_check(octets, err);
		if (result != 0)
			return err_context(err, "%s: a document", mongo_address(cursor->mongo));
		*ret_doc = octets;
		return 1;
	}
	if (!mongoc_cursor_error_document(cursor->cursor, &error, &reply))
		return 0;
	return driver_failed(cursor->mongo, &error, reply, NULL, err);
}

void mongo_cursor_batch_size(struct mongo_cursor *cursor, uint32_t documents)
{
	mongoc_cursor_set_batch_size(cursor->cursor, documents);
}

void mongo_cursor_close(struct mongo_cursor *cursor)
{
	if (cursor == NULL)
		return;
	/* The server is told that it may forget it. */
	driver_asks(cursor->mongo);
	mongoc_cursor_destroy(cursor->cursor);
	driver_answered(cursor->mongo);
	if (cursor->collection != NULL)
		mongoc_collection_destroy(cursor->collection);
	free(cursor);
}

void mongo_cursor_cleanup(struct mongo_cursor **cursor)
{
	mongo_cursor_close(*cursor);
}

int mongo_find_one(struct mongo *mongo, const struct mongo_find *find, struct str *out,
	bool *ret_found, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	struct mongo_find one = *find;
	struct bytes doc;

	one.limit = 1;
	int result = mongo_find(mongo, &one, &cursor, err);
	if (result == 0)
		result = mongo_cursor_next(cursor, &doc, err);
	if (result < 0)
		return result;
	bool found = result == 1;
	if (found) {
		str_append(out, doc.data, doc.size);
		result = str_check(out, err);
		if (result != 0)
			return result;
	}
	*ret_found = found;
	return 0;
}

int mongo_find_by_id(struct mongo *mongo, const char *collection, const char *id, struct str *out,
	bool *ret_found, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &filter);
	doc_write_string(&writer, "_id", id);
	doc_write_end(&writer);
	int result = str_check(&filter, err);
	if (result < 0)
		return result;
	const struct mongo_find find = {.collection = collection, .filter = str_bytes(&filter)};
	return mongo_find_one(mongo, &find, out, ret_found, err);
}

static void write_count_pipeline(struct str *out, struct bytes filter)
{
	struct doc_writer writer;

	/* The names of a document's fields "0" and "1" make it an array. */
	doc_write_begin(&writer, out);
	writer.is_array[0] = true;
	if (filter.size > 0) {
		doc_write_document(&writer, NULL);
		doc_write_raw(&writer, "$match", filter);
		doc_write_end(&writer);
	}
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "$group");
	doc_write_null(&writer, "_id");
	doc_write_document(&writer, "n");
	doc_write_int32(&writer, "$sum", 1);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
}

int mongo_count(struct mongo *mongo, const char *collection, struct bytes filter,
	int64_t *ret_count, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str pipeline = STR_INIT;
	int64_t count = 0;
	struct bytes doc;

	write_count_pipeline(&pipeline, filter);
	int result = str_check(&pipeline, err);
	if (result == 0)
		result = mongo_aggregate(mongo, collection, str_bytes(&pipeline), &cursor, err);
	if (result == 0)
		result = mongo_cursor_next(cursor, &doc, err);
	if (result < 0)
		return result;
	if (result == 1 && !doc_get_integer(doc, "n", &count))
		return err_set(err, ERR_MIGRATION, "%s: %s: the count is no number",
			mongo_address(mongo), collection);
	*ret_count = count;
	return 0;
}
