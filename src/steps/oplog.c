#include "steps/oplog.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/record.h"

enum { NESTING_MAX = 4 };

static const char oplog_collection[] = "oplog.rs";

void oplog_position_to_text(int64_t position, char text[static OPLOG_POSITION_SIZE])
{
	(void)snprintf(text, OPLOG_POSITION_SIZE, "%u:%u", (unsigned)((uint64_t)position >> 32),
		(unsigned)((uint64_t)position & UINT32_MAX));
}

int64_t oplog_position_of_text(const char *text)
{
	char again[OPLOG_POSITION_SIZE], *end = NULL;
	unsigned long long seconds = strtoull(text, &end, 10);

	if (*end != ':' || seconds > INT32_MAX)
		return 0;
	unsigned long long counter = strtoull(end + 1, NULL, 10);
	int64_t position = (int64_t)(seconds << 32 | (counter & UINT32_MAX));
	oplog_position_to_text(position, again);
	return strcmp(again, text) == 0 ? position : 0;
}

/* ---- what an entry is */

/* "db.coll" without the database; NULL: of another one, or not a collection of the site. */
static const char *collection_of(const struct oplog_watch *watch, const char *ns)
{
	size_t size = strlen(watch->database);

	if (ns == NULL || strncmp(ns, watch->database, size) != 0 || ns[size] != '.')
		return NULL;
	return ns + size + 1;
}

static bool is_watched(const struct oplog_watch *watch, const char *collection)
{
	if (collection == NULL || strncmp(collection, "system.", 7) == 0 ||
		strcmp(collection, MONGO_OWN_COLLECTION) == 0 ||
		strcmp(collection, RECORD_COLLECTION) == 0)
		return false;
	for (size_t i = 0; i < watch->collection_count; i++)
		if (strcmp(watch->collections[i], collection) == 0)
			return true;
	return watch->collection_count == 0;
}

static bool is_ours(
	const struct oplog_watch *watch, const char *collection, char op, struct bytes document)
{
	for (size_t i = 0; op == 'i' && i < watch->target_count; i++) {
		if (strcmp(watch->targets[i].collection, collection) != 0)
			continue;
		struct value id = doc_get_path(document, watch->targets[i].run_path);
		if (id.type == VALUE_STRING && id.bytes.size == strlen(watch->run_id) &&
			memcmp(id.bytes.data, watch->run_id, id.bytes.size) == 0)
			return true;
	}
	return false;
}

static void remember(struct oplog_result *result, const char *what, const char *collection,
	const struct value *id, int64_t wall)
{
	CLEANUP_STR struct str text = STR_INIT;
	char time[RFC3339_SIZE] = "";

	result->foreign++;
	if (result->example_count == OPLOG_EXAMPLES_MAX)
		return;
	str_append_format(&text, "%s %s", what, collection);
	if (id->type != VALUE_MISSING) {
		str_append_char(&text, ' ');
		value_to_text(id, &text);
	}
	if (wall > 0) {
		time_format(wall / 1000 * 1000, time);
		str_append_format(&text, " at %s", time);
	}
	(void)snprintf(result->examples[result->example_count++], OPLOG_EXAMPLE_SIZE, "%s",
		text.failed ? what : str_text(&text));
}

static struct bytes document_of(struct bytes entry, const char *name)
{
	struct value value = doc_get(entry, name);

	return value.type == VALUE_DOCUMENT ? value.bytes : bytes_make(NULL, 0);
}

static void take_write(const struct oplog_watch *watch, struct bytes entry, char op,
	const char *what, int64_t wall, struct oplog_result *result)
{
	const char *collection = collection_of(watch, doc_get_string(entry, "ns"));
	struct bytes document = document_of(entry, "o");

	if (!is_watched(watch, collection))
		return;
	if (document.size > 0 && is_ours(watch, collection, op, document))
		return;
	struct bytes key = op == 'u' ? document_of(entry, "o2") : document;
	struct value id = {.type = VALUE_MISSING};
	if (key.size > 0)
		id = doc_get(key, "_id");
	remember(result, what, collection, &id, wall);
}

static void take_entry(const struct oplog_watch *watch, struct bytes entry, int64_t wall,
	unsigned depth, struct oplog_result *result);

/* Transactions, and inserts that a server takes together: entries within an entry. */
static void take_within(const struct oplog_watch *watch, const struct value *array, int64_t wall,
	unsigned depth, struct oplog_result *result)
{
	static const struct value none = {.type = VALUE_MISSING};
	struct doc_iter iter =
		doc_iter_begin(array->type == VALUE_ARRAY ? array->bytes : bytes_make(NULL, 0));
	struct value inner;
	const char *name;

	while (doc_iter_next(&iter, &name, &inner)) {
		if (inner.type != VALUE_DOCUMENT)
			continue;
		if (depth == NESTING_MAX)
			remember(
				result, "a transaction that is nested too deeply", "", &none, wall);
		else
			take_entry(watch, inner.bytes, wall, depth + 1, result);
	}
}

/* Commands after which documents are gone or another collection has the name. */
static void take_command(const struct oplog_watch *watch, struct bytes entry, int64_t wall,
	unsigned depth, struct oplog_result *result)
{
	static const char *const LOSING[] = {"drop", "emptycapped", "convertToCapped"};
	static const struct value none = {.type = VALUE_MISSING};
	struct bytes command = document_of(entry, "o");
	struct value within, value;
	const char *name = NULL, *ns = doc_get_string(entry, "ns");

	if (command.size == 0)
		return;
	within = doc_get(command, "applyOps");
	if (within.type != VALUE_MISSING) {
		take_within(watch, &within, wall, depth, result);
		return;
	}
	if (collection_of(watch, ns) == NULL)
		return;
	struct doc_iter iter = doc_iter_begin(command);
	if (!doc_iter_next(&iter, &name, &value))
		return;
	const char *text = doc_get_string(command, name);
	if (strcmp(name, "dropDatabase") == 0)
		remember(result, "dropDatabase", watch->database, &none, wall);
	for (size_t i = 0; text != NULL && i < sizeof LOSING / sizeof *LOSING; i++)
		if (strcmp(name, LOSING[i]) == 0 && is_watched(watch, text))
			remember(result, name, text, &none, wall);
	if (text != NULL && strcmp(name, "renameCollection") == 0) {
		const char *to = doc_get_string(command, "to");
		if (is_watched(watch, collection_of(watch, text)))
			remember(result, name, collection_of(watch, text), &none, wall);
		if (is_watched(watch, collection_of(watch, to)))
			remember(result, name, collection_of(watch, to), &none, wall);
	}
}

static void take_entry(const struct oplog_watch *watch, struct bytes entry, int64_t wall,
	unsigned depth, struct oplog_result *result)
{
	const char *op = doc_get_string(entry, "op");

	if (op == NULL || op[0] == '\0' || op[1] != '\0')
		return;
	switch (op[0]) {
	case 'i':
		take_write(watch, entry, 'i', "insert", wall, result);
		break;
	case 'u':
		take_write(watch, entry, 'u', "update", wall, result);
		break;
	case 'd':
		take_write(watch, entry, 'd', "delete", wall, result);
		break;
	case 'c':
		take_command(watch, entry, wall, depth, result);
		break;
	default: /* n, and what servers of tomorrow note beside documents */
		break;
	}
}

void oplog_take(const struct oplog_watch *watch, struct bytes entry, struct oplog_result *result)
{
	struct value wall = doc_get(entry, "wall"), stamp = doc_get(entry, "ts");

	if (stamp.type == VALUE_TIMESTAMP && stamp.int64 > result->newest)
		result->newest = stamp.int64;
	take_entry(watch, entry, wall.type == VALUE_DATE ? wall.int64 : 0, 0, result);
}

/* ---- reading */

static int read_end(struct mongo *local, int32_t direction, int64_t *ret_position,
	const char **ret_why, struct err *err)
{
	CLEANUP_STR struct str sort = STR_INIT, fields = STR_INIT, entry = STR_INIT;
	struct doc_writer writer;
	bool found = false;

	*ret_position = 0;
	*ret_why = "the oplog is empty";
	doc_write_begin(&writer, &sort);
	doc_write_int32(&writer, "$natural", direction);
	doc_write_end(&writer);
	doc_write_begin(&writer, &fields);
	doc_write_int32(&writer, "ts", 1);
	doc_write_end(&writer);
	const struct mongo_find find = {
		.collection = oplog_collection,
		.sort = str_bytes(&sort),
		.projection = str_bytes(&fields),
	};
	int rc = mongo_find_one(local, &find, &entry, &found, err);
	if (rc < 0 && err->code == ERR_MIGRATION) {
		*ret_why = "the login may not read local.oplog.rs";
		return 0;
	}
	if (rc < 0 || !found)
		return rc;
	struct value stamp = doc_get(str_bytes(&entry), "ts");
	if (stamp.type == VALUE_TIMESTAMP && stamp.int64 > 0)
		*ret_position = stamp.int64;
	return 0;
}

/* *ret_local NULL: there is no oplog, and *ret_why says why. */
static int open_local(
	struct mongo *mongo, struct mongo **ret_local, const char **ret_why, struct err *err)
{
	struct mongo_server server;
	int rc = mongo_server(mongo, &server, err);

	if (rc < 0)
		return rc;
	*ret_why = server.topology == TOPOLOGY_SHARDED ? "each shard has an oplog of its own"
						       : "a standalone server has no oplog";
	return server.topology != TOPOLOGY_REPLICA_SET
		       ? 0
		       : mongo_connect_again(mongo, "local", ret_local, err);
}

int oplog_newest(struct mongo *mongo, int64_t *ret_position, const char **ret_why, struct err *err)
{
	CLEANUP(mongo_cleanup) struct mongo *local = NULL;
	int rc = open_local(mongo, &local, ret_why, err);

	*ret_position = 0;
	return rc < 0 || local == NULL ? rc : read_end(local, -1, ret_position, ret_why, err);
}

/* What a server does not say, or may not say to us, stays 0. */
static int read_octets(struct mongo *local, struct oplog_window *window, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct mongo_refusal refusal = {0};
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "collStats", oplog_collection);
	doc_write_end(&writer);
	int rc = mongo_command(local, str_bytes(&command), &reply, &refusal, err);
	if (rc < 0)
		return err->code == ERR_DATABASE_LOST ? rc : 0;
	(void)doc_get_integer(str_bytes(&reply), "size", &window->octets);
	(void)doc_get_integer(str_bytes(&reply), "maxSize", &window->max_octets);
	return 0;
}

int oplog_window(
	struct mongo *mongo, struct oplog_window *ret_window, const char **ret_why, struct err *err)
{
	CLEANUP(mongo_cleanup) struct mongo *local = NULL;
	struct oplog_window window = {.reaches_back = -1};
	int64_t oldest = 0, newest = 0;
	int rc = open_local(mongo, &local, ret_why, err);

	if (rc == 0 && local != NULL)
		rc = read_end(local, 1, &oldest, ret_why, err);
	if (rc == 0 && oldest != 0)
		rc = read_end(local, -1, &newest, ret_why, err);
	if (rc == 0 && oldest != 0 && newest != 0) {
		/* Seconds are the upper half of a timestamp. */
		window.reaches_back = ((newest >> 32) - (oldest >> 32)) * 1000;
		rc = read_octets(local, &window, err);
	}
	if (rc == 0)
		*ret_window = window;
	return rc;
}

/* Writes to the database, and commands on it or in transactions; ours that can be told are left
 * out by the server, which has most of them. */
static void write_filter(const struct oplog_watch *watch, int64_t since, struct str *out)
{
	const struct value stamp = {.type = VALUE_TIMESTAMP, .int64 = since};
	CLEANUP_STR struct str low = STR_INIT, high = STR_INIT, ns = STR_INIT;
	struct doc_writer writer;

	str_append_format(&low, "%s.", watch->database);
	str_append_format(&high, "%s/", watch->database);
	doc_write_begin(&writer, out);
	doc_write_document(&writer, "ts");
	doc_write_value(&writer, "$gt", &stamp);
	doc_write_end(&writer);
	doc_write_array(&writer, "$or");
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "ns");
	doc_write_string(&writer, "$gte", str_text(&low));
	doc_write_string(&writer, "$lt", str_text(&high));
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_document(&writer, NULL);
	doc_write_string(&writer, "op", "c");
	doc_write_string(&writer, "ns", "admin.$cmd");
	doc_write_end(&writer);
	doc_write_end(&writer);
	if (watch->target_count > 0)
		doc_write_array(&writer, "$nor");
	for (size_t i = 0; i < watch->target_count; i++) {
		CLEANUP_STR struct str path = STR_INIT;
		str_truncate(&ns, 0);
		str_append_format(&ns, "%s.%s", watch->database, watch->targets[i].collection);
		str_append_format(&path, "o.%s", watch->targets[i].run_path);
		doc_write_document(&writer, NULL);
		doc_write_string(&writer, "op", "i");
		doc_write_string(&writer, "ns", str_text(&ns));
		doc_write_string(&writer, str_text(&path), watch->run_id);
		doc_write_end(&writer);
	}
	if (watch->target_count > 0)
		doc_write_end(&writer);
	doc_write_end(&writer);
}

static int read_entries(struct mongo *local, const struct oplog_watch *watch, int64_t since,
	struct oplog_result *result, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str filter = STR_INIT;
	struct bytes entry;

	write_filter(watch, since, &filter);
	int rc = str_check(&filter, err);
	if (rc < 0)
		return rc;
	const struct mongo_find find = {
		.collection = oplog_collection,
		.filter = str_bytes(&filter),
		.no_timeout = true,
	};
	rc = mongo_find(local, &find, &cursor, err);
	while (rc == 0 && (rc = mongo_cursor_next(cursor, &entry, err)) == 1) {
		oplog_take(watch, entry, result);
		rc = 0;
	}
	return rc;
}

int oplog_read(struct mongo *mongo, const struct oplog_watch *watch, int64_t since,
	struct oplog_result *ret_result, bool *ret_whole, struct err *err)
{
	CLEANUP(mongo_cleanup) struct mongo *local = NULL;
	struct oplog_result result = {.newest = since};
	int64_t newest = 0, oldest = 0;
	const char *why;
	int rc = mongo_connect_again(mongo, "local", &local, err);

	/* What is written while this reads is for the next look. */
	if (rc == 0)
		rc = read_end(local, -1, &newest, &why, err);
	if (rc == 0)
		rc = read_entries(local, watch, since, &result, err);
	/* Afterwards: what fell out of the oplog meanwhile was not read either. */
	if (rc == 0)
		rc = read_end(local, 1, &oldest, &why, err);
	if (rc < 0)
		return rc;
	if (newest > result.newest)
		result.newest = newest;
	*ret_whole = oldest != 0 && oldest <= since && newest >= since;
	*ret_result = result;
	return 0;
}
