/* What the data that are there would do to the migrations, or the migrations to them. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/ensure.h"
#include "steps/preflight.h"
#include "text/text.h"

/* Called for each change of each ensure migration. */
typedef int change_check(struct preflight *preflight, const struct ensure_change *change,
	const struct ensure_state *state, void *argument, struct err *err);

static int each_change(
	struct preflight *preflight, change_check *check, void *argument, struct err *err)
{
	for (size_t i = 0; i < preflight->context->step_count; i++) {
		CLEANUP(ensure_state_release) struct ensure_state state = {0};
		struct step_context context = *preflight->context;
		struct ensure_diff diff = {0};
		context.step = &preflight->context->steps[i];
		if (context.step->kind != &step_ensure)
			continue;
		int rc = ensure_state_read(&context, &state, err);
		if (rc == 0)
			rc = ensure_compare(&state, context.arena, &diff, err);
		for (size_t k = 0; rc == 0 && k < diff.count; k++)
			rc = check(preflight, &diff.changes[k], &state, argument, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool exists(const struct ensure_state *state, const char *name)
{
	for (size_t i = 0; i < state->count; i++)
		if (strcmp(state->collections[i].name, name) == 0)
			return state->collections[i].exists;
	return false;
}

/* ---- indexes that conflict */

static int check_conflict(struct preflight *preflight, const struct ensure_change *change,
	const struct ensure_state *state, void *argument, struct err *err)
{
	size_t *conflicts = argument;

	(void)state;
	if (change->kind != ENSURE_CONFLICT)
		return 0;
	(*conflicts)++;
	return preflight_tell(preflight, "indexes", CHECK_FAILED, err, "%s, index %s: %s",
		change->collection, change->index, change->text);
}

int preflight_indexes(struct preflight *preflight, struct err *err)
{
	size_t conflicts = 0;
	int rc = each_change(preflight, check_conflict, &conflicts, err);

	if (rc < 0 || conflicts > 0)
		return rc;
	return preflight_tell(preflight, "indexes", CHECK_PASSED, err,
		"no index that is there stands in the way");
}

/* ---- keys that a unique index would refuse */

static void write_key_group(struct json_writer *writer, const struct json *keys)
{
	size_t i = 0;

	json_member_object(writer, "_id");
	for (const struct json *key = json_first(keys); key != NULL; key = json_next(key), i++) {
		char name[32], path[300];
		(void)snprintf(name, sizeof name, "k%zu", i);
		(void)snprintf(path, sizeof path, "$%s", json_name(key));
		json_member_string(writer, name, path);
	}
	json_write_end(writer);
}

static void write_match(struct json_writer *writer, const struct json *index)
{
	const struct json *partial = json_member(index, "partialFilterExpression");
	const struct json *sparse = json_member(index, "sparse");

	json_member_object(writer, "0");
	if (partial != NULL) {
		json_member_value(writer, "$match", partial);
	} else {
		json_member_object(writer, "$match");
		if (sparse != NULL && json_type(sparse) == JSON_BOOL && json_bool(sparse)) {
			const struct json *keys = json_member(index, "keys");
			json_member_object(writer, json_name(json_first(keys)));
			json_member_bool(writer, "$exists", true);
			json_write_end(writer);
		}
		json_write_end(writer);
	}
	json_write_end(writer);
}

static int duplicates_pipeline(const struct json *index, struct str *out, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	write_match(&writer, index);
	json_member_object(&writer, "1");
	json_member_object(&writer, "$group");
	write_key_group(&writer, json_member(index, "keys"));
	json_member_object(&writer, "n");
	json_member_integer(&writer, "$sum", 1);
	json_write_end(&writer);
	json_write_end(&writer);
	json_write_end(&writer);
	json_member_object(&writer, "2");
	json_member_object(&writer, "$match");
	json_member_object(&writer, "n");
	json_member_integer(&writer, "$gt", 1);
	json_write_end(&writer);
	json_write_end(&writer);
	json_write_end(&writer);
	json_member_object(&writer, "3");
	json_member_integer(&writer, "$limit", 1);
	json_write_end(&writer);
	json_write_end(&writer);
	return bson_from_text(&text, out, err);
}

static int check_duplicates(struct preflight *preflight, const struct ensure_change *change,
	const struct ensure_state *state, void *argument, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str pipeline = STR_INIT;
	CLEANUP_STR struct str example = STR_INIT;
	const struct json *unique = json_member(change->declared, "unique");
	size_t *looked = argument;
	struct bytes doc;

	if ((change->kind != ENSURE_CREATE_INDEX && change->kind != ENSURE_REPLACE_INDEX) ||
		unique == NULL || json_type(unique) != JSON_BOOL || !json_bool(unique) ||
		!exists(state, change->collection))
		return 0;
	int rc = duplicates_pipeline(change->declared, &pipeline, err);
	if (rc == 0)
		rc = mongo_aggregate(preflight->context->mongo, change->collection,
			str_bytes(&pipeline), &cursor, err);
	if (rc == 0)
		rc = mongo_cursor_next(cursor, &doc, err);
	if (rc < 0)
		return rc;
	(*looked)++;
	if (rc == 0)
		return 0;
	struct value key = doc_get(doc, "_id");
	int64_t times = 0;
	(void)doc_get_integer(doc, "n", &times);
	value_to_text(&key, &example);
	return preflight_tell(preflight, "duplicates", CHECK_FAILED, err,
		"%s: %lld documents have the key %s, and index %s is unique", change->collection,
		(long long)times, str_text(&example), change->index);
}

int preflight_duplicates(struct preflight *preflight, struct err *err)
{
	size_t looked = 0, failures = preflight->failures;
	int rc = each_change(preflight, check_duplicates, &looked, err);

	if (rc < 0 || preflight->failures > failures)
		return rc;
	if (looked == 0)
		return preflight_tell(preflight, "duplicates", CHECK_SKIPPED, err,
			"duplicate keys: skipped, no unique index is built over documents");
	return preflight_tell(preflight, "duplicates", CHECK_PASSED, err,
		"no document has a key that a unique index would refuse");
}

/* ---- documents that would expire */

static int count_expired(struct preflight *preflight, const struct ensure_change *change,
	int64_t seconds, int64_t *ret_count, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	struct doc_writer writer;
	const struct json *keys = json_member(change->declared, "keys");

	if (keys == NULL || json_first(keys) == NULL)
		return err_set(err, ERR_SYNTAX, "an index without keys");
	doc_write_begin(&writer, &filter);
	doc_write_document(&writer, json_name(json_first(keys)));
	doc_write_date(&writer, "$lt", clock_now() - seconds * 1000);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int rc = str_check(&filter, err);
	return rc < 0 ? rc
		      : mongo_count(preflight->context->mongo, change->collection,
				str_bytes(&filter), ret_count, err);
}

/* Documents that die are in the backup only: that is asked, unless it was said beforehand. */
static int ask_expiry(struct preflight *preflight, const char *text, struct err *err)
{
	const struct step_context *context = preflight->context;
	bool yes = false;

	if (context->read_only)
		return 0;
	if (context->options->allow_expiry && context->options->reason != NULL)
		return 0;
	int rc = context->host->answered(context->host->self, text, "--allow-expiry", &yes, err);
	if (rc == 0 && !yes)
		rc = err_set(err, ERR_CANCELLED, "because documents would expire");
	return rc;
}

static int check_expiry(struct preflight *preflight, const struct ensure_change *change,
	const struct ensure_state *state, void *argument, struct err *err)
{
	size_t *looked = argument;
	const struct json *expiry = json_member(change->declared, "expireAfterSeconds");
	char count_text[TEXT_COUNT_SIZE];
	int64_t count = 0;

	if (change->kind == ENSURE_CREATE_COLLECTION || change->kind == ENSURE_SET_VALIDATOR ||
		change->kind == ENSURE_CONFLICT || expiry == NULL ||
		json_type(expiry) != JSON_NUMBER || !exists(state, change->collection))
		return 0;
	int rc = count_expired(preflight, change, (int64_t)json_number(expiry), &count, err);
	if (rc < 0)
		return rc;
	(*looked)++;
	if (count == 0)
		return 0;
	char text[300];
	(void)snprintf(text, sizeof text,
		"%s %s of %s would expire by index %s; only the backup would have %s",
		text_count(count, count_text), count == 1 ? "document" : "documents",
		change->collection, change->index, count == 1 ? "it" : "them");
	rc = preflight_tell(preflight, "expiry", CHECK_WARNING, err, "%s", text);
	return rc < 0 ? rc : ask_expiry(preflight, text, err);
}

int preflight_expiry(struct preflight *preflight, struct err *err)
{
	size_t looked = 0;
	int rc = each_change(preflight, check_expiry, &looked, err);

	if (rc < 0)
		return rc;
	if (looked == 0)
		return preflight_tell(preflight, "expiry", CHECK_SKIPPED, err,
			"expiry: skipped, no TTL is set over documents that are there");
	return preflight_tell(preflight, "expiry", CHECK_PASSED, err,
		"every document that a TTL would delete was counted");
}
