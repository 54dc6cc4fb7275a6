/*
 * backup_joint: a file of a backup that several threads write, piece by piece, digested as it
 * grows.
 *
 * It is written under a temporary name and has its own only when it was ended. The temporary file
 * outlives an interruption: what a checkpoint says of it (how far, with which SHA-256) is enough to
 * go on from there. Appending and asking for its state is the caller's to serialize; syncing is
 * not.
 */
#ifndef OFFKIT_STEPS_BACKUP_JOINT_H
#define OFFKIT_STEPS_BACKUP_JOINT_H

#include "steps/backup.h"

struct backup_joint;

/* Begins with nothing; what an earlier run left of it goes. */
MUST_CHECK int backup_joint_new(
	int dirfd, const char *name, struct backup_joint **ret_joint, struct err *err);

/*
 * Goes on behind the first size octets, which must have that SHA-256; what is behind them goes.
 * ERR_TRUNCATED: the file is not there, is shorter, or has other octets.
 */
MUST_CHECK int backup_joint_reopen(int dirfd, const char *name, uint64_t size,
	const struct sha256 *sha256, struct backup_joint **ret_joint, struct err *err);

/* All of it or nothing, as far as the state says: what a failure left is behind it. */
MUST_CHECK int backup_joint_append(struct backup_joint *joint, struct bytes data, struct err *err);
/* Size and SHA-256 of what was appended so far. */
MUST_CHECK int backup_joint_state(
	const struct backup_joint *joint, struct backup_file *ret_file, struct err *err);
/* Nothing is appended any more: from here on its state can be asked for while it is ended. */
MUST_CHECK int backup_joint_seal(struct backup_joint *joint, struct err *err);
/* All that was appended before is on the disk after. */
MUST_CHECK int backup_joint_sync(const struct backup_joint *joint, struct err *err);
/* Synced and renamed; size and SHA-256 of the file; name is the caller's. */
MUST_CHECK int backup_joint_end(
	struct backup_joint *joint, struct backup_file *file, struct err *err);
void backup_joint_free(struct backup_joint *joint);   /* the file stays, ended or not */
void backup_joint_remove(struct backup_joint *joint); /* frees, and removes what was not ended */

#endif
