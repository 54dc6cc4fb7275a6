#include "steps/restore.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "steps/restore_run.h"

enum {
	NAMESPACE_NOT_FOUND = 26,
	SEAT_OCTETS = 8 * 1024 * 1024, /* of a file, for which another connection is worth it */
	COMPRESSES_TO = 6,	       /* of compressed files of mongodump, about */
};

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

int restore_add_item(struct restoring *restoring, size_t place, size_t part, struct err *err)
{
	if (restoring->count == restoring->room) {
		size_t room = restoring->room * 2 + 64;
		struct restore_item *items =
			reallocarray(restoring->items, room, sizeof *restoring->items);
		if (items == NULL)
			return err_no_memory(err);
		restoring->items = items;
		restoring->room = room;
	}
	restoring->items[restoring->count++] = (struct restore_item){place, part};
	return 0;
}

int restore_phase(struct restoring *restoring, const char *phase, int64_t total,
	bool with_connections, restore_work *work, struct err *err)
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
	int result = crew_run(&crew, restoring->count, err);
	restoring->count = 0;
	return result;
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

static int check_files(struct restoring *restoring, struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < restoring->index.count; i++)
		result = restore_add_item(restoring, i, 0, err);
	return result != 0
		       ? result
		       : restore_phase(restoring, "checking", octets_of_files(&restoring->index),
				 false, restore_check_collection, err);
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

/* What is not as the backup has it, and what the backup does not have. Views first: they stand on
 * others. */
static int drop_rest(struct restoring *restoring, struct mongo *target,
	const struct mongo_collection *there, size_t count, struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < 2 * count; i++) {
		const struct mongo_collection *one = &there[i % count];
		const struct backup_collection *known = backup_find(&restoring->index, one->name);
		bool kept = known != NULL &&
			    restoring->targets[known - restoring->index.collections].kept;
		if (!kept && (strcmp(one->type, "view") == 0) == (i < count))
			result = drop_one(target, one->name, err);
	}
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

/* How many insert into a collection at once; where the order counts, one. */
static size_t seats_of(const struct restoring *restoring, size_t place)
{
	const struct backup_collection *collection = &restoring->index.collections[place];
	struct bytes options = doc_get(collection->definition, "options").bytes;
	int64_t seats = 1 + restoring->targets[place].octets / SEAT_OCTETS;

	if (doc_get(collection->definition, "options").type == VALUE_DOCUMENT &&
		doc_get_bool(options, "capped"))
		return 1;
	return seats < (int64_t)restoring->restore->workers ? (size_t)seats
							    : restoring->restore->workers;
}

static int fill(struct restoring *restoring, struct mongo *target, struct err *err)
{
	int64_t octets = 0;
	int result = 0;

	for (size_t i = 0; result == 0 && i < restoring->index.count; i++) {
		const struct backup_collection *collection = &restoring->index.collections[i];
		if (restoring->targets[i].kept || restore_is_view(collection))
			continue;
		result = restore_create(target, collection, err);
		for (size_t k = 0; result == 0 && k < seats_of(restoring, i); k++)
			result = restore_add_item(restoring, i, k, err);
		octets += restoring->targets[i].octets;
	}
	return result != 0 ? result
			   : restore_phase(restoring, "restoring", octets, true,
				     restore_fill_collection, err);
}

static int finish_collection(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	struct restoring *restoring = self;
	const struct backup_collection *collection =
		&restoring->index.collections[restoring->items[item].place];
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct backup_metadata metadata;
	int result = restore_metadata(collection, &arena, &metadata, err);

	if (result == 0)
		result = restore_indexes(mongo, collection->name, &metadata, false, tally, err);
	if (result == 0)
		result = restore_validation(mongo, collection, metadata.options, err);
	return result;
}

static int finish(struct restoring *restoring, struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < restoring->index.count; i++)
		if (!restore_is_view(&restoring->index.collections[i]))
			result = restore_add_item(restoring, i, 0, err);
	return result != 0 ? result
			   : restore_phase(restoring, "indexing", 0, true, finish_collection, err);
}

/* The very last: from here on documents may go. */
static int arm_expiry(struct restoring *restoring, struct mongo *target, struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < restoring->index.count; i++) {
		const struct backup_collection *collection = &restoring->index.collections[i];
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		struct backup_metadata metadata;
		if (restore_is_view(collection))
			continue;
		result = restore_metadata(collection, &arena, &metadata, err);
		if (result == 0)
			result = restore_indexes(
				target, collection->name, &metadata, true, NULL, err);
	}
	return result;
}

static int change(struct restoring *restoring, struct mongo *target,
	const struct mongo_collection *there, size_t count, struct err *err)
{
	int result = drop_rest(restoring, target, there, count, err);

	if (result == 0)
		result = fill(restoring, target, err);
	if (result == 0)
		result = finish(restoring, err);
	if (result == 0)
		result = restore_prove(restoring, target, err);
	if (result == 0)
		result = create_views(restoring, target, err);
	if (result == 0)
		result = arm_expiry(restoring, target, err);
	return result != 0 ? err_context(err,
				     "database %s is only partly restored: run the restore again",
				     restoring->target)
			   : 0;
}

static int bring_back(struct restoring *restoring, struct mongo *target, struct err *err)
{
	const struct restore *restore = restoring->restore;
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct mongo_collection *there = NULL;
	size_t count = 0;
	int result = look_at_target(restoring, target, &arena, &there, &count, err);

	if (result == 0)
		result = check_files(restoring, err);
	if (result == 0)
		result = restore_look(restoring, target, there, count, err);
	if (result == 0 && restore->changing != NULL)
		result = restore->changing(restore->changing_self, err);
	return result != 0 ? result : change(restoring, target, there, count, err);
}

static int prepare_targets(struct restoring *restoring, struct err *err)
{
	const struct backup_index *index = &restoring->index;
	int64_t factor = index->compression == COMPRESSION_NONE ? 1 : COMPRESSES_TO;

	restoring->targets = calloc(index->count + 1, sizeof *restoring->targets);
	if (restoring->targets == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < index->count; i++) {
		const struct backup_collection *collection = &index->collections[i];
		struct restore_target *target = &restoring->targets[i];
		(void)pthread_mutex_init(&target->mutex, NULL);
		target->octets = index->foreign ? (int64_t)collection->documents.size * factor
						: (int64_t)collection->octets;
		if (!index->foreign && collection->count > 0)
			target->average = target->octets / (int64_t)collection->count;
	}
	return 0;
}

static void release(struct restoring *restoring)
{
	for (size_t i = 0; restoring->targets != NULL && i < restoring->index.count; i++) {
		struct restore_target *target = &restoring->targets[i];
		backup_reader_free(target->reader);
		backup_open_free(target->open);
		backup_ranges_release(&target->ranges);
		(void)pthread_mutex_destroy(&target->mutex);
	}
	free(restoring->targets);
	free(restoring->items);
	if (restoring->dirfd >= 0)
		(void)close(restoring->dirfd);
	backup_index_release(&restoring->index);
}

static void sum_up(const struct restoring *restoring, struct restore_result *result)
{
	*result = (struct restore_result){.collections = restoring->index.count};
	for (size_t i = 0; i < restoring->index.count; i++) {
		result->documents += restoring->index.collections[i].count;
		result->octets += restoring->index.collections[i].octets;
		result->kept += restoring->targets[i].kept;
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
		result = prepare_targets(&restoring, err);
	if (result == 0)
		result = mongo_connect_again(restore->mongo, restoring.target, &target, err);
	if (result == 0)
		result = bring_back(&restoring, target, err);
	if (result == 0)
		sum_up(&restoring, ret_result);
	release(&restoring);
	if (result == 0 || err->code == ERR_NO_MEMORY || err->code == ERR_INTERNAL ||
		err->code == ERR_DATABASE_LOST)
		return result;
	return err_recode(err, ERR_RESTORE);
}
