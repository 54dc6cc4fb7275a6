/*
 * What the login may do, tried in a scratch collection of its own: offkit_scratch_RUN. Whoever
 * tries has the lease, so one that is there already is of a run that was killed, and is removed.
 */
#include <string.h>

#include "base/cleanup.h"
#include "steps/preflight.h"
#include "text/text.h"

enum { UNAUTHORIZED = 13, SCRATCH_NAME_SIZE = 96 };

/* The commands of the walk; %s is the collection. */
static const struct {
	const char *action;
	const char *command;
	bool sharding; /* on a router, by a kit that declares shard keys; %s with the database */
} TRIALS[] = {
	{"create a collection", "{\"create\":\"%s\"}", false},
	{"shard a collection", "{\"shardCollection\":\"%s\",\"key\":{\"_id\":1}}", true},
	{"insert", "{\"insert\":\"%s\",\"documents\":[{\"_id\":1}]}", false},
	{"find", "{\"find\":\"%s\"}", false},
	{"aggregate", "{\"aggregate\":\"%s\",\"pipeline\":[],\"cursor\":{}}", false},
	{"update",
		"{\"update\":\"%s\",\"updates\":[{\"q\":{\"_id\":1},\"u\":{\"$set\":{\"a\":1}}}]}",
		false},
	{"create an index",
		"{\"createIndexes\":\"%s\",\"indexes\":[{\"key\":{\"a\":1},\"name\":\"a\"}]}",
		false},
	{"change a collection", "{\"collMod\":\"%s\",\"validator\":{},\"validationLevel\":\"off\"}",
		false},
	{"drop an index", "{\"dropIndexes\":\"%s\",\"index\":\"a\"}", false},
	{"delete", "{\"delete\":\"%s\",\"deletes\":[{\"q\":{\"_id\":1},\"limit\":1}]}", false},
	{"drop a collection", "{\"drop\":\"%s\"}", false},
};

enum { TRIAL_COUNT = sizeof TRIALS / sizeof *TRIALS, LAST_TRIAL = TRIAL_COUNT - 1 };

static int try_one(struct preflight *preflight, size_t trial, const char *scratch,
	struct mongo_refusal *refusal, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str reply = STR_INIT;
	struct mongo *mongo = preflight->context->mongo;
	const char *place = strstr(TRIALS[trial].command, "%s");

	str_append(&text, TRIALS[trial].command, (size_t)(place - TRIALS[trial].command));
	if (TRIALS[trial].sharding)
		str_append_format(&text, "%s.", mongo_database(mongo));
	str_append_text(&text, scratch);
	str_append_text(&text, place + 2);
	int rc = bson_from_text(&text, &command, err);
	if (rc < 0)
		return rc;
	return TRIALS[trial].sharding
		       ? mongo_admin_command(mongo, str_bytes(&command), &reply, refusal, err)
		       : mongo_command(mongo, str_bytes(&command), &reply, refusal, err);
}

/* ---- what killed runs left */

/* Of this name, and with nothing in it that a trial does not write. */
static int is_scratch(struct mongo *mongo, const char *name, bool *ret_is, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT;
	const struct mongo_find find = {.collection = name};
	int64_t count = 0, id = 0;
	bool found = false;
	int rc = mongo_count(mongo, name, bytes_make(NULL, 0), &count, err);

	if (rc == 0 && count > 0)
		rc = mongo_find_one(mongo, &find, &doc, &found, err);
	if (rc < 0)
		return rc;
	*ret_is = count == 0 ||
		  (count == 1 && found && doc_get_integer(str_bytes(&doc), "_id", &id) && id == 1);
	return 0;
}

static int clear_one(struct preflight *preflight, const char *name, struct err *err)
{
	struct mongo_refusal refusal = {0};
	struct err refused;
	bool is = false;
	int rc = is_scratch(preflight->context->mongo, name, &is, err);

	if (rc < 0)
		return rc;
	if (!is)
		return preflight_tell(preflight, "scratch", CHECK_WARNING, err,
			"%s is not as a trial of offkit leaves it: it stays", name);
	if (preflight->context->read_only)
		return preflight_tell(preflight, "scratch", CHECK_WARNING, err,
			"%s was left by a run that was killed; install removes it", name);
	rc = try_one(preflight, LAST_TRIAL, name, &refusal, &refused);
	if (rc < 0 && refusal.code == 0) {
		*err = refused;
		return rc;
	}
	if (rc < 0)
		return preflight_tell(preflight, "scratch", CHECK_WARNING, err,
			"%s was left by a run that was killed, and may not be dropped (code %d)",
			name, refusal.code);
	return preflight_tell(preflight, "scratch", CHECK_PASSED, err,
		"%s, which a run left that was killed, was removed", name);
}

int preflight_leftovers(struct preflight *preflight, struct err *err)
{
	const struct step_context *context = preflight->context;
	struct mongo_collection *collections = NULL;
	size_t count = 0;
	int rc = mongo_collections(context->mongo, context->arena, &collections, &count, err);

	for (size_t i = 0; rc == 0 && i < count; i++)
		if (strncmp(collections[i].name, PREFLIGHT_SCRATCH, strlen(PREFLIGHT_SCRATCH)) == 0)
			rc = clear_one(preflight, collections[i].name, err);
	return rc;
}

/* ---- tried */

static int wants_sharding(struct preflight *preflight, bool *ret_wants, struct err *err)
{
	const struct step_context *context = preflight->context;
	bool wants = false;

	for (size_t i = 0; i < context->step_count; i++) {
		struct ensure ensure;
		if (context->steps[i].kind != &step_ensure)
			continue;
		int rc = ensure_load(
			context->steps[i].migration->body, context->arena, &ensure, err);
		if (rc < 0)
			return rc;
		for (size_t k = 0; k < ensure.count; k++)
			wants = wants || ensure.collections[k].shard_key.size > 0;
	}
	*ret_wants = wants && preflight->server.topology == TOPOLOGY_SHARDED;
	return 0;
}

static int tell_refused(struct preflight *preflight, size_t trial, const char *scratch,
	const struct mongo_refusal *first, struct err *err)
{
	struct mongo_refusal refusal = {0};
	struct err refused;
	/* Nothing was made if it may not even be made. */
	int rc = trial == 0 ? 0 : try_one(preflight, LAST_TRIAL, scratch, &refusal, &refused);

	if (rc < 0 && refusal.code == 0) {
		*err = refused;
		return rc;
	}
	return preflight_tell(preflight, "privileges", CHECK_FAILED, err,
		"the login may not %s in database %s (%s, code %d)%s%s%s", TRIALS[trial].action,
		mongo_database(preflight->context->mongo), first->name, first->code,
		rc < 0 ? "; collection " : "", rc < 0 ? scratch : "",
		rc < 0 ? " stays, drop it by hand" : "");
}

int preflight_try(struct preflight *preflight, struct err *err)
{
	char scratch[SCRATCH_NAME_SIZE];
	bool sharding = false;
	int rc = wants_sharding(preflight, &sharding, err);

	if (rc < 0)
		return rc;
	(void)snprintf(scratch, sizeof scratch, PREFLIGHT_SCRATCH "%s", preflight->context->run_id);
	for (size_t i = 0; i < TRIAL_COUNT; i++) {
		struct mongo_refusal refusal = {0};
		struct err refused;
		if (TRIALS[i].sharding && !sharding)
			continue;
		rc = try_one(preflight, i, scratch, &refusal, &refused);
		if (rc < 0 && refusal.code == 0) {
			*err = refused;
			return rc;
		}
		/* That a database is not enabled for sharding yet says nothing of the login. */
		if (rc < 0 && (!TRIALS[i].sharding || refusal.code == UNAUTHORIZED))
			return tell_refused(preflight, i, scratch, &refusal, err);
	}
	return preflight_tell(preflight, "privileges", CHECK_PASSED, err,
		"the login may do what the steps do (%d tried)", (int)TRIAL_COUNT - !sharding);
}
