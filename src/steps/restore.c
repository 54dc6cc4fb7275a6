#include "steps/restore.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "steps/restore_collection.h"

enum { NAMESPACE_NOT_FOUND = 26 };

/* ---- the crew's callbacks */

static void tell(void *self, const struct crew_tally *tally)
{
	struct restoring *restoring = self;
	const struct step_host *host = restoring->restore->host;
	int64_t done = atomic_load(&tally->octets);
	int64_t took = clock_boottime() - restoring->started;
	double rate = took > 0 ? (double)done * 1000 / (double)took : 0;
	int64_t left = restoring->total > done ? restoring->total - done : 0;
	struct step_progress progress = {
		.phase = restoring->phase,
		.done = done,
		.total = restoring->total,
		.unit = "octets",
		.rate = rate,
		.left = rate > 0 && restoring->total > 0 ? (int64_t)((double)left * 1000 / rate)
							 : -1,
		.lag = -1,
		.counters = {{"documents", atomic_load(&tally->documents)}},
		.counter_count = 1,
	};

	host->progress(host->self, &progress);
}

static bool stop_requested(void *self)
{
	const struct step_host *host = ((struct restoring *)self)->restore->host;

	return host->stop_requested(host->self);
}

static int run_phase(struct restoring *restoring, const char *phase, int64_t total,
	bool with_connections,
	int (*work)(void *, size_t, struct mongo *, struct crew_tally *, struct err *),
	struct err *err)
{
	const struct restore *restore = restoring->restore;
	const struct crew crew = {
		.self = restoring,
		.mongo = with_connections ? restore->mongo : NULL,
		.database = restoring->target,
		.workers = restore->workers,
		.work = work,
		.tell = tell,
		.stop_requested = stop_requested,
	};

	restoring->phase = phase;
	restoring->total = total;
	restoring->started = clock_boottime();
	return crew_run(&crew, restoring->index.count, err);
}

/* ---- before anything is touched */

static int load(struct restoring *restoring, struct err *err)
{
	const struct restore *restore = restoring->restore;
	CLEANUP_FD int dirfd = -1;
	int result = folder_open(restore->dir, &dirfd, err);

	if (result != 0)
		return result;
	bool foreign = restore->index_sha256 == NULL &&
		       faccessat(dirfd, BACKUP_INDEX_NAME, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
	result = foreign ? backup_index_scan(dirfd, &restoring->index, err)
			 : backup_index_load(dirfd, restore->index_sha256, &restoring->index, err);
	if (result == 0)
		result = folder_open_at(dirfd, restoring->index.database, &restoring->dirfd, err);
	return result != 0 ? err_context(err, "%s", restore->dir) : 0;
}

/* The target's collections, and whether they may go. */
static int look_at_target(struct restoring *restoring, struct mongo *target, struct arena *arena,
	struct mongo_collection **ret_there, size_t *ret_count, struct err *err)
{
	int result = mongo_collections(target, arena, ret_there, ret_count, err);

	if (result != 0 || *ret_count == 0 || restoring->restore->drop)
		return result;
	return err_set(err, ERR_RESTORE,
		"database %s is not empty (%s), and nothing was said about dropping what is in it",
		restoring->target, (*ret_there)[0].name);
}

static int64_t octets_of_files(const struct backup_index *index)
{
	uint64_t octets = 0;

	for (size_t i = 0; i < index->count; i++)
		octets +=
			index->collections[i].documents.size + index->collections[i].metadata.size;
	return (int64_t)octets;
}

/* Written once and read back once; of what mongodump wrote the octets are not known. */
static int64_t octets_of_documents(const struct backup_index *index)
{
	uint64_t octets = 0;

	for (size_t i = 0; i < index->count; i++)
		octets += 2 * index->collections[i].octets;
	return (int64_t)octets;
}

/* ---- the target */

static int drop_one(struct mongo *target, const char *name, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct mongo_refusal refusal;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "drop", name);
	doc_write_end(&writer);
	int result = mongo_command(target, str_bytes(&command), &reply, &refusal, err);
	if (result != 0 && refusal.code == NAMESPACE_NOT_FOUND)
		return 0;
	return result != 0 ? err_context(err, "dropping %s", name) : 0;
}

static int drop_all(
	struct mongo *target, const struct mongo_collection *there, size_t count, struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < count; i++)
		result = drop_one(target, there[i].name, err);
	return result;
}

static int create_views(struct restoring *restoring, struct mongo *target, struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < restoring->index.count; i++)
		if (strcmp(restoring->index.collections[i].type, "view") == 0)
			result = restore_create(target, &restoring->index.collections[i], err);
	return result;
}

static int bring_back(struct restoring *restoring, struct mongo *target, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct mongo_collection *there = NULL;
	size_t count = 0;
	int result = look_at_target(restoring, target, &arena, &there, &count, err);

	if (result == 0)
		result = run_phase(restoring, "checking", octets_of_files(&restoring->index), false,
			restore_check_collection, err);
	if (result != 0)
		return result;
	result = drop_all(target, there, count, err);
	if (result == 0)
		result = run_phase(restoring, "restoring", octets_of_documents(&restoring->index),
			true, restore_collection, err);
	if (result == 0)
		result = create_views(restoring, target, err);
	return result != 0 ? err_context(err,
				     "database %s is only partly restored: run the restore again",
				     restoring->target)
			   : 0;
}

static void sum_up(const struct restoring *restoring, struct restore_result *result)
{
	*result = (struct restore_result){.collections = restoring->index.count};
	for (size_t i = 0; i < restoring->index.count; i++) {
		result->documents += restoring->index.collections[i].count;
		result->octets += restoring->index.collections[i].octets;
	}
}

int restore_backup(
	const struct restore *restore, struct restore_result *ret_result, struct err *err)
{
	CLEANUP(mongo_cleanup) struct mongo *target = NULL;
	struct restoring restoring = {.restore = restore, .dirfd = -1};
	int result = load(&restoring, err);

	restoring.target = restore->into != NULL ? restore->into : restoring.index.database;
	if (result == 0)
		result = mongo_connect_again(restore->mongo, restoring.target, &target, err);
	if (result == 0)
		result = bring_back(&restoring, target, err);
	if (result == 0)
		sum_up(&restoring, ret_result);
	if (restoring.dirfd >= 0)
		(void)close(restoring.dirfd);
	backup_index_release(&restoring.index);
	if (result == 0 || err->code == ERR_NO_MEMORY || err->code == ERR_INTERNAL ||
		err->code == ERR_DATABASE_LOST)
		return result;
	return err_recode(err, ERR_RESTORE);
}
