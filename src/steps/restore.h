/*
 * restore: a backup brought back, ours or the real mongodump's.
 *
 * Everything that can be checked is checked before anything is dropped: the index (against the
 * event chain's SHA-256 when the caller has it), and every file's size and SHA-256; what mongodump
 * wrote has no digests, so its files are decoded to the end. Then what the target has is compared:
 * a collection that is as the backup has it, by its digest, stays, so that a restore that was
 * interrupted goes on. All others are dropped, those that the backup does not know too, and made
 * again: options, documents, indexes, validator. What was written is read back from the server and
 * its digest compared; TTL indexes come last, when all is proved, so that nothing expires before.
 *
 * Every failure is ERR_RESTORE (12); the restore can be run again.
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
	size_t workers;			   /* connections at once */
	int64_t divide_octets;		   /* as the site has it for a backup; 0: never */
	const struct step_host *host;	   /* note, progress, stop_requested */
	/* Called when all was checked, before the first change. NULL: nobody wants to know. */
	int (*changing)(void *self, struct err *err);
	void *changing_self;
};

struct restore_result {
	size_t collections; /* with views */
	size_t kept;	    /* of them: were there as the backup has them */
	uint64_t documents, octets;
};

MUST_CHECK int restore_backup(
	const struct restore *restore, struct restore_result *ret_result, struct err *err);

#endif
