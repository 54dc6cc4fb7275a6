#include "base/cleanup.h"
#include "steps/ensure_command.h"
#include "steps/object_store.h"

enum { UNDO_BATCH = 500 };

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
