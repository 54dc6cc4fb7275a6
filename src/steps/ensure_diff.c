/* What is declared against what is there: the changes, in the order in which they are made. */
#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure.h"
#include "steps/ttl.h"
#include "text/text.h"

struct comparison {
	const struct ensure_state *state;
	const struct ensure_collection *collection; /* the one that is compared */
	struct arena *arena;
	size_t before; /* octets that the journal will hold, in one line */
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
	change.declared = comparison->collection->declared;
	change.collection = change.declared->name;
	change.over_documents = comparison->collection->type != NULL;
	if (change.wanted != NULL)
		change.index = change.wanted->name;
	change.text = arena_string(comparison->arena, str_text(text));
	if (change.text == NULL)
		return err_no_memory(comparison->err);
	comparison->before += change.before.size;
	if (comparison->before > ENSURE_BEFORE_MAX)
		return err_set(comparison->err, ERR_LIMIT,
			"what is there before the changes has more than %d octets of definitions",
			(int)ENSURE_BEFORE_MAX);
	diff->conflicts += change.kind == ENSURE_CONFLICT;
	diff->changes[diff->count++] = change;
	return 0;
}

static int add_text(struct comparison *comparison, struct ensure_change change, const char *words)
{
	CLEANUP_STR struct str text = STR_INIT;

	str_append_text(&text, words);
	return add(comparison, change, &text);
}

/* ---- indexes */

static const struct bytes *find_index(
	const struct ensure_collection *collection, const struct ensure_index *wanted)
{
	for (size_t i = 0; i < collection->index_count; i++) {
		const char *name = doc_get_string(collection->indexes[i], "name");
		if (name != NULL && strcmp(name, wanted->name) == 0)
			return &collection->indexes[i];
	}
	for (size_t i = 0; i < collection->index_count; i++) {
		struct value key = doc_get(collection->indexes[i], "key");
		if (key.type == VALUE_DOCUMENT && ensure_same_keys(key.bytes, wanted->keys))
			return &collection->indexes[i];
	}
	return NULL;
}

/* What it is when the freeze that is in force is thought away. */
static int64_t expiry_there(const struct comparison *comparison, struct bytes index)
{
	const char *name = doc_get_string(index, "name");
	int64_t seconds = -1;

	if (!doc_get_integer(index, "expireAfterSeconds", &seconds) || name == NULL)
		return -1;
	return ttl_effective(
		comparison->state->freeze, comparison->collection->declared->name, name, seconds);
}

static struct bytes collation_of(const struct ensure_collection *collection)
{
	struct value value = collection->options.size == 0
				     ? (struct value){VALUE_MISSING}
				     : doc_get(collection->options, "collation");

	if (collection->type == NULL)
		return collection->declared->collation;
	return value.type == VALUE_DOCUMENT ? value.bytes : bytes_make(NULL, 0);
}

static int compare_index(struct comparison *comparison, const struct ensure_index *wanted)
{
	CLEANUP_STR struct str text = STR_INIT;
	const struct bytes *there = find_index(comparison->collection, wanted);
	struct ensure_change change = {
		.kind = ENSURE_CREATE_INDEX,
		.wanted = wanted,
		.way_back = WAY_BACK_EXACT,
	};

	if (there == NULL)
		return add_text(comparison, change, "is not there");
	int64_t seconds = expiry_there(comparison, *there);
	bool in_place = ensure_index_differences(
		wanted, *there, collation_of(comparison->collection), seconds, &text);
	if (text.size == 0 && !text.failed) {
		comparison->diff.already[ENSURE_CREATE_INDEX]++;
		return 0;
	}
	change.before = *there;
	change.kind = in_place		? ENSURE_SET_TTL
		      : wanted->replace ? ENSURE_REPLACE_INDEX
					: ENSURE_CONFLICT;
	/* What a shorter expiry has deleted is in the backup only. */
	if (wanted->expiry >= 0 && (seconds < 0 || wanted->expiry < seconds))
		change.way_back = WAY_BACK_RESTORE;
	return add(comparison, change, &text);
}

/* ---- the collection itself */

static int compare_options(struct comparison *comparison)
{
	const struct ensure_collection *collection = comparison->collection;
	CLEANUP_STR struct str text = STR_INIT;
	struct bytes is = collation_of(collection);

	if (strcmp(collection->type, "collection") != 0) {
		str_append_format(&text, "is a %s, not a collection", collection->type);
	} else if (collection->declared->collation.size > 0 &&
		   !ensure_same_collation(is, collection->declared->collation)) {
		struct value a = {
			.type = is.size == 0 ? VALUE_MISSING : VALUE_DOCUMENT, .bytes = is};
		struct value b = {.type = VALUE_DOCUMENT, .bytes = collection->declared->collation};
		str_append_text(&text, "collation is ");
		str_append_text(&text, a.type == VALUE_MISSING ? "not set" : "");
		if (a.type != VALUE_MISSING)
			value_to_text(&a, &text);
		str_append_text(&text, " here, ");
		value_to_text(&b, &text);
		str_append_text(&text, " wanted");
	}
	if (text.size == 0 && !text.failed) {
		comparison->diff.already[ENSURE_CREATE_COLLECTION]++;
		return 0;
	}
	return add(comparison, (struct ensure_change){.kind = ENSURE_CONFLICT}, &text);
}

/* What of the options an undo puts back. */
static int validator_before(struct comparison *comparison, struct bytes *ret_before)
{
	static const char *const NAMES[] = {"validator", "validationLevel", "validationAction"};
	struct bytes options = comparison->collection->options;
	CLEANUP_STR struct str before = STR_INIT;
	struct doc_writer writer;

	if (options.size == 0)
		return 0;
	doc_write_begin(&writer, &before);
	for (size_t i = 0; i < sizeof NAMES / sizeof(*NAMES); i++) {
		struct value value = doc_get(options, NAMES[i]);
		doc_write_value(&writer, NAMES[i], &value);
	}
	doc_write_end(&writer);
	int rc = str_check(&before, comparison->err);
	if (rc < 0)
		return rc;
	*ret_before = arena_bytes(comparison->arena, str_bytes(&before));
	return ret_before->data == NULL ? err_no_memory(comparison->err) : 0;
}

static int compare_validator(struct comparison *comparison)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct ensure_change change = {.kind = ENSURE_SET_VALIDATOR, .way_back = WAY_BACK_EXACT};

	if (comparison->collection->declared->validator.size == 0)
		return 0;
	ensure_validator_differences(
		comparison->collection->declared, comparison->collection->options, &text);
	if (text.size == 0 && !text.failed) {
		comparison->diff.already[ENSURE_SET_VALIDATOR]++;
		return 0;
	}
	int rc = validator_before(comparison, &change.before);
	return rc < 0 ? rc : add(comparison, change, &text);
}

/* ---- shard keys */

static int shard_conflict(struct comparison *comparison)
{
	const struct ensure_collection *collection = comparison->collection;
	const struct value is = {.type = VALUE_DOCUMENT, .bytes = collection->shard_key};
	const struct value wanted = {
		.type = VALUE_DOCUMENT, .bytes = collection->declared->shard_key};
	CLEANUP_STR struct str text = STR_INIT;

	str_append_text(&text, "shard key is ");
	value_to_text(&is, &text);
	str_append_format(&text, "%s here, ", collection->shard_unique ? " (unique)" : "");
	value_to_text(&wanted, &text);
	str_append_format(
		&text, "%s wanted", collection->declared->shard_unique ? " (unique)" : "");
	return add(comparison, (struct ensure_change){.kind = ENSURE_CONFLICT}, &text);
}

static int compare_shard_key(struct comparison *comparison)
{
	const struct ensure_collection *collection = comparison->collection;
	const struct ensure_state *state = comparison->state;
	CLEANUP_STR struct str text = STR_INIT;

	if (!state->sharded || collection->declared->shard_key.size == 0)
		return 0;
	if (collection->shard_key.size > 0) {
		if (!ensure_same_keys(collection->shard_key, collection->declared->shard_key) ||
			collection->shard_unique != collection->declared->shard_unique)
			return shard_conflict(comparison);
		comparison->diff.already[ENSURE_SHARD]++;
		return 0;
	}
	const struct value wanted = {
		.type = VALUE_DOCUMENT, .bytes = collection->declared->shard_key};
	str_append_text(&text, "shard key ");
	value_to_text(&wanted, &text);
	str_append_text(&text, state->shard_unknown != NULL ? ": what it is here may not be read"
							    : ": the collection is not sharded");
	/* What this run made itself goes away as a whole. */
	return add(comparison,
		(struct ensure_change){
			.kind = ENSURE_SHARD,
			.way_back = collection->type == NULL || state->unsharding ? WAY_BACK_EXACT
										  : WAY_BACK_NONE,
		},
		&text);
}

static int compare_collection(struct comparison *comparison)
{
	const struct ensure_collection *collection = comparison->collection;
	int rc = collection->type != NULL
			 ? compare_options(comparison)
			 : add_text(comparison,
				   (struct ensure_change){.kind = ENSURE_CREATE_COLLECTION,
					   .way_back = WAY_BACK_EXACT},
				   "is not there");

	if (rc < 0 || (collection->type != NULL && strcmp(collection->type, "collection") != 0))
		return rc;
	rc = compare_validator(comparison);
	for (size_t i = 0; rc == 0 && i < collection->declared->index_count; i++)
		rc = compare_index(comparison, &collection->declared->indexes[i]);
	return rc < 0 ? rc : compare_shard_key(comparison);
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
		comparison.collection = &state->collections[i];
		int rc = compare_collection(&comparison);
		if (rc < 0)
			return err_context(err, "%s", comparison.collection->declared->name);
	}
	*ret_diff = comparison.diff;
	return 0;
}

int ensure_look(const struct step_context *context, struct ensure *ret_ensure,
	struct ensure_state *ret_state, struct ensure_diff *ret_diff, struct err *err)
{
	int rc = ensure_load(context->step->migration->body, context->arena, ret_ensure, err);

	if (rc == 0)
		rc = ensure_state_read(context, ret_ensure, ret_state, err);
	return rc < 0 ? rc : ensure_compare(ret_state, context->arena, ret_diff, err);
}
