/*
 * backup_verify: a backup read back without a server.
 *
 * Of each file size and SHA-256; of each collection that its file, decoded, holds well-formed BSON
 * with an _id, as many documents and octets as the index says, and with its digest; and that what
 * the metadata file says is the index's definition. Of what mongodump wrote only the BSON. Notes
 * what is in the folder and belongs to nothing.
 */
#ifndef OFFKIT_STEPS_BACKUP_VERIFY_H
#define OFFKIT_STEPS_BACKUP_VERIFY_H

#include "steps/backup.h"

struct backup_verified {
	size_t collections; /* with views */
	uint64_t documents, octets, file_octets;
	bool confirmed; /* every collection was, when the backup was made */
};

/* Every failure is ERR_BACKUP (12) but ERR_STOPPED, and a folder that is not there. */
MUST_CHECK int backup_verify(const char *dir, const struct sha256 *expected /* NULL: not known */,
	size_t workers, const struct step_host *host, struct backup_verified *ret_verified,
	struct err *err);

#endif
