#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/object_store.h"

enum { DUPLICATE_KEY = 11000 };

/* ---- reading */

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

int object_pointers_each(const struct step_context *context,
	const struct object_migration *migration, struct bytes filter,
	int (*found)(void *self, struct bytes doc, struct err *err), void *self, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	const struct mongo_find find = {.collection = migration->pointers, .filter = filter};
	struct bytes doc;
	int more = 0;
	int rc = mongo_find(context->mongo, &find, &cursor, err);

	while (rc == 0 && (more = mongo_cursor_next(cursor, &doc, err)) > 0)
		rc = found(self, doc, err);
	return rc < 0 ? rc : more;
}

int object_pointers_find(const struct step_context *context,
	const struct object_migration *migration, const struct value *ids, size_t count,
	int (*found)(void *self, struct bytes doc, struct err *err), void *self, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	struct doc_writer writer;
	char place[24];

	doc_write_begin(&writer, &filter);
	doc_write_document(&writer, "_id");
	doc_write_array(&writer, "$in");
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(place, sizeof place, "%zu", i);
		doc_write_value(&writer, place, &ids[i]);
	}
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int rc = str_check(&filter, err);
	return rc < 0 ? rc
		      : object_pointers_each(
				context, migration, str_bytes(&filter), found, self, err);
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

struct comparison {
	struct bytes wanted;
	const char *pointers;
	bool found;
};

static int compare_found(void *self, struct bytes doc, struct err *err)
{
	CLEANUP_STR struct str name = STR_INIT;
	struct comparison *comparison = self;
	struct value id = doc_get(doc, "_id");

	comparison->found = true;
	if (is_same(doc, comparison->wanted))
		return 0;
	value_to_text(&id, &name);
	return err_set(err, ERR_CONFLICT, "pointer %s in %s is there and says something else",
		str_text(&name), comparison->pointers);
}

static int compare(const struct step_context *context, const struct object_migration *migration,
	struct bytes wanted, bool *ret_found, struct err *err)
{
	struct comparison comparison = {.wanted = wanted, .pointers = migration->pointers};
	const struct value id = doc_get(wanted, "_id");

	int rc = object_pointers_find(context, migration, &id, 1, compare_found, &comparison, err);
	if (rc == 0)
		*ret_found = comparison.found;
	return rc;
}

/* In order: *ret_done are those before the first that was refused, all if none was. */
static int insert_some(const struct step_context *context, const struct object_migration *migration,
	const struct bytes *docs, size_t count, size_t *ret_done, struct err *err)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	struct mongo_bulk_result done = {0};
	int rc = mongo_bulk_begin(context->mongo, migration->pointers, &bulk, err);

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = mongo_bulk_insert(bulk, docs[i], err);
	if (rc == 0)
		rc = mongo_bulk_run(bulk, &done, err);
	if (rc < 0)
		return rc;
	*ret_done = done.error_count == 0 ? count : done.errors[0].index;
	if (done.error_count > 0 && done.errors[0].code != DUPLICATE_KEY)
		return err_set(err, ERR_MIGRATION, "%s: the server refused a pointer: %s",
			migration->pointers, done.errors[0].message);
	return 0;
}

int object_pointers_insert(const struct step_context *context,
	const struct object_migration *migration, const struct bytes *docs, size_t count,
	struct err *err)
{
	while (count > 0) {
		size_t done = 0;
		bool found = false;
		int rc = insert_some(context, migration, docs, count, &done, err);
		if (rc == 0 && done < count)
			rc = compare(context, migration, docs[done], &found, err);
		if (rc < 0)
			return rc;
		/* One that went meanwhile is written after all. */
		done += found;
		docs += done;
		count -= done;
	}
	return 0;
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

int object_pointer_make(const struct step_context *context,
	const struct object_migration *migration, const struct object_file *file,
	const struct sha256 *digest, bool stored, struct str *out, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str source = STR_INIT;
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
	write_pointer(context, migration, &file->grid.id, digest, &text, stored, out);
	int rc = str_check(&source, err);
	return rc < 0 ? rc : str_check(out, err);
}

int object_pointer_make_seed(const struct step_context *context,
	const struct object_migration *migration, const struct manifest_file *seed, bool stored,
	struct str *out, struct err *err)
{
	CLEANUP_STR struct str source = STR_INIT, name = STR_INIT;

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
	write_pointer(context, migration, &id, &seed->digest, &text, stored, out);
	return str_check(out, err);
}
