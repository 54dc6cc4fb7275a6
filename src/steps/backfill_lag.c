/* How far the slowest secondary is behind, as the server says it. */
#include "steps/backfill.h"

#include "base/cleanup.h"

enum { STATE_PRIMARY = 1, STATE_SECONDARY = 2 };

int backfill_lag(struct mongo *mongo, int64_t *ret_lag, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct mongo_server server;
	struct mongo_refusal refusal;
	struct doc_writer writer;
	struct value member;
	const char *name;
	int64_t newest = -1, oldest = -1;
	int result = mongo_server(mongo, &server, err);

	if (result != 0)
		return result;
	*ret_lag = -1;
	if (server.topology != TOPOLOGY_REPLICA_SET)
		return 0;
	doc_write_begin(&writer, &command);
	doc_write_int32(&writer, "replSetGetStatus", 1);
	doc_write_end(&writer);
	result = mongo_admin_command(mongo, str_bytes(&command), &reply, &refusal, err);
	if (result != 0) /* refused (no privilege): it cannot be measured */
		return refusal.code != 0 ? 0 : result;
	struct value members = doc_get(str_bytes(&reply), "members");
	struct doc_iter iter =
		doc_iter_begin(members.type == VALUE_ARRAY ? members.bytes : bytes_make(NULL, 0));
	while (doc_iter_next(&iter, &name, &member)) {
		int64_t state = 0;
		struct value time;
		if (member.type != VALUE_DOCUMENT ||
			!doc_get_integer(member.bytes, "state", &state))
			continue;
		time = doc_get(member.bytes, "optimeDate");
		if (time.type != VALUE_DATE)
			continue;
		if (state == STATE_PRIMARY)
			newest = time.int64;
		if (state == STATE_SECONDARY && (oldest < 0 || time.int64 < oldest))
			oldest = time.int64;
	}
	if (newest >= 0 && oldest >= 0)
		*ret_lag = newest > oldest ? newest - oldest : 0;
	return 0;
}
