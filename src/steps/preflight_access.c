/* Whether the login may do what the walk does: asked in a plan, tried in an install. */
#include <string.h>

#include "base/cleanup.h"
#include "steps/preflight.h"

static const char *const ACTIONS[] = {"find", "insert", "update", "remove", "createCollection",
	"createIndex", "collMod", "dropCollection", "dropIndex"};

enum { ACTION_COUNT = sizeof ACTIONS / sizeof(*ACTIONS), UNAUTHORIZED = 13 };

/* ---- asked */

/* A privilege on any resource, or on this database as a whole. */
static bool covers(struct bytes privilege, const char *database)
{
	struct value resource = doc_get(privilege, "resource");

	if (resource.type != VALUE_DOCUMENT)
		return false;
	const char *db = doc_get_string(resource.bytes, "db");
	const char *collection = doc_get_string(resource.bytes, "collection");
	return doc_get_bool(resource.bytes, "anyResource") ||
	       (db != NULL && collection != NULL && *collection == '\0' &&
		       (*db == '\0' || strcmp(db, database) == 0));
}

static void collect(struct bytes actions, bool has[static ACTION_COUNT])
{
	struct doc_iter iter = doc_iter_begin(actions);
	struct value value;
	const char *name;

	while (doc_iter_next(&iter, &name, &value))
		for (size_t i = 0; i < ACTION_COUNT; i++)
			if (value.type == VALUE_STRING &&
				bytes_equal(value.bytes, bytes_of_string(ACTIONS[i])))
				has[i] = true;
}

static int judge_privileges(struct preflight *preflight, struct bytes privileges, struct err *err)
{
	CLEANUP_STR struct str missing = STR_INIT;
	const char *database = mongo_database(preflight->context->mongo);
	struct doc_iter iter = doc_iter_begin(privileges);
	bool has[ACTION_COUNT] = {false};
	struct value privilege;
	const char *name;

	while (doc_iter_next(&iter, &name, &privilege)) {
		if (privilege.type != VALUE_DOCUMENT || !covers(privilege.bytes, database))
			continue;
		struct value actions = doc_get(privilege.bytes, "actions");
		if (actions.type == VALUE_ARRAY)
			collect(actions.bytes, has);
	}
	for (size_t i = 0; i < ACTION_COUNT; i++)
		if (!has[i])
			str_append_format(
				&missing, "%s%s", missing.size > 0 ? ", " : "", ACTIONS[i]);
	if (missing.size > 0)
		return preflight_tell(preflight, "privileges", CHECK_FAILED, err,
			"the login may not: %s", str_text(&missing));
	return preflight_tell(
		preflight, "privileges", CHECK_PASSED, err, "the login may do what the steps do");
}

static int ask(struct preflight *preflight, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str reply = STR_INIT;
	struct mongo_refusal refusal = {0};
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_int32(&writer, "connectionStatus", 1);
	doc_write_bool(&writer, "showPrivileges", true);
	doc_write_end(&writer);
	int rc = mongo_admin_command(
		preflight->context->mongo, str_bytes(&command), &reply, &refusal, err);
	if (rc < 0 && refusal.code == 0)
		return rc;
	struct value users =
		rc < 0 ? (struct value){VALUE_MISSING}
		       : doc_get_path(str_bytes(&reply), "authInfo.authenticatedUsers");
	struct value privileges =
		rc < 0 ? (struct value){VALUE_MISSING}
		       : doc_get_path(str_bytes(&reply), "authInfo.authenticatedUserPrivileges");
	if (users.type == VALUE_ARRAY && doc_count(users.bytes) == 0)
		return preflight_tell(preflight, "privileges", CHECK_SKIPPED, err,
			"privileges: skipped, the server asks for no login");
	if (privileges.type != VALUE_ARRAY || doc_count(privileges.bytes) == 0)
		return preflight_tell(preflight, "privileges", CHECK_SKIPPED, err,
			"privileges: skipped, the server does not tell them");
	return judge_privileges(preflight, privileges.bytes, err);
}

/* ---- tried */

/* The commands of the walk, on a collection of its own; %s is its name. */
static const struct {
	const char *action;
	const char *command;
} TRIALS[] = {
	{"create a collection", "{\"create\":\"%s\"}"},
	{"insert", "{\"insert\":\"%s\",\"documents\":[{\"_id\":1}]}"},
	{"find", "{\"find\":\"%s\"}"},
	{"update",
		"{\"update\":\"%s\",\"updates\":[{\"q\":{\"_id\":1},\"u\":{\"$set\":{\"a\":1}}}]}"},
	{"create an index",
		"{\"createIndexes\":\"%s\",\"indexes\":[{\"key\":{\"a\":1},\"name\":\"a\"}]}"},
	{"change a collection",
		"{\"collMod\":\"%s\",\"validator\":{},\"validationLevel\":\"off\"}"},
	{"drop an index", "{\"dropIndexes\":\"%s\",\"index\":\"a\"}"},
	{"delete", "{\"delete\":\"%s\",\"deletes\":[{\"q\":{\"_id\":1},\"limit\":1}]}"},
	{"drop a collection", "{\"drop\":\"%s\"}"},
};

static int try_one(struct preflight *preflight, size_t trial, const char *scratch,
	struct mongo_refusal *refusal, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str reply = STR_INIT;
	const char *place = strstr(TRIALS[trial].command, "%s");

	str_append(&text, TRIALS[trial].command, (size_t)(place - TRIALS[trial].command));
	str_append_text(&text, scratch);
	str_append_text(&text, place + 2);
	int rc = bson_from_text(&text, &command, err);
	if (rc == 0)
		rc = mongo_command(
			preflight->context->mongo, str_bytes(&command), &reply, refusal, err);
	return rc;
}

static int try_all(struct preflight *preflight, struct err *err)
{
	const size_t last = sizeof TRIALS / sizeof *TRIALS - 1;
	char scratch[96];
	struct mongo_refusal refusal = {0};
	struct err refused;

	(void)snprintf(scratch, sizeof scratch, "offkit_scratch_%s", preflight->context->run_id);
	for (size_t i = 0; i <= last; i++) {
		int rc = try_one(preflight, i, scratch, &refusal, err);
		if (rc == 0)
			continue;
		if (refusal.code == 0)
			return rc;
		const int code = refusal.code;
		char name[sizeof refusal.name];
		(void)snprintf(name, sizeof name, "%s", refusal.name);
		if (try_one(preflight, last, scratch, &refusal, &refused) < 0 &&
			refusal.code == 0) {
			*err = refused;
			return -(int)err->code;
		}
		return preflight_tell(preflight, "privileges", CHECK_FAILED, err,
			"the login may not %s in database %s (%s, code %d)", TRIALS[i].action,
			mongo_database(preflight->context->mongo), name, code);
	}
	return preflight_tell(preflight, "privileges", CHECK_PASSED, err,
		"the login may do what the steps do (tried)");
}

int preflight_privileges(struct preflight *preflight, struct err *err)
{
	return preflight->context->read_only ? ask(preflight, err) : try_all(preflight, err);
}
