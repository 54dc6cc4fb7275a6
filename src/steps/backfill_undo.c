/*
 * Deletes what carries this run's id, and proves that all is as it was. A backfill changes no
 * document that is there, so nothing has to be put back.
 *
 * Every delete names the ids and the run's id, so that it can be cut off anywhere and done again.
 * Collections follow one another in the order of rollback.json; the batches of one are deleted
 * beside each other. Rounds over all of them end when one has found nothing: a write that was on
 * its way may land after the first.
 */
#include "steps/backfill.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/backup.h"
#include "steps/crew.h"

enum { DELETE_BATCH = 1000, ROUNDS_MAX = 10 };

struct deletion {
	const char *collection, *run_path;
};

struct undoing {
	const struct step_context *context;
	size_t count;
	struct deletion deletions[BACKFILL_TARGETS_MAX];
	int64_t deleted;
};

/* One collection's ids, read by whoever needs the next ones. */
struct sweep {
	struct undoing *undoing;
	const struct deletion *deletion;
	struct mongo *reader;
	struct mongo_cursor *cursor;
	pthread_mutex_t reading;
	bool at_end; /* with `reading` held */
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
		if (is_deleted(undoing, write))
			continue;
		if (undoing->count == BACKFILL_TARGETS_MAX)
			return err_set(
				err, ERR_LIMIT, "more than %d deletions", BACKFILL_TARGETS_MAX);
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

static int delete_ids(const struct sweep *sweep, struct mongo *mongo, const struct value *ids,
	size_t count, int64_t *ret_deleted, struct err *err)
{
	const struct deletion *deletion = sweep->deletion;
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
	doc_write_string(&writer, deletion->run_path, sweep->undoing->context->run_id);
	doc_write_end(&writer);
	int result = str_check(&filter, err);
	if (result == 0)
		result = mongo_bulk_begin(mongo, deletion->collection, &bulk, err);
	if (result == 0)
		result = mongo_bulk_delete(bulk, str_bytes(&filter), true, err);
	if (result == 0)
		result = mongo_bulk_run(bulk, &done, err);
	if (result == 0 && done.error_count > 0)
		result = err_set(err, ERR_ROLLBACK, "%s: the server refused to delete: %s",
			deletion->collection, done.errors[0].message);
	if (result == 0)
		*ret_deleted = done.deleted;
	return result;
}

static int read_ids(struct sweep *sweep, struct arena *arena, struct value *ids, size_t *ret_count,
	struct err *err)
{
	size_t count = 0;

	while (count < DELETE_BATCH && !sweep->at_end) {
		struct bytes doc;
		int more = mongo_cursor_next(sweep->cursor, &doc, err);
		if (more < 0)
			return more;
		sweep->at_end = more == 0;
		if (sweep->at_end)
			break;
		struct bytes copy = arena_bytes(arena, doc);
		if (copy.data == NULL)
			return err_no_memory(err);
		ids[count++] = doc_get(copy, "_id");
	}
	*ret_count = count;
	return 0;
}

static int delete_some(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct sweep *sweep = self;
	struct value ids[DELETE_BATCH];
	int64_t deleted = 0;
	size_t count = 0;

	(void)item;
	(void)pthread_mutex_lock(&sweep->reading);
	int result = crew_cancelled(tally, err);
	if (result == 0)
		result = read_ids(sweep, &arena, ids, &count, err);
	(void)pthread_mutex_unlock(&sweep->reading);
	if (result != 0 || count == 0)
		return result != 0 ? result : 1;
	result = delete_ids(sweep, mongo, ids, count, &deleted, err);
	if (result == 0)
		atomic_fetch_add(&tally->documents, deleted);
	return result;
}

static void tell(const struct undoing *undoing, const char *collection, int64_t deleted)
{
	const struct step_progress progress = {
		.phase = collection,
		.done = deleted,
		.unit = "documents",
		.left = -1,
		.lag = -1,
		.counters = {{"deleted", deleted}},
		.counter_count = 1,
	};

	undoing->context->host->progress(undoing->context->host->self, &progress);
}

static void tell_sweep(void *self, const struct crew_tally *tally)
{
	const struct sweep *sweep = self;

	tell(sweep->undoing, sweep->deletion->collection,
		sweep->undoing->deleted + atomic_load(&tally->documents));
}

static bool stop_requested(void *self)
{
	const struct sweep *sweep = self;
	const struct step_host *host = sweep->undoing->context->host;

	return host->stop_requested(host->self);
}

static int open_sweep(struct sweep *sweep, struct err *err)
{
	const struct step_context *context = sweep->undoing->context;
	CLEANUP_STR struct str filter = STR_INIT, projection = STR_INIT;
	struct doc_writer writer;

	write_ours(&filter, sweep->deletion, context->run_id);
	doc_write_begin(&writer, &projection);
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
	int result = str_check(&filter, err);
	if (result == 0)
		result = str_check(&projection, err);
	const struct mongo_find find = {
		.collection = sweep->deletion->collection,
		.filter = str_bytes(&filter),
		.projection = str_bytes(&projection),
		.no_timeout = true,
	};
	if (result == 0)
		result = mongo_connect_again(context->mongo, NULL, &sweep->reader, err);
	return result == 0 ? mongo_find(sweep->reader, &find, &sweep->cursor, err) : result;
}

/* Over one collection, by as many workers as the backfill has. */
static int delete_all(struct undoing *undoing, const struct deletion *deletion, struct err *err)
{
	struct sweep sweep = {.undoing = undoing, .deletion = deletion};
	const struct crew crew = {
		.self = &sweep,
		.mongo = undoing->context->mongo,
		.workers = (size_t)backfill_workers(undoing->context),
		.work = delete_some,
		.tell = tell_sweep,
		.stop_requested = stop_requested,
	};

	(void)pthread_mutex_init(&sweep.reading, NULL);
	int result = open_sweep(&sweep, err);
	if (result == 0)
		result = crew_run(&crew, CREW_OPEN_END, err);
	mongo_cursor_close(sweep.cursor);
	mongo_close(sweep.reader);
	(void)pthread_mutex_destroy(&sweep.reading);
	if (result == -ERR_STOPPED)
		return err_set(
			err, ERR_STOPPED, "stopped while %s is undone", deletion->collection);
	return result;
}

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

/* One round over all collections; *ret_found is what it found. */
static int sweep_all(
	struct undoing *undoing, int64_t *ret_found, const char **ret_where, struct err *err)
{
	*ret_found = 0;
	for (size_t i = 0; i < undoing->count; i++) {
		int64_t found = 0;
		int result = count_ours(undoing->context, &undoing->deletions[i], &found, err);
		if (result == 0 && found > 0)
			result = delete_all(undoing, &undoing->deletions[i], err);
		if (result != 0)
			return result;
		undoing->deleted += found;
		*ret_found += found;
		if (found > 0)
			*ret_where = undoing->deletions[i].collection;
	}
	return 0;
}

static int sweep_until_gone(struct undoing *undoing, struct err *err)
{
	const char *where = "";
	int64_t found = 1;

	for (int round = 0; found > 0; round++) {
		if (round == ROUNDS_MAX)
			return err_set(err, ERR_ROLLBACK,
				"%s: documents with this run's id come back; something still "
				"writes them",
				where);
		int result = sweep_all(undoing, &found, &where, err);
		if (result != 0)
			return result;
	}
	return 0;
}

/* ---- proof */

/* Every collection that was written to; "" when all are as the backup has them. */
static int compare_all(const struct undoing *undoing, struct str *differences, struct err *err)
{
	const struct step_context *context = undoing->context;
	struct backup_index index;
	int result = backup_of_run(context, &index, err);

	if (result != 0)
		return result;
	for (size_t i = 0; result == 0 && i < undoing->count; i++) {
		const char *collection = undoing->deletions[i].collection;
		const char *difference = NULL;
		tell(undoing, collection, undoing->deleted);
		if (context->host->stop_requested(context->host->self))
			result = err_set(err, ERR_STOPPED, "stopped before %s", collection);
		else
			result = backup_compare(&index, context->mongo, collection, context->arena,
				&difference, err);
		if (result == 0 && difference != NULL)
			str_append_format(differences, "%s%s", differences->size == 0 ? "" : "; ",
				difference);
	}
	backup_index_release(&index);
	return result == 0 ? str_check(differences, err) : result;
}

/* After ingest was resumed others may have written: then a difference is told, and is no failure.
 */
static int prove_by_backup(const struct undoing *undoing, struct err *err)
{
	const struct step_context *context = undoing->context;
	const struct step_host *host = context->host;
	CLEANUP_STR struct str differences = STR_INIT;
	const struct json *backup = context->checkpoint_of == NULL
					    ? NULL
					    : context->checkpoint_of(host->self, "backup");

	if (backup == NULL)
		return host->check(host->self, "undo-proof", CHECK_SKIPPED,
			"ours are gone; there is no backup to compare with", err);
	int result = compare_all(undoing, &differences, err);
	if (result != 0)
		return result;
	if (differences.size == 0)
		return host->check(host->self, "undo-proof", CHECK_PASSED,
			"every collection that was written to has the backup's digest", err);
	if (!context->ingest_resumed)
		return err_set(err, ERR_ROLLBACK,
			"%s; ours are gone, so others wrote there while ingest was frozen: find "
			"out who and try again, or restore the backup",
			str_text(&differences));
	str_append_text(&differences, ": ours are gone, and others have written since");
	result = str_check(&differences, err);
	return result != 0 ? result
			   : host->check(host->self, "undo-proof", CHECK_WARNING,
				     str_text(&differences), err);
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
	if (result == 0)
		result = sweep_until_gone(&undoing, err);
	return result == 0 ? prove_by_backup(&undoing, err) : result;
}
