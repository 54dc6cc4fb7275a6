#include "steps/lag.h"

#include "base/cleanup.h"

enum { STATE_PRIMARY = 1, STATE_SECONDARY = 2 };

static struct doc_iter elements_of(struct bytes doc, const char *name)
{
	struct value array = doc_get(doc, name);

	return doc_iter_begin(array.type == VALUE_ARRAY ? array.bytes : bytes_make(NULL, 0));
}

/* ms by which the site has a member follow late (secondaryDelaySecs, before 5.0 slaveDelay). */
static int64_t delay_of(struct bytes reply, int64_t id)
{
	struct value config = doc_get(reply, "config"), member;
	const char *name;

	if (config.type != VALUE_DOCUMENT)
		return 0;
	struct doc_iter iter = elements_of(config.bytes, "members");
	while (doc_iter_next(&iter, &name, &member)) {
		int64_t its_id = -1, seconds = 0;
		if (member.type != VALUE_DOCUMENT ||
			!doc_get_integer(member.bytes, "_id", &its_id) || its_id != id)
			continue;
		if (!doc_get_integer(member.bytes, "secondaryDelaySecs", &seconds))
			(void)doc_get_integer(member.bytes, "slaveDelay", &seconds);
		return seconds > 0 && seconds < INT32_MAX ? seconds * 1000 : 0;
	}
	return 0;
}

struct lag lag_of_status(struct bytes status, struct bytes config)
{
	struct doc_iter iter = elements_of(status, "members");
	int64_t newest = -1, oldest = -1;
	struct value member;
	const char *name;

	while (doc_iter_next(&iter, &name, &member)) {
		int64_t state = 0, id = -1;
		if (member.type != VALUE_DOCUMENT ||
			!doc_get_integer(member.bytes, "state", &state))
			continue;
		struct value time = doc_get(member.bytes, "optimeDate");
		if (time.type != VALUE_DATE || time.int64 < 0)
			continue;
		if (state == STATE_PRIMARY)
			newest = time.int64;
		if (state != STATE_SECONDARY)
			continue;
		(void)doc_get_integer(member.bytes, "_id", &id);
		int64_t at = time.int64 + (config.size == 0 ? 0 : delay_of(config, id));
		if (oldest < 0 || at < oldest)
			oldest = at;
	}
	if (newest < 0)
		return (struct lag){-1, "no member of the set says that it is primary"};
	if (oldest < 0)
		return (struct lag){-1, "the set has no secondary that follows"};
	return (struct lag){newest > oldest ? newest - oldest : 0, NULL};
}

/* *ret_refused: the server does not know it or does not let us. */
static int ask(struct mongo *mongo, const char *name, struct str *reply, bool *ret_refused,
	struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	struct mongo_refusal refusal = {0};
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_int32(&writer, name, 1);
	doc_write_end(&writer);
	int rc = str_check(&command, err);
	if (rc == 0)
		rc = mongo_admin_command(mongo, str_bytes(&command), reply, &refusal, err);
	*ret_refused = rc < 0 && refusal.code != 0 && err->code != ERR_DATABASE_LOST;
	return *ret_refused ? 0 : rc;
}

int lag_measure(struct mongo *mongo, struct lag *ret_lag, struct err *err)
{
	CLEANUP_STR struct str status = STR_INIT, config = STR_INIT;
	struct mongo_server server;
	bool refused = false;
	int rc = mongo_server(mongo, &server, err);

	if (rc < 0)
		return rc;
	if (server.topology == TOPOLOGY_STANDALONE) {
		*ret_lag = (struct lag){-1, "a standalone server has none"};
		return 0;
	}
	if (server.topology == TOPOLOGY_SHARDED) {
		*ret_lag = (struct lag){-1, "mongos does not say how far its shards are behind"};
		return 0;
	}
	rc = ask(mongo, "replSetGetStatus", &status, &refused, err);
	if (rc == 0 && refused) {
		*ret_lag = (struct lag){-1, "the server refuses replSetGetStatus"};
		return 0;
	}
	/* Without the configuration nobody is delayed. */
	if (rc == 0)
		rc = ask(mongo, "replSetGetConfig", &config, &refused, err);
	if (rc == 0)
		*ret_lag = lag_of_status(str_bytes(&status), str_bytes(&config));
	return rc;
}
