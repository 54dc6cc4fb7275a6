#include "verify/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "json/json_write.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

enum {
	STAGING_NAME_SIZE = TIME_NAME_SIZE + 1 + 16,
	FILE_MODE = 0644,
	WRITE_BACK_LEAST = 1024 * 1024, /* octets of a file from which on its writing is begun */
};

struct staging {
	int state_dirfd; /* the caller's */
	int64_t now;
	char name[STAGING_NAME_SIZE]; /* "20251220T091502Z-9f2c41d07be1a2c4", "" before begin */
	int staging_fd;		      /* state/staging */
	int root_fd;		      /* state/staging/NAME */
	int parent_fd;		      /* the folder of the file written last */
	struct str parent;	      /* its name */
	int file_fd;
	uint64_t file_octets; /* written to it */
	bool modes_hold;      /* neither umask nor a folder's default list takes from a new file */
};

int staging_new(int state_dirfd, int64_t now, struct staging **ret_staging, struct err *err)
{
	struct staging *staging = calloc(1, sizeof *staging);

	if (staging == NULL)
		return err_no_memory(err);
	staging->state_dirfd = state_dirfd;
	staging->now = now;
	staging->staging_fd = staging->root_fd = staging->parent_fd = staging->file_fd = -1;
	*ret_staging = staging;
	return 0;
}

static int remove_leftovers(int dirfd, struct err *err)
{
	CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	int rc = 0;

	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_STATE_FOLDER, errno, "staging");
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return err_no_memory(err);
	}
	while (rc == 0 && (errno = 0, entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = tree_remove_at(dirfd, entry->d_name, err);
	if (rc == 0 && errno != 0)
		return err_set_errno(err, ERR_STATE_FOLDER, errno, "staging");
	return rc;
}

static int make_root(struct staging *staging, struct err *err)
{
	char name[STAGING_NAME_SIZE];
	char time[TIME_NAME_SIZE];
	uint64_t random;

	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return err_set_errno(err, ERR_INTERNAL, errno, "no random octets");
	time_format_name(staging->now, time);
	(void)snprintf(name, sizeof name, "%s-%016llx", time, (unsigned long long)random);
	if (mkdirat(staging->staging_fd, name, 0700) != 0)
		return err_set_errno(err, ERR_STATE_FOLDER, errno, "staging/%s", name);
	memcpy(staging->name, name, sizeof name);
	return folder_open_at(staging->staging_fd, name, &staging->root_fd, err);
}

int staging_begin(struct staging *staging, struct err *err)
{
	int rc = folder_make_at(staging->state_dirfd, "staging", &staging->staging_fd, err);

	if (rc == 0)
		rc = remove_leftovers(staging->staging_fd, err);
	if (rc == 0)
		rc = make_root(staging, err);
	if (rc < 0 && err->code != ERR_NO_MEMORY && err->code != ERR_INTERNAL) {
		(void)err_context(err, "the state folder");
		return err_recode(err, ERR_STATE_FOLDER);
	}
	return rc;
}

static int disk(struct err *err, const char *name)
{
	return err_set_errno(err, ERR_DISK, errno, "%s", name);
}

/* Makes the folders of a file's name as needed and leaves the last one open. */
static int open_parent(struct staging *staging, const char *name, struct err *err)
{
	const char *slash = strrchr(name, '/');
	size_t size = slash != NULL ? (size_t)(slash - name) : 0;
	CLEANUP_FD int fd = -1;
	char component[NAME_MAX + 1];

	if (staging->parent_fd >= 0 &&
		bytes_equal(str_bytes(&staging->parent), bytes_make(name, size)))
		return 0;
	fd = openat(staging->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return disk(err, name);
	for (size_t at = 0; at < size;) {
		size_t length = strcspn(name + at, "/");
		if (length > NAME_MAX)
			return err_set(err, ERR_INTERNAL, "%s was not checked", name);
		memcpy(component, name + at, length);
		component[length] = '\0';
		at += length + 1;
		bool made = mkdirat(fd, component, 0700) == 0;
		if (!made && errno != EEXIST)
			return disk(err, name);
		int next = openat(fd, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return disk(err, name);
		(void)close(fd);
		fd = next;
		if (made && fchmod(fd, 0755) != 0)
			return disk(err, name);
	}
	cleanup_close(&staging->parent_fd);
	staging->parent_fd = steal_fd(&fd);
	str_truncate(&staging->parent, 0);
	str_append(&staging->parent, name, size);
	return str_check(&staging->parent, err);
}

/* All files are made in folders that were made alike: what held for one holds for the next. */
static int set_mode(struct staging *staging, const char *name, struct err *err)
{
	struct stat st;

	if (staging->modes_hold)
		return 0;
	if (fstat(staging->file_fd, &st) != 0)
		return disk(err, name);
	staging->modes_hold = (st.st_mode & 07777) == FILE_MODE;
	if (!staging->modes_hold && fchmod(staging->file_fd, FILE_MODE) != 0)
		return disk(err, name);
	return 0;
}

static int open_file(struct staging *staging, const char *name, struct err *err)
{
	const char *slash = strrchr(name, '/');
	int rc = open_parent(staging, name, err);

	if (rc < 0)
		return rc;
	int fd = openat(staging->parent_fd, slash != NULL ? slash + 1 : name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return disk(err, name);
	staging->file_fd = fd;
	staging->file_octets = 0;
	return set_mode(staging, name, err);
}

/*
 * Only a beginning, what counts is syncfs before the rename; of a small file it would be a request
 * of its own to the disk, of which syncfs makes few.
 */
static int close_file(struct staging *staging, struct err *err)
{
	int fd = steal_fd(&staging->file_fd);

	if (staging->file_octets >= WRITE_BACK_LEAST)
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return close(fd) == 0 ? 0 : disk(err, "closing a file");
}

static int write_file(struct staging *staging, struct bytes data, struct err *err)
{
	staging->file_octets += data.size;
	return fd_write_all(staging->file_fd, data, err);
}

static int sink_open(void *self, const struct manifest_file *file, struct err *err)
{
	return open_file(self, file->name, err);
}

static int sink_write(void *self, struct bytes data, struct err *err)
{
	return write_file(self, data, err);
}

static int sink_close(void *self, struct err *err)
{
	return close_file(self, err);
}

struct pipeline_sink staging_sink(struct staging *staging)
{
	return (struct pipeline_sink){staging, sink_open, sink_write, sink_close};
}

int staging_put(struct staging *staging, const char *name, struct bytes content, struct err *err)
{
	int rc = open_file(staging, name, err);

	if (rc == 0)
		rc = write_file(staging, content, err);
	if (rc == 0)
		rc = close_file(staging, err);
	return rc;
}

/* The folder that is there already is a kit of the same signed content: ours takes its place. */
static int replace(struct staging *staging, int kits, const char *id, struct err *err)
{
	if (syscall(SYS_renameat2, staging->staging_fd, staging->name, kits, id, RENAME_EXCHANGE) !=
		0) {
		int rc = tree_remove_at(kits, id, err);
		return rc < 0 ? rc
			      : file_rename_durable(
					staging->staging_fd, staging->name, kits, id, err);
	}
	int rc = folder_sync(kits, err);
	if (rc == 0)
		rc = tree_remove_at(staging->staging_fd, staging->name, err);
	return rc;
}

int staging_commit(struct staging *staging, const char *id, struct err *err)
{
	CLEANUP_FD int kits = -1;
	struct stat st;

	if (fchmod(staging->root_fd, 0755) != 0 || syncfs(staging->root_fd) != 0)
		return disk(err, "syncing the kit's files");
	int rc = folder_make_at(staging->state_dirfd, "kits", &kits, err);
	if (rc < 0)
		return rc;
	if (fstatat(kits, id, &st, AT_SYMLINK_NOFOLLOW) == 0)
		rc = replace(staging, kits, id, err);
	else
		rc = file_rename_durable(staging->staging_fd, staging->name, kits, id, err);
	if (rc == 0)
		staging->name[0] = '\0';
	return rc;
}

static int write_reason(
	struct staging *staging, const char *kit_path, const struct err *reason, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	json_member_string(&writer, "code", err_name(reason->code));
	json_member_integer(&writer, "exit", err_exit_code(reason->code));
	json_member_string(&writer, "kit", kit_path);
	json_member_string(&writer, "message", reason->message);
	json_member_time(&writer, "time", staging->now);
	json_write_end(&writer);
	str_append_char(&text, '\n');
	int rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	return file_write_durable_at(staging->root_fd, "REASON.json", str_bytes(&text), 0644, err);
}

/* Names that this file makes: the oldest comes first in their order. */
static bool is_quarantined(const char *name)
{
	return strlen(name) == STAGING_NAME_SIZE - 1 && name[TIME_NAME_SIZE - 1] == '-' &&
	       strspn(name, "0123456789TZ") == TIME_NAME_SIZE - 1 &&
	       strspn(name + TIME_NAME_SIZE, "0123456789abcdef") == 16;
}

/* The oldest of more than QUARANTINE_MAX with the newest; false if there are no more, or nobody can
 * tell. */
static bool find_superfluous(
	int quarantine, const char *newest, char oldest[static STAGING_NAME_SIZE])
{
	CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	size_t count = 1;

	int fd = openat(quarantine, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && (dir = fdopendir(fd)) == NULL)
		(void)close(fd);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!is_quarantined(entry->d_name) || strcmp(entry->d_name, newest) == 0)
			continue;
		if (count++ == 1 || strcmp(entry->d_name, oldest) < 0)
			memcpy(oldest, entry->d_name, STAGING_NAME_SIZE);
	}
	return count > QUARANTINE_MAX;
}

/* What cannot be removed stays: the verdict on the kit is not about that. */
static void quarantine_bound(int quarantine, const char *newest)
{
	char oldest[STAGING_NAME_SIZE];
	struct err ignored;

	while (find_superfluous(quarantine, newest, oldest))
		if (tree_remove_at(quarantine, oldest, &ignored) < 0)
			break;
}

static int quarantine_move(
	struct staging *staging, const char *kit_path, const struct err *reason, struct err *err)
{
	CLEANUP_FD int quarantine = -1;
	int rc = write_reason(staging, kit_path, reason, err);

	if (rc == 0)
		rc = folder_make_at(staging->state_dirfd, "quarantine", &quarantine, err);
	if (rc == 0)
		rc = file_rename_durable(
			staging->staging_fd, staging->name, quarantine, staging->name, err);
	if (rc == 0)
		quarantine_bound(quarantine, staging->name);
	return rc;
}

void staging_fail(struct staging *staging, const char *kit_path, const struct err *reason,
	struct str *quarantine)
{
	struct err ignored;
	int exit_code = err_exit_code(reason->code);

	if (staging->name[0] == '\0')
		return;
	/* 1 to 9 speak of the kit; what is beyond is our own trouble, and no evidence. */
	if (staging->root_fd >= 0 && exit_code < 10 &&
		quarantine_move(staging, kit_path, reason, &ignored) == 0)
		str_append_text(quarantine, staging->name);
	else
		(void)!tree_remove_at(staging->staging_fd, staging->name, &ignored);
	staging->name[0] = '\0';
}

static void close_all(struct staging *staging)
{
	cleanup_close(&staging->file_fd);
	cleanup_close(&staging->parent_fd);
	cleanup_close(&staging->root_fd);
	cleanup_close(&staging->staging_fd);
	staging->staging_fd = staging->root_fd = staging->parent_fd = staging->file_fd = -1;
	str_release(&staging->parent);
}

void staging_restart(struct staging *staging)
{
	struct err ignored;

	/* What cannot be removed now is a leftover, which the next beginning removes or reports. */
	if (staging->name[0] != '\0')
		(void)!tree_remove_at(staging->staging_fd, staging->name, &ignored);
	staging->name[0] = '\0';
	close_all(staging);
}

void staging_free(struct staging *staging)
{
	if (staging == NULL)
		return;
	close_all(staging);
	free(staging);
}
