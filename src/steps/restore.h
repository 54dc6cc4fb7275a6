/*
 * restore: a backup brought back, ours or the real mongodump's.
 *
 * Everything that can be checked is checked before anything is dropped: the index (against the
 * event chain's SHA-256 when the caller has it), and every file's size and SHA-256; what mongodump
 * wrote has no digests, so its files are decoded to the end. Then the target's collections are
 * dropped, those that the backup does not know too, and each is made again: options, documents,
 * indexes, validator. Its documents are read back from the server and their digest compared; TTL
 * indexes come last, so that nothing expires before that.
 *
 * Every failure is ERR_RESTORE (12), but for ERR_DATABASE_LOST: a run waits for the server. The
 * restore can be run again and starts over.
 */
#ifndef OFFKIT_STEPS_RESTORE_H
#define OFFKIT_STEPS_RESTORE_H

#include "steps/backup.h"

struct restore {
	const char *dir;		   /* the backup's folder */
	const struct sha256 *index_sha256; /* as the event chain has it; NULL: not known */
	struct mongo *mongo;		   /* a connection to the server */
	const char *into;		   /* the database to restore into; NULL: the backup's */
	bool drop;			   /* what is in it may go; else it must be empty */
	size_t workers;			   /* collections at once */
	const struct step_host *host;	   /* note, progress, stop_requested */
};

struct restore_result {
	size_t collections; /* with views */
	uint64_t documents, octets;
};

MUST_CHECK int restore_backup(
	const struct restore *restore, struct restore_result *ret_result, struct err *err);

#endif
