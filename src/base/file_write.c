#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif

static int write_failed(struct err *err, int errnum, const char *name)
{
	return err_set_errno(err, ERR_DISK, errnum, "%s", name);
}

int fd_write_all(int fd, struct bytes content, struct err *err)
{
	while (content.size > 0) {
		ssize_t written = write(fd, content.data, content.size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return write_failed(err, errno, "write");
		content = bytes_make(content.data + written, content.size - (size_t)written);
	}
	return 0;
}

int folder_sync(int dirfd, struct err *err)
{
	/* EINVAL: a file system that cannot sync folders has nothing to sync. */
	if (fsync(dirfd) != 0 && errno != EINVAL)
		return write_failed(err, errno, "sync of the folder");
	return 0;
}

/* Opens the folder in which name stands, so that it can be synced; returns the last component. */
static int open_parent(
	int dirfd, const char *name, int *ret_fd, const char **ret_last, struct err *err)
{
	const char *slash = strrchr(name, '/');
	CLEANUP_FREE char *parent = slash == NULL   ? strdup(".")
				    : slash == name ? strdup("/")
						    : strndup(name, (size_t)(slash - name));

	if (parent == NULL)
		return err_no_memory(err);
	int rc = folder_open_at(dirfd, parent, ret_fd, err);
	if (rc < 0)
		return rc;
	*ret_last = slash == NULL ? name : slash + 1;
	return 0;
}

enum { TEMPORARY_SIZE = sizeof ".offkit-0123456789abcdef.tmp" };

static const char TEMPORARY_BEGIN[] = ".offkit-", TEMPORARY_END[] = ".tmp";

static int open_temporary(
	int dirfd, mode_t mode, char name[static TEMPORARY_SIZE], int *ret_fd, struct err *err)
{
	uint64_t random;

	/* Random, so that two writers of one file never write into the same temporary. */
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return write_failed(err, errno, "getrandom");
	(void)snprintf(
		name, TEMPORARY_SIZE, "%s%016" PRIx64 "%s", TEMPORARY_BEGIN, random, TEMPORARY_END);
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return write_failed(err, errno, name);
	*ret_fd = fd;
	return 0;
}

void names_visit_at(int folder, void (*visit)(int folder, const char *name))
{
	CLEANUP_DIR DIR *dir = NULL;
	const char *name = NULL;
	struct err ignored;
	int rc = folder_names(folder, &dir, &ignored);

	while (rc == 0 && (rc = folder_next_name(dir, &name, &ignored)) == 0 && name != NULL)
		visit(folder, name);
}

static bool is_temporary(const char *name)
{
	const size_t begin = sizeof TEMPORARY_BEGIN - 1, end = sizeof TEMPORARY_END - 1;

	return strlen(name) == TEMPORARY_SIZE - 1 && strncmp(name, TEMPORARY_BEGIN, begin) == 0 &&
	       strspn(name + begin, "0123456789abcdef") == TEMPORARY_SIZE - 1 - begin - end &&
	       strcmp(name + TEMPORARY_SIZE - 1 - end, TEMPORARY_END) == 0;
}

static void remove_if_temporary(int folder, const char *name)
{
	if (is_temporary(name))
		(void)unlinkat(folder, name, 0);
}

void temporaries_remove_at(int folder)
{
	names_visit_at(folder, remove_if_temporary);
}

/* Writes, syncs and closes; the descriptor is gone in any case. */
static int fill(int fd, struct bytes content, mode_t mode, struct err *err)
{
	int rc = fd_write_all(fd, content, err);

	/* The caller's mode, whatever the umask is. */
	if (rc == 0 && fchmod(fd, mode) != 0)
		rc = write_failed(err, errno, "mode");
	if (rc == 0 && fsync(fd) != 0)
		rc = write_failed(err, errno, "sync");
	if (close(fd) != 0 && rc == 0)
		rc = write_failed(err, errno, "close");
	return rc;
}

int file_write_durable_at(
	int dirfd, const char *name, struct bytes content, mode_t mode, struct err *err)
{
	CLEANUP_FD int parent = -1;
	char temporary[TEMPORARY_SIZE];
	const char *last;
	int fd = -1;
	int rc = open_parent(dirfd, name, &parent, &last, err);

	if (rc < 0)
		return rc;
	rc = open_temporary(parent, mode, temporary, &fd, err);
	if (rc < 0)
		return err_context(err, "%s", name);
	rc = fill(fd, content, mode, err);
	if (rc == 0 && renameat(parent, temporary, parent, last) != 0)
		rc = write_failed(err, errno, "rename");
	if (rc < 0) {
		(void)unlinkat(parent, temporary, 0);
		return err_context(err, "%s", name);
	}
	return folder_sync(parent, err);
}

/* musl has no wrapper of renameat2. */
static int rename_no_replace(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
	struct stat st;

	if (syscall(SYS_renameat2, from_dirfd, from, to_dirfd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* A file system without the flag (NFS): look first; our locks keep others of us away. */
	if (fstatat(to_dirfd, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return errno == ENOENT ? renameat(from_dirfd, from, to_dirfd, to) : -1;
}

int file_rename_durable(
	int from_dirfd, const char *from, int to_dirfd, const char *to, struct err *err)
{
	CLEANUP_FD int from_parent = -1;
	CLEANUP_FD int to_parent = -1;
	const char *from_last;
	const char *to_last;
	int rc = open_parent(from_dirfd, from, &from_parent, &from_last, err);

	if (rc == 0)
		rc = open_parent(to_dirfd, to, &to_parent, &to_last, err);
	if (rc < 0)
		return rc;
	if (rename_no_replace(from_parent, from_last, to_parent, to_last) != 0) {
		enum err_code code = errno == ENOENT ? ERR_NOT_FOUND : ERR_DISK;
		return err_set_errno(err, code, errno, "%s to %s", from, to);
	}
	rc = folder_sync(to_parent, err);
	if (rc == 0)
		rc = folder_sync(from_parent, err);
	return rc;
}

/* A kit's name has at most 512 components; deeper than this is none of ours. */
enum { TREE_DEPTH_MAX = 600 };

static int remove_tree(int dirfd, const char *name, unsigned depth, struct err *err);

static int remove_content(DIR *dir, unsigned depth, struct err *err)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (entry == NULL && errno != 0)
			return write_failed(err, errno, "reading the folder");
		if (entry == NULL)
			return 0;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		int rc = remove_tree(dirfd(dir), entry->d_name, depth + 1, err);
		if (rc < 0)
			return rc;
	}
}

static int remove_tree(int parent, const char *name, unsigned depth, struct err *err)
{
	CLEANUP_DIR DIR *dir = NULL;

	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	/* Linux says EISDIR for a folder, POSIX EPERM. */
	if (errno != EISDIR && errno != EPERM)
		return write_failed(err, errno, name);
	if (depth >= TREE_DEPTH_MAX)
		return err_set(err, ERR_DISK, "%s: folders are nested too deeply", name);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return write_failed(err, errno, name);
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return err_no_memory(err);
	}
	int rc = remove_content(dir, depth, err);
	if (rc < 0)
		return err_context(err, "%s", name);
	if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		return write_failed(err, errno, name);
	return 0;
}

int tree_remove_at(int dirfd, const char *name, struct err *err)
{
	return remove_tree(dirfd, name, 0, err);
}
