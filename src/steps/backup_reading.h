/*
 * backup_reading: a collection read by several threads, range by range, into one sum and one file.
 */
#ifndef OFFKIT_STEPS_BACKUP_READING_H
#define OFFKIT_STEPS_BACKUP_READING_H

#include <pthread.h>

#include "steps/backup_joint.h"
#include "steps/backup_ranges.h"
#include "steps/crew.h"

/* A collection that is being read, by as many threads as it has ranges and the crew has workers. */
struct backup_open {
	pthread_mutex_t mutex;
	/* under the mutex, and of one piece: what the file has, the sum is of, and the ranges are
	   behind */
	struct backup_joint *joint; /* NULL: only digested */
	struct lthash sum;
	size_t readers; /* threads that are in it */
	bool ended;	/* all its ranges are done, and one thread makes the end */
	bool settled;	/* which it has done: nobody looks at it any more */
};

MUST_CHECK int backup_open_new(struct backup_open **ret_open, struct err *err);
void backup_open_free(struct backup_open *open);
/* By each thread before it reads a range of it, and when it has read it to its end. */
void backup_open_enter(struct backup_open *open);
/* True for the one thread that has to end the collection: the last that is in it. */
bool backup_open_leave(
	struct backup_open *open, struct backup_ranges *ranges, struct backup_range *range);
void backup_open_settle(struct backup_open *open);

/* What is read, and in what it is packed. */
struct backup_reading {
	const char *collection;
	int64_t average; /* octets a document; 0: not known */
	enum compression compression;
};

/* Reads a range to its end into open's sum, and into its file if it has one. */
MUST_CHECK int backup_read_range(const struct backup_reading *reading, struct backup_range *range,
	struct backup_open *open, struct mongo *mongo, struct crew_tally *tally, struct err *err);

#endif
