#include <string.h>

#include "base/clock.h"
#include "tests/topology/proxy/proxy.h"

static const struct {
	int code;
	const char *name;
	const char *message;
	bool retryable; /* a driver that retries writes does so once */
} CODES[] = {
	{6, "HostUnreachable", "host unreachable", true},
	{7, "HostNotFound", "host not found", true},
	{13, "Unauthorized", "not authorized to execute this command", false},
	{23, "AlreadyInitialized", "sharding already enabled with another key", false},
	{26, "NamespaceNotFound", "ns not found", false},
	{43, "CursorNotFound", "cursor id not found", false},
	{50, "MaxTimeMSExpired", "operation exceeded time limit", false},
	{59, "CommandNotFound", "no such command", false},
	{61, "ShardKeyNotFound", "could not extract the shard key from the query", false},
	{64, "WriteConcernTimeout", "waiting for replication timed out", false},
	{67, "CannotCreateIndex", "cannot create index", false},
	{72, "InvalidOptions", "invalid options", false},
	{79, "UnknownReplWriteConcern", "no write concern mode of that name", false},
	{85, "IndexOptionsConflict", "an index of this key exists with other options", false},
	{86, "IndexKeySpecsConflict", "an index of this name exists with another key", false},
	{89, "NetworkTimeout", "network timeout", true},
	{91, "ShutdownInProgress", "the server is in quiesce mode and will shut down", true},
	{100, "UnsatisfiableWriteConcern", "not enough data-bearing nodes", false},
	{112, "WriteConflict", "write conflict during plan execution", false},
	{118, "NamespaceNotSharded", "the collection is not sharded", false},
	{121, "DocumentValidationFailure", "Document failed validation", false},
	{133, "FailedToSatisfyReadPreference", "no host matches the read preference", false},
	{175, "QueryPlanKilled", "collection or index dropped", false},
	{189, "PrimarySteppedDown", "Primary stepped down while waiting for replication", true},
	{234, "RetryChangeStream", "retry", true},
	{237, "CursorKilled", "cursor killed because it was idle too long", false},
	{262, "ExceededTimeLimit", "operation exceeded its time limit", true},
	{371, "UserWritesBlocked", "User writes blocked", false},
	{9001, "SocketException", "socket exception", true},
	{10058, "LegacyNotPrimary", "not primary", true},
	{10107, "NotWritablePrimary", "not primary", true},
	{11000, "DuplicateKey", "E11000 duplicate key error", false},
	{11600, "InterruptedAtShutdown", "interrupted at shutdown", true},
	{11602, "InterruptedDueToReplStateChange", "operation was interrupted", true},
	{13388, "StaleConfig", "stale config", false},
	{13435, "NotPrimaryNoSecondaryOk", "not primary and secondaryOk=false", true},
	{13436, "NotPrimaryOrSecondary", "node is not in primary or recovering state", true},
};

static size_t find_code(int code)
{
	for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++)
		if (CODES[i].code == code)
			return i;
	return 0;
}

const char *code_name(int code)
{
	size_t at = find_code(code);

	return CODES[at].code == code ? CODES[at].name : "Error";
}

static const char *message_of(const struct refusal *refusal)
{
	size_t at = find_code(refusal->code);

	if (refusal->message != NULL)
		return refusal->message;
	return CODES[at].code == refusal->code ? CODES[at].message : "refused by the scenario";
}

static void write_labels(struct doc_writer *writer, int code)
{
	if (CODES[find_code(code)].code != code || !CODES[find_code(code)].retryable)
		return;
	doc_write_array(writer, "errorLabels");
	doc_write_string(writer, NULL, "RetryableWriteError");
	doc_write_end(writer);
}

void write_refusal(struct str *out, const struct refusal *refusal, bool retryable)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_double(&writer, "ok", 0);
	doc_write_string(&writer, "errmsg", message_of(refusal));
	doc_write_int32(&writer, "code", refusal->code);
	doc_write_string(&writer, "codeName",
		refusal->name != NULL ? refusal->name : code_name(refusal->code));
	if (retryable)
		write_labels(&writer, refusal->code);
	doc_write_end(&writer);
}

void write_write_error(struct str *out, int64_t done, int64_t index, int code, const char *message)
{
	const struct refusal refusal = {code, NULL, message};
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_double(&writer, "ok", 1);
	doc_write_int32(&writer, "n", (int32_t)done);
	doc_write_int32(&writer, "nModified", (int32_t)done);
	doc_write_array(&writer, "writeErrors");
	doc_write_document(&writer, NULL);
	doc_write_int32(&writer, "index", (int32_t)index);
	doc_write_int32(&writer, "code", code);
	doc_write_string(&writer, "errmsg", message_of(&refusal));
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
}

/* ---- answers of the real server, altered */

/* The members of reply that are not in other, nor in names (NULL-terminated). */
static void copy_without(
	struct doc_writer *writer, struct bytes reply, struct bytes other, const char *const *names)
{
	struct doc_iter iter = doc_iter_begin(reply);
	struct value value;
	const char *name;

	while (doc_iter_next(&iter, &name, &value)) {
		bool replaced = other.size > 0 && doc_get(other, name).type != VALUE_MISSING;
		for (const char *const *n = names; n != NULL && *n != NULL; n++)
			replaced = replaced || strcmp(*n, name) == 0;
		if (!replaced)
			doc_write_value(writer, name, &value);
	}
}

static void copy_all(struct doc_writer *writer, struct bytes doc)
{
	if (doc.size > 0)
		copy_without(writer, doc, bytes_make(NULL, 0), NULL);
}

void write_answer_with(struct str *out, struct bytes reply, const struct rule *rule)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	copy_without(&writer, reply, str_bytes(&rule->merge), NULL);
	copy_all(&writer, str_bytes(&rule->merge));
	if (rule->concern.code != 0) {
		doc_write_document(&writer, "writeConcernError");
		doc_write_int32(&writer, "code", rule->concern.code);
		doc_write_string(&writer, "codeName",
			rule->concern.name != NULL ? rule->concern.name
						   : code_name(rule->concern.code));
		doc_write_string(&writer, "errmsg", message_of(&rule->concern));
		doc_write_end(&writer);
	}
	doc_write_end(&writer);
}

/* ---- a replica set */

bool member_is_primary(struct client *client)
{
	struct proxy *proxy = client->proxy;

	if (proxy->scenario.topology != PLAYS_REPLICA_SET)
		return true;
	(void)pthread_mutex_lock(&proxy->lock);
	bool primary =
		proxy->primary == client->member && clock_boottime() >= proxy->no_primary_until;
	(void)pthread_mutex_unlock(&proxy->lock);
	return primary;
}

double number_next(struct proxy *proxy, struct numbers *numbers, double otherwise)
{
	(void)pthread_mutex_lock(&proxy->lock);
	double number = otherwise;
	if (numbers->count > 0) {
		number = numbers->at[numbers->used];
		if (numbers->used + 1 < numbers->count)
			numbers->used++;
	}
	(void)pthread_mutex_unlock(&proxy->lock);
	return number;
}

static void write_address(struct doc_writer *writer, const char *name, int port)
{
	char address[32];

	(void)snprintf(address, sizeof address, "127.0.0.1:%d", port);
	doc_write_string(writer, name, address);
}

static void write_timestamp(
	struct doc_writer *writer, const char *name, int64_t seconds, int counter)
{
	const struct value value = {.type = VALUE_TIMESTAMP,
		.int64 = (int64_t)((uint64_t)seconds << 32 | (uint32_t)counter)};

	doc_write_value(writer, name, &value);
}

static void write_optime(struct doc_writer *writer, const char *name, int64_t time, int32_t term)
{
	doc_write_document(writer, name);
	write_timestamp(writer, "ts", time / 1000, 1);
	doc_write_int64(writer, "t", term);
	doc_write_end(writer);
}

static void write_set(struct client *client, struct doc_writer *writer)
{
	struct proxy *proxy = client->proxy;
	bool is_primary = member_is_primary(client);
	uint8_t election[OBJECT_ID_SIZE] = {0x7f, 0xff, 0xff, 0xff};

	(void)pthread_mutex_lock(&proxy->lock);
	int32_t term = proxy->term;
	int primary_port =
		clock_boottime() >= proxy->no_primary_until ? proxy->ports[proxy->primary] : 0;
	(void)pthread_mutex_unlock(&proxy->lock);
	election[OBJECT_ID_SIZE - 1] = (uint8_t)term;
	doc_write_bool(writer, "ismaster", is_primary);
	doc_write_bool(writer, "isWritablePrimary", is_primary);
	doc_write_bool(writer, "secondary", !is_primary);
	doc_write_string(writer, "setName", proxy->scenario.set);
	doc_write_int32(writer, "setVersion", 1);
	doc_write_array(writer, "hosts");
	for (size_t i = 0; i < proxy->scenario.members; i++)
		write_address(writer, NULL, proxy->ports[i]);
	doc_write_end(writer);
	if (primary_port != 0)
		write_address(writer, "primary", primary_port);
	write_address(writer, "me", proxy->ports[client->member]);
	if (is_primary)
		doc_write_object_id(writer, "electionId", election);
	doc_write_document(writer, "lastWrite");
	write_optime(writer, "opTime", clock_now(), term);
	doc_write_date(writer, "lastWriteDate", clock_now());
	doc_write_end(writer);
	doc_write_int32(writer, "logicalSessionTimeoutMinutes", 30);
}

void write_hello(struct client *client, struct bytes real, struct str *out)
{
	static const char *const replaced[] = {"ismaster", "isWritablePrimary", "secondary",
		"setName", "setVersion", "hosts", "primary", "me", "electionId", "lastWrite", "msg",
		"logicalSessionTimeoutMinutes", "topologyVersion", "compression", NULL};
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	copy_without(&writer, real, bytes_make(NULL, 0), replaced);
	if (client->proxy->scenario.topology == PLAYS_REPLICA_SET) {
		write_set(client, &writer);
	} else {
		doc_write_bool(&writer, "ismaster", true);
		doc_write_bool(&writer, "isWritablePrimary", true);
		doc_write_string(&writer, "msg", "isdbgrid");
		doc_write_int32(&writer, "logicalSessionTimeoutMinutes", 30);
	}
	doc_write_end(&writer);
}

/* Seconds that the slowest secondary is behind now. */
static double lag_now(struct proxy *proxy)
{
	double lag = number_next(proxy, &proxy->scenario.lag, 0);

	if (proxy->scenario.lag_file != NULL) {
		FILE *file = fopen(proxy->scenario.lag_file, "re");
		if (file != NULL) {
			if (fscanf(file, "%lf", &lag) != 1)
				lag = 0;
			(void)fclose(file);
		}
	}
	return lag;
}

static void write_status(struct client *client, struct str *out)
{
	struct proxy *proxy = client->proxy;
	struct doc_writer writer;
	int64_t now = clock_now();
	double lag = lag_now(proxy);

	(void)pthread_mutex_lock(&proxy->lock);
	size_t primary = proxy->primary;
	int32_t term = proxy->term;
	(void)pthread_mutex_unlock(&proxy->lock);
	doc_write_begin(&writer, out);
	doc_write_string(&writer, "set", proxy->scenario.set);
	doc_write_date(&writer, "date", now);
	doc_write_int32(&writer, "myState", client->member == primary ? 1 : 2);
	doc_write_int64(&writer, "term", term);
	doc_write_array(&writer, "members");
	for (size_t i = 0; i < proxy->scenario.members; i++) {
		/* One secondary is behind, the other one keeps up. */
		bool is_primary = i == primary;
		bool slow = !is_primary && i == (primary == 0 ? 1 : 0);
		int64_t applied = slow ? now - (int64_t)(lag * 1000) : now;
		doc_write_document(&writer, NULL);
		doc_write_int32(&writer, "_id", (int32_t)i);
		write_address(&writer, "name", proxy->ports[i]);
		doc_write_double(&writer, "health", 1);
		doc_write_int32(&writer, "state", is_primary ? 1 : 2);
		doc_write_string(&writer, "stateStr", is_primary ? "PRIMARY" : "SECONDARY");
		write_optime(&writer, "optime", applied, term);
		doc_write_date(&writer, "optimeDate", applied);
		doc_write_date(&writer, "lastAppliedWallTime", applied);
		if (i == client->member)
			doc_write_bool(&writer, "self", true);
		doc_write_end(&writer);
	}
	doc_write_end(&writer);
	doc_write_double(&writer, "ok", 1);
	doc_write_end(&writer);
}

static bool writes(const char *command)
{
	static const char *const names[] = {"insert", "update", "delete", "findAndModify",
		"findandmodify", "create", "createIndexes", "collMod", "drop", "dropDatabase",
		"dropIndexes", "renameCollection"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], command) == 0)
			return true;
	return false;
}

int answer_replica_set(struct client *client, const struct message *request, struct str *out)
{
	static const struct refusal not_primary = {10107, NULL, NULL};

	if (strcmp(request->command, "replSetGetStatus") == 0) {
		write_status(client, out);
		return 1;
	}
	if (writes(request->command) && !member_is_primary(client)) {
		write_refusal(out, &not_primary,
			doc_get(request->body, "txnNumber").type != VALUE_MISSING);
		return 1;
	}
	return 0;
}
