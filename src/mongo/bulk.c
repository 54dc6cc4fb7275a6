#include "mongo/driver.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "text/text.h"

struct mongo_bulk {
	const struct mongo *mongo;
	mongoc_collection_t *collection;
	mongoc_bulk_operation_t *operation;
	size_t count;
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

int mongo_bulk_insert(struct mongo_bulk *bulk, struct bytes doc, struct err *err)
{
	bson_error_t error;
	bson_t view, opts;
	int result = driver_view(doc, &view, err);

	if (result != 0)
		return result;
	without_validation(&opts);
	if (!mongoc_bulk_operation_insert_with_opts(bulk->operation, &view, &opts, &error))
		result = not_added(&error, err);
	else
		bulk->count++;
	bson_destroy(&opts);
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
		.inserted = counted(reply, "nInserted"),
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
	bool done = mongoc_bulk_operation_execute(bulk->operation, &reply, &error) != 0;
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
	mongoc_bulk_operation_destroy(bulk->operation);
	mongoc_collection_destroy(bulk->collection);
	arena_release(&bulk->arena);
	free(bulk);
}

void mongo_bulk_cleanup(struct mongo_bulk **bulk)
{
	mongo_bulk_free(*bulk);
}
