/*
 * scratch: the database of a rehearsal: made under a name of its own, written down before it is,
 * and dropped; also by the next rehearsal, when one was killed.
 *
 * No other name than offkit_rehearsal_ and 16 hexadecimal digits is ever dropped.
 */
#ifndef OFFKIT_CLI_SCRATCH_H
#define OFFKIT_CLI_SCRATCH_H

#include "cli/face.h"
#include "mongo/mongo.h"

#define SCRATCH_PREFIX "offkit_rehearsal_"

enum { SCRATCH_NAME_SIZE = sizeof SCRATCH_PREFIX + 16 };

struct scratch {
	struct face *face;
	int dirfd;	     /* where it is written down; the caller's */
	const char *uri;     /* with its secrets */
	const char *spared;  /* the site's database: never dropped whatever its name */
	struct mongo *mongo; /* to the scratch database */
	char name[SCRATCH_NAME_SIZE];
	bool recorded;
};

/* The four first members are set. Connects, drops what interrupted rehearsals left on this server,
 * and writes the new name down. ERR_PREFLIGHT if there is such a database already. */
MUST_CHECK int scratch_begin(struct scratch *scratch, struct err *err);

/* Drops it; notes what is left over when that fails. Repeatable. */
void scratch_end(struct scratch *scratch);

#endif
