#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"

static int open_failed(struct err *err, int errnum, const char *name)
{
	enum err_code code = errnum == ENOENT ? ERR_NOT_FOUND : ERR_UNREADABLE;

	return err_set_errno(err, code, errnum, "%s", name);
}

int folder_open(const char *path, int *ret_fd, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return open_failed(err, errno, path);
	*ret_fd = fd;
	return 0;
}

int folder_open_at(int dirfd, const char *name, int *ret_fd, struct err *err)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return open_failed(err, errno, name);
	*ret_fd = fd;
	return 0;
}

bool path_is_within(const char *path, const char *folder)
{
	size_t size = strlen(folder);

	return size > 0 && strncmp(path, folder, size) == 0 && path[size] == '/';
}

int folder_names(int dirfd, DIR **ret_dir, struct err *err)
{
	CLEANUP_FD int fd = -1;
	int rc = folder_open_at(dirfd, ".", &fd, err);

	if (rc < 0)
		return rc;
	DIR *dir = fdopendir(fd);
	if (dir == NULL)
		return err_set_errno(err, ERR_UNREADABLE, errno, "listing the folder");
	(void)steal_fd(&fd);
	*ret_dir = dir;
	return 0;
}

int folder_next_name(DIR *dir, const char **ret_name, struct err *err)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
	} while (entry != NULL &&
		 (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	if (entry == NULL && errno != 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "listing the folder");
	*ret_name = entry == NULL ? NULL : entry->d_name;
	return 0;
}

int folder_make_at(int dirfd, const char *name, int *ret_fd, struct err *err)
{
	CLEANUP_FD int fd = -1;
	struct stat st;
	bool made = mkdirat(dirfd, name, 0700) == 0;

	if (!made && errno != EEXIST)
		return err_set_errno(err, ERR_DISK, errno, "%s", name);
	int rc = folder_open_at(dirfd, name, &fd, err);
	if (rc < 0)
		return rc;
	if (fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "%s", name);
	if (st.st_uid != geteuid())
		return err_set(err, ERR_UNREADABLE, "%s: the folder belongs to another user", name);
	if ((st.st_mode & S_IWOTH) != 0)
		return err_set(err, ERR_UNREADABLE,
			"%s: everybody may write into the folder: chmod o-w it", name);
	if (made) {
		CLEANUP_FD int parent = -1;
		rc = folder_open_at(fd, "..", &parent, err);
		if (rc == 0)
			rc = folder_sync(parent, err);
		if (rc < 0)
			return rc;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

/*
 * Splits at the last slash, in place: returns the last component, "." if there is none, and makes
 * path the parent.
 */
static const char *split_path(char *path, const char **ret_parent)
{
	size_t size = strlen(path);

	while (size > 1 && path[size - 1] == '/')
		path[--size] = '\0';
	char *slash = strrchr(path, '/');
	if (slash == NULL) {
		*ret_parent = ".";
		return path;
	}
	*ret_parent = slash == path ? "/" : path;
	*slash = '\0';
	return slash[1] != '\0' ? slash + 1 : ".";
}

int folder_make(const char *path, int *ret_fd, struct err *err)
{
	CLEANUP_FREE char *copy = strdup(path);
	CLEANUP_FREE char *parent_copy = NULL;
	CLEANUP_FD int parent_fd = -1;
	const char *parent;
	int rc;

	if (copy == NULL)
		return err_no_memory(err);
	if (*path == '\0')
		return err_set(err, ERR_NOT_FOUND, "the folder has no name");
	const char *name = split_path(copy, &parent);
	rc = folder_open(parent, &parent_fd, err);
	if (rc == -ERR_NOT_FOUND) {
		CLEANUP_FD int grandparent_fd = -1;
		const char *grandparent;

		parent_copy = strdup(parent);
		if (parent_copy == NULL)
			return err_no_memory(err);
		const char *parent_name = split_path(parent_copy, &grandparent);
		rc = folder_open(grandparent, &grandparent_fd, err);
		if (rc == 0)
			rc = folder_make_at(grandparent_fd, parent_name, &parent_fd, err);
	}
	if (rc < 0)
		return rc;
	return folder_make_at(parent_fd, name, ret_fd, err);
}

static int open_regular(int dirfd, const char *name, int flags, int *ret_fd, struct err *err)
{
	struct stat st;
	/* O_NONBLOCK: a FIFO without a writer must not hold us. */
	CLEANUP_FD int fd =
		openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);

	if (fd < 0)
		return open_failed(err, errno, name);
	if (fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "%s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_UNREADABLE, "%s: not a regular file", name);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int file_open_at(int dirfd, const char *name, int *ret_fd, struct err *err)
{
	return open_regular(dirfd, name, O_NOFOLLOW, ret_fd, err);
}

/* The size is not asked first: it may change, and files of /proc have none. */
static int read_all(int fd, const char *name, size_t limit, struct str *content, struct err *err)
{
	enum { PIECE = 64 * 1024 };
	CLEANUP_FREE char *piece = malloc(PIECE);
	size_t total = 0;

	if (piece == NULL)
		return err_no_memory(err);
	for (;;) {
		ssize_t got = read(fd, piece, PIECE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_UNREADABLE, errno, "%s", name);
		if (got == 0)
			break;
		if ((size_t)got > limit - total)
			return err_set(err, ERR_LIMIT, "%s: larger than %zu octets", name, limit);
		total += (size_t)got;
		str_append(content, piece, (size_t)got);
		int rc = str_check(content, err);
		if (rc < 0)
			return rc;
	}
	str_append(content, "", 0);
	return str_check(content, err);
}

static int read_file(
	int dirfd, const char *name, int flags, size_t limit, struct str *content, struct err *err)
{
	CLEANUP_FD int fd = -1;
	size_t before = content->size;
	int rc = open_regular(dirfd, name, flags, &fd, err);

	if (rc < 0)
		return rc;
	rc = read_all(fd, name, limit, content, err);
	if (rc < 0)
		str_truncate(content, before);
	return rc;
}

int file_read_at(int dirfd, const char *name, size_t limit, struct str *content, struct err *err)
{
	return read_file(dirfd, name, O_NOFOLLOW, limit, content, err);
}

int file_read_path(const char *path, size_t limit, struct str *content, struct err *err)
{
	return read_file(AT_FDCWD, path, 0, limit, content, err);
}

int free_space(int fd, uint64_t *ret_octets, struct err *err)
{
	struct statvfs vfs;
	uint64_t octets;

	if (fstatvfs(fd, &vfs) != 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "free space");
	if (__builtin_mul_overflow((uint64_t)vfs.f_bavail, (uint64_t)vfs.f_frsize, &octets))
		octets = UINT64_MAX;
	*ret_octets = octets;
	return 0;
}
