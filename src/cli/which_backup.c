#include "cli/which_backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "engine/history.h"
#include "engine/journal.h"
#include "steps/backup.h"

/* Names of backups begin with their time: the greatest is the newest. */
static int newest_backup(
	struct face *face, const char *backup_dir, const char **ret_dir, struct err *err)
{
	const char *newest = NULL, *name = NULL;
	CLEANUP_FD int dirfd = -1;
	CLEANUP_DIR DIR *dir = NULL;
	int rc = folder_open(backup_dir, &dirfd, err);

	if (rc < 0)
		return err_context(err, "there is no backup");
	rc = folder_names(dirfd, &dir, err);
	while (rc == 0 && (rc = folder_next_name(dir, &name, err)) == 0 && name != NULL) {
		CLEANUP_STR struct str index = STR_INIT;
		str_append_format(&index, "%s/%s", name, BACKUP_INDEX_NAME);
		if (name[0] == '.' || (newest != NULL && strcmp(name, newest) <= 0) ||
			faccessat(dirfd, str_text(&index), F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		newest = arena_string(&face->arena, name);
		if (newest == NULL)
			return err_no_memory(err);
	}
	if (rc < 0) {
		(void)err_context(err, "%s", backup_dir);
		return err_recode(err, ERR_RESTORE);
	}
	if (newest == NULL)
		return err_set(err, ERR_NOT_FOUND, "there is no complete backup in %s", backup_dir);
	*ret_dir = arena_format(&face->arena, "%s/%s", backup_dir, newest);
	return *ret_dir == NULL ? err_no_memory(err) : 0;
}

/* Keeps the backup's last checkpoint, also of one that was rolled back: its folder is still there.
 */
static int visit(
	void *argument, struct bytes line, struct json_doc *doc, bool *keep, struct err *err)
{
	struct json_doc **last = argument;
	const struct json *event = json_root(doc);

	(void)line;
	(void)err;
	*keep = strcmp(history_text(event, "event"), "checkpoint") == 0 &&
		strcmp(history_text(event, "step"), "backup") == 0;
	if (*keep) {
		json_release(*last);
		*last = doc;
	}
	return 0;
}

/* The index's SHA-256 in the event chain of the run that made the backup. */
static int sha256_of_journal(int state_dirfd, const char *run_id, struct sha256 *ret_sha256,
	bool *ret_known, struct err *err)
{
	CLEANUP_STR struct str name = STR_INIT;
	CLEANUP_FD int run_dirfd = -1;
	CLEANUP(json_cleanup) struct json_doc *last = NULL;
	struct journal_head head;
	struct err ignored;
	const char *dir;
	size_t torn;

	str_append_format(&name, "runs/%s", run_id);
	if (name.failed)
		return err_no_memory(err);
	if (strchr(run_id, '/') != NULL || run_id[0] == '.' || state_dirfd < 0 ||
		folder_open_at(state_dirfd, str_text(&name), &run_dirfd, &ignored) < 0)
		return 0;
	int rc = journal_read(run_dirfd, visit, &last, &head, &torn, err);
	if (rc == 0 && last == NULL)
		rc = err_set(err, ERR_RESTORE, "the journal of run %s knows no backup", run_id);
	if (rc == 0)
		rc = backup_of_checkpoint(
			json_member(json_root(last), "data"), &dir, ret_sha256, err);
	*ret_known = rc == 0;
	return rc;
}

static int expected_sha256(const char *index_sha256, int state_dirfd,
	const struct backup_index *index, struct which_backup *which, struct err *err)
{
	if (index_sha256 == NULL)
		return index->foreign ? 0
				      : sha256_of_journal(state_dirfd, index->run_id,
						&which->sha256, &which->known, err);
	if (!sha256_from_hex(bytes_of_string(index_sha256), &which->sha256))
		return err_set(err, ERR_USAGE, "--index-sha256 takes 64 hexadecimal digits");
	which->known = true;
	return 0;
}

int which_backup(struct face *face, const char *backup_dir, const char *operand,
	const char *index_sha256, int state_dirfd, struct which_backup *ret_which, struct err *err)
{
	struct which_backup which = {.dir = operand};
	struct backup_index index;
	CLEANUP_FD int dirfd = -1;
	int rc = 0;

	if (operand == NULL)
		rc = newest_backup(face, backup_dir, &which.dir, err);
	if (rc == 0)
		rc = folder_open(which.dir, &dirfd, err);
	if (rc < 0)
		return rc;
	which.foreign = faccessat(dirfd, BACKUP_INDEX_NAME, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
	rc = which.foreign ? backup_index_scan(dirfd, &index, err)
			   : backup_index_load(dirfd, NULL, &index, err);
	if (rc < 0)
		return err_context(err, "%s", which.dir);
	which.database = arena_string(&face->arena, index.database);
	rc = which.database == NULL
		     ? err_no_memory(err)
		     : expected_sha256(index_sha256, state_dirfd, &index, &which, err);
	if (rc == 0 && !which.known)
		face_note(face, "%s",
			face_text(face,
				which.foreign ? MSG_BACKUP_OF_MONGODUMP : MSG_BACKUP_NOT_KNOWN));
	backup_index_release(&index);
	if (rc == 0)
		*ret_which = which;
	return rc;
}
