#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure.h"
#include "steps/ttl.h"
#include "text/text.h"

enum {
	NAMESPACE_NOT_FOUND = 26,
	INDEX_NOT_FOUND = 27,
	NAMESPACE_EXISTS = 48,
};

static int run(const struct step_context *context, const struct str *command, int accepted,
	struct err *err)
{
	CLEANUP_STR struct str reply = STR_INIT;
	struct mongo_refusal refusal = {0};
	int rc = str_check(command, err);

	if (rc == 0)
		rc = mongo_command(context->mongo, str_bytes(command), &reply, &refusal, err);
	return rc < 0 && refusal.code != 0 && refusal.code == accepted ? 0 : rc;
}

/* A member of a declaration, as BSON under another name. */
static int write_json(
	struct doc_writer *writer, const char *name, const struct json *object, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT;
	int rc = doc_from_json(object, &doc, err);

	if (rc == 0)
		doc_write_raw(writer, name, str_bytes(&doc));
	return rc;
}

/* ---- making */

static int create_collection(const struct step_context *context, const char *name, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "create", name);
	doc_write_end(&writer);
	return run(context, &command, NAMESPACE_EXISTS, err);
}

/* collMod, not create: some servers enforce a validator only after it. level NULL: the server's. */
static int set_validator(const struct step_context *context, const char *collection,
	const struct json *validator, const char *level, int accepted, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	struct doc_writer writer;
	int rc = 0;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "collMod", collection);
	if (validator != NULL) {
		rc = write_json(&writer, "validator", validator, err);
	} else {
		doc_write_document(&writer, "validator");
		doc_write_end(&writer);
	}
	if (rc < 0)
		return rc;
	if (level != NULL)
		doc_write_string(&writer, "validationLevel", level);
	doc_write_end(&writer);
	return run(context, &command, accepted, err);
}

/* A specification without what the server adds to it. */
static int write_index(
	struct doc_writer *writer, const struct json *index, const char *keys, struct err *err)
{
	static const char *const OPTIONS[] = {"name", "unique", "sparse", "expireAfterSeconds",
		"partialFilterExpression", "hidden", "collation", "weights", "default_language",
		"language_override", "textIndexVersion", "2dsphereIndexVersion",
		"wildcardProjection"};
	CLEANUP_STR struct str doc = STR_INIT;
	const struct json *key = json_member(index, keys);
	int rc = key == NULL ? err_set(err, ERR_SYNTAX, "an index without keys")
			     : doc_from_json(index, &doc, err);

	if (rc < 0)
		return rc;
	struct value value = doc_get(str_bytes(&doc), keys);
	doc_write_value(writer, "key", &value);
	for (size_t i = 0; i < sizeof OPTIONS / sizeof(*OPTIONS); i++) {
		value = doc_get(str_bytes(&doc), OPTIONS[i]);
		doc_write_value(writer, OPTIONS[i], &value);
	}
	return 0;
}

static int create_index(const struct step_context *context, const char *collection,
	const struct json *index, const char *keys, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "createIndexes", collection);
	doc_write_array(&writer, "indexes");
	doc_write_document(&writer, NULL);
	int rc = write_index(&writer, index, keys, err);
	if (rc < 0)
		return rc;
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	return run(context, &command, 0, err);
}

static int drop_index(const struct step_context *context, const char *collection, const char *name,
	struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str reply = STR_INIT;
	struct mongo_refusal refusal = {0};
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "dropIndexes", collection);
	doc_write_string(&writer, "index", name);
	doc_write_end(&writer);
	int rc = str_check(&command, err);
	if (rc == 0)
		rc = mongo_command(context->mongo, str_bytes(&command), &reply, &refusal, err);
	if (rc < 0 && (refusal.code == INDEX_NOT_FOUND || refusal.code == NAMESPACE_NOT_FOUND))
		return 0;
	return rc;
}

static const char *text_of(const struct json *object, const char *name)
{
	const struct json *member = object == NULL ? NULL : json_member(object, name);

	return member != NULL && json_type(member) == JSON_STRING ? json_string(member) : NULL;
}

static int64_t number_of(const struct json *object, const char *name)
{
	const struct json *member = object == NULL ? NULL : json_member(object, name);

	return member != NULL && json_type(member) == JSON_NUMBER ? (int64_t)json_number(member)
								  : 0;
}

/* What was there before, canonical or, in a journal of an older offkit, relaxed. */
static int expiry_before(const struct json *before, int64_t *ret_seconds, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT;
	int rc = before == NULL ? err_set(err, ERR_JOURNAL, "a change without what was before it")
				: doc_from_json(before, &doc, err);

	if (rc == 0 && !doc_get_integer(str_bytes(&doc), "expireAfterSeconds", ret_seconds))
		rc = err_set(err, ERR_JOURNAL, "a change of an expiry without the old one");
	return rc;
}

int ensure_make(
	const struct step_context *context, const struct ensure_change *change, struct err *err)
{
	const char *level;
	int rc = 0;

	switch (change->kind) {
	case ENSURE_CREATE_COLLECTION:
		rc = create_collection(context, change->collection, err);
		break;
	case ENSURE_SET_VALIDATOR:
		level = text_of(change->declared, "validationLevel");
		rc = set_validator(context, change->collection,
			json_member(change->declared, "validator"),
			level == NULL ? "strict" : level, 0, err);
		break;
	case ENSURE_REPLACE_INDEX:
		rc = drop_index(context, change->collection, text_of(change->before, "name"), err);
		if (rc == 0)
			rc = create_index(
				context, change->collection, change->declared, "keys", err);
		break;
	case ENSURE_CREATE_INDEX:
		rc = create_index(context, change->collection, change->declared, "keys", err);
		break;
	case ENSURE_SET_TTL:
		rc = ttl_set(context->mongo,
			&(const struct ttl_index){change->collection, change->index, 0},
			number_of(change->declared, "expireAfterSeconds"), err);
		break;
	case ENSURE_CONFLICT:
	case ENSURE_KIND_COUNT:
		rc = err_set(err, ERR_MIGRATION, "index %s: %s", change->index, change->text);
		break;
	}
	if (rc < 0)
		return change->index != NULL
			       ? err_context(err, "%s, index %s", change->collection, change->index)
			       : err_context(err, "%s", change->collection);
	return 0;
}

/* ---- taking back */

/* Only what this run made, and only while nobody's documents are in it. */
static int drop_collection(const struct step_context *context, const char *name, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str note = STR_INIT;
	struct doc_writer writer;
	int64_t count = 0;
	int rc = mongo_count(context->mongo, name, bytes_make(NULL, 0), &count, err);

	if (rc < 0)
		return rc;
	if (count > 0 && !context->ingest_resumed)
		return err_set(err, ERR_ROLLBACK,
			"%s was made by this run and has %lld documents that it did not write",
			name, (long long)count);
	if (count > 0) {
		str_append_format(&note, "%s stays: it has ", name);
		text_plural(&note, count, "document of others", "documents of others");
		rc = str_check(&note, err);
		return rc < 0 ? rc : context->host->note(context->host->self, str_text(&note), err);
	}
	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "drop", name);
	doc_write_end(&writer);
	return run(context, &command, NAMESPACE_NOT_FOUND, err);
}

static int take_back(const struct step_context *context, const struct json *journaled,
	const char *kind, const char *collection, const char *index, struct err *err)
{
	const struct json *before = json_member(journaled, "before");

	if (strcmp(kind, ensure_kind_name(ENSURE_CREATE_COLLECTION)) == 0)
		return drop_collection(context, collection, err);
	if (strcmp(kind, ensure_kind_name(ENSURE_SET_VALIDATOR)) == 0)
		return set_validator(context, collection,
			before == NULL ? NULL : json_member(before, "validator"),
			text_of(before, "validationLevel"), NAMESPACE_NOT_FOUND, err);
	if (strcmp(kind, ensure_kind_name(ENSURE_CREATE_INDEX)) == 0)
		return drop_index(context, collection, index, err);
	if (strcmp(kind, ensure_kind_name(ENSURE_SET_TTL)) == 0) {
		int64_t seconds = 0;
		int rc = expiry_before(before, &seconds, err);
		return rc < 0 ? rc
			      : ttl_set(context->mongo,
					&(const struct ttl_index){collection, index, 0}, seconds,
					err);
	}
	if (strcmp(kind, ensure_kind_name(ENSURE_REPLACE_INDEX)) == 0 && before != NULL) {
		int rc = drop_index(context, collection, index, err);
		return rc < 0 ? rc : create_index(context, collection, before, "key", err);
	}
	return err_set(err, ERR_JOURNAL, "a change of the unknown kind \"%s\"", kind);
}

int ensure_take_back(
	const struct step_context *context, const struct json *journaled, struct err *err)
{
	const char *kind = text_of(journaled, "kind");
	const char *collection = text_of(journaled, "collection");
	const char *index = text_of(journaled, "index");

	if (kind == NULL || collection == NULL)
		return err_set(err, ERR_JOURNAL, "a change without kind or collection");
	int rc = take_back(context, journaled, kind, collection, index, err);
	if (rc < 0)
		return index != NULL ? err_context(err, "%s, index %s", collection, index)
				     : err_context(err, "%s", collection);
	return 0;
}

/* ---- shard keys */

int ensure_shard(const struct step_context *context, const struct ensure_collection *collection,
	struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str reply = STR_INIT;
	CLEANUP_STR struct str place = STR_INIT;
	const struct json *shard = json_member(collection->declared, "shardKey");
	struct mongo_refusal refusal = {0};
	struct doc_writer writer;

	if (shard == NULL)
		return 0;
	str_append_format(&place, "%s.%s", mongo_database(context->mongo), collection->name);
	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "shardCollection", str_text(&place));
	const struct json *keys = json_member(shard, "keys");
	int rc = keys == NULL ? err_set(err, ERR_SYNTAX, "a shard key without keys")
			      : write_json(&writer, "key", keys, err);
	if (rc == 0) {
		const struct json *unique = json_member(shard, "unique");
		if (unique != NULL && json_type(unique) == JSON_BOOL && json_bool(unique))
			doc_write_bool(&writer, "unique", true);
		doc_write_end(&writer);
		rc = str_check(&command, err);
	}
	if (rc == 0)
		rc = mongo_admin_command(
			context->mongo, str_bytes(&command), &reply, &refusal, err);
	return rc < 0 ? err_context(err, "%s, shard key", collection->name) : 0;
}
