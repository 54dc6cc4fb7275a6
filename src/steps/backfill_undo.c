/* Deletes what carries this run's id, and proves that all is as it was. */
#include "steps/backfill.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/backup.h"

enum { DELETE_BATCH = 1000, SWEEPS_MAX = 10 };

struct deletion {
	const char *collection, *run_path;
};

struct undoing {
	const struct step_context *context;
	size_t count;
	struct deletion deletions[BACKFILL_TARGETS_MAX];
	int64_t deleted;
};

/* ---- what to delete, in which order */

static bool is_written(const struct backfill *backfill, const struct deletion *deletion)
{
	for (size_t i = 0; i < backfill->target_count; i++)
		if (strcmp(backfill->targets[i]->collection, deletion->collection) == 0 &&
			strcmp(backfill->targets[i]->run_path, deletion->run_path) == 0)
			return true;
	return false;
}

static int read_rollback(struct undoing *undoing, const struct backfill *backfill,
	const struct json *rollback, struct err *err)
{
	static const char *const known[] = {"id", "delete", NULL};
	static const char *const known_row[] = {"collection", "run", NULL};
	const struct json *rows = NULL;
	const char *id = NULL;
	int result = json_closed(rollback, known, err);

	if (result == 0)
		result = json_need_string(rollback, "id", MIGRATION_ID_MAX, &id, err);
	if (result == 0 && strcmp(id, backfill->id) != 0)
		result = err_set(err, ERR_SYNTAX, "it is of migration %s", id);
	if (result == 0)
		result = json_need(rollback, "delete", JSON_ARRAY, &rows, err);
	for (const struct json *row = result == 0 ? json_first(rows) : NULL;
		result == 0 && row != NULL; row = json_next(row)) {
		struct deletion deletion = {NULL, NULL};
		if (undoing->count == BACKFILL_TARGETS_MAX)
			return err_set(
				err, ERR_LIMIT, "more than %d deletions", BACKFILL_TARGETS_MAX);
		result = json_closed(row, known_row, err);
		if (result == 0)
			result =
				json_need_string(row, "collection", 255, &deletion.collection, err);
		if (result == 0)
			result = json_need_string(row, "run", 255, &deletion.run_path, err);
		if (result == 0 && !is_written(backfill, &deletion))
			result = err_set(err, ERR_SYNTAX,
				"the migration writes no run's id to %s of %s", deletion.run_path,
				deletion.collection);
		undoing->deletions[undoing->count++] = deletion;
	}
	return result;
}

static bool is_deleted(const struct undoing *undoing, const struct backfill_write *write)
{
	for (size_t i = 0; i < undoing->count; i++)
		if (strcmp(undoing->deletions[i].collection, write->collection) == 0 &&
			strcmp(undoing->deletions[i].run_path, write->run_path) == 0)
			return true;
	return false;
}

/* As rollback.json orders it; what that does not name, last written first. */
static int plan_deletions(struct undoing *undoing, const struct backfill *backfill,
	struct json_doc **rollback, struct err *err)
{
	char name[MIGRATION_ID_MAX + 32];
	struct bytes text = bytes_make(NULL, 0);
	int result = 0;

	(void)snprintf(name, sizeof name, "migrations/%s/rollback.json", backfill->id);
	if (undoing->context->kit != NULL)
		text = trusted_kit_file(undoing->context->kit, name);
	if (text.data != NULL)
		result = json_parse(text, JSON_LIMITS(MIGRATION_SIZE_MAX), rollback, err);
	if (result == 0 && text.data != NULL)
		result = read_rollback(undoing, backfill, json_root(*rollback), err);
	if (result != 0)
		return err_context(err, "%s", name);
	for (size_t i = backfill->target_count; i-- > 0;) {
		const struct backfill_write *write = backfill->targets[i];
		if (!is_deleted(undoing, write) && undoing->count < BACKFILL_TARGETS_MAX)
			undoing->deletions[undoing->count++] =
				(struct deletion){write->collection, write->run_path};
	}
	return 0;
}

/* ---- deleting */

static void write_ours(struct str *out, const struct deletion *deletion, const char *run_id)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_string(&writer, deletion->run_path, run_id);
	doc_write_end(&writer);
}

static int delete_ids(struct undoing *undoing, const struct deletion *deletion,
	const struct value *ids, size_t count, struct err *err)
{
	struct mongo_bulk *bulk CLEANUP(mongo_bulk_cleanup) = NULL;
	CLEANUP_STR struct str filter = STR_INIT;
	struct mongo_bulk_result done;
	struct doc_writer writer;

	doc_write_begin(&writer, &filter);
	doc_write_document(&writer, "_id");
	doc_write_array(&writer, "$in");
	for (size_t i = 0; i < count; i++)
		doc_write_value(&writer, NULL, &ids[i]);
	doc_write_end(&writer);
	doc_write_end(&writer);
	/* The state that we expect stands in the filter: only what is still this run's. */
	doc_write_string(&writer, deletion->run_path, undoing->context->run_id);
	doc_write_end(&writer);
	int result = str_check(&filter, err);
	if (result == 0)
		result =
			mongo_bulk_begin(undoing->context->mongo, deletion->collection, &bulk, err);
	if (result == 0)
		result = mongo_bulk_delete(bulk, str_bytes(&filter), true, err);
	if (result == 0)
		result = mongo_bulk_run(bulk, &done, err);
	if (result == 0 && done.error_count > 0)
		result = err_set(err, ERR_ROLLBACK, "%s: the server refused to delete: %s",
			deletion->collection, done.errors[0].message);
	if (result == 0)
		undoing->deleted += done.deleted;
	return result;
}

static int read_ids(struct mongo_cursor *cursor, struct arena *arena, struct value *ids,
	size_t *ret_count, struct err *err)
{
	size_t count = 0;

	while (count < DELETE_BATCH) {
		struct bytes doc;
		int more = mongo_cursor_next(cursor, &doc, err);
		if (more < 0)
			return more;
		if (more == 0)
			break;
		struct bytes copy = arena_bytes(arena, doc);
		if (copy.data == NULL)
			return err_no_memory(err);
		ids[count++] = doc_get(copy, "_id");
	}
	*ret_count = count;
	return 0;
}

static void tell(const struct undoing *undoing, const char *collection)
{
	const struct step_progress progress = {
		.phase = collection,
		.done = undoing->deleted,
		.unit = "documents",
		.left = -1,
		.lag = -1,
		.counters = {{"deleted", undoing->deleted}},
		.counter_count = 1,
	};

	undoing->context->host->progress(undoing->context->host->self, &progress);
}

/* One sweep over a collection; *ret_found is what it found. */
static int sweep(struct undoing *undoing, const struct deletion *deletion, size_t *ret_found,
	struct err *err)
{
	static const struct bytes nothing = {NULL, 0};
	struct mongo_cursor *cursor CLEANUP(mongo_cursor_cleanup) = NULL;
	CLEANUP_STR struct str filter = STR_INIT, projection = STR_INIT;
	struct arena arena = ARENA_INIT;
	struct value ids[DELETE_BATCH];
	struct doc_writer writer;
	size_t count = 0;

	*ret_found = 0;
	write_ours(&filter, deletion, undoing->context->run_id);
	doc_write_begin(&writer, &projection);
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
	int result = str_check(&filter, err);
	if (result == 0)
		result = str_check(&projection, err);
	const struct mongo_find find = {
		.collection = deletion->collection,
		.filter = str_bytes(&filter),
		.projection = str_bytes(&projection),
		.sort = nothing,
		.no_timeout = true,
	};
	if (result == 0)
		result = mongo_find(undoing->context->mongo, &find, &cursor, err);
	do {
		if (result == 0 &&
			undoing->context->host->stop_requested(undoing->context->host->self))
			result = err_set(err, ERR_STOPPED, "stopped while %s is undone",
				deletion->collection);
		if (result == 0)
			result = read_ids(cursor, &arena, ids, &count, err);
		if (result == 0 && count > 0)
			result = delete_ids(undoing, deletion, ids, count, err);
		*ret_found += count;
		tell(undoing, deletion->collection);
		arena_reset(&arena);
	} while (result == 0 && count == DELETE_BATCH);
	arena_release(&arena);
	return result;
}

/* Until a sweep finds nothing: a write that was on its way may land after the first. */
static int delete_all(struct undoing *undoing, const struct deletion *deletion, struct err *err)
{
	size_t found = 1;

	for (int round = 0; found > 0; round++) {
		if (round == SWEEPS_MAX)
			return err_set(err, ERR_ROLLBACK,
				"%s: documents with this run's id come back; something still "
				"writes "
				"them",
				deletion->collection);
		int result = sweep(undoing, deletion, &found, err);
		if (result != 0)
			return result;
	}
	return 0;
}

/* ---- proof */

static int count_ours(const struct step_context *context, const struct deletion *deletion,
	int64_t *ret_count, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;

	write_ours(&filter, deletion, context->run_id);
	int result = str_check(&filter, err);
	return result != 0 ? result
			   : mongo_count(context->mongo, deletion->collection, str_bytes(&filter),
				     ret_count, err);
}

/* After ingest was resumed others may have written: then a difference is told, and is no failure.
 */
static int prove_inexact(struct undoing *undoing, const char *const *collections, struct err *err)
{
	const struct step_context *context = undoing->context;
	CLEANUP_STR struct str text = STR_INIT;
	struct backup_index index;
	int result = backup_of_run(context, &index, err);

	if (result != 0)
		return result;
	for (size_t i = 0; result == 0 && i < undoing->count; i++) {
		const char *difference = NULL;
		result = backup_compare(
			&index, context->mongo, collections[i], context->arena, &difference, err);
		if (result == 0 && difference != NULL)
			str_append_format(&text, "%s%s", text.size == 0 ? "" : "; ", difference);
	}
	backup_index_release(&index);
	bool equal = text.size == 0;
	if (!equal)
		str_append_text(&text, ": ours are gone, and others have written since");
	if (result == 0)
		result = str_check(&text, err);
	return result != 0 ? result
			   : context->host->check(context->host->self, "undo-proof",
				     equal ? CHECK_PASSED : CHECK_WARNING,
				     equal ? "every collection that was written to has the "
					     "backup's digest"
					   : str_text(&text),
				     err);
}

static int prove_by_backup(struct undoing *undoing, const char *const *collections, struct err *err)
{
	const struct step_context *context = undoing->context;
	const struct step_host *host = context->host;
	const struct json *backup = context->checkpoint_of == NULL
					    ? NULL
					    : context->checkpoint_of(host->self, "backup");

	if (backup == NULL)
		return host->check(host->self, "undo-proof", CHECK_SKIPPED,
			"ours are gone; there is no backup to compare with", err);
	if (context->ingest_resumed)
		return prove_inexact(undoing, collections, err);
	int result = backup_prove(context, collections, undoing->count, ERR_ROLLBACK, err);
	if (result == 0)
		result = host->check(host->self, "undo-proof", CHECK_PASSED,
			"every collection that was written to has the backup's digest", err);
	return result;
}

static int prove(struct undoing *undoing, struct err *err)
{
	const struct step_context *context = undoing->context;
	const char *collections[BACKFILL_TARGETS_MAX];
	int result = 0;

	for (size_t i = 0; result == 0 && i < undoing->count; i++) {
		int64_t left = 0;
		collections[i] = undoing->deletions[i].collection;
		result = count_ours(context, &undoing->deletions[i], &left, err);
		if (result == 0 && left > 0)
			result = err_set(err, ERR_ROLLBACK,
				"%s still has %lld documents of this run",
				undoing->deletions[i].collection, (long long)left);
	}
	if (result != 0)
		return result;
	return prove_by_backup(undoing, collections, err);
}

int backfill_undo(const struct step_context *context, struct err *err)
{
	struct undoing undoing = {.context = context};
	struct json_doc *rollback CLEANUP(json_cleanup) = NULL;
	struct backfill backfill;
	int result = backfill_load(context->step->migration, context->arena, &backfill, err);

	if (result == 0)
		result = plan_deletions(&undoing, &backfill, &rollback, err);
	if (result == 0 && context->ingest_resumed && !context->options->accept_inexact)
		return err_set(err, ERR_NO_WAY_BACK,
			"ingest was resumed after %s: events may have been published, and others "
			"may have built on what it wrote",
			backfill.id);
	for (size_t i = 0; result == 0 && i < undoing.count; i++)
		result = delete_all(&undoing, &undoing.deletions[i], err);
	if (result == 0)
		result = prove(&undoing, err);
	return result;
}
