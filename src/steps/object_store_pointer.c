#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure_command.h"
#include "steps/object_store.h"

enum { UNDO_BATCH = 500, DUPLICATE_KEY = 11000 };

/* ---- reading */

static void write_id(struct str *out, const struct value *id)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_document(&writer, "_id");
	doc_write_value(&writer, "$eq", id);
	doc_write_end(&writer);
	doc_write_end(&writer);
}

int object_pointer_read(struct bytes doc, struct object_pointer *ret_pointer, struct err *err)
{
	struct value hex = doc_get(doc, "sha256");
	struct object_pointer pointer = {.doc = doc};

	if (hex.type == VALUE_STRING && sha256_from_hex(hex.bytes, &pointer.digest) &&
		doc_get_integer(doc, "size", &pointer.size) && pointer.size >= 0) {
		*ret_pointer = pointer;
		return 0;
	}
	CLEANUP_STR struct str text = STR_INIT;
	struct value id = doc_get(doc, "_id");
	value_to_text(&id, &text);
	return err_set(err, ERR_MIGRATION, "pointer %s has no sha256 or size", str_text(&text));
}

int object_pointer_find(const struct step_context *context,
	const struct object_migration *migration, const struct value *id, struct str *out,
	struct object_pointer *ret_pointer, bool *ret_found, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;

	write_id(&filter, id);
	int rc = str_check(&filter, err);
	const struct mongo_find find = {
		.collection = migration->pointers, .filter = str_bytes(&filter)};
	if (rc == 0)
		rc = mongo_find_one(context->mongo, &find, out, ret_found, err);
	return rc < 0 || !*ret_found ? rc : object_pointer_read(str_bytes(out), ret_pointer, err);
}

/* ---- writing */

struct pointer_text {
	const char *tenant, *content_type, *format, *source;
	int64_t size, ingested;
};

static void write_pointer(const struct step_context *context,
	const struct object_migration *migration, const struct value *id,
	const struct sha256 *digest, const struct pointer_text *text, bool stored, struct str *out)
{
	CLEANUP_STR struct str bucket = STR_INIT;
	char key[OBJECT_KEY_SIZE], hex[SHA256_HEX_SIZE];
	struct doc_writer writer;

	object_key(digest, key);
	sha256_to_hex(digest, hex);
	str_append_format(&bucket, "%s-%s", text->tenant, migration->store_bucket);
	doc_write_begin(&writer, out);
	doc_write_value(&writer, "_id", id);
	doc_write_string(&writer, "bucket", str_text(&bucket));
	doc_write_string(&writer, "key", key);
	doc_write_string(&writer, "sha256", hex);
	doc_write_int64(&writer, "size", text->size);
	doc_write_string(&writer, "contentType", text->content_type);
	doc_write_string(&writer, "encoding", "identity");
	doc_write_document(&writer, "provenance");
	doc_write_string(&writer, "sourceId", text->source);
	doc_write_date(&writer, "ingestedAt", text->ingested);
	doc_write_string(&writer, "tenantId", text->tenant);
	doc_write_string(&writer, "originalFormat", text->format);
	doc_write_int64(&writer, "originalSize", text->size);
	doc_write_end(&writer);
	doc_write_string(&writer, "runId", context->run_id);
	doc_write_bool(&writer, "stored", stored);
	doc_write_end(&writer);
}

/* All but who wrote it. */
static bool is_same(struct bytes a, struct bytes b)
{
	static const char *const NAMES[] = {
		"bucket", "key", "sha256", "size", "contentType", "encoding", "provenance"};

	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
		struct value one = doc_get(a, NAMES[i]), other = doc_get(b, NAMES[i]);
		if (!value_like(&one, &other))
			return false;
	}
	return true;
}

static int compare(const struct step_context *context, const struct object_migration *migration,
	const struct value *id, struct bytes wanted, struct err *err)
{
	CLEANUP_STR struct str there = STR_INIT, name = STR_INIT;
	struct object_pointer pointer;
	bool found = false;
	int rc = object_pointer_find(context, migration, id, &there, &pointer, &found, err);

	if (rc < 0 || (found && is_same(pointer.doc, wanted)))
		return rc;
	value_to_text(id, &name);
	return err_set(err, ERR_CONFLICT, "pointer %s in %s is there and says something else",
		str_text(&name), migration->pointers);
}

static int insert(const struct step_context *context, const struct object_migration *migration,
	const struct value *id, struct bytes doc, struct err *err)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	struct mongo_bulk_result done = {0};
	int rc = mongo_bulk_begin(context->mongo, migration->pointers, &bulk, err);

	if (rc == 0)
		rc = mongo_bulk_insert(bulk, doc, err);
	if (rc == 0)
		rc = mongo_bulk_run(bulk, &done, err);
	if (rc < 0 || done.error_count == 0)
		return rc;
	if (done.errors[0].code == DUPLICATE_KEY)
		return compare(context, migration, id, doc, err);
	return err_set(err, ERR_MIGRATION, "%s: the server refused a pointer: %s",
		migration->pointers, done.errors[0].message);
}

static const char *text_at(
	struct arena *arena, struct bytes doc, const char *path, const char *otherwise)
{
	struct value value = path == NULL ? (struct value){VALUE_MISSING} : doc_get_path(doc, path);

	if (value.type != VALUE_STRING || value.bytes.size == 0 ||
		memchr(value.bytes.data, 0, value.bytes.size) != NULL)
		return otherwise;
	return arena_string_n(arena, value.bytes.data, value.bytes.size);
}

int object_pointer_write(const struct step_context *context,
	const struct object_migration *migration, const struct object_file *file,
	const struct sha256 *digest, bool stored, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str doc = STR_INIT, source = STR_INIT;
	struct value uploaded = doc_get(file->doc, "uploadDate");
	struct pointer_text text = {
		.tenant = text_at(&arena, file->doc, migration->tenant_path, migration->tenant),
		.content_type = text_at(&arena, file->doc, "metadata.contentType",
			text_at(&arena, file->doc, "contentType", "application/octet-stream")),
		.size = file->grid.length,
		.ingested = uploaded.type == VALUE_DATE ? uploaded.int64 : 0,
	};

	text.format = text_at(&arena, file->doc, migration->format_path, text.content_type);
	str_append_format(&source, "gridfs:%s/", migration->bucket);
	value_to_text(&file->grid.id, &source);
	text.source = str_text(&source);
	if (text.tenant == NULL || text.content_type == NULL || text.format == NULL)
		return err_no_memory(err);
	write_pointer(context, migration, &file->grid.id, digest, &text, stored, &doc);
	int rc = str_check(&source, err);
	if (rc == 0)
		rc = str_check(&doc, err);
	return rc < 0 ? rc : insert(context, migration, &file->grid.id, str_bytes(&doc), err);
}

int object_pointer_write_seed(const struct step_context *context,
	const struct object_migration *migration, const struct manifest_file *seed, bool stored,
	struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT, source = STR_INIT, name = STR_INIT;

	str_append_format(&name, "seed:%s", seed->name + strlen(OBJECT_SEEDS));
	str_append_format(&source, "kit:%s", seed->name);
	int rc = str_check(&name, err);
	if (rc == 0)
		rc = str_check(&source, err);
	if (rc < 0)
		return rc;
	const struct value id = {.type = VALUE_STRING, .bytes = str_bytes(&name)};
	const struct pointer_text text = {
		.tenant = migration->tenant,
		.content_type = seed->media_type,
		.format = seed->media_type,
		.source = str_text(&source),
		.size = seed->size,
		.ingested = trusted_kit_manifest(context->kit)->created,
	};
	write_pointer(context, migration, &id, &seed->digest, &text, stored, &doc);
	rc = str_check(&doc, err);
	return rc < 0 ? rc : insert(context, migration, &id, str_bytes(&doc), err);
}

/* ---- undo */

/* Another run's pointer may lead to the same object. */
static int is_needed(const struct step_context *context, const struct object_migration *migration,
	struct bytes pointer, bool *ret_needed, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	struct value key = doc_get(pointer, "key");
	struct doc_writer writer;
	int64_t count = 0;

	doc_write_begin(&writer, &filter);
	doc_write_value(&writer, "key", &key);
	doc_write_document(&writer, "runId");
	doc_write_string(&writer, "$ne", context->run_id);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int rc = str_check(&filter, err);
	if (rc == 0)
		rc = mongo_count(
			context->mongo, migration->pointers, str_bytes(&filter), &count, err);
	if (rc == 0)
		*ret_needed = count > 0;
	return rc;
}

static int remove_object(const struct step_context *context,
	const struct object_migration *migration, struct object_store *store, struct bytes doc,
	struct err *err)
{
	struct object_pointer pointer;
	bool needed = false;

	if (!context->options->remove_objects || !doc_get_bool(doc, "stored"))
		return 0;
	int rc = object_pointer_read(doc, &pointer, err);
	if (rc == 0)
		rc = is_needed(context, migration, doc, &needed, err);
	return rc < 0 || needed ? rc : object_store_remove(store, &pointer.digest, err);
}

static int undo_some(const struct step_context *context, const struct object_migration *migration,
	struct object_store *store, int64_t *ret_deleted, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	CLEANUP_STR struct str ours = STR_INIT;
	struct mongo_bulk_result done = {0};
	struct doc_writer writer;
	struct bytes doc;
	int64_t count = 0;
	int more = 0;

	doc_write_begin(&writer, &ours);
	doc_write_string(&writer, "runId", context->run_id);
	doc_write_end(&writer);
	int rc = str_check(&ours, err);
	const struct mongo_find find = {
		.collection = migration->pointers,
		.filter = str_bytes(&ours),
		.limit = UNDO_BATCH,
	};
	if (rc == 0)
		rc = mongo_bulk_begin(context->mongo, migration->pointers, &bulk, err);
	if (rc == 0)
		rc = mongo_find(context->mongo, &find, &cursor, err);
	while (rc == 0 && (more = mongo_cursor_next(cursor, &doc, err)) > 0) {
		CLEANUP_STR struct str filter = STR_INIT;
		struct value id = doc_get(doc, "_id");
		rc = remove_object(context, migration, store, doc, err);
		/* Only what is still this run's. */
		doc_write_begin(&writer, &filter);
		doc_write_document(&writer, "_id");
		doc_write_value(&writer, "$eq", &id);
		doc_write_end(&writer);
		doc_write_string(&writer, "runId", context->run_id);
		doc_write_end(&writer);
		if (rc == 0)
			rc = str_check(&filter, err);
		if (rc == 0)
			rc = mongo_bulk_delete(bulk, str_bytes(&filter), false, err);
		count++;
	}
	if (more < 0)
		return more;
	if (rc == 0 && count > 0)
		rc = mongo_bulk_run(bulk, &done, err);
	if (rc == 0 && done.error_count > 0)
		rc = err_set(err, ERR_ROLLBACK, "%s: the server refused to delete: %s",
			migration->pointers, done.errors[0].message);
	if (rc == 0)
		*ret_deleted = count;
	return rc;
}

static int drop_if_ours(const struct step_context *context,
	const struct object_migration *migration, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	const struct json *made =
		context->checkpoint == NULL ? NULL : json_member(context->checkpoint, "made");
	struct mongo_refusal refusal;
	struct doc_writer writer;
	int64_t left = 0;
	int rc = 0;

	if (made == NULL || json_type(made) != JSON_BOOL || !json_bool(made))
		return 0;
	rc = mongo_count(context->mongo, migration->pointers, bytes_make(NULL, 0), &left, err);
	if (rc < 0 || left > 0)
		return rc;
	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "drop", migration->pointers);
	doc_write_end(&writer);
	return ensure_run(
		context, &command, (const int[]){SERVER_NAMESPACE_NOT_FOUND, 0}, &refusal, err);
}

int object_pointers_undo(const struct step_context *context,
	const struct object_migration *migration, struct object_store *store, struct err *err)
{
	int64_t deleted = 0;
	int rc;

	do
		rc = undo_some(context, migration, store, &deleted, err);
	while (rc == 0 && deleted > 0);
	return rc < 0 ? rc : drop_if_ours(context, migration, err);
}
