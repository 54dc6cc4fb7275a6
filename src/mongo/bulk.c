#include "mongo/driver.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "text/text.h"

struct mongo_bulk {
	const struct mongo *mongo;
	mongoc_collection_t *collection;
	mongoc_bulk_operation_t *operation;
	size_t count;
	/* A bulk of inserts alone under a guard with a write time: the driver's bulk takes none. */
	bson_t **inserts;
	size_t insert_count, insert_room;
	struct arena arena; /* the reply's octets and the result's errors */
};

int mongo_bulk_begin(
	struct mongo *mongo, const char *collection, struct mongo_bulk **ret_bulk, struct err *err)
{
	struct mongo_bulk *bulk = calloc(1, sizeof *bulk);
	bson_t opts = BSON_INITIALIZER;

	if (bulk == NULL)
		return err_no_memory(err);
	bulk->mongo = mongo;
	(void)BSON_APPEND_BOOL(&opts, "ordered", true);
	(void)mongoc_write_concern_append(mongo->write_concern, &opts);
	bulk->collection = mongoc_client_get_collection(mongo->client, mongo->database, collection);
	bulk->operation =
		mongoc_collection_create_bulk_operation_with_opts(bulk->collection, &opts);
	bson_destroy(&opts);
	*ret_bulk = bulk;
	return 0;
}

/* Adding fails when the driver does not take the document (over the server's size limit). */
static int not_added(const bson_error_t *error, struct err *err)
{
	return err_set(err, ERR_MIGRATION, "a write cannot be sent: %s", error->message);
}

/* What is a document is decided by the one who made it, not by the driver's own rules. */
static void without_validation(bson_t *opts)
{
	bson_init(opts);
	(void)BSON_APPEND_BOOL(opts, "validate", false);
}

static int add_insert(struct mongo_bulk *bulk, const bson_t *doc, struct err *err)
{
	bson_error_t error;
	bson_t opts;
	int result = 0;

	without_validation(&opts);
	if (!mongoc_bulk_operation_insert_with_opts(bulk->operation, doc, &opts, &error))
		result = not_added(&error, err);
	bson_destroy(&opts);
	return result;
}

static int keep_insert(struct mongo_bulk *bulk, const bson_t *doc, struct err *err)
{
	if (bulk->insert_count == bulk->insert_room) {
		size_t room = bulk->insert_room == 0 ? 64 : 2 * bulk->insert_room;
		bson_t **grown = reallocarray(bulk->inserts, room, sizeof *grown);
		if (grown == NULL)
			return err_no_memory(err);
		bulk->inserts = grown;
		bulk->insert_room = room;
	}
	bulk->inserts[bulk->insert_count++] = bson_copy(doc);
	return 0;
}

static void forget_inserts(struct mongo_bulk *bulk)
{
	while (bulk->insert_count > 0)
		bson_destroy(bulk->inserts[--bulk->insert_count]);
}

/* Something else comes after the inserts: all of it is the driver's, in its order. */
static int settle_inserts(struct mongo_bulk *bulk, struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < bulk->insert_count; i++)
		result = add_insert(bulk, bulk->inserts[i], err);
	forget_inserts(bulk);
	return result;
}

int mongo_bulk_insert(struct mongo_bulk *bulk, struct bytes doc, struct err *err)
{
	const struct mongo_guard *guard = bulk->mongo->guard;
	bool timed = guard != NULL && guard->write_time > 0 && bulk->count == bulk->insert_count;
	bson_t view;
	int result = driver_view(doc, &view, err);

	if (result == 0)
		result = timed ? keep_insert(bulk, &view, err) : add_insert(bulk, &view, err);
	if (result == 0)
		bulk->count++;
	return result;
}

int mongo_bulk_replace(struct mongo_bulk *bulk, struct bytes filter, struct bytes doc, bool upsert,
	struct err *err)
{
	bson_t filter_view, doc_view, opts;
	bson_error_t error;
	int result = driver_view(filter, &filter_view, err);

	if (result == 0)
		result = driver_view(doc, &doc_view, err);
	if (result == 0)
		result = settle_inserts(bulk, err);
	if (result != 0)
		return result;
	without_validation(&opts);
	(void)BSON_APPEND_BOOL(&opts, "upsert", upsert);
	if (!mongoc_bulk_operation_replace_one_with_opts(
		    bulk->operation, &filter_view, &doc_view, &opts, &error))
		result = not_added(&error, err);
	else
		bulk->count++;
	bson_destroy(&opts);
	return result;
}

int mongo_bulk_update(struct mongo_bulk *bulk, struct bytes filter, struct bytes update, bool many,
	bool upsert, struct err *err)
{
	bson_t filter_view, update_view, opts = BSON_INITIALIZER;
	bson_error_t error;
	int result = driver_view(filter, &filter_view, err);

	if (result == 0)
		result = driver_view(update, &update_view, err);
	if (result == 0)
		result = settle_inserts(bulk, err);
	if (result != 0)
		return result;
	(void)BSON_APPEND_BOOL(&opts, "upsert", upsert);
	bool added = many ? mongoc_bulk_operation_update_many_with_opts(
				    bulk->operation, &filter_view, &update_view, &opts, &error)
			  : mongoc_bulk_operation_update_one_with_opts(
				    bulk->operation, &filter_view, &update_view, &opts, &error);
	if (!added)
		result = not_added(&error, err);
	else
		bulk->count++;
	bson_destroy(&opts);
	return result;
}

int mongo_bulk_delete(struct mongo_bulk *bulk, struct bytes filter, bool many, struct err *err)
{
	bson_t view;
	bson_error_t error;
	int result = driver_view(filter, &view, err);

	if (result == 0)
		result = settle_inserts(bulk, err);
	if (result != 0)
		return result;
	bool added = many ? mongoc_bulk_operation_remove_many_with_opts(
				    bulk->operation, &view, NULL, &error)
			  : mongoc_bulk_operation_remove_one_with_opts(
				    bulk->operation, &view, NULL, &error);
	if (!added)
		return not_added(&error, err);
	bulk->count++;
	return 0;
}

static int64_t counted(struct bytes reply, const char *name)
{
	int64_t count = 0;

	(void)doc_get_integer(reply, name, &count);
	return count;
}

/* What a server says is shown to people. */
static const char *message_of(struct mongo_bulk *bulk, struct bytes write_error)
{
	CLEANUP_STR struct str shown = STR_INIT;
	const char *text = doc_get_string(write_error, "errmsg");

	if (text == NULL)
		return "(no message)";
	text_escape(&shown, bytes_of_string(text), 0);
	return shown.failed ? NULL : arena_string(&bulk->arena, str_text(&shown));
}

static int take_errors(struct mongo_bulk *bulk, struct bytes list, struct mongo_bulk_result *result,
	struct err *err)
{
	struct doc_iter iter = doc_iter_begin(list);
	size_t count = doc_count(list);
	struct value value;
	const char *name;

	if (count == 0)
		return 0;
	result->errors = arena_array(&bulk->arena, count, sizeof *result->errors);
	if (result->errors == NULL)
		return err_no_memory(err);
	while (doc_iter_next(&iter, &name, &value)) {
		if (value.type != VALUE_DOCUMENT)
			continue;
		const char *message = message_of(bulk, value.bytes);
		if (message == NULL)
			return err_no_memory(err);
		result->errors[result->error_count++] = (struct mongo_write_error){
			.index = (uint32_t)counted(value.bytes, "index"),
			.code = (int)counted(value.bytes, "code"),
			.message = message,
		};
	}
	return 0;
}

/* An operation that was refused because the server is no primary any more, or goes away. */
static int check_lost(
	const struct mongo_bulk *bulk, const struct mongo_bulk_result *result, struct err *err)
{
	for (size_t i = 0; i < result->error_count; i++)
		if (driver_is_lost(result->errors[i].code, result->errors[i].message))
			return err_set(err, ERR_DATABASE_LOST, "%s: %s (server's code %d)",
				mongo_address(bulk->mongo), result->errors[i].message,
				result->errors[i].code);
	return 0;
}

static int read_reply(struct mongo_bulk *bulk, const bson_t *driver_reply,
	const bson_error_t *error, bool done, struct mongo_bulk_result *result, struct err *err)
{
	struct bytes reply = arena_bytes(
		&bulk->arena, bytes_make(bson_get_data(driver_reply), driver_reply->len));
	struct value errors, concern;

	if (reply.data == NULL)
		return err_no_memory(err);
	int checked = doc_check(reply, err);
	if (checked != 0)
		return err_context(err, "%s: the reply", mongo_address(bulk->mongo));
	concern = doc_get(reply, "writeConcernErrors");
	if (!done && concern.type == VALUE_ARRAY && doc_count(concern.bytes) > 0)
		return driver_say(
			bulk->mongo, ERR_DATABASE_LOST, error->message, (int)error->code, err);
	errors = doc_get(reply, "writeErrors");
	bool refused_some = errors.type == VALUE_ARRAY && doc_count(errors.bytes) > 0;
	/* Some operations were refused, and nothing else went wrong, such as the network after. */
	if (!done && !(refused_some && error->domain == MONGOC_ERROR_SERVER))
		return driver_failed(bulk->mongo, error, driver_reply, NULL, err);
	*result = (struct mongo_bulk_result){
		.inserted = counted(reply, "nInserted") + counted(reply, "insertedCount"),
		.matched = counted(reply, "nMatched"),
		.modified = counted(reply, "nModified"),
		.upserted = counted(reply, "nUpserted"),
		.deleted = counted(reply, "nRemoved"),
	};
	if (!refused_some)
		return 0;
	checked = take_errors(bulk, errors.bytes, result, err);
	return checked != 0 ? checked : check_lost(bulk, result, err);
}

/* The same messages as a bulk's, each with a maxTimeMS. */
static bool insert_all(struct mongo_bulk *bulk, bson_t *reply, bson_error_t *error)
{
	bson_t opts;

	without_validation(&opts);
	(void)BSON_APPEND_BOOL(&opts, "ordered", true);
	(void)BSON_APPEND_INT64(&opts, "maxTimeMS", bulk->mongo->guard->write_time);
	(void)mongoc_write_concern_append(bulk->mongo->write_concern, &opts);
	bool done = mongoc_collection_insert_many(bulk->collection,
		(const bson_t **)(void *)bulk->inserts, bulk->insert_count, &opts, reply, error);
	bson_destroy(&opts);
	return done;
}

int mongo_bulk_run(struct mongo_bulk *bulk, struct mongo_bulk_result *ret_result, struct err *err)
{
	struct mongo_bulk_result result = {0};
	bson_error_t error = {0};
	bson_t reply;

	/* The driver calls an empty bulk an error. */
	if (bulk->count == 0) {
		*ret_result = result;
		return 0;
	}
	int failed = driver_guard(bulk->mongo, err);
	if (failed != 0)
		return failed;
	driver_asks(bulk->mongo);
	bool done = bulk->insert_count > 0
			    ? insert_all(bulk, &reply, &error)
			    : mongoc_bulk_operation_execute(bulk->operation, &reply, &error) != 0;
	driver_answered(bulk->mongo);
	failed = read_reply(bulk, &reply, &error, done, &result, err);
	bson_destroy(&reply);
	if (failed == 0)
		*ret_result = result;
	return failed;
}

void mongo_bulk_free(struct mongo_bulk *bulk)
{
	if (bulk == NULL)
		return;
	forget_inserts(bulk);
	free(bulk->inserts);
	mongoc_bulk_operation_destroy(bulk->operation);
	mongoc_collection_destroy(bulk->collection);
	arena_release(&bulk->arena);
	free(bulk);
}

void mongo_bulk_cleanup(struct mongo_bulk **bulk)
{
	mongo_bulk_free(*bulk);
}
