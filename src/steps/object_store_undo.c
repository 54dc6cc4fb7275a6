#include <stdio.h>
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
};

/* Those that put the object their pointer leads to, or those that found it there. */
static int read_batch(const struct step_context *context, const struct object_migration *migration,
	bool stored, struct batch *batch, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str ours = STR_INIT;
	struct doc_writer writer;
	struct bytes doc;
	int more = 0;

	doc_write_begin(&writer, &ours);
	doc_write_string(&writer, "runId", context->run_id);
	doc_write_document(&writer, "stored");
	doc_write_bool(&writer, stored ? "$eq" : "$ne", true);
	doc_write_end(&writer);
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
		if (batch->docs[batch->count++].data == NULL)
			rc = err_no_memory(err);
	}
	return more < 0 ? more : rc;
}

/* ---- the objects */

/* Objects that are removed together. */
struct removal {
	const struct sha256 *digests;
	size_t count;
	bool spared[UNDO_BATCH]; /* its object stays */
};

static int spare(void *self, struct bytes doc, struct err *err)
{
	struct removal *removal = self;
	const char *key = doc_get_string(doc, "key");
	struct sha256 digest;

	(void)err;
	if (key == NULL || object_name_of(key, &digest) != OBJECT_NAME_OBJECT)
		return 0;
	for (size_t i = 0; i < removal->count; i++)
		if (sha256_equal(&removal->digests[i], &digest))
			removal->spared[i] = true;
	return 0;
}

/* Whatever pointer there still is, whoever wrote it, may lead to the same object. One question for
 * all of a batch. */
static int spare_needed(const struct step_context *context,
	const struct object_migration *migration, struct removal *removal, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	char key[OBJECT_KEY_SIZE], place[24];
	struct doc_writer writer;

	doc_write_begin(&writer, &filter);
	doc_write_document(&writer, "key");
	doc_write_array(&writer, "$in");
	for (size_t i = 0; i < removal->count; i++) {
		object_key(&removal->digests[i], key);
		(void)snprintf(place, sizeof place, "%zu", i);
		doc_write_string(&writer, place, key);
	}
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int rc = str_check(&filter, err);
	return rc < 0 ? rc
		      : object_pointers_each(
				context, migration, str_bytes(&filter), spare, removal, err);
}

static int remove_objects(const struct step_context *context,
	const struct object_migration *migration, struct object_store *store,
	const struct sha256 *digests, size_t count, struct err *err)
{
	int rc = 0;

	while (rc == 0 && count > 0) {
		struct removal removal = {
			.digests = digests, .count = count < UNDO_BATCH ? count : UNDO_BATCH};
		rc = spare_needed(context, migration, &removal, err);
		for (size_t i = 0; rc == 0 && i < removal.count; i++)
			if (!removal.spared[i])
				rc = object_store_remove(store, &digests[i], err);
		digests += removal.count;
		count -= removal.count;
	}
	return rc;
}

/* What an attempt noted that was cut off: of the move, or of the removal. */
static int remove_noted(const struct step_context *context,
	const struct object_migration *migration, struct object_store *store,
	enum object_noted noted, struct err *err)
{
	struct sha256 *digests = NULL;
	size_t count = 0;
	int rc = object_noted_read(context->run_dirfd, noted, &digests, &count, err);

	if (rc == 0)
		rc = remove_objects(context, migration, store, digests, count, err);
	free(digests);
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

/* The pointers go first: none leads to what is not there. What is to be removed then is known from
 * its note. */
static int undo_stored(const struct step_context *context, const struct object_migration *migration,
	struct object_store *store, const struct batch *batch, struct err *err)
{
	struct sha256 digests[UNDO_BATCH];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < batch->count; i++) {
		struct object_pointer pointer;
		rc = object_pointer_read(batch->docs[i], &pointer, err);
		if (rc == 0)
			digests[i] = pointer.digest;
	}
	if (rc == 0)
		rc = object_removal_note(context->run_dirfd, digests, batch->count, err);
	if (rc == 0)
		rc = delete_pointers(context, migration, batch, err);
	return rc < 0 ? rc : remove_objects(context, migration, store, digests, batch->count, err);
}

/* store: NULL: the objects stay. */
static int undo_some(const struct step_context *context, const struct object_migration *migration,
	struct object_store *store, bool stored, size_t *ret_deleted, struct err *err)
{
	struct batch *batch = calloc(1, sizeof *batch);

	if (batch == NULL)
		return err_no_memory(err);
	int rc = read_batch(context, migration, stored, batch, err);
	if (rc == 0 && batch->count > 0)
		rc = stored && store != NULL ? undo_stored(context, migration, store, batch, err)
					     : delete_pointers(context, migration, batch, err);
	if (rc == 0)
		*ret_deleted = batch->count;
	arena_release(&batch->arena);
	free(batch);
	return rc;
}

static int undo_all(const struct step_context *context, const struct object_migration *migration,
	struct object_store *store, bool stored, struct err *err)
{
	size_t deleted = 0;
	int rc;

	do
		rc = undo_some(context, migration, store, stored, &deleted, err);
	while (rc == 0 && deleted > 0);
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

/* First those that found their object there: then whoever put it has the last one. */
int object_pointers_undo(const struct step_context *context,
	const struct object_migration *migration, struct object_store *store, struct err *err)
{
	int rc = undo_all(context, migration, NULL, false, err);

	if (rc == 0 && store != NULL)
		rc = remove_noted(context, migration, store, OBJECT_NOTED_REMOVING, err);
	if (rc == 0)
		rc = undo_all(context, migration, store, true, err);
	if (rc == 0 && store != NULL)
		rc = remove_noted(context, migration, store, OBJECT_NOTED_PUTTING, err);
	if (rc == 0 && store != NULL)
		rc = object_removal_done(context->run_dirfd, err);
	return rc < 0 ? rc : drop_if_ours(context, migration, err);
}
