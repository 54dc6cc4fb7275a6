/*
 * backup_run: a backup that is being made; shared by the files of the backup step.
 */
#ifndef OFFKIT_STEPS_BACKUP_RUN_H
#define OFFKIT_STEPS_BACKUP_RUN_H

#include "steps/backup_files.h"
#include "steps/backup_reading.h"

struct backup_run {
	const struct step_context *context;
	char *dir; /* BACKUP-DIR/RUN-ID */
	int dirfd;
	int database_dirfd;
	struct backup_index index; /* every collection that there is, read or not */
	bool *finished;		   /* of each collection: its files are whole */
	bool *changed;		   /* of each: the second reading differs from the first */
	bool *capped;		   /* of each: its order is the server's */
	int64_t *expected;	   /* of each: octets, may lag */
	int64_t *average;	   /* of each: octets a document, may lag; 0: not known */
	struct backup_ranges *ranges;
	struct backup_open **open; /* of each: NULL unless it is being read */
	pthread_mutex_t opening;   /* for open */
	char partial[64];	   /* the file that has what is finished; "": none */
	const char *phase;
	int64_t total;		 /* octets of the phase */
	int64_t kept;		 /* octets of it that an earlier run has read */
	int64_t started;	 /* clock_boottime() */
	int64_t last_checkpoint; /* clock_boottime() */
	uint64_t last_kept;	 /* octets of what was open then */
};

static inline bool backup_is_view(const struct backup_collection *collection)
{
	return collection->documents.name == NULL;
}

/* What there is to be backed up; with names, definitions and expected sizes. */
MUST_CHECK int backup_run_survey(struct backup_run *run, struct err *err);

/* Reads what is not finished, several collections and ranges at once. */
MUST_CHECK int backup_run_read(struct backup_run *run, struct err *err);

/* Reads everything again and compares: confirms, or ERR_NOT_SILENT. */
MUST_CHECK int backup_run_confirm(struct backup_run *run, struct err *err);

/* ---- shared by the two */

typedef int backup_work(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err);

/*
 * A crew over the ranges of what is chosen, the largest collection first, so that no large one is
 * left for the end. An item is a range: backup_item_place and _range say which.
 */
struct backup_crew {
	struct backup_run *run;
	struct backup_item *items;
	size_t count;
	int (*finished)(struct backup_run *run, size_t place, struct err *err); /* may be NULL */
};

struct backup_item {
	size_t place, range;
};

MUST_CHECK int backup_run_crew(struct backup_run *run, const char *phase,
	bool (*chosen)(const struct backup_run *, size_t), backup_work *work,
	int (*finished)(struct backup_run *, size_t place, struct err *),
	int (*look)(void *, struct err *), struct err *err);

struct backup_open *backup_open_at(struct backup_run *run, size_t place); /* NULL: it is not */

/* As backup_ranges_make is asked. */
int64_t backup_divide_from(const struct backup_run *run, size_t place);

/* ---- checkpoints, and going on from one (backup_partial.c) */

/* Leaves a checkpoint that names what is finished, and how far what is open is on the disk. */
MUST_CHECK int backup_run_checkpoint(struct backup_run *run, struct err *err);

/* Takes from the context's checkpoint what is finished and what was open. */
MUST_CHECK int backup_run_go_on(struct backup_run *run, struct err *err);

#endif
