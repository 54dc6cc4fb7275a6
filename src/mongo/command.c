#include "mongo/driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { NAMESPACE_NOT_FOUND = 26 };

/* Commands that take a writeConcern and change something. */
static const char *const writing[] = {"create", "createIndexes", "collMod", "drop", "dropDatabase",
	"dropIndexes", "insert", "update", "delete", "findAndModify", "renameCollection", NULL};

static bool wants_write_concern(const bson_t *command)
{
	bson_iter_t iter;

	if (!bson_iter_init(&iter, command) || !bson_iter_next(&iter) ||
		bson_has_field(command, "writeConcern"))
		return false;
	for (const char *const *name = writing; *name != NULL; name++)
		if (strcmp(*name, bson_iter_key(&iter)) == 0)
			return true;
	return false;
}

/* Commands of documents end by themselves when the guard's time is over. */
static bool takes_write_time(const struct mongo *mongo, const bson_t *command)
{
	static const char *const timed[] = {"insert", "update", "delete", "findAndModify", NULL};
	bson_iter_t iter;

	if (mongo->guard == NULL || mongo->guard->write_time <= 0 ||
		bson_has_field(command, "maxTimeMS") || !bson_iter_init(&iter, command) ||
		!bson_iter_next(&iter))
		return false;
	for (const char *const *name = timed; *name != NULL; name++)
		if (strcmp(*name, bson_iter_key(&iter)) == 0)
			return true;
	return false;
}

static int take_reply(const struct mongo *mongo, const bson_t *reply, struct str *out,
	struct mongo_refusal *refusal, struct err *err)
{
	struct bytes doc = bytes_make(bson_get_data(reply), reply->len);
	int result = doc_check(doc, err);

	if (result != 0)
		return err_context(err, "%s: the reply", mongo_address(mongo));
	result = driver_check_write_concern(mongo, reply, refusal, err);
	if (result != 0)
		return result;
	str_append(out, doc.data, doc.size);
	return str_check(out, err);
}

static int run(struct mongo *mongo, const char *database, struct bytes command, struct str *out,
	struct mongo_refusal *refusal, struct err *err)
{
	bson_t view, opts = BSON_INITIALIZER, reply;
	bson_error_t error;

	if (refusal != NULL)
		*refusal = (struct mongo_refusal){0};
	int result = driver_view(command, &view, err);
	if (result != 0)
		return result;
	result = driver_guard_command(mongo, &view, err);
	if (result == 0 && wants_write_concern(&view) &&
		!mongoc_write_concern_append(mongo->write_concern, &opts))
		result = err_no_memory(err);
	if (result == 0 && takes_write_time(mongo, &view) &&
		!BSON_APPEND_INT64(&opts, "maxTimeMS", mongo->guard->write_time))
		result = err_no_memory(err);
	if (result == 0) {
		driver_asks(mongo);
		bool done = mongoc_client_write_command_with_opts(
			mongo->client, database, &view, &opts, &reply, &error);
		driver_answered(mongo);
		result = done ? take_reply(mongo, &reply, out, refusal, err)
			      : driver_failed(mongo, &error, &reply, refusal, err);
		bson_destroy(&reply);
	}
	bson_destroy(&opts);
	return result;
}

int mongo_command(struct mongo *mongo, struct bytes command, struct str *reply,
	struct mongo_refusal *refusal, struct err *err)
{
	return run(mongo, mongo->database, command, reply, refusal, err);
}

int mongo_admin_command(struct mongo *mongo, struct bytes command, struct str *reply,
	struct mongo_refusal *refusal, struct err *err)
{
	return run(mongo, "admin", command, reply, refusal, err);
}

int mongo_collection_stats(
	struct mongo *mongo, const char *collection, struct mongo_stats *ret_stats, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct mongo_stats stats = {0};
	struct mongo_refusal refusal;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "collStats", collection);
	doc_write_end(&writer);
	int result = mongo_command(mongo, str_bytes(&command), &reply, &refusal, err);
	if (result != 0 && refusal.code != NAMESPACE_NOT_FOUND)
		return result;
	if (result == 0) {
		(void)doc_get_integer(str_bytes(&reply), "count", &stats.count);
		(void)doc_get_integer(str_bytes(&reply), "size", &stats.octets);
	}
	*ret_stats = stats;
	return 0;
}

/* ---- collections */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct mongo_collection *)a)->name,
		((const struct mongo_collection *)b)->name);
}

static struct bytes document_or_empty(struct bytes doc, const char *name)
{
	static const uint8_t empty[DOC_SIZE_MIN] = {DOC_SIZE_MIN};
	struct value value = doc_get(doc, name);

	return value.type == VALUE_DOCUMENT ? value.bytes : bytes_make(empty, sizeof empty);
}

static int take_collection(struct bytes doc, struct arena *arena, struct mongo_collection *ret,
	bool *ret_wanted, struct err *err)
{
	struct bytes copy = arena_bytes(arena, doc);
	if (copy.data == NULL)
		return err_no_memory(err);
	const char *name = doc_get_string(copy, "name");
	const char *type = doc_get_string(copy, "type");
	if (name == NULL)
		return err_set(err, ERR_MIGRATION, "listCollections gives one without a name");
	*ret_wanted = strncmp(name, "system.", 7) != 0 && strcmp(name, MONGO_OWN_COLLECTION) != 0;
	*ret = (struct mongo_collection){
		.name = name,
		.type = type != NULL ? type : "collection",
		.options = document_or_empty(copy, "options"),
		.info = document_or_empty(copy, "info"),
	};
	return 0;
}

/* The arena has no realloc: an array that is full is copied to one twice as large. */
static int grow(
	struct arena *arena, void **array, size_t count, size_t *room, size_t size, struct err *err)
{
	if (count < *room)
		return 0;
	size_t wanted = *room == 0 ? 16 : *room * 2;
	void *larger = arena_array(arena, wanted, size);
	if (larger == NULL)
		return err_no_memory(err);
	if (count > 0)
		memcpy(larger, *array, count * size);
	*array = larger;
	*room = wanted;
	return 0;
}

int mongo_collections(struct mongo *mongo, struct arena *arena,
	struct mongo_collection **ret_collections, size_t *ret_count, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	void *array = NULL;
	size_t count = 0, room = 0;
	struct bytes doc;

	mongoc_database_t *database = mongoc_client_get_database(mongo->client, mongo->database);
	mongoc_cursor_t *list = mongoc_database_find_collections_with_opts(database, NULL);
	mongoc_database_destroy(database);
	int result = driver_cursor_new(mongo, NULL, list, false, &cursor, err);
	while (result == 0 && (result = mongo_cursor_next(cursor, &doc, err)) == 1) {
		bool wanted = false;
		result = grow(arena, &array, count, &room, sizeof(struct mongo_collection), err);
		if (result == 0)
			result = take_collection(
				doc, arena, (struct mongo_collection *)array + count, &wanted, err);
		if (result == 0 && wanted)
			count++;
	}
	if (result < 0)
		return result;
	if (count > 0)
		qsort(array, count, sizeof(struct mongo_collection), by_name);
	*ret_collections = array;
	*ret_count = count;
	return 0;
}

int mongo_indexes(struct mongo *mongo, const char *collection, struct arena *arena,
	struct bytes **ret_indexes, size_t *ret_count, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	void *array = NULL;
	size_t count = 0, room = 0;
	struct bytes doc;

	mongoc_collection_t *handle =
		mongoc_client_get_collection(mongo->client, mongo->database, collection);
	/* Answers an empty list when there is no such collection. */
	mongoc_cursor_t *list = mongoc_collection_find_indexes_with_opts(handle, NULL);
	int result = driver_cursor_new(mongo, handle, list, false, &cursor, err);
	while (result == 0 && (result = mongo_cursor_next(cursor, &doc, err)) == 1) {
		result = grow(arena, &array, count, &room, sizeof(struct bytes), err);
		if (result != 0)
			break;
		struct bytes *index = (struct bytes *)array + count;
		*index = arena_bytes(arena, doc);
		if (index->data == NULL)
			result = err_no_memory(err);
		else
			count++;
	}
	if (result < 0)
		return result;
	*ret_indexes = array;
	*ret_count = count;
	return 0;
}
