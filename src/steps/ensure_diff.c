#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure.h"
#include "steps/ttl.h"

static const char *const KIND_NAMES[ENSURE_KIND_COUNT] = {
	[ENSURE_CREATE_COLLECTION] = "create",
	[ENSURE_SET_VALIDATOR] = "setValidator",
	[ENSURE_CREATE_INDEX] = "createIndex",
	[ENSURE_SET_TTL] = "setExpiry",
	[ENSURE_REPLACE_INDEX] = "replaceIndex",
	[ENSURE_CONFLICT] = "conflict",
};

const char *ensure_kind_name(enum ensure_kind kind)
{
	return KIND_NAMES[kind];
}

/* ---- comparing */

/* Keys in their order: {a: 1, b: 1} is another index than {b: 1, a: 1}. */
static bool keys_equal(const struct json *a, const struct json *b)
{
	if (a == NULL || b == NULL || json_type(a) != JSON_OBJECT || json_type(b) != JSON_OBJECT)
		return false;
	const struct json *x = json_first(a), *y = json_first(b);
	for (; x != NULL && y != NULL; x = json_next(x), y = json_next(y))
		if (strcmp(json_name(x), json_name(y)) != 0 || !json_equal(x, y))
			return false;
	return x == NULL && y == NULL;
}

static bool flag(const struct json *object, const char *name)
{
	const struct json *member = json_member(object, name);

	return member != NULL && json_type(member) == JSON_BOOL && json_bool(member);
}

/* -1: does not expire. */
static int64_t expiry(const struct json *index)
{
	const struct json *member = json_member(index, "expireAfterSeconds");

	if (member == NULL || json_type(member) != JSON_NUMBER)
		return -1;
	return (int64_t)json_number(member);
}

static bool members_equal(const struct json *a, const struct json *b, const char *name)
{
	const struct json *x = json_member(a, name), *y = json_member(b, name);

	return x == NULL || y == NULL ? x == y : json_equal(x, y);
}

static const struct json *find_index(const struct json *indexes, const char *name)
{
	if (indexes == NULL)
		return NULL;
	for (const struct json *index = json_first(indexes); index != NULL;
		index = json_next(index)) {
		const struct json *its = json_member(index, "name");
		if (its != NULL && json_type(its) == JSON_STRING &&
			strcmp(json_string(its), name) == 0)
			return index;
	}
	return NULL;
}

static const struct json *find_keys(const struct json *indexes, const struct json *keys)
{
	if (indexes == NULL)
		return NULL;
	for (const struct json *index = json_first(indexes); index != NULL;
		index = json_next(index))
		if (keys_equal(json_member(index, "key"), keys))
			return index;
	return NULL;
}

/* ---- the list */

struct comparison {
	const struct ensure_state *state;
	struct arena *arena;
	struct ensure_diff diff;
	struct err *err;
};

static int add(struct comparison *comparison, struct ensure_change change, struct str *text)
{
	struct ensure_diff *diff = &comparison->diff;
	int rc = str_check(text, comparison->err);

	if (rc < 0)
		return rc;
	if (diff->count == ENSURE_CHANGES_MAX)
		return err_set(comparison->err, ERR_LIMIT, "more than %d changes",
			(int)ENSURE_CHANGES_MAX);
	change.text = arena_string(comparison->arena, str_text(text));
	if (change.text == NULL)
		return err_no_memory(comparison->err);
	diff->conflicts += change.kind == ENSURE_CONFLICT;
	diff->changes[diff->count++] = change;
	return 0;
}

static void append_json(struct str *text, const struct json *value)
{
	struct json_writer writer;

	if (value == NULL) {
		str_append_text(text, "not set");
		return;
	}
	json_write_begin(&writer, text);
	json_write_value(&writer, value);
}

static void append_field(
	struct str *text, const char *name, const struct json *is, const struct json *declared)
{
	str_append_format(text, "%s%s is ", text->size == 0 ? "" : "; ", name);
	append_json(text, is);
	str_append_text(text, ", declared ");
	append_json(text, declared);
}

/* Everything but the expiry, which collMod can change in place. */
static void append_differences(
	struct str *text, const struct json *there, const struct json *declared)
{
	static const char *const FLAGS[] = {"unique", "sparse"};
	const struct json *name = json_member(there, "name");

	if (!keys_equal(json_member(there, "key"), json_member(declared, "keys")))
		append_field(
			text, "keys", json_member(there, "key"), json_member(declared, "keys"));
	for (size_t i = 0; i < sizeof FLAGS / sizeof(*FLAGS); i++)
		if (flag(there, FLAGS[i]) != flag(declared, FLAGS[i]))
			append_field(text, FLAGS[i], json_member(there, FLAGS[i]),
				json_member(declared, FLAGS[i]));
	if (!members_equal(there, declared, "partialFilterExpression"))
		append_field(text, "partialFilterExpression",
			json_member(there, "partialFilterExpression"),
			json_member(declared, "partialFilterExpression"));
	if (name != NULL && json_type(name) == JSON_STRING &&
		!members_equal(there, declared, "name"))
		append_field(text, "name", name, json_member(declared, "name"));
	if ((expiry(there) < 0) != (expiry(declared) < 0))
		append_field(text, "expireAfterSeconds", json_member(there, "expireAfterSeconds"),
			json_member(declared, "expireAfterSeconds"));
}

/* An index of the list that was compared, as it is journaled. */
static const struct json *exact(
	const struct ensure_collection *collection, const struct json *there)
{
	const struct json *index = json_first(collection->indexes);
	const struct json *same = json_first(collection->exact_indexes);

	for (; index != there; index = json_next(index))
		same = json_next(same);
	return same;
}

static int compare_expiry(struct comparison *comparison, const struct ensure_collection *collection,
	struct ensure_change change, const struct json *there)
{
	CLEANUP_STR struct str text = STR_INIT;
	int64_t declared = expiry(change.declared);
	int64_t seconds = ttl_effective(
		comparison->state->freeze, collection->name, change.index, expiry(there));

	if (seconds == declared) {
		comparison->diff.already[ENSURE_CREATE_INDEX]++;
		return 0;
	}
	change.kind = ENSURE_SET_TTL;
	change.before = exact(collection, there);
	/* What a shorter expiry has deleted is in the backup only. */
	change.way_back = declared < seconds ? WAY_BACK_RESTORE : WAY_BACK_EXACT;
	str_append_format(&text, "expireAfterSeconds is %lld and will be %lld", (long long)seconds,
		(long long)declared);
	return add(comparison, change, &text);
}

static int compare_index(struct comparison *comparison, const struct ensure_collection *collection,
	const struct json *declared)
{
	CLEANUP_STR struct str text = STR_INIT;
	const struct json *keys;
	struct ensure_change change = {
		.kind = ENSURE_CREATE_INDEX,
		.collection = collection->name,
		.declared = declared,
		.way_back = WAY_BACK_EXACT,
	};
	int rc = json_need_string(declared, "name", 127, &change.index, comparison->err);

	if (rc == 0)
		rc = json_need(declared, "keys", JSON_OBJECT, &keys, comparison->err);
	if (rc < 0)
		return rc;
	const struct json *there = find_index(collection->indexes, change.index);
	if (there == NULL)
		there = find_keys(collection->indexes, keys);
	if (there == NULL) {
		str_append_text(&text, "is not there");
		return add(comparison, change, &text);
	}
	append_differences(&text, there, declared);
	if (text.size == 0)
		return compare_expiry(comparison, collection, change, there);
	change.kind = flag(declared, "replace") ? ENSURE_REPLACE_INDEX : ENSURE_CONFLICT;
	change.before = exact(collection, there);
	return add(comparison, change, &text);
}

static int compare_validator(
	struct comparison *comparison, const struct ensure_collection *collection)
{
	CLEANUP_STR struct str text = STR_INIT;
	const struct json *declared = json_member(collection->declared, "validator");
	const struct json *options = collection->options;
	struct ensure_change change = {
		.kind = ENSURE_SET_VALIDATOR,
		.collection = collection->name,
		.declared = collection->declared,
		.before = collection->exact_options,
		.way_back = WAY_BACK_EXACT,
	};

	if (declared == NULL)
		return 0;
	const struct json *is = options == NULL ? NULL : json_member(options, "validator");
	if (is != NULL && json_equal(is, declared)) {
		comparison->diff.already[ENSURE_SET_VALIDATOR]++;
		return 0;
	}
	str_append_text(&text, is == NULL ? "there is no validator" : "the validator is another");
	return add(comparison, change, &text);
}

static int compare_collection(
	struct comparison *comparison, const struct ensure_collection *collection)
{
	CLEANUP_STR struct str text = STR_INIT;
	const struct json *indexes = NULL;
	int rc = 0;

	if (collection->exists) {
		comparison->diff.already[ENSURE_CREATE_COLLECTION]++;
	} else {
		str_append_text(&text, "is not there");
		rc = add(comparison,
			(struct ensure_change){
				.kind = ENSURE_CREATE_COLLECTION,
				.collection = collection->name,
				.declared = collection->declared,
				.way_back = WAY_BACK_EXACT,
			},
			&text);
	}
	if (rc == 0)
		rc = compare_validator(comparison, collection);
	if (rc == 0)
		rc = json_optional(
			collection->declared, "indexes", JSON_ARRAY, &indexes, comparison->err);
	if (rc < 0 || indexes == NULL)
		return rc;
	for (const struct json *index = json_first(indexes); rc == 0 && index != NULL;
		index = json_next(index))
		rc = compare_index(comparison, collection, index);
	return rc;
}

int ensure_compare(const struct ensure_state *state, struct arena *arena,
	struct ensure_diff *ret_diff, struct err *err)
{
	struct comparison comparison = {.state = state, .arena = arena, .err = err};

	comparison.diff.changes =
		arena_array(arena, ENSURE_CHANGES_MAX, sizeof *comparison.diff.changes);
	if (comparison.diff.changes == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < state->count; i++) {
		int rc = compare_collection(&comparison, &state->collections[i]);
		if (rc < 0)
			return err_context(err, "%s", state->collections[i].name);
	}
	*ret_diff = comparison.diff;
	return 0;
}
