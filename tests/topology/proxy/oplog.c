/*
 * The oplog: entries that the proxy writes into a real collection, so that the real server answers
 * every query on local.oplog.rs. A test adds entries of other writers to that collection itself.
 */
#include <string.h>

#include "base/clock.h"
#include "tests/topology/proxy/proxy.h"

enum { NOOP_SECONDS = 10, INSERT_MAX = 1000 };

bool reads_oplog(const struct client *client, const struct message *request)
{
	return client->proxy->scenario.has_oplog && strcmp(request->database, "local") == 0;
}

static int64_t next_timestamp(struct proxy *proxy, int64_t seconds)
{
	(void)pthread_mutex_lock(&proxy->lock);
	if ((uint32_t)seconds > proxy->oplog_second) {
		proxy->oplog_second = (uint32_t)seconds;
		proxy->oplog_counter = 0;
	}
	int64_t stamp = (int64_t)((uint64_t)proxy->oplog_second << 32 | ++proxy->oplog_counter);
	(void)pthread_mutex_unlock(&proxy->lock);
	return stamp;
}

/* ---- one entry */

struct entry {
	const char *op, *ns;
	int64_t time; /* ms */
	const struct message *request;
	int32_t statement;
};

static void begin_entry(struct client *client, struct doc_writer *writer, const struct entry *entry)
{
	const struct value stamp = {.type = VALUE_TIMESTAMP,
		.int64 = next_timestamp(client->proxy, entry->time / 1000)};

	doc_write_document(writer, NULL);
	doc_write_value(writer, "ts", &stamp);
	doc_write_int64(writer, "t", client->proxy->term);
	doc_write_int64(writer, "v", 2);
	doc_write_date(writer, "wall", entry->time);
	doc_write_string(writer, "op", entry->op);
	doc_write_string(writer, "ns", entry->ns);
	if (entry->request == NULL)
		return;
	struct value session = doc_get(entry->request->body, "lsid");
	struct value transaction = doc_get(entry->request->body, "txnNumber");
	/* A server notes the session of retryable writes, and of no other. */
	if (session.type != VALUE_DOCUMENT || transaction.type == VALUE_MISSING)
		return;
	doc_write_value(writer, "lsid", &session);
	doc_write_value(writer, "txnNumber", &transaction);
	doc_write_int32(writer, "stmtId", entry->statement);
}

static void write_id(struct doc_writer *writer, const char *name, struct value id)
{
	doc_write_document(writer, name);
	doc_write_value(writer, "_id", &id);
	doc_write_end(writer);
}

/* ---- into the collection */

struct batch {
	struct client *client;
	struct str command, reply;
	struct doc_writer writer;
	size_t count;
};

static void batch_begin(struct batch *batch)
{
	batch->count = 0;
	str_truncate(&batch->command, 0);
	doc_write_begin(&batch->writer, &batch->command);
	doc_write_string(&batch->writer, "insert", "oplog.rs");
	doc_write_string(&batch->writer, "$db", batch->client->proxy->state);
	doc_write_array(&batch->writer, "documents");
}

static void batch_send(struct batch *batch)
{
	doc_write_end(&batch->writer);
	doc_write_end(&batch->writer);
	str_truncate(&batch->reply, 0);
	if (batch->count > 0 &&
		ask_server(batch->client, str_bytes(&batch->command), &batch->reply) != 0)
		(void)fprintf(stderr, "topology_proxy: an entry of the oplog was not written\n");
}

static void batch_next(struct batch *batch)
{
	if (++batch->count < INSERT_MAX)
		return;
	batch_send(batch);
	batch_begin(batch);
}

static void note_noop(struct batch *batch, int64_t time)
{
	begin_entry(batch->client, &batch->writer, &(struct entry){"n", "", time, NULL, 0});
	doc_write_document(&batch->writer, "o");
	doc_write_string(&batch->writer, "msg", "periodic noop");
	doc_write_end(&batch->writer);
	doc_write_end(&batch->writer);
	batch_next(batch);
}

static void batch_release(struct batch *batch)
{
	str_release(&batch->command);
	str_release(&batch->reply);
}

void oplog_begin(struct client *client)
{
	CLEANUP_STR struct str reply = STR_INIT;
	CLEANUP(batch_release) struct batch batch = {.client = client};

	if (ask_server_text(client, &reply,
		    "{\"createIndexes\":\"oplog.rs\",\"$db\":\"%s\",\"indexes\":[{\"key\":{\"ts\":"
		    "1},"
		    "\"name\":\"ts\"}]}",
		    client->proxy->state) != 0)
		(void)fprintf(stderr, "topology_proxy: there is no oplog\n");
	batch_begin(&batch);
	note_noop(&batch, clock_now() - client->proxy->scenario.oplog_window * 1000);
	note_noop(&batch, clock_now());
	batch_send(&batch);
}

static void note_operations(
	struct batch *batch, const struct message *request, const char *ns, const char *op)
{
	struct bytes operation;

	for (size_t i = 0; operation_at(request, i, &operation); i++) {
		struct value query = doc_get(operation, "q");
		struct value id = doc_get(*op == 'i' ? operation : query.bytes, "_id");
		begin_entry(batch->client, &batch->writer,
			&(struct entry){op, ns, clock_now(), request, (int32_t)i});
		if (*op == 'u') {
			doc_write_document(&batch->writer, "o");
			doc_write_int32(&batch->writer, "$v", 2);
			doc_write_end(&batch->writer);
		}
		if (*op == 'i')
			doc_write_raw(&batch->writer, "o", operation);
		else if (*op == 'i')
			doc_write_raw(&batch->writer, "o", operation);
		else
			write_id(&batch->writer, *op == 'u' ? "o2" : "o", id);
		doc_write_end(&batch->writer);
		batch_next(batch);
	}
}

static void note_command(struct batch *batch, const struct message *request)
{
	char ns[NS_MAX];

	(void)snprintf(ns, sizeof ns, "%s.$cmd", request->database);
	begin_entry(
		batch->client, &batch->writer, &(struct entry){"c", ns, clock_now(), request, 0});
	doc_write_document(&batch->writer, "o");
	doc_write_string(&batch->writer, request->command, request->collection);
	doc_write_end(&batch->writer);
	doc_write_end(&batch->writer);
	batch_next(batch);
}

void oplog_note(struct client *client, const struct message *request, struct bytes reply)
{
	static const struct {
		const char *command, *op;
	} OPS[] = {{"insert", "i"}, {"update", "u"}, {"delete", "d"}, {"findAndModify", "f"},
		{"create", "c"}, {"createIndexes", "c"}, {"collMod", "c"}, {"drop", "c"},
		{"dropDatabase", "c"}, {"dropIndexes", "c"}, {"renameCollection", "c"}};
	CLEANUP(batch_release) struct batch batch = {.client = client};
	const char *op = NULL;
	char ns[NS_MAX];
	int64_t ok = 0, n = 0;

	for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++)
		if (strcmp(OPS[i].command, request->command) == 0)
			op = OPS[i].op;
	if (op == NULL || !client->proxy->scenario.has_oplog ||
		!doc_get_integer(reply, "ok", &ok) || ok != 1)
		return;
	(void)doc_get_integer(reply, "n", &n);
	(void)snprintf(ns, sizeof ns, "%s.%s", request->database, request->collection);
	batch_begin(&batch);
	if (*op == 'c') {
		note_command(&batch, request);
	} else if (*op == 'f') {
		struct value query = doc_get(request->body, "query");
		begin_entry(
			client, &batch.writer, &(struct entry){"u", ns, clock_now(), request, 0});
		write_id(&batch.writer, "o2",
			query.type == VALUE_DOCUMENT ? doc_get(query.bytes, "_id")
						     : (struct value){VALUE_MISSING});
		doc_write_end(&batch.writer);
		batch_next(&batch);
	} else if (n > 0) {
		note_operations(&batch, request, ns, op);
	}
	batch_send(&batch);
}

/* ---- reading it */

/* The real server keeps no natural order for ever: ts is that order. */
void write_oplog_query(struct client *client, const struct message *request, struct str *out)
{
	static const char *const dropped[] = {"tailable", "awaitData", "oplogReplay", "sort",
		"hint", "$db", "lsid", "txnNumber", "$clusterTime", "$readPreference",
		"readConcern", "maxTimeMS"};
	struct doc_iter iter = doc_iter_begin(request->body);
	struct doc_writer writer;
	struct value value;
	const char *name;
	int64_t direction = 1;

	struct value sort = doc_get(request->body, "sort");
	struct value hint = doc_get(request->body, "hint");
	if (sort.type == VALUE_DOCUMENT && !doc_get_integer(sort.bytes, "$natural", &direction))
		(void)doc_get_integer(sort.bytes, "ts", &direction);
	else if (hint.type == VALUE_DOCUMENT)
		(void)doc_get_integer(hint.bytes, "$natural", &direction);
	doc_write_begin(&writer, out);
	while (doc_iter_next(&iter, &name, &value)) {
		bool keep = true;
		for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
			keep = keep && strcmp(name, dropped[i]) != 0;
		if (keep)
			doc_write_value(&writer, name, &value);
	}
	if (strcmp(request->command, "find") == 0) {
		doc_write_document(&writer, "sort");
		doc_write_int32(&writer, "ts", direction < 0 ? -1 : 1);
		doc_write_end(&writer);
	}
	doc_write_string(&writer, "$db", client->proxy->state);
	doc_write_end(&writer);
}
