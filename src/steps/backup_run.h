/*
 * backup_run: a backup that is being made; shared by the files of the backup step.
 */
#ifndef OFFKIT_STEPS_BACKUP_RUN_H
#define OFFKIT_STEPS_BACKUP_RUN_H

#include "steps/backup_files.h"
#include "steps/crew.h"

struct backup_run {
	const struct step_context *context;
	char *dir; /* BACKUP-DIR/RUN-ID */
	int dirfd;
	int database_dirfd;
	struct backup_index index; /* every collection that there is, read or not */
	bool *finished;		   /* of each collection: its files are whole */
	bool *changed;		   /* of each: the second reading differs from the first */
	size_t *order;		   /* what a crew works on: places in the index, largest first */
	int64_t *expected;	   /* of each: octets, may lag */
	char partial[64];	   /* the file that has what is finished; "": none */
	const char *phase;
	int64_t total;	 /* octets of the phase */
	int64_t started; /* clock_boottime() */
};

/* What there is to be backed up; with names, definitions and expected sizes. */
MUST_CHECK int backup_run_survey(struct backup_run *run, struct err *err);

/* Reads what is not finished, several collections at once; a checkpoint for each. */
MUST_CHECK int backup_run_read(struct backup_run *run, struct err *err);

/* Reads everything again and compares: confirms, or ERR_NOT_SILENT. */
MUST_CHECK int backup_run_confirm(struct backup_run *run, struct err *err);

/* Leaves a checkpoint that names what is finished. */
MUST_CHECK int backup_run_checkpoint(struct backup_run *run, struct err *err);

#endif
