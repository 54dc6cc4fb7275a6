/*
 * restore_collection: one collection's part of a restore; in a worker's thread.
 */
#ifndef OFFKIT_STEPS_RESTORE_COLLECTION_H
#define OFFKIT_STEPS_RESTORE_COLLECTION_H

#include "steps/backup_files.h"
#include "steps/crew.h"
#include "steps/restore.h"

struct restoring {
	const struct restore *restore;
	struct backup_index index;
	int dirfd; /* of the database's files */
	const char *target;
	const char *phase;
	int64_t total, started;
};

/* For crew: that the files are those of the index, or, without digests, can be read. */
int restore_check_collection(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err);

/* For crew: makes, fills and proves a collection; views are left out. */
int restore_collection(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err);

/* The collection or view, empty, with its options but without validator. */
MUST_CHECK int restore_create(
	struct mongo *mongo, const struct backup_collection *collection, struct err *err);

#endif
