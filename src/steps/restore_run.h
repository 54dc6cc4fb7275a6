/*
 * restore_run: a restore that is being made; shared by the files of the restore.
 */
#ifndef OFFKIT_STEPS_RESTORE_RUN_H
#define OFFKIT_STEPS_RESTORE_RUN_H

#include "steps/backup_files.h"
#include "steps/backup_reading.h"
#include "steps/restore.h"

/* A collection on its way back. */
struct restore_target {
	bool is_there; /* in the target, when it was looked at */
	bool kept;     /* it is there as the backup has it: it is neither dropped nor filled */
	/* filling, under the mutex */
	pthread_mutex_t mutex;
	struct backup_reader *reader;
	bool at_end;
	struct lthash written;
	/* digesting what is there */
	struct backup_ranges ranges;
	struct backup_open *open;
	int64_t octets, average; /* by the backup, or about */
};

struct restore_item {
	size_t place, part;
};

struct restoring {
	const struct restore *restore;
	struct backup_index index;
	int dirfd; /* of the database's files */
	const char *target;
	struct restore_target *targets; /* of each collection */
	struct restore_item *items;	/* what the crew works on in this phase */
	size_t count, room;
	const char *phase;
	int64_t total, started;
};

static inline bool restore_is_view(const struct backup_collection *collection)
{
	return collection->documents.name == NULL;
}

typedef int restore_work(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err);

/* A crew over the items that were added since the last phase. */
MUST_CHECK int restore_phase(struct restoring *restoring, const char *phase, int64_t total,
	bool with_connections, restore_work *work, struct err *err);
MUST_CHECK int restore_add_item(
	struct restoring *restoring, size_t place, size_t part, struct err *err);

/* ---- restore_check.c, restore_fill.c: for the crew */

restore_work restore_check_collection; /* that its files are those of the index, or can be read */
restore_work restore_fill_collection;  /* as many items a collection as are to insert at once */

/* ---- restore_there.c */

/* What of the target is as the backup has it already: a restore that was interrupted goes on. */
MUST_CHECK int restore_look(struct restoring *restoring, struct mongo *target,
	const struct mongo_collection *there, size_t count, struct err *err);
/* That the server has what was written to it. */
MUST_CHECK int restore_prove(struct restoring *restoring, struct mongo *target, struct err *err);

/* ---- restore_make.c */

MUST_CHECK int restore_metadata(const struct backup_collection *collection, struct arena *arena,
	struct backup_metadata *metadata, struct err *err);
bool restore_is_validation(const char *option);
/* The collection or view, empty, with its options but without validator. */
MUST_CHECK int restore_create(
	struct mongo *mongo, const struct backup_collection *collection, struct err *err);
MUST_CHECK int restore_validation(struct mongo *mongo, const struct backup_collection *collection,
	struct bytes options, struct err *err);
/* Those that expire, or those that do not. tally: may be NULL. */
MUST_CHECK int restore_indexes(struct mongo *mongo, const char *collection,
	const struct backup_metadata *metadata, bool expiring, const struct crew_tally *tally,
	struct err *err);

#endif
