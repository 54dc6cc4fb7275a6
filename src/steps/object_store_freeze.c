/*
 * The freeze of a bucket, and its end. What was there before stands in the checkpoint:
 *
 *	{"frozen": [{"collection", "options": {validator, validationLevel, validationAction}}],
 *	 "ttl": [{"collection", "index", "seconds"}], "made": whether the pointers' collection is
 *ours}
 */
#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure_command.h"
#include "steps/object_store.h"

enum { PARTS = 2 };

static const char *const PART_NAMES[PARTS] = {"files", "chunks"};

/* Every document has an _id. */
static void write_refusing(struct str *out)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_document(&writer, "_id");
	doc_write_bool(&writer, "$exists", false);
	doc_write_end(&writer);
	doc_write_end(&writer);
}

static const struct mongo_collection *find(
	const struct mongo_collection *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static int refuses(const struct mongo_collection *collection, bool *ret_refuses, struct err *err)
{
	CLEANUP_STR struct str refusing = STR_INIT;

	write_refusing(&refusing);
	int rc = str_check(&refusing, err);
	if (rc < 0)
		return rc;
	struct value ours = {.type = VALUE_DOCUMENT, .bytes = str_bytes(&refusing)};
	struct value there = collection->options.size == 0
				     ? (struct value){VALUE_MISSING}
				     : doc_get(collection->options, "validator");
	*ret_refuses = value_like(&ours, &there);
	return 0;
}

int object_is_frozen(const struct step_context *context, const struct object_migration *migration,
	bool *ret_frozen, struct err *err)
{
	struct mongo_collection *list = NULL;
	size_t count = 0;
	bool frozen = true;
	int rc = mongo_collections(context->mongo, context->arena, &list, &count, err);

	for (size_t i = 0; rc == 0 && frozen && i < PARTS; i++) {
		const char *name =
			arena_format(context->arena, "%s.%s", migration->bucket, PART_NAMES[i]);
		if (name == NULL)
			return err_no_memory(err);
		const struct mongo_collection *there = find(list, count, name);
		if (there != NULL)
			rc = refuses(there, &frozen, err);
	}
	if (rc == 0)
		*ret_frozen = frozen;
	return rc;
}

static int write_before(
	struct json_writer *writer, const struct mongo_collection *collection, struct err *err)
{
	static const char *const OPTIONS[] = {"validator", "validationLevel", "validationAction"};
	CLEANUP_STR struct str doc = STR_INIT, text = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *parsed = NULL;
	struct doc_writer options;

	doc_write_begin(&options, &doc);
	for (size_t i = 0; collection->options.size > 0 && i < sizeof OPTIONS / sizeof *OPTIONS;
		i++) {
		struct value value = doc_get(collection->options, OPTIONS[i]);
		doc_write_value(&options, OPTIONS[i], &value);
	}
	doc_write_end(&options);
	int rc = str_check(&doc, err);
	if (rc == 0)
		rc = doc_to_json(str_bytes(&doc), true, &text, err);
	if (rc == 0)
		rc = json_parse(
			str_bytes(&text), JSON_LIMITS_OWN(MIGRATION_SIZE_MAX), &parsed, err);
	if (rc < 0)
		return rc;
	json_write_object(writer);
	json_member_string(writer, "collection", collection->name);
	json_member_value(writer, "options", json_root(parsed));
	json_write_end(writer);
	return 0;
}

struct bucket {
	const struct mongo_collection *parts[PARTS]; /* NULL: there is no such collection */
	struct ttl_index ttl[TTL_INDEXES_MAX];
	size_t ttl_count;
	bool has_pointers;
};

static int look(const struct step_context *context, const struct object_migration *migration,
	struct bucket *bucket, struct err *err)
{
	struct mongo_collection *list = NULL;
	size_t count = 0;
	int rc = mongo_collections(context->mongo, context->arena, &list, &count, err);

	bucket->ttl_count = ttl_read(context->checkpoint, bucket->ttl);
	for (size_t i = 0; rc == 0 && i < PARTS; i++) {
		const char *name =
			arena_format(context->arena, "%s.%s", migration->bucket, PART_NAMES[i]);
		if (name == NULL)
			return err_no_memory(err);
		bucket->parts[i] = find(list, count, name);
		if (bucket->parts[i] != NULL)
			rc = ttl_find(context->mongo, name, context->arena, bucket->ttl,
				TTL_INDEXES_MAX, &bucket->ttl_count, err);
	}
	bucket->has_pointers = rc == 0 && find(list, count, migration->pointers) != NULL;
	return rc;
}

static int leave_checkpoint(
	const struct step_context *context, const struct bucket *bucket, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;
	int rc = 0;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	/* What an interrupted run has changed already is known from its checkpoint alone. */
	if (json_member(context->checkpoint, "frozen") != NULL) {
		json_member_value(&writer, "frozen", json_member(context->checkpoint, "frozen"));
		json_member_value(&writer, "made", json_member(context->checkpoint, "made"));
	} else {
		json_member_array(&writer, "frozen");
		for (size_t i = 0; rc == 0 && i < PARTS; i++)
			if (bucket->parts[i] != NULL)
				rc = write_before(&writer, bucket->parts[i], err);
		json_write_end(&writer);
		json_member_bool(&writer, "made", !bucket->has_pointers);
	}
	ttl_write(&writer, bucket->ttl, bucket->ttl_count);
	json_write_end(&writer);
	if (rc == 0)
		rc = str_check(&text, err);
	return rc < 0 ? rc : context->host->checkpoint(context->host->self, str_bytes(&text), err);
}

int object_freeze(const struct step_context *context, const struct object_migration *migration,
	struct err *err)
{
	CLEANUP_STR struct str refusing = STR_INIT;
	struct mongo_refusal refusal;
	struct bucket bucket = {0};
	int rc = look(context, migration, &bucket, err);

	write_refusing(&refusing);
	if (rc == 0)
		rc = str_check(&refusing, err);
	if (rc == 0)
		rc = leave_checkpoint(context, &bucket, err);
	for (size_t i = 0; rc == 0 && i < bucket.ttl_count; i++)
		rc = ttl_set(context->mongo, &bucket.ttl[i], TTL_DISARMED, err);
	for (size_t i = 0; rc == 0 && i < PARTS; i++)
		if (bucket.parts[i] != NULL)
			rc = ensure_validate(context, bucket.parts[i]->name, str_bytes(&refusing),
				"strict", "error", &refusal, err);
	return rc;
}

static int thaw_one(const struct step_context *context, const struct json *row, struct err *err)
{
	CLEANUP_STR struct str options = STR_INIT;
	const struct json *object = NULL;
	const char *collection = NULL;
	struct mongo_refusal refusal = {0};
	int rc = json_need_string(row, "collection", 1024, &collection, err);

	if (rc == 0)
		rc = json_need(row, "options", JSON_OBJECT, &object, err);
	if (rc == 0)
		rc = doc_from_json(object, &options, err);
	if (rc < 0)
		return err_recode(err, ERR_JOURNAL);
	struct value validator = doc_get(str_bytes(&options), "validator");
	const char *level = doc_get_string(str_bytes(&options), "validationLevel");
	const char *action = doc_get_string(str_bytes(&options), "validationAction");
	struct err failed;
	rc = ensure_validate(context, collection,
		validator.type == VALUE_DOCUMENT ? validator.bytes : bytes_make(NULL, 0),
		level == NULL ? "strict" : level, action == NULL ? "error" : action, &refusal,
		&failed);
	if (rc < 0 && refusal.code != SERVER_NAMESPACE_NOT_FOUND) {
		*err = failed;
		return err_context(err, "%s", collection);
	}
	return 0;
}

int object_thaw(const struct step_context *context, struct err *err)
{
	struct ttl_index list[TTL_INDEXES_MAX];
	size_t count = ttl_read(context->checkpoint, list);
	const struct json *frozen =
		context->checkpoint == NULL ? NULL : json_member(context->checkpoint, "frozen");
	int rc = 0;

	for (const struct json *row = frozen == NULL ? NULL : json_first(frozen);
		rc == 0 && row != NULL; row = json_next(row))
		rc = thaw_one(context, row, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = ttl_set(context->mongo, &list[i], list[i].seconds, err);
	return rc;
}
