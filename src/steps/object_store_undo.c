#include <stdlib.h>

#include "base/cleanup.h"
#include "steps/ensure_command.h"
#include "steps/object_store.h"

enum { UNDO_BATCH = 500 };

/* Pointers of this run that are deleted together. */
struct batch {
	struct arena arena; /* the documents live in it */
	size_t count;
	struct bytes docs[UNDO_BATCH];
	bool spared[UNDO_BATCH]; /* its object stays */
};

static int read_batch(const struct step_context *context, const struct object_migration *migration,
	struct batch *batch, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str ours = STR_INIT;
	struct doc_writer writer;
	struct bytes doc;
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
		rc = mongo_find(context->mongo, &find, &cursor, err);
	while (rc == 0 && batch->count < UNDO_BATCH &&
		(more = mongo_cursor_next(cursor, &doc, err)) > 0) {
		batch->docs[batch->count] = arena_bytes(&batch->arena, doc);
		batch->spared[batch->count] = !doc_get_bool(doc, "stored");
		if (batch->docs[batch->count++].data == NULL)
			rc = err_no_memory(err);
	}
	return more < 0 ? more : rc;
}

/* ---- the objects */

static bool has_key(struct bytes doc, struct bytes other)
{
	struct value a = doc_get(doc, "key"), b = doc_get(other, "key");

	return a.type == VALUE_STRING && value_equal(&a, &b);
}

static int spare(void *self, struct bytes doc, struct err *err)
{
	struct batch *batch = self;

	(void)err;
	for (size_t i = 0; i < batch->count; i++)
		if (has_key(batch->docs[i], doc))
			batch->spared[i] = true;
	return 0;
}

/* Another run's pointer may lead to the same object. One question for all of a batch. */
static int spare_needed(const struct step_context *context,
	const struct object_migration *migration, struct batch *batch, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &filter);
	doc_write_document(&writer, "key");
	doc_write_array(&writer, "$in");
	for (size_t i = 0; i < batch->count; i++) {
		struct value key = doc_get(batch->docs[i], "key");
		if (!batch->spared[i] && key.type == VALUE_STRING)
			doc_write_value(&writer, NULL, &key);
	}
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_document(&writer, "runId");
	doc_write_string(&writer, "$ne", context->run_id);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int rc = str_check(&filter, err);
	return rc < 0 ? rc
		      : object_pointers_each(
				context, migration, str_bytes(&filter), spare, batch, err);
}

static int remove_objects(const struct step_context *context,
	const struct object_migration *migration, struct object_store *store, struct batch *batch,
	struct err *err)
{
	int rc = spare_needed(context, migration, batch, err);

	for (size_t i = 0; i < batch->count && rc == 0; i++) {
		struct object_pointer pointer;
		if (batch->spared[i])
			continue;
		rc = object_pointer_read(batch->docs[i], &pointer, err);
		if (rc == 0)
			rc = object_store_remove(store, &pointer.digest, err);
	}
	return rc;
}

/* ---- the pointers */

/* Only what is still this run's. */
static int delete_pointer(const struct step_context *context, struct mongo_bulk *bulk,
	struct bytes doc, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	struct value id = doc_get(doc, "_id");
	struct doc_writer writer;

	doc_write_begin(&writer, &filter);
	doc_write_document(&writer, "_id");
	doc_write_value(&writer, "$eq", &id);
	doc_write_end(&writer);
	doc_write_string(&writer, "runId", context->run_id);
	doc_write_end(&writer);
	int rc = str_check(&filter, err);
	return rc < 0 ? rc : mongo_bulk_delete(bulk, str_bytes(&filter), false, err);
}

static int delete_pointers(const struct step_context *context,
	const struct object_migration *migration, const struct batch *batch, struct err *err)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	struct mongo_bulk_result done = {0};
	int rc = mongo_bulk_begin(context->mongo, migration->pointers, &bulk, err);

	for (size_t i = 0; i < batch->count && rc == 0; i++)
		rc = delete_pointer(context, bulk, batch->docs[i], err);
	if (rc == 0)
		rc = mongo_bulk_run(bulk, &done, err);
	if (rc == 0 && done.error_count > 0)
		rc = err_set(err, ERR_ROLLBACK, "%s: the server refused to delete: %s",
			migration->pointers, done.errors[0].message);
	return rc;
}

static int undo_some(const struct step_context *context, const struct object_migration *migration,
	struct object_store *store, size_t *ret_deleted, struct err *err)
{
	struct batch *batch = calloc(1, sizeof *batch);

	if (batch == NULL)
		return err_no_memory(err);
	int rc = read_batch(context, migration, batch, err);
	if (rc == 0 && batch->count > 0 && context->options->remove_objects)
		rc = remove_objects(context, migration, store, batch, err);
	if (rc == 0 && batch->count > 0)
		rc = delete_pointers(context, migration, batch, err);
	if (rc == 0)
		*ret_deleted = batch->count;
	arena_release(&batch->arena);
	free(batch);
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
	size_t deleted = 0;
	int rc;

	do
		rc = undo_some(context, migration, store, &deleted, err);
	while (rc == 0 && deleted > 0);
	return rc < 0 ? rc : drop_if_ours(context, migration, err);
}
