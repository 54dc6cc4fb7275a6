/* What may change something, and who is asked first. */
#include "mongo/driver.h"

#include <string.h>

/* Every other command may change something, also one that nobody has heard of yet. */
static const char *const reading[] = {"aggregate", "balancerCollectionStatus", "buildInfo",
	"collStats", "connectionStatus", "count", "dbStats", "distinct", "explain", "find",
	"getCmdLineOpts", "getLog", "getMore", "getParameter", "hello", "hostInfo",
	"listCollections", "listDatabases", "listIndexes", "listShards", "ping", "replSetGetConfig",
	"replSetGetStatus", "rolesInfo", "serverStatus", "usersInfo"};

static const char *const writing_stages[] = {"$merge", "$out"};

static bool is_among(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

void mongo_set_guard(struct mongo *mongo, const struct mongo_guard *guard)
{
	mongo->guard = guard;
}

int driver_guard(const struct mongo *mongo, struct err *err)
{
	return mongo->guard == NULL ? 0 : mongo->guard->may_write(mongo->guard->self, err);
}

int driver_guard_pipeline(const struct mongo *mongo, const bson_t *stages, struct err *err)
{
	bson_iter_t iter, stage;
	bool writes = false;

	if (!bson_iter_init(&iter, stages))
		return 0;
	while (bson_iter_next(&iter))
		writes = writes ||
			 (BSON_ITER_HOLDS_DOCUMENT(&iter) && bson_iter_recurse(&iter, &stage) &&
				 bson_iter_next(&stage) &&
				 is_among(bson_iter_key(&stage), writing_stages,
					 sizeof writing_stages / sizeof *writing_stages));
	return writes ? driver_guard(mongo, err) : 0;
}

int driver_guard_command(const struct mongo *mongo, const bson_t *command, struct err *err)
{
	const uint8_t *data;
	bson_iter_t iter;
	uint32_t size;
	bson_t stages;

	if (!bson_iter_init(&iter, command) || !bson_iter_next(&iter))
		return 0;
	if (!is_among(bson_iter_key(&iter), reading, sizeof reading / sizeof *reading))
		return driver_guard(mongo, err);
	if (!bson_iter_init_find(&iter, command, "pipeline") || !BSON_ITER_HOLDS_ARRAY(&iter))
		return 0;
	bson_iter_array(&iter, &size, &data);
	return bson_init_static(&stages, data, size) ? driver_guard_pipeline(mongo, &stages, err)
						     : 0;
}
