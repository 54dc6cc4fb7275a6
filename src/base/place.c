#include "base/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

int place_open(const char *path, int *ret_dirfd, struct str *name, struct err *err)
{
	CLEANUP_STR struct str parent = STR_INIT;
	size_t size = strlen(path);

	while (size > 1 && path[size - 1] == '/')
		size--;
	str_append(name, path, size);
	int rc = str_check(name, err);
	if (rc < 0)
		return rc;
	const char *slash = strrchr(str_text(name), '/');
	if (slash == NULL)
		return folder_open(".", ret_dirfd, err);
	size_t parent_size = (size_t)(slash - str_text(name));
	str_append(&parent, path, parent_size == 0 ? 1 : parent_size);
	str_truncate(name, 0);
	str_append(name, path + parent_size + 1, size - parent_size - 1);
	rc = str_check(&parent, err);
	return rc < 0 ? rc : folder_open(str_text(&parent), ret_dirfd, err);
}

static const char TEMPORARY_BEGIN[] = ".offkit-pack-";

enum { DIGITS = 16, ATTEMPTS = 16 };

static bool is_temporary(const char *name)
{
	const size_t begin = sizeof TEMPORARY_BEGIN - 1;

	return strlen(name) == begin + DIGITS && strncmp(name, TEMPORARY_BEGIN, begin) == 0 &&
	       strspn(name + begin, "0123456789abcdef") == DIGITS;
}

/* Whoever still writes it holds its lock. */
static void remove_if_left(int dirfd, const char *name)
{
	CLEANUP_FD int fd = -1;
	struct err ignored;

	if (is_temporary(name))
		fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)!tree_remove_at(dirfd, name, &ignored);
}

static int make_temporary(int dirfd, bool is_folder, char name[static PLACE_TEMPORARY_SIZE],
	int *ret_fd, struct err *err)
{
	uint64_t random;

	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return err_set_errno(err, ERR_INTERNAL, errno, "no random octets");
	(void)snprintf(name, PLACE_TEMPORARY_SIZE, "%s%016llx", TEMPORARY_BEGIN,
		(unsigned long long)random);
	if (is_folder) {
		if (mkdirat(dirfd, name, 0755) != 0)
			return err_set_errno(err, ERR_DISK, errno, "%s", name);
		return folder_open_at(dirfd, name, ret_fd, err);
	}
	*ret_fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return *ret_fd >= 0 ? 0 : err_set_errno(err, ERR_DISK, errno, "%s", name);
}

/* False: another one took it for left before it was locked. */
static bool lock_temporary(int dirfd, const char *name, int fd)
{
	struct stat st;

	/* A file system without locks: then nobody else locks it, and removes it, either. */
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return false;
	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

int place_temporary(int dirfd, bool is_folder, char name[static PLACE_TEMPORARY_SIZE], int *ret_fd,
	struct err *err)
{
	names_visit_at(dirfd, remove_if_left);
	for (int i = 0; i < ATTEMPTS; i++) {
		CLEANUP_FD int fd = -1;
		int rc = make_temporary(dirfd, is_folder, name, &fd, err);
		if (rc < 0 && rc != -ERR_NOT_FOUND)
			return rc;
		if (rc == 0 && lock_temporary(dirfd, name, fd)) {
			*ret_fd = steal_fd(&fd);
			return 0;
		}
	}
	return err_set(err, ERR_LOCKED, "others clear the folder up all the time");
}

int place_rename(int dirfd, const char *temporary, const char *name, struct err *err)
{
	struct stat st;
	int rc = file_rename_durable(dirfd, temporary, dirfd, name, err);

	if (rc == -ERR_DISK && fstatat(dirfd, temporary, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		rc = err_set(err, ERR_USAGE, "%s is there already and is left alone", name);
	return rc;
}

int place_new_file(const char *path, struct bytes content, mode_t mode, struct err *err)
{
	CLEANUP_FD int dirfd = -1, fd = -1;
	CLEANUP_STR struct str name = STR_INIT;
	int rc = place_open(path, &dirfd, &name, err);

	if (rc < 0)
		return rc;
	fd = openat(
		dirfd, str_text(&name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_USAGE, "%s is there already and is left alone", path);
	if (fd < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", path);
	rc = fd_write_all(fd, content, err);
	if (rc == 0 && fsync(fd) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, "%s", path);
	if (rc == 0)
		return folder_sync(dirfd, err);
	(void)unlinkat(dirfd, str_text(&name), 0);
	return rc;
}

int place_file(const char *path, struct bytes content, mode_t mode, struct err *err)
{
	CLEANUP_FD int dirfd = -1;
	CLEANUP_STR struct str name = STR_INIT;
	int rc = place_open(path, &dirfd, &name, err);

	return rc < 0 ? rc : file_write_durable_at(dirfd, str_text(&name), content, mode, err);
}
