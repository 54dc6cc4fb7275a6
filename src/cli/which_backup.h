/*
 * which_backup: the backup that a user means, and what its index must be.
 */
#ifndef OFFKIT_CLI_WHICH_BACKUP_H
#define OFFKIT_CLI_WHICH_BACKUP_H

#include "cli/face.h"
#include "crypto/digest.h"

struct which_backup {
	const char *dir;      /* the operand, or in the face's arena */
	const char *database; /* in the face's arena */
	struct sha256 sha256; /* if known: what the index must have */
	bool known;	      /* by the option, or by a journal in the state folder */
	bool foreign;	      /* mongodump's */
};

/*
 * operand: a folder; NULL: the newest in backup_dir. index_sha256: the option's text or NULL.
 * state_dirfd: may be -1. Notes when nothing is known that the index could be compared with.
 */
MUST_CHECK int which_backup(struct face *face, const char *backup_dir, const char *operand,
	const char *index_sha256, int state_dirfd, struct which_backup *ret_which, struct err *err);

#endif
