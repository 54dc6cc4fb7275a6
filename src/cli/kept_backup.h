/*
 * kept_backup: what an interrupted `offkit backup` leaves, so that another one goes on with it.
 *
 * BACKUP-DIR/ID/backup.checkpoint.json is the step's last checkpoint: a run keeps that in its
 * journal, a backup by itself here. It goes when the backup is complete.
 */
#ifndef OFFKIT_CLI_KEPT_BACKUP_H
#define OFFKIT_CLI_KEPT_BACKUP_H

#include "cli/face.h"
#include "engine/history.h"

/*
 * The newest folder in backup_dir, or the one of that name, with a checkpoint and without an index.
 * ret_lock_fd: held as long as it is open; who has it works on that backup. ERR_NOT_FOUND: none,
 * ERR_LOCKED: somebody does.
 */
MUST_CHECK int kept_backup_find(struct face *face, const char *backup_dir, const char *name,
	char ret_id[static RUN_ID_SIZE], struct json_doc **ret_checkpoint, int *ret_lock_fd,
	struct err *err);

MUST_CHECK int kept_backup_lock(
	const char *backup_dir, const char *id, int *ret_lock_fd, struct err *err);
MUST_CHECK int kept_backup_write(
	const char *backup_dir, const char *id, struct bytes checkpoint, struct err *err);
void kept_backup_complete(const char *backup_dir, const char *id);

#endif
