#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/topology/proxy/proxy.h"

enum { SCENARIO_MAX = 1024 * 1024, NAME_MAX_OCTETS = 4096, DAY = 24 * 60 * 60 };

/* A file that the scenario names, relative to the scenario's own folder. */
static const char *path_beside(const char *scenario, const char *name)
{
	const char *slash = strrchr(scenario, '/');
	struct str path = STR_INIT;

	if (*name != '/' && slash != NULL)
		str_append(&path, scenario, (size_t)(slash - scenario) + 1);
	str_append_text(&path, name);
	return path.text;
}

static int read_path(const struct json *object, const char *member, const char *scenario,
	const char **ret, struct err *err)
{
	const char *name = NULL;
	int rc = json_optional_string(object, member, NAME_MAX_OCTETS, &name, err);

	if (rc == 0 && name != NULL)
		*ret = path_beside(scenario, name);
	return rc;
}

static int read_numbers(
	const struct json *object, const char *member, struct numbers *numbers, struct err *err)
{
	const struct json *list = NULL;
	int rc = json_optional(object, member, JSON_ARRAY, &list, err);

	if (rc < 0 || list == NULL)
		return rc;
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		enum json_type type = json_type(item);
		if (numbers->count == LIST_MAX || (type != JSON_NUMBER && type != JSON_BOOL))
			return err_set(err, ERR_SYNTAX, "%s: at most %d numbers", member, LIST_MAX);
		numbers->at[numbers->count++] =
			type == JSON_BOOL ? json_bool(item) : json_number(item);
	}
	return 0;
}

/* A name, or a list of them. */
static int read_names(const struct json *object, const char *member, const char **names,
	size_t room, size_t *ret_count, struct err *err)
{
	const struct json *value = json_member(object, member);
	size_t count = 0;

	if (value == NULL)
		return 0;
	const struct json *item = json_type(value) == JSON_ARRAY ? json_first(value) : value;
	while (item != NULL) {
		if (json_type(item) != JSON_STRING || count == room)
			return err_set(err, ERR_SYNTAX, "%s: at most %zu names", member, room);
		names[count++] = json_string(item);
		item = json_type(value) == JSON_ARRAY ? json_next(item) : NULL;
	}
	*ret_count = count;
	return 0;
}

/* A code, or {code, name?, message?}. */
static int read_refusal(
	const struct json *object, const char *member, struct refusal *refusal, struct err *err)
{
	static const char *const names[] = {"code", "name", "message", "index", NULL};
	const struct json *value = json_member(object, member);
	int64_t code = 0;
	int rc = 0;

	if (value == NULL)
		return 0;
	if (json_type(value) == JSON_OBJECT) {
		rc = json_closed(value, names, err);
		if (rc == 0)
			rc = json_need_integer(value, "code", 1, INT32_MAX, &code, err);
		if (rc == 0)
			rc = json_optional_string(
				value, "name", NAME_MAX_OCTETS, &refusal->name, err);
		if (rc == 0)
			rc = json_optional_string(
				value, "message", NAME_MAX_OCTETS, &refusal->message, err);
	} else {
		rc = json_need_integer(object, member, 1, INT32_MAX, &code, err);
	}
	refusal->code = (int)code;
	return rc;
}

static int read_document(
	const struct json *object, const char *member, struct str *out, struct err *err)
{
	const struct json *value = NULL;
	int rc = json_optional(object, member, JSON_OBJECT, &value, err);

	return rc < 0 || value == NULL ? rc : doc_from_json(value, out, err);
}

static int read_act(const struct json *object, struct rule *rule, struct err *err)
{
	static const struct {
		const char *member, *value;
		enum act act;
	} ACTS[] = {
		{"close", "before", ACT_CLOSE_BEFORE},
		{"close", "after", ACT_CLOSE_AFTER},
		{"close", "within", ACT_CLOSE_WITHIN},
		{"silent", "before", ACT_SILENT},
		{"silent", "after", ACT_SILENT_AFTER},
		{"error", NULL, ACT_ERROR},
		{"errorAfter", NULL, ACT_ERROR_AFTER},
		{"writeError", NULL, ACT_WRITE_ERROR},
		{"answer", NULL, ACT_ANSWER},
	};
	bool found = false;

	for (size_t i = 0; i < sizeof ACTS / sizeof *ACTS; i++) {
		const struct json *value = json_member(object, ACTS[i].member);
		if (value == NULL ||
			(ACTS[i].value != NULL &&
				(json_type(value) != JSON_STRING ||
					strcmp(json_string(value), ACTS[i].value) != 0)))
			continue;
		if (found)
			return err_set(err, ERR_SYNTAX, "a rule does one thing");
		rule->act = ACTS[i].act;
		found = true;
	}
	if (!found &&
		(json_member(object, "close") != NULL || json_member(object, "silent") != NULL))
		return err_set(
			err, ERR_SYNTAX, "close: before, after or within; silent: before or after");
	int rc = read_refusal(object, "error", &rule->refusal, err);
	if (rc == 0)
		rc = read_refusal(object, "errorAfter", &rule->refusal, err);
	if (rc == 0)
		rc = read_refusal(object, "writeError", &rule->refusal, err);
	if (rc == 0 && rule->act == ACT_WRITE_ERROR)
		rc = json_optional_integer(json_member(object, "writeError"), "index", 0, INT32_MAX,
			&rule->index, err);
	if (rc == 0)
		rc = read_document(object, "answer", &rule->answer, err);
	return rc;
}

static int read_step_down(const struct json *object, struct rule *rule, struct err *err)
{
	int rc = json_optional_bool(object, "stepDown", &rule->steps_down, err);

	if (rc == 0)
		rc = json_optional_integer(
			object, "electionMs", 0, DAY * 1000, &rule->election, err);
	return rc;
}

static int read_rule(
	const struct json *object, const char *scenario, struct rule *rule, struct err *err)
{
	static const char *const names[] = {"command", "database", "collection", "contains", "nth",
		"times", "touch", "await", "touchAfter", "awaitAfter", "delay", "delayAfter",
		"error", "errorAfter", "writeError", "answer", "close", "silent", "merge",
		"writeConcernError", "stepDown", "electionMs", NULL};
	static const struct {
		const char *name;
		size_t offset;
	} TEXTS[] = {{"database", offsetof(struct rule, database)},
		{"collection", offsetof(struct rule, collection)},
		{"contains", offsetof(struct rule, contains)}},
	  PATHS[] = {{"touch", offsetof(struct rule, touch)},
		  {"await", offsetof(struct rule, await)},
		  {"touchAfter", offsetof(struct rule, touch_after)},
		  {"awaitAfter", offsetof(struct rule, await_after)}},
	  TIMES[] = {{"nth", offsetof(struct rule, nth)}, {"times", offsetof(struct rule, times)},
		  {"delay", offsetof(struct rule, delay)},
		  {"delayAfter", offsetof(struct rule, delay_after)}};
	char *base = (char *)rule;

	*rule = (struct rule){.nth = 1, .times = 1};
	int rc = json_closed(object, names, err);
	if (rc == 0)
		rc = read_names(
			object, "command", rule->commands, NAMES_MAX, &rule->command_count, err);
	for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS && rc == 0; i++)
		rc = json_optional_string(object, TEXTS[i].name, NAME_MAX_OCTETS,
			(const char **)(base + TEXTS[i].offset), err);
	for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS && rc == 0; i++)
		rc = read_path(object, PATHS[i].name, scenario,
			(const char **)(base + PATHS[i].offset), err);
	for (size_t i = 0; i < sizeof TIMES / sizeof *TIMES && rc == 0; i++)
		rc = json_optional_integer(object, TIMES[i].name, 0, INT32_MAX,
			(int64_t *)(base + TIMES[i].offset), err);
	if (rc == 0)
		rc = read_act(object, rule, err);
	if (rc == 0)
		rc = read_document(object, "merge", &rule->merge, err);
	if (rc == 0)
		rc = read_refusal(object, "writeConcernError", &rule->concern, err);
	if (rc == 0)
		rc = read_step_down(object, rule, err);
	return rc;
}

static int read_rules(
	const struct json *root, const char *path, struct scenario *scenario, struct err *err)
{
	const struct json *list = NULL;
	int rc = json_optional(root, "rules", JSON_ARRAY, &list, err);

	if (rc < 0 || list == NULL)
		return rc;
	for (const struct json *item = json_first(list); item != NULL && rc == 0;
		item = json_next(item)) {
		if (scenario->rule_count == RULES_MAX)
			return err_set(err, ERR_LIMIT, "at most %d rules", RULES_MAX);
		rc = read_rule(item, path, &scenario->rules[scenario->rule_count++], err);
		if (rc < 0)
			err_context(err, "rule %zu", scenario->rule_count);
	}
	return rc;
}

static int read_topology(const struct json *root, struct scenario *scenario, struct err *err)
{
	static const char *const names[] = {"standalone", "replicaSet", "sharded"};
	const char *name = names[0];
	int64_t members = 1;
	int rc = json_optional_string(root, "topology", NAME_MAX_OCTETS, &name, err);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (rc == 0 && strcmp(name, names[i]) == 0)
			scenario->topology = (enum topology)i;
	if (rc == 0 && strcmp(name, names[scenario->topology]) != 0)
		return err_set(err, ERR_SYNTAX, "topology: standalone, replicaSet or sharded");
	if (scenario->topology == PLAYS_REPLICA_SET)
		members = 3;
	if (rc == 0)
		rc = json_optional_integer(root, "members", 1,
			scenario->topology == PLAYS_REPLICA_SET ? MEMBERS_MAX : 1, &members, err);
	scenario->members = (size_t)members;
	return rc;
}

static int read_root(
	const struct json *root, const char *path, struct scenario *scenario, struct err *err)
{
	static const char *const names[] = {"topology", "set", "members", "lag", "lagFile",
		"downWhile", "silentWhile", "shards", "shares", "balanced", "oplogSeconds", "keep",
		"rules", NULL};
	int rc = json_closed(root, names, err);

	if (rc == 0)
		rc = read_topology(root, scenario, err);
	if (rc == 0)
		rc = json_optional_string(root, "set", NAME_MAX_OCTETS, &scenario->set, err);
	if (rc == 0)
		rc = read_numbers(root, "lag", &scenario->lag, err);
	if (rc == 0)
		rc = read_numbers(root, "shares", &scenario->shares, err);
	if (rc == 0)
		rc = read_numbers(root, "balanced", &scenario->balanced, err);
	if (rc == 0)
		rc = read_path(root, "lagFile", path, &scenario->lag_file, err);
	if (rc == 0)
		rc = read_path(root, "downWhile", path, &scenario->down_file, err);
	if (rc == 0)
		rc = read_path(root, "silentWhile", path, &scenario->silent_file, err);
	if (rc == 0)
		rc = read_names(
			root, "shards", scenario->shards, SHARDS_MAX, &scenario->shard_count, err);
	if (rc == 0)
		rc = json_optional_bool(root, "keep", &scenario->keeps_state, err);
	scenario->has_oplog = json_member(root, "oplogSeconds") != NULL;
	if (rc == 0)
		rc = json_optional_integer(
			root, "oplogSeconds", 0, 365 * DAY, &scenario->oplog_window, err);
	return rc == 0 ? read_rules(root, path, scenario, err) : rc;
}

int scenario_load(const char *path, struct scenario *ret_scenario, struct err *err)
{
	struct scenario scenario = {
		.set = "rs0", .shards = {"shard-a", "shard-b"}, .shard_count = 2};
	CLEANUP_STR struct str text = STR_INIT;
	struct json_doc *doc = NULL; /* its strings live on in the scenario */
	int rc = file_read_path(path, SCENARIO_MAX, &text, err);

	if (rc == 0)
		rc = json_parse(str_bytes(&text), JSON_LIMITS(SCENARIO_MAX), &doc, err);
	if (rc == 0)
		rc = read_root(json_root(doc), path, &scenario, err);
	if (rc < 0)
		return err_context(err, "%s", path);
	*ret_scenario = scenario;
	return 0;
}
