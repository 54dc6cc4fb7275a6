/*
 * A bulk as the commands that it is sent as: insert, update, delete, each of one kind and of a size
 * that every server takes. Not by the driver's bulk operations: what those cut a bulk into is sent
 * without the guard being asked again, and without maxTimeMS.
 */
#include "mongo/driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "text/text.h"

enum {
	DOCUMENT_MAX = 16 * 1024 * 1024,
	/* A command is a document, and may be 16 KiB larger than another one: one document of any
	 * size fits. More than these octets are not needed for speed, and cost memory. */
	COMMAND_FULL = 8 * 1024 * 1024,
	OPERATIONS_MAX = 100000, /* of one command: maxWriteBatchSize */
};

enum kind { INSERT, UPDATE, DELETE };

static const struct {
	const char *command, *list;
} KINDS[] = {
	[INSERT] = {"insert", "documents"},
	[UPDATE] = {"update", "updates"},
	[DELETE] = {"delete", "deletes"},
};

struct part {
	enum kind kind;
	struct str command;
	size_t first, count; /* of the bulk's operations */
};

struct mongo_bulk {
	struct mongo *mongo;
	char *collection;
	struct part *parts;
	size_t part_count, part_room;
	struct doc_writer writer; /* of the last part, which is open: its list and itself */
	struct arena arena;	  /* the result's errors */
};

int mongo_bulk_begin(
	struct mongo *mongo, const char *collection, struct mongo_bulk **ret_bulk, struct err *err)
{
	struct mongo_bulk *bulk = calloc(1, sizeof *bulk);

	if (bulk == NULL)
		return err_no_memory(err);
	bulk->mongo = mongo;
	bulk->collection = strdup(collection);
	if (bulk->collection == NULL) {
		free(bulk);
		return err_no_memory(err);
	}
	*ret_bulk = bulk;
	return 0;
}

/* ---- what is to be sent */

static void close_part(struct mongo_bulk *bulk)
{
	while (bulk->writer.depth > 0)
		doc_write_end(&bulk->writer);
}

static int open_part(struct mongo_bulk *bulk, enum kind kind, size_t first, struct err *err)
{
	if (bulk->part_count == bulk->part_room) {
		size_t room = 2 * bulk->part_room + 1;
		struct part *parts = reallocarray(bulk->parts, room, sizeof *parts);
		if (parts == NULL)
			return err_no_memory(err);
		bulk->parts = parts;
		bulk->part_room = room;
	}
	struct part *part = &bulk->parts[bulk->part_count++];
	*part = (struct part){.kind = kind, .first = first};
	/* Its place moves when there are more parts, but only when it is closed. */
	doc_write_begin(&bulk->writer, &part->command);
	doc_write_string(&bulk->writer, KINDS[kind].command, bulk->collection);
	doc_write_bool(&bulk->writer, "ordered", true);
	doc_write_array(&bulk->writer, KINDS[kind].list);
	return 0;
}

/* Room for one more operation of so many octets in the last part. */
static int add(struct mongo_bulk *bulk, enum kind kind, size_t octets, struct err *err)
{
	struct part *last = bulk->part_count == 0 ? NULL : &bulk->parts[bulk->part_count - 1];
	int result = 0;

	if (octets > DOCUMENT_MAX)
		return err_set(err, ERR_MIGRATION,
			"a write cannot be sent: %zu octets, and a server takes %d", octets,
			DOCUMENT_MAX);
	if (last == NULL || last->kind != kind || last->count == OPERATIONS_MAX ||
		last->command.size + octets > COMMAND_FULL) {
		close_part(bulk);
		result = open_part(bulk, kind, last == NULL ? 0 : last->first + last->count, err);
	}
	if (result == 0)
		bulk->parts[bulk->part_count - 1].count++;
	return result;
}

static int check_part(const struct mongo_bulk *bulk, struct err *err)
{
	return str_check(&bulk->parts[bulk->part_count - 1].command, err);
}

int mongo_bulk_insert(struct mongo_bulk *bulk, struct bytes doc, struct err *err)
{
	int result = add(bulk, INSERT, doc.size, err);

	if (result != 0)
		return result;
	doc_write_raw(&bulk->writer, NULL, doc);
	return check_part(bulk, err);
}

/* The names of a pipeline's stages are "0", "1". */
static enum value_type type_of_update(struct bytes update)
{
	struct doc_iter iter = doc_iter_begin(update);
	struct value value;
	const char *name;

	return doc_iter_next(&iter, &name, &value) && strcmp(name, "0") == 0 ? VALUE_ARRAY
									     : VALUE_DOCUMENT;
}

static int add_update(struct mongo_bulk *bulk, struct bytes filter, const struct value *update,
	bool many, bool upsert, struct err *err)
{
	struct doc_writer *writer = &bulk->writer;
	int result = add(bulk, UPDATE, filter.size + update->bytes.size, err);

	if (result != 0)
		return result;
	doc_write_document(writer, NULL);
	doc_write_raw(writer, "q", filter);
	doc_write_value(writer, "u", update);
	doc_write_bool(writer, "multi", many);
	doc_write_bool(writer, "upsert", upsert);
	doc_write_end(writer);
	return check_part(bulk, err);
}

int mongo_bulk_replace(struct mongo_bulk *bulk, struct bytes filter, struct bytes doc, bool upsert,
	struct err *err)
{
	const struct value whole = {.type = VALUE_DOCUMENT, .bytes = doc};

	return add_update(bulk, filter, &whole, false, upsert, err);
}

int mongo_bulk_update(struct mongo_bulk *bulk, struct bytes filter, struct bytes update, bool many,
	bool upsert, struct err *err)
{
	const struct value change = {.type = type_of_update(update), .bytes = update};

	return add_update(bulk, filter, &change, many, upsert, err);
}

int mongo_bulk_delete(struct mongo_bulk *bulk, struct bytes filter, bool many, struct err *err)
{
	struct doc_writer *writer = &bulk->writer;
	int result = add(bulk, DELETE, filter.size, err);

	if (result != 0)
		return result;
	doc_write_document(writer, NULL);
	doc_write_raw(writer, "q", filter);
	doc_write_int32(writer, "limit", many ? 0 : 1);
	doc_write_end(writer);
	return check_part(bulk, err);
}

/* ---- what is answered */

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

static int take_errors(struct mongo_bulk *bulk, const struct part *part, struct bytes list,
	struct mongo_bulk_result *result, struct err *err)
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
			.index = (uint32_t)(part->first + (size_t)counted(value.bytes, "index")),
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

static void count_part(
	const struct part *part, struct bytes reply, struct mongo_bulk_result *result)
{
	struct value upserted = doc_get(reply, "upserted");
	int64_t hits = counted(reply, "n");
	int64_t made = upserted.type == VALUE_ARRAY ? (int64_t)doc_count(upserted.bytes) : 0;

	switch (part->kind) {
	case INSERT:
		result->inserted += hits;
		break;
	case UPDATE:
		result->matched += hits - made;
		result->modified += counted(reply, "nModified");
		result->upserted += made;
		break;
	case DELETE:
		result->deleted += hits;
		break;
	}
}

static int run_part(struct mongo_bulk *bulk, struct part *part, struct mongo_bulk_result *result,
	struct err *err)
{
	CLEANUP_STR struct str reply = STR_INIT;
	int failed = mongo_command(bulk->mongo, str_bytes(&part->command), &reply, NULL, err);

	str_release(&part->command);
	part->command = STR_INIT;
	if (failed != 0)
		return failed;
	count_part(part, str_bytes(&reply), result);
	struct value errors = doc_get(str_bytes(&reply), "writeErrors");
	if (errors.type != VALUE_ARRAY)
		return 0;
	failed = take_errors(bulk, part, errors.bytes, result, err);
	return failed != 0 ? failed : check_lost(bulk, result, err);
}

int mongo_bulk_run(struct mongo_bulk *bulk, struct mongo_bulk_result *ret_result, struct err *err)
{
	struct mongo_bulk_result result = {0};
	int failed = 0;

	close_part(bulk);
	for (size_t i = 0; failed == 0 && i < bulk->part_count && result.error_count == 0; i++) {
		failed = str_check(&bulk->parts[i].command, err);
		if (failed == 0)
			failed = run_part(bulk, &bulk->parts[i], &result, err);
	}
	if (failed == 0)
		*ret_result = result;
	return failed;
}

void mongo_bulk_free(struct mongo_bulk *bulk)
{
	if (bulk == NULL)
		return;
	for (size_t i = 0; i < bulk->part_count; i++)
		str_release(&bulk->parts[i].command);
	free(bulk->parts);
	arena_release(&bulk->arena);
	free(bulk->collection);
	free(bulk);
}

void mongo_bulk_cleanup(struct mongo_bulk **bulk)
{
	mongo_bulk_free(*bulk);
}
