/* One change taken back: only what is still as this run made it. */
#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure.h"
#include "steps/ensure_command.h"
#include "steps/ttl.h"
#include "text/text.h"

struct undo {
	const struct step_context *context;
	const struct ensure *ensure;
	const struct ensure_entry *entry;
	struct bytes before; /* the entry's, as BSON; size 0: nothing was there */
	struct bytes *indexes;
	size_t index_count;
	struct bytes collation;
	bool exists; /* the collection */
};

static int note(const struct undo *undo, const char *words, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	ensure_place(&text, undo->entry->collection, undo->entry->index);
	str_append_text(&text, words);
	int rc = str_check(&text, err);
	return rc < 0 ? rc
		      : undo->context->host->note(undo->context->host->self, str_text(&text), err);
}

static int look(struct undo *undo, struct err *err)
{
	const struct step_context *context = undo->context;
	struct mongo_collection *there = NULL;
	size_t count = 0;
	int rc = mongo_collections(context->mongo, context->arena, &there, &count, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(there[i].name, undo->entry->collection) != 0)
			continue;
		struct value collation = there[i].options.size == 0
						 ? (struct value){VALUE_MISSING}
						 : doc_get(there[i].options, "collation");
		if (collation.type == VALUE_DOCUMENT)
			undo->collation = collation.bytes;
		undo->exists = true;
		return mongo_indexes(context->mongo, undo->entry->collection, context->arena,
			&undo->indexes, &undo->index_count, err);
	}
	return 0;
}

static const struct bytes *find_index(const struct undo *undo, const char *name)
{
	for (size_t i = 0; name != NULL && i < undo->index_count; i++) {
		const char *its = doc_get_string(undo->indexes[i], "name");
		if (its != NULL && strcmp(its, name) == 0)
			return &undo->indexes[i];
	}
	return NULL;
}

/* ---- a collection that this run made: only while nobody's documents are in it */

static int refuse_or_note(
	const struct undo *undo, int64_t count, const char *one, const char *many, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	text_plural(&text, count, one, many);
	int rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	if (!undo->context->ingest_resumed)
		return err_set(
			err, ERR_ROLLBACK, "it was made by this run and has %s", str_text(&text));
	CLEANUP_STR struct str words = STR_INIT;
	str_append_format(&words, " stays: it has %s", str_text(&text));
	rc = str_check(&words, err);
	return rc < 0 ? rc : note(undo, str_text(&words), err);
}

static int drop_collection(struct undo *undo, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	struct mongo_refusal refusal;
	struct doc_writer writer;
	int64_t count = 0;

	if (!undo->exists)
		return 0;
	int rc = mongo_count(
		undo->context->mongo, undo->entry->collection, bytes_make(NULL, 0), &count, err);
	if (rc < 0)
		return rc;
	if (count > 0)
		return refuse_or_note(undo, count, "document that it did not write",
			"documents that it did not write", err);
	/* Ours are gone by now, and that of _id goes with the collection. */
	if (undo->index_count > 1)
		return refuse_or_note(undo, (int64_t)undo->index_count - 1,
			"index that it did not make", "indexes that it did not make", err);
	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "drop", undo->entry->collection);
	doc_write_end(&writer);
	return ensure_run(undo->context, &command, (const int[]){SERVER_NAMESPACE_NOT_FOUND, 0},
		&refusal, err);
}

static int restore_validator(struct undo *undo, struct err *err)
{
	struct value validator = {VALUE_MISSING};
	const char *level = NULL, *action = NULL;
	struct mongo_refusal refusal;

	if (!undo->exists)
		return 0;
	if (undo->before.size > 0) {
		validator = doc_get(undo->before, "validator");
		level = doc_get_string(undo->before, "validationLevel");
		action = doc_get_string(undo->before, "validationAction");
	}
	return ensure_validate(undo->context, undo->entry->collection,
		validator.type == VALUE_DOCUMENT ? validator.bytes : bytes_make(NULL, 0),
		level == NULL ? "strict" : level, action == NULL ? "error" : action, &refusal, err);
}

/* ---- indexes */

/* Ours, whatever a freeze or an operator has done to its expiry since. */
static int is_ours(const struct undo *undo, const struct ensure_index *wanted, struct bytes there,
	bool *ret_is, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	(void)ensure_index_differences(wanted, there, undo->collation, wanted->expiry, &text);
	int rc = str_check(&text, err);
	if (rc == 0)
		*ret_is = text.size == 0;
	return rc;
}

static int drop_index(struct undo *undo, struct err *err)
{
	const struct ensure_entry *entry = undo->entry;
	const struct ensure_index *wanted =
		ensure_find_declared(undo->ensure, entry->collection, entry->index);
	const struct bytes *there = find_index(undo, entry->index);
	struct mongo_refusal refusal;
	bool ours = false;

	if (there == NULL)
		return 0;
	if (wanted == NULL)
		return err_set(err, ERR_JOURNAL, "the migration declares no such index");
	int rc = is_ours(undo, wanted, *there, &ours, err);
	if (rc < 0)
		return rc;
	if (!ours)
		return note(undo, " stays: it is not the one that this run made", err);
	return ensure_drop_index(undo->context, entry->collection, entry->index, &refusal, err);
}

/* With the type that it had, though an index that is gone needs none. */
static int restore_expiry(struct undo *undo, struct err *err)
{
	struct mongo_refusal refusal;
	struct value seconds = undo->before.size == 0 ? (struct value){VALUE_MISSING}
						      : doc_get(undo->before, "expireAfterSeconds");

	if (seconds.type == VALUE_MISSING)
		return err_set(err, ERR_JOURNAL, "a change of an expiry without the old one");
	if (find_index(undo, undo->entry->index) == NULL)
		return 0;
	return ensure_expire(undo->context, undo->entry->collection, undo->entry->index, &seconds,
		&refusal, err);
}

static bool is_as_before(const struct undo *undo)
{
	const struct bytes *there = find_index(undo, doc_get_string(undo->before, "name"));
	static const char *const SAME[] = {"key", "unique", "sparse", "partialFilterExpression",
		"expireAfterSeconds", "collation", "weights", "wildcardProjection", "hidden"};

	for (size_t i = 0; there != NULL && i < sizeof SAME / sizeof(*SAME); i++) {
		struct value a = doc_get(*there, SAME[i]), b = doc_get(undo->before, SAME[i]);
		if (!value_like(&a, &b))
			return false;
	}
	return there != NULL;
}

static int restore_index(struct undo *undo, struct err *err)
{
	struct mongo_refusal refusal;

	if (undo->before.size == 0)
		return err_set(err, ERR_JOURNAL, "an index was replaced, and not what it was");
	if (!undo->exists)
		return err_set(err, ERR_ROLLBACK, "the collection is gone");
	const char *name = doc_get_string(undo->before, "name");
	bool there = is_as_before(undo);
	/* The new one may be there beside the old one, under another name. */
	int rc = there && name != NULL && strcmp(name, undo->entry->index) == 0
			 ? 0
			 : drop_index(undo, err);
	return rc < 0 || there ? rc
			       : ensure_restore_index(undo->context, undo->entry->collection,
					 undo->before, &refusal, err);
}

static bool made_collection(const struct undo *undo)
{
	const struct json *changes = json_member(undo->context->checkpoint, "changes");

	for (const struct json *row = changes == NULL ? NULL : json_first(changes); row != NULL;
		row = json_next(row)) {
		const struct json *kind = json_member(row, "kind");
		const struct json *collection = json_member(row, "collection");
		if (kind != NULL && collection != NULL &&
			strcmp(json_string(kind), ensure_kind_name(ENSURE_CREATE_COLLECTION)) ==
				0 &&
			strcmp(json_string(collection), undo->entry->collection) == 0)
			return true;
	}
	return false;
}

static int take_shard_key(struct undo *undo, struct err *err)
{
	/* It goes with the collection. */
	if (!undo->exists || made_collection(undo))
		return 0;
	return ensure_unshard(undo->context, undo->entry->collection, err);
}

static int (*const WAYS_BACK[ENSURE_KIND_COUNT])(struct undo *undo, struct err *err) = {
	[ENSURE_CREATE_COLLECTION] = drop_collection,
	[ENSURE_SET_VALIDATOR] = restore_validator,
	[ENSURE_CREATE_INDEX] = drop_index,
	[ENSURE_SET_TTL] = restore_expiry,
	[ENSURE_REPLACE_INDEX] = restore_index,
	[ENSURE_SHARD] = take_shard_key,
};

static int take_back(struct undo *undo, struct err *err)
{
	CLEANUP_STR struct str before = STR_INIT;
	const struct ensure_entry *entry = undo->entry;
	int rc = 0;

	if (entry->before != NULL)
		rc = doc_from_json(entry->before, &before, err);
	if (rc == 0 && before.size > 0)
		undo->before = str_bytes(&before);
	if (rc == 0)
		rc = look(undo, err);
	if (rc < 0)
		return rc;
	for (enum ensure_kind kind = 0; kind < ENSURE_KIND_COUNT; kind++)
		if (WAYS_BACK[kind] != NULL && strcmp(entry->kind, ensure_kind_name(kind)) == 0)
			return WAYS_BACK[kind](undo, err);
	return err_set(err, ERR_JOURNAL, "a change of the unknown kind \"%s\"", entry->kind);
}

int ensure_take_back(const struct step_context *context, const struct ensure *ensure,
	const struct ensure_entry *entry, struct err *err)
{
	CLEANUP_STR struct str place = STR_INIT;
	struct undo undo = {.context = context, .ensure = ensure, .entry = entry};

	if (entry->refused)
		return 0;
	int rc = take_back(&undo, err);
	if (rc == 0)
		return 0;
	ensure_place(&place, entry->collection, entry->index);
	return err_context(err, "%s", str_text(&place));
}
