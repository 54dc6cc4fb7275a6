/* Whether the login may do what the walk does: asked in a plan, tried in an install
 * (preflight_scratch.c). */
#include <string.h>

#include "base/cleanup.h"
#include "steps/preflight.h"

static const char *const ACTIONS[] = {"find", "insert", "update", "remove", "createCollection",
	"createIndex", "collMod", "dropCollection", "dropIndex"};

enum { ACTION_COUNT = sizeof ACTIONS / sizeof(*ACTIONS) };

/* ---- asked */

/* What a privilege is on: any resource or this database as a whole, or one collection of it. */
enum reach { REACH_NONE, REACH_COLLECTION, REACH_DATABASE };

static enum reach reach_of(struct bytes privilege, const char *database)
{
	struct value resource = doc_get(privilege, "resource");

	if (resource.type != VALUE_DOCUMENT)
		return REACH_NONE;
	const char *db = doc_get_string(resource.bytes, "db");
	const char *collection = doc_get_string(resource.bytes, "collection");
	if (doc_get_bool(resource.bytes, "anyResource"))
		return REACH_DATABASE;
	if (db == NULL || collection == NULL || (*db != '\0' && strcmp(db, database) != 0))
		return REACH_NONE;
	return *collection == '\0' ? REACH_DATABASE : REACH_COLLECTION;
}

static void collect(struct bytes actions, enum reach reach, enum reach has[static ACTION_COUNT])
{
	struct doc_iter iter = doc_iter_begin(actions);
	struct value value;
	const char *name;

	while (doc_iter_next(&iter, &name, &value))
		for (size_t i = 0; i < ACTION_COUNT; i++)
			if (value.type == VALUE_STRING && has[i] < reach &&
				bytes_equal(value.bytes, bytes_of_string(ACTIONS[i])))
				has[i] = reach;
}

static void append_actions(
	struct str *text, const enum reach has[static ACTION_COUNT], enum reach reach)
{
	for (size_t i = 0; i < ACTION_COUNT; i++)
		if (has[i] == reach)
			str_append_format(text, "%s%s", text->size > 0 ? ", " : "", ACTIONS[i]);
}

int preflight_missing_actions(struct bytes privileges, const char *database, struct str *missing,
	struct str *partly, struct err *err)
{
	struct doc_iter iter = doc_iter_begin(privileges);
	enum reach has[ACTION_COUNT] = {REACH_NONE};
	struct value privilege;
	const char *name;

	while (doc_iter_next(&iter, &name, &privilege)) {
		struct value actions = privilege.type == VALUE_DOCUMENT
					       ? doc_get(privilege.bytes, "actions")
					       : (struct value){VALUE_MISSING};
		if (actions.type == VALUE_ARRAY)
			collect(actions.bytes, reach_of(privilege.bytes, database), has);
	}
	append_actions(missing, has, REACH_NONE);
	append_actions(partly, has, REACH_COLLECTION);
	int rc = str_check(missing, err);
	return rc < 0 ? rc : str_check(partly, err);
}

static int judge_privileges(struct preflight *preflight, struct bytes privileges, struct err *err)
{
	CLEANUP_STR struct str missing = STR_INIT;
	CLEANUP_STR struct str partly = STR_INIT;
	int rc = preflight_missing_actions(
		privileges, mongo_database(preflight->context->mongo), &missing, &partly, err);

	if (rc < 0)
		return rc;
	if (missing.size > 0)
		return preflight_tell(preflight, "privileges", CHECK_FAILED, err,
			"the login may not: %s", str_text(&missing));
	if (partly.size > 0)
		return preflight_tell(preflight, "privileges", CHECK_WARNING, err,
			"the login may do this on single collections only: %s", str_text(&partly));
	return preflight_tell(preflight, "privileges", CHECK_PASSED, err,
		"the login may do what the steps do (%d actions)", (int)ACTION_COUNT);
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

int preflight_privileges(struct preflight *preflight, struct err *err)
{
	return preflight->context->read_only ? ask(preflight, err) : preflight_try(preflight, err);
}
