#include "cli/kept_backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/backup.h"

#define CHECKPOINT "backup.checkpoint.json"

enum { CHECKPOINT_MAX = 1024 * 1024 };

static int open_folder(const char *backup_dir, const char *id, int *ret_fd, struct err *err)
{
	CLEANUP_FD int backups = -1;
	int rc = folder_make(backup_dir, &backups, err);

	if (rc == 0)
		rc = folder_make_at(backups, id, ret_fd, err);
	return rc < 0 ? err_context(err, "%s/%s", backup_dir, id) : 0;
}

int kept_backup_lock(const char *backup_dir, const char *id, int *ret_lock_fd, struct err *err)
{
	CLEANUP_FD int fd = -1;
	int rc = open_folder(backup_dir, id, &fd, err);

	if (rc < 0)
		return rc;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(err, ERR_LOCKED, "another backup works in %s/%s", backup_dir, id);
	*ret_lock_fd = fd;
	fd = -1;
	return 0;
}

int kept_backup_write(
	const char *backup_dir, const char *id, struct bytes checkpoint, struct err *err)
{
	CLEANUP_FD int fd = -1;
	int rc = open_folder(backup_dir, id, &fd, err);

	return rc < 0 ? rc : file_write_durable_at(fd, CHECKPOINT, checkpoint, 0600, err);
}

void kept_backup_complete(const char *backup_dir, const char *id)
{
	CLEANUP_FD int fd = -1;
	struct err ignored;

	if (open_folder(backup_dir, id, &fd, &ignored) == 0)
		(void)unlinkat(fd, CHECKPOINT, 0);
}

static bool is_kept(int backups, const char *name)
{
	CLEANUP_FD int fd = openat(backups, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && strlen(name) < RUN_ID_SIZE &&
	       faccessat(fd, CHECKPOINT, R_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	       faccessat(fd, BACKUP_INDEX_NAME, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
}

/* Names begin with their time: the greatest is the newest. */
static int newest(
	const char *backup_dir, const char *name, char id[static RUN_ID_SIZE], struct err *err)
{
	CLEANUP_FD int backups = -1;
	CLEANUP_DIR DIR *dir = NULL;
	const char *found = NULL;

	id[0] = '\0';
	if (folder_open(backup_dir, &backups, err) < 0)
		return err_context(err, "there is no backup");
	int rc = folder_names(backups, &dir, err);
	while (rc == 0 && (rc = folder_next_name(dir, &found, err)) == 0 && found != NULL)
		if (found[0] != '.' && strcmp(found, id) > 0 &&
			(name == NULL || strcmp(name, found) == 0) && is_kept(backups, found))
			memcpy(id, found, strlen(found) + 1);
	if (rc < 0)
		return err_context(err, "%s", backup_dir);
	return id[0] != '\0' ? 0
			     : err_set(err, ERR_NOT_FOUND,
				       "no interrupted backup is in %s: offkit backup makes one",
				       backup_dir);
}

int kept_backup_find(struct face *face, const char *backup_dir, const char *name,
	char ret_id[static RUN_ID_SIZE], struct json_doc **ret_checkpoint, int *ret_lock_fd,
	struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP_FD int lock = -1;
	int rc = newest(backup_dir, name, ret_id, err);

	if (rc < 0)
		return rc;
	rc = kept_backup_lock(backup_dir, ret_id, &lock, err);
	if (rc < 0)
		return rc;
	rc = file_read_at(lock, CHECKPOINT, CHECKPOINT_MAX, &text, err);
	if (rc == 0)
		rc = json_parse(
			str_bytes(&text), JSON_LIMITS_OWN(CHECKPOINT_MAX), ret_checkpoint, err);
	if (rc < 0)
		return err_context(err, "%s", CHECKPOINT);
	face_tell(face, MSG_BACKUP_GOING_ON, backup_dir, ret_id);
	*ret_lock_fd = lock;
	lock = -1;
	return 0;
}
