/*
 * A sharded cluster as mongos shows it: what is sharded stands in real collections of the state's
 * database, which are also what a client finds in `config`.
 */
#include <string.h>

#include "tests/topology/proxy/proxy.h"

enum { KEY_TEXT = 512 };

void shards_begin(struct client *client)
{
	const struct scenario *scenario = &client->proxy->scenario;
	CLEANUP_STR struct str reply = STR_INIT;
	int failed = 0;

	for (size_t i = 0; i < scenario->shard_count; i++) {
		str_truncate(&reply, 0);
		failed |= ask_server_text(client, &reply,
			"{\"update\":\"shards\",\"$db\":\"%s\",\"updates\":[{\"q\":{\"_id\":\"%s\"}"
			","
			"\"u\":{\"$set\":{\"host\":\"%s/"
			"127.0.0.1:%d\",\"state\":1}},\"upsert\":true}]}",
			client->proxy->state, scenario->shards[i], scenario->shards[i],
			client->proxy->ports[0]);
	}
	if (failed)
		(void)fprintf(stderr, "topology_proxy: the shards could not be written\n");
}

/* The document {_id: ns} of config.collections, appended; false if ns is not sharded. */
static bool find_sharded(struct client *client, const char *ns, struct str *out)
{
	CLEANUP_STR struct str reply = STR_INIT;
	struct value value;
	const char *name;

	if (ask_server_text(client, &reply,
		    "{\"find\":\"collections\",\"$db\":\"%s\",\"filter\":{\"_id\":\"%s\"},"
		    "\"limit\":1,\"singleBatch\":true}",
		    client->proxy->state, ns) != 0)
		return false;
	struct value batch = doc_get_path(str_bytes(&reply), "cursor.firstBatch");
	if (batch.type != VALUE_ARRAY)
		return false;
	struct doc_iter iter = doc_iter_begin(batch.bytes);
	if (!doc_iter_next(&iter, &name, &value) || value.type != VALUE_DOCUMENT)
		return false;
	str_append(out, value.bytes.data, value.bytes.size);
	return true;
}

/* ---- shardCollection */

static bool same_key(struct bytes a, struct bytes b)
{
	struct doc_iter first = doc_iter_begin(a), second = doc_iter_begin(b);
	struct value x, y;
	const char *m, *n;

	while (doc_iter_next(&first, &m, &x)) {
		if (!doc_iter_next(&second, &n, &y) || strcmp(m, n) != 0 ||
			value_compare(&x, &y) != 0)
			return false;
	}
	return !doc_iter_next(&second, &n, &y);
}

static bool is_prefix(struct bytes key, struct bytes index)
{
	struct doc_iter wanted = doc_iter_begin(key), has = doc_iter_begin(index);
	struct value x, y;
	const char *m, *n;

	while (doc_iter_next(&wanted, &m, &x))
		if (!doc_iter_next(&has, &n, &y) || strcmp(m, n) != 0 || value_compare(&x, &y) != 0)
			return false;
	return true;
}

/* The names of key stand in index, in front or anywhere. */
static bool names_within(struct bytes key, struct bytes index)
{
	struct doc_iter wanted = doc_iter_begin(key), has = doc_iter_begin(index);
	struct value x, y;
	const char *m, *n;

	while (doc_iter_next(&wanted, &m, &x))
		if (!doc_iter_next(&has, &n, &y) || strcmp(m, n) != 0)
			return false;
	return true;
}

static void refuse(struct str *out, int code, const char *message)
{
	write_refusal(out, &(struct refusal){code, NULL, message}, false);
}

/* Whether an index begins with key, and no unique one would span shards. */
static int check_indexes(struct client *client, const char *ns, struct bytes key, struct str *out)
{
	CLEANUP_STR struct str reply = STR_INIT;
	const char *dot = strchr(ns, '.'), *name;
	struct value index;
	bool supported = false;

	int rc = ask_server_text(client, &reply,
		"{\"listIndexes\":\"%s\",\"$db\":\"%.*s\",\"cursor\":{\"batchSize\":200}}", dot + 1,
		(int)(dot - ns), ns);
	struct value batch = doc_get_path(str_bytes(&reply), "cursor.firstBatch");
	if (rc != 0 ||
		batch.type != VALUE_ARRAY) /* no such collection: it is created with its index */
		return 0;
	struct doc_iter iter = doc_iter_begin(batch.bytes);
	while (doc_iter_next(&iter, &name, &index)) {
		struct value pattern = doc_get(index.bytes, "key");
		if (pattern.type != VALUE_DOCUMENT)
			continue;
		supported = supported || is_prefix(key, pattern.bytes);
		if (doc_get_bool(index.bytes, "unique") && !names_within(key, pattern.bytes)) {
			refuse(out, 72,
				"can't shard collection with a unique index that does not begin "
				"with "
				"the proposed shard key");
			return 1;
		}
	}
	if (supported)
		return 0;
	refuse(out, 72,
		"Please create an index that starts with the proposed shard key before sharding "
		"the "
		"collection");
	return 1;
}

static void remember(struct client *client, const char *ns, struct bytes key, bool unique)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "insert", "collections");
	doc_write_string(&writer, "$db", client->proxy->state);
	doc_write_array(&writer, "documents");
	doc_write_document(&writer, NULL);
	doc_write_string(&writer, "_id", ns);
	doc_write_raw(&writer, "key", key);
	doc_write_bool(&writer, "unique", unique);
	doc_write_bool(&writer, "noBalance", false);
	doc_write_bool(&writer, "dropped", false);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	(void)!ask_server(client, str_bytes(&command), &reply);
}

static void shard_collection(struct client *client, const struct message *request, struct str *out)
{
	CLEANUP_STR struct str known = STR_INIT;
	struct doc_writer writer;
	struct value key = doc_get(request->body, "key");

	if (strcmp(request->database, "admin") != 0) {
		refuse(out, 13, "shardCollection may only be run against the admin database.");
		return;
	}
	if (key.type != VALUE_DOCUMENT || doc_count(key.bytes) == 0 ||
		strchr(request->collection, '.') == NULL) {
		refuse(out, 72, "shardCollection needs a namespace and a key");
		return;
	}
	if (find_sharded(client, request->collection, &known)) {
		struct value other = doc_get(str_bytes(&known), "key");
		if (other.type != VALUE_DOCUMENT || !same_key(key.bytes, other.bytes)) {
			refuse(out, 23, "sharding already enabled for collection with another key");
			return;
		}
	} else {
		if (check_indexes(client, request->collection, key.bytes, out) != 0)
			return;
		remember(client, request->collection, key.bytes,
			doc_get_bool(request->body, "unique"));
	}
	doc_write_begin(&writer, out);
	doc_write_string(&writer, "collectionsharded", request->collection);
	doc_write_double(&writer, "ok", 1);
	doc_write_end(&writer);
}

/* After the server dropped it, or a whole database. */
void shards_note(struct client *client, const struct message *request, struct bytes reply)
{
	CLEANUP_STR struct str ignored = STR_INIT;
	bool whole = strcmp(request->command, "dropDatabase") == 0;
	int64_t ok = 0;

	if (client->proxy->scenario.topology != PLAYS_SHARDED ||
		(!whole && strcmp(request->command, "drop") != 0) ||
		!doc_get_integer(reply, "ok", &ok) || ok != 1)
		return;
	(void)!ask_server_text(client, &ignored,
		"{\"delete\":\"collections\",\"$db\":\"%s\",\"deletes\":[{\"q\":{\"_id\":"
		"{\"$regex\":\"^%s[.]%s%s\"}},\"limit\":0}]}",
		client->proxy->state, request->database, whole ? "" : request->collection,
		whole ? "" : "$");
}

static void unshard_collection(
	struct client *client, const struct message *request, struct str *out)
{
	CLEANUP_STR struct str known = STR_INIT, reply = STR_INIT;
	struct doc_writer writer;

	if (!find_sharded(client, request->collection, &known)) {
		refuse(out, 118, NULL);
		return;
	}
	(void)!ask_server_text(client, &reply,
		"{\"delete\":\"collections\",\"$db\":\"%s\",\"deletes\":[{\"q\":{\"_id\":\"%s\"},"
		"\"limit\":1}]}",
		client->proxy->state, request->collection);
	doc_write_begin(&writer, out);
	doc_write_double(&writer, "ok", 1);
	doc_write_end(&writer);
}

/* ---- what an upsert and a unique index may not do */

static bool has_equality(struct bytes query, struct bytes key)
{
	struct doc_iter iter = doc_iter_begin(key);
	struct value value;
	const char *name;

	while (doc_iter_next(&iter, &name, &value))
		if (doc_get(query, name).type == VALUE_MISSING)
			return false;
	return true;
}

/* An upsert has to name the whole shard key; a single update or delete that, or the _id. */
static int refuse_untargeted(struct client *client, const struct message *request, struct str *out)
{
	CLEANUP_STR struct str known = STR_INIT;
	struct bytes operation;
	char ns[NS_MAX];

	if (strcmp(request->command, "update") != 0)
		return 0;
	(void)snprintf(ns, sizeof ns, "%s.%s", request->database, request->collection);
	if (!find_sharded(client, ns, &known))
		return 0;
	struct value key = doc_get(str_bytes(&known), "key");
	for (size_t i = 0; operation_at(request, i, &operation); i++) {
		struct value query = doc_get(operation, "q");
		if (!doc_get_bool(operation, "upsert") || has_equality(query.bytes, key.bytes))
			continue;
		write_write_error(out, 0, (int64_t)i, 61,
			"Failed to target upsert by query :: could not extract exact shard key");
		return 1;
	}
	return 0;
}

static int refuse_unique(struct client *client, const struct message *request, struct str *out)
{
	CLEANUP_STR struct str known = STR_INIT;
	struct value indexes = doc_get(request->body, "indexes"), index;
	const char *name;
	char ns[NS_MAX];

	(void)snprintf(ns, sizeof ns, "%s.%s", request->database, request->collection);
	if (strcmp(request->command, "createIndexes") != 0 || indexes.type != VALUE_ARRAY ||
		!find_sharded(client, ns, &known))
		return 0;
	struct value key = doc_get(str_bytes(&known), "key");
	struct doc_iter iter = doc_iter_begin(indexes.bytes);
	while (doc_iter_next(&iter, &name, &index)) {
		struct value pattern = doc_get(index.bytes, "key");
		if (doc_get_bool(index.bytes, "unique") &&
			!names_within(key.bytes, pattern.bytes)) {
			refuse(out, 67,
				"cannot create unique index that does not begin with the shard "
				"key");
			return 1;
		}
	}
	return 0;
}

/* ---- what mongos says of itself */

static void list_shards(struct client *client, struct str *out)
{
	const struct scenario *scenario = &client->proxy->scenario;
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_array(&writer, "shards");
	for (size_t i = 0; i < scenario->shard_count; i++) {
		char host[128];
		(void)snprintf(host, sizeof host, "%s/127.0.0.1:%d", scenario->shards[i],
			client->proxy->ports[0]);
		doc_write_document(&writer, NULL);
		doc_write_string(&writer, "_id", scenario->shards[i]);
		doc_write_string(&writer, "host", host);
		doc_write_int32(&writer, "state", 1);
		doc_write_end(&writer);
	}
	doc_write_end(&writer);
	doc_write_double(&writer, "ok", 1);
	doc_write_end(&writer);
}

static void balancer_status(struct client *client, const struct message *request, struct str *out)
{
	CLEANUP_STR struct str known = STR_INIT;
	struct doc_writer writer;

	if (!find_sharded(client, request->collection, &known)) {
		refuse(out, 118, NULL);
		return;
	}
	bool balanced = number_next(client->proxy, &client->proxy->scenario.balanced, 1) != 0;
	doc_write_begin(&writer, out);
	doc_write_int32(&writer, "chunkSize", 128);
	doc_write_bool(&writer, "balancerCompliant", balanced);
	if (!balanced)
		doc_write_string(&writer, "firstComplianceViolation", "chunksImbalance");
	doc_write_double(&writer, "ok", 1);
	doc_write_end(&writer);
}

static void say_ok(struct str *out, const char *name, const char *text)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	if (name != NULL)
		doc_write_string(&writer, name, text);
	doc_write_double(&writer, "ok", 1);
	doc_write_end(&writer);
}

int answer_sharded(struct client *client, const struct message *request, struct str *out)
{
	const char *command = request->command;

	if (strcmp(command, "shardCollection") == 0)
		shard_collection(client, request, out);
	else if (strcmp(command, "unshardCollection") == 0)
		unshard_collection(client, request, out);
	else if (strcmp(command, "listShards") == 0)
		list_shards(client, out);
	else if (strcmp(command, "balancerCollectionStatus") == 0)
		balancer_status(client, request, out);
	else if (strcmp(command, "balancerStatus") == 0)
		say_ok(out, "mode", "full");
	else if (strcmp(command, "isdbgrid") == 0)
		say_ok(out, "hostname", "127.0.0.1");
	else if (strcmp(command, "enableSharding") == 0)
		say_ok(out, NULL, NULL);
	else
		return refuse_untargeted(client, request, out) != 0 ||
		       refuse_unique(client, request, out) != 0;
	return 1;
}

/* ---- $shardedDataDistribution */

bool wants_distribution(const struct message *request)
{
	struct value first = doc_get_path(request->body, "pipeline");
	const char *name;
	struct value stage;

	if (strcmp(request->command, "aggregate") != 0 || first.type != VALUE_ARRAY)
		return false;
	struct doc_iter iter = doc_iter_begin(first.bytes);
	return doc_iter_next(&iter, &name, &stage) && stage.type == VALUE_DOCUMENT &&
	       doc_get(stage.bytes, "$shardedDataDistribution").type != VALUE_MISSING;
}

static int64_t count_of(struct client *client, const char *ns)
{
	CLEANUP_STR struct str reply = STR_INIT;
	const char *dot = strchr(ns, '.'), *name;
	struct value doc;
	int64_t count = 0;

	if (dot == NULL ||
		ask_server_text(client, &reply,
			"{\"aggregate\":\"%s\",\"$db\":\"%.*s\",\"pipeline\":[{\"$count\":\"n\"}],"
			"\"cursor\":{}}",
			dot + 1, (int)(dot - ns), ns) != 0)
		return 0;
	struct value batch = doc_get_path(str_bytes(&reply), "cursor.firstBatch");
	if (batch.type != VALUE_ARRAY)
		return 0;
	struct doc_iter iter = doc_iter_begin(batch.bytes);
	if (doc_iter_next(&iter, &name, &doc) && doc.type == VALUE_DOCUMENT)
		(void)doc_get_integer(doc.bytes, "n", &count);
	return count;
}

static void write_shares(struct client *client, struct doc_writer *writer, const char *ns)
{
	const struct scenario *scenario = &client->proxy->scenario;
	int64_t count = count_of(client, ns), left = count;

	doc_write_document(writer, NULL);
	doc_write_string(writer, "_id", ns);
	doc_write_string(writer, "ns", ns);
	doc_write_array(writer, "shards");
	for (size_t i = 0; i < scenario->shard_count; i++) {
		double share = i < scenario->shares.count ? scenario->shares.at[i]
							  : 1.0 / (double)scenario->shard_count;
		int64_t own =
			i + 1 == scenario->shard_count ? left : (int64_t)((double)count * share);
		left -= own;
		doc_write_document(writer, NULL);
		doc_write_string(writer, "shardName", scenario->shards[i]);
		doc_write_int64(writer, "numOrphanedDocs", 0);
		doc_write_int64(writer, "numOwnedDocuments", own);
		doc_write_int64(writer, "orphanedSizeBytes", 0);
		doc_write_int64(writer, "ownedSizeBytes", own * 1024);
		doc_write_end(writer);
	}
	doc_write_end(writer);
	doc_write_end(writer);
}

/* Writes anew what each sharded collection has on which shard. */
static void refresh(struct client *client)
{
	CLEANUP_STR struct str list = STR_INIT, reply = STR_INIT, command = STR_INIT;
	struct doc_writer writer;
	struct value doc;
	const char *name;

	if (ask_server_text(client, &reply, "{\"drop\":\"distribution\",\"$db\":\"%s\"}",
		    client->proxy->state) != 0)
		str_truncate(&reply, 0);
	if (ask_server_text(client, &list, "{\"find\":\"collections\",\"$db\":\"%s\"}",
		    client->proxy->state) != 0)
		return;
	struct value batch = doc_get_path(str_bytes(&list), "cursor.firstBatch");
	if (batch.type != VALUE_ARRAY || doc_count(batch.bytes) == 0)
		return;
	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "insert", "distribution");
	doc_write_string(&writer, "$db", client->proxy->state);
	doc_write_array(&writer, "documents");
	struct doc_iter iter = doc_iter_begin(batch.bytes);
	while (doc_iter_next(&iter, &name, &doc)) {
		const char *ns = doc_get_string(doc.bytes, "_id");
		if (ns != NULL)
			write_shares(client, &writer, ns);
	}
	doc_write_end(&writer);
	doc_write_end(&writer);
	str_truncate(&reply, 0);
	(void)!ask_server(client, str_bytes(&command), &reply);
}

void write_distribution_query(struct client *client, const struct message *request, struct str *out)
{
	static const char *const replaced[] = {"aggregate", "pipeline", "$db", "lsid", "txnNumber",
		"$clusterTime", "readConcern", "$readPreference"};
	struct doc_iter iter = doc_iter_begin(request->body);
	struct doc_writer writer;
	struct value value, stage;
	const char *name;

	refresh(client);
	doc_write_begin(&writer, out);
	doc_write_string(&writer, "aggregate", "distribution");
	doc_write_array(&writer, "pipeline");
	struct doc_iter stages = doc_iter_begin(doc_get(request->body, "pipeline").bytes);
	for (size_t i = 0; doc_iter_next(&stages, &name, &stage); i++)
		if (i > 0)
			doc_write_value(&writer, NULL, &stage);
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "$project");
	doc_write_int32(&writer, "_id", 0);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	while (doc_iter_next(&iter, &name, &value)) {
		bool keep = true;
		for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++)
			keep = keep && strcmp(name, replaced[i]) != 0;
		if (keep)
			doc_write_value(&writer, name, &value);
	}
	doc_write_string(&writer, "$db", client->proxy->state);
	doc_write_end(&writer);
}
