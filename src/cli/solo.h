/*
 * solo: a step carried out by itself, outside a run: `backup` and `restore`.
 *
 * Notes and progress go to the face; the last checkpoint is kept, and nothing is journaled. The
 * first Ctrl+C (or SIGTERM) asks the step to stop at the next safe point.
 */
#ifndef OFFKIT_CLI_SOLO_H
#define OFFKIT_CLI_SOLO_H

#include "cli/face.h"
#include "engine/history.h"
#include "engine/lease.h"
#include "steps/step.h"

struct solo {
	struct face *face;
	struct site site;
	struct mongo *mongo;
	struct lease *lease; /* NULL: nothing is written to the site's database */
	struct step_host host;
	struct step_options options;
	char run_id[RUN_ID_SIZE];
	struct json_doc *checkpoint; /* NULL: none yet */
};

/* Loads the site file, connects, and takes over the signals. */
MUST_CHECK int solo_begin(struct face *face, struct solo *ret_solo, struct err *err);
/* The host alone, for work without a server; face is set. */
void solo_host(struct solo *solo);
void solo_end(struct solo *solo);

/* Before the first write to the site's database, with the state folder's lock; waits for who may
 * still be writing. ERR_LOCKED. */
MUST_CHECK int solo_take_lease(
	struct solo *solo, const char *command, int state_dirfd, struct err *err);

/* The step's last checkpoint from now on. */
MUST_CHECK int solo_keep_checkpoint(struct solo *solo, struct bytes fields, struct err *err);

/* What the step is called with; texts it makes live in the face's arena. */
void solo_context(struct solo *solo, struct step_context *ret_context);

#endif
