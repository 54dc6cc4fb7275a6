#include "steps/record.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "crypto/digest.h"

static const char *const STATUS[] = {
	[RECORD_NONE] = "",
	[RECORD_RUNNING] = "running",
	[RECORD_DONE] = "done",
	[RECORD_UNDOING] = "undoing",
};

/* The SHA-256 of the very file that was signed, so that no version of this program changes it. */
static int digest_of(
	const struct step_context *context, char hex[static SHA256_HEX_SIZE], struct err *err)
{
	char name[MIGRATION_ID_MAX + 40];
	struct sha256 digest;

	(void)snprintf(name, sizeof name, "migrations/%s/migration.json", context->step->name);
	struct bytes file =
		context->kit == NULL ? bytes_make(NULL, 0) : trusted_kit_file(context->kit, name);
	if (file.data == NULL) {
		hex[0] = '\0';
		return 0;
	}
	int rc = sha256_of(file, &digest, err);
	if (rc == 0)
		sha256_to_hex(&digest, hex);
	return rc;
}

static int64_t read_date(struct bytes doc, const char *name)
{
	struct value value = doc_get(doc, name);

	return value.type == VALUE_DATE ? value.int64 : 0;
}

static const char *copy_text(struct arena *arena, struct bytes doc, const char *name)
{
	const char *text = doc_get_string(doc, name);

	return arena_string(arena, text == NULL ? "" : text);
}

static enum record_status read_status(const char *status)
{
	/* A record of another tool, which knows no status, says that it was done. */
	if (status == NULL)
		return RECORD_DONE;
	for (enum record_status i = RECORD_RUNNING; i <= RECORD_UNDOING; i++)
		if (strcmp(status, STATUS[i]) == 0)
			return i;
	return RECORD_OTHER;
}

int record_look(const struct step_context *context, struct record *ret_record, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct record record = {.kit = "", .version = "", .digest = "", .run_id = ""};
	char digest[SHA256_HEX_SIZE];
	bool found = false;
	int rc = mongo_find_by_id(
		context->mongo, RECORD_COLLECTION, context->step->name, &text, &found, err);

	if (rc == 0 && found)
		rc = digest_of(context, digest, err);
	if (rc < 0)
		return rc;
	if (found) {
		struct bytes doc = str_bytes(&text);
		record.status = read_status(doc_get_string(doc, "status"));
		record.kit = copy_text(context->arena, doc, "kit");
		record.version = copy_text(context->arena, doc, "version");
		record.digest = copy_text(context->arena, doc, "digest");
		record.run_id = copy_text(context->arena, doc, "runId");
		if (record.kit == NULL || record.version == NULL || record.digest == NULL ||
			record.run_id == NULL)
			return err_no_memory(err);
		record.started = read_date(doc, "startedAt");
		record.finished = read_date(doc, "finishedAt");
		record.other_content = record.status == RECORD_DONE && *record.digest != '\0' &&
				       *digest != '\0' && strcmp(record.digest, digest) != 0;
	}
	*ret_record = record;
	return 0;
}

int record_before(struct mongo *mongo, const char *migration_id, struct str *before,
	bool *ret_collection, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str doc = STR_INIT;
	struct mongo_collection *collections = NULL;
	size_t count = 0;
	bool found = false, collection = false;

	int rc = mongo_collections(mongo, &arena, &collections, &count, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		collection = collection || strcmp(collections[i].name, RECORD_COLLECTION) == 0;
	rc = mongo_find_by_id(mongo, RECORD_COLLECTION, migration_id, &doc, &found, err);
	if (rc == 0 && found)
		rc = doc_to_json(str_bytes(&doc), true, before, err);
	if (rc < 0)
		return rc;
	if (!found)
		str_append_text(before, "null");
	*ret_collection = collection;
	return str_check(before, err);
}

/* ---- writing */

/* One write and how many documents it changed; 11000 counts as none. */
static int run_one(struct mongo_bulk *bulk, int64_t *ret_hits, struct err *err)
{
	struct mongo_bulk_result result;
	int rc = mongo_bulk_run(bulk, &result, err);

	if (rc < 0)
		return rc;
	if (result.error_count > 0 && result.errors[0].code != 11000)
		return err_set(err, ERR_MIGRATION, "%s: %s (code %d)", RECORD_COLLECTION,
			result.errors[0].message, result.errors[0].code);
	*ret_hits = result.inserted + result.matched + result.deleted;
	return 0;
}

static int write_head(
	struct doc_writer *writer, const struct step_context *context, struct err *err)
{
	char digest[SHA256_HEX_SIZE];
	int rc = digest_of(context, digest, err);
	const struct manifest *manifest = trusted_kit_manifest(context->kit);

	doc_write_string(writer, "kit", manifest->name);
	doc_write_string(writer, "version", manifest->version);
	doc_write_string(writer, "digest", rc < 0 ? "" : digest);
	doc_write_string(writer, "runId", context->run_id);
	doc_write_date(writer, "startedAt", clock_now());
	doc_write_string(writer, "status", STATUS[RECORD_RUNNING]);
	return rc;
}

static void write_filter(struct str *filter, const char *id, const char *run_id, const char *status)
{
	struct doc_writer writer;

	doc_write_begin(&writer, filter);
	doc_write_string(&writer, "_id", id);
	if (run_id != NULL)
		doc_write_string(&writer, "runId", run_id);
	if (status != NULL)
		doc_write_string(&writer, "status", status);
	doc_write_end(&writer);
}

static int insert_running(const struct step_context *context, int64_t *ret_hits, struct err *err)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	CLEANUP_STR struct str doc = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &doc);
	doc_write_string(&writer, "_id", context->step->name);
	int rc = write_head(&writer, context, err);
	doc_write_end(&writer);
	if (rc == 0)
		rc = str_check(&doc, err);
	if (rc == 0)
		rc = mongo_bulk_begin(context->mongo, RECORD_COLLECTION, &bulk, err);
	if (rc == 0)
		rc = mongo_bulk_insert(bulk, str_bytes(&doc), err);
	return rc < 0 ? rc : run_one(bulk, ret_hits, err);
}

static int update(const struct step_context *context, const struct str *filter,
	const struct str *change, int64_t *ret_hits, struct err *err)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	int rc = str_check(filter, err);

	if (rc == 0)
		rc = str_check(change, err);
	if (rc == 0)
		rc = mongo_bulk_begin(context->mongo, RECORD_COLLECTION, &bulk, err);
	if (rc == 0)
		rc = mongo_bulk_update(
			bulk, str_bytes(filter), str_bytes(change), false, false, err);
	return rc < 0 ? rc : run_one(bulk, ret_hits, err);
}

/* The record that is there must still be as it was seen. */
static int update_running(const struct step_context *context, const struct record *seen,
	int64_t *ret_hits, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	CLEANUP_STR struct str change = STR_INIT;
	struct doc_writer writer;

	write_filter(
		&filter, context->step->name, *seen->run_id == '\0' ? NULL : seen->run_id, NULL);
	doc_write_begin(&writer, &change);
	doc_write_document(&writer, "$set");
	int rc = write_head(&writer, context, err);
	doc_write_end(&writer);
	doc_write_document(&writer, "$unset");
	doc_write_string(&writer, "finishedAt", "");
	doc_write_string(&writer, "durationMs", "");
	doc_write_end(&writer);
	doc_write_end(&writer);
	return rc < 0 ? rc : update(context, &filter, &change, ret_hits, err);
}

int record_begin(const struct step_context *context, struct err *err)
{
	for (int attempt = 0; attempt < 3; attempt++) {
		struct record seen;
		int64_t hits = 0;
		int rc = record_look(context, &seen, err);
		if (rc < 0)
			return rc;
		if (seen.status == RECORD_RUNNING && strcmp(seen.run_id, context->run_id) == 0)
			return 0;
		rc = seen.status == RECORD_NONE ? insert_running(context, &hits, err)
						: update_running(context, &seen, &hits, err);
		if (rc < 0)
			return rc;
		if (hits == 1)
			return 0;
	}
	return err_set(err, ERR_MIGRATION, "%s: the record of %s is changed by somebody else",
		RECORD_COLLECTION, context->step->name);
}

int record_done(const struct step_context *context, int64_t duration, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	CLEANUP_STR struct str change = STR_INIT;
	struct doc_writer writer;
	int64_t hits = 0;

	write_filter(&filter, context->step->name, context->run_id, NULL);
	doc_write_begin(&writer, &change);
	doc_write_document(&writer, "$set");
	doc_write_date(&writer, "finishedAt", clock_now());
	doc_write_int64(&writer, "durationMs", duration);
	doc_write_string(&writer, "status", STATUS[RECORD_DONE]);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int rc = update(context, &filter, &change, &hits, err);
	if (rc == 0 && hits != 1)
		rc = err_set(err, ERR_MIGRATION, "%s: the record of %s is not this run's any more",
			RECORD_COLLECTION, context->step->name);
	return rc;
}

/* ---- undo */

int record_undoing(const struct step_context *context, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	CLEANUP_STR struct str change = STR_INIT;
	struct doc_writer writer;
	int64_t ignored = 0;

	write_filter(&filter, context->step->name, context->run_id, NULL);
	doc_write_begin(&writer, &change);
	doc_write_document(&writer, "$set");
	doc_write_string(&writer, "status", STATUS[RECORD_UNDOING]);
	doc_write_end(&writer);
	doc_write_end(&writer);
	return update(context, &filter, &change, &ignored, err);
}

static int drop_if_empty(const struct step_context *context, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str reply = STR_INIT;
	struct mongo_refusal refusal = {0};
	struct doc_writer writer;
	int64_t count = 0;
	int rc = mongo_count(context->mongo, RECORD_COLLECTION, bytes_make(NULL, 0), &count, err);

	if (rc < 0 || count > 0)
		return rc;
	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "drop", RECORD_COLLECTION);
	doc_write_end(&writer);
	rc = str_check(&command, err);
	if (rc == 0)
		rc = mongo_command(context->mongo, str_bytes(&command), &reply, &refusal, err);
	return rc < 0 && refusal.code == 26 ? 0 : rc; /* NamespaceNotFound */
}

int record_undone(const struct step_context *context, const struct json *before, bool collection,
	struct err *err)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	CLEANUP_STR struct str filter = STR_INIT;
	CLEANUP_STR struct str doc = STR_INIT;
	int64_t hits = 0;

	write_filter(&filter, context->step->name, context->run_id, NULL);
	int rc = str_check(&filter, err);
	if (rc == 0)
		rc = mongo_bulk_begin(context->mongo, RECORD_COLLECTION, &bulk, err);
	if (rc == 0 && json_type(before) == JSON_OBJECT)
		rc = doc_from_json(before, &doc, err);
	if (rc == 0)
		rc = doc.size > 0 ? mongo_bulk_replace(
					    bulk, str_bytes(&filter), str_bytes(&doc), false, err)
				  : mongo_bulk_delete(bulk, str_bytes(&filter), false, err);
	if (rc == 0)
		rc = run_one(bulk, &hits, err);
	if (rc == 0 && !collection)
		rc = drop_if_empty(context, err);
	return rc;
}
