#include "object/folder_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

/* sha256/ab/… is two deep; what lies deeper is foreign and is told so without going in. */
enum { DEPTH_MAX = 4 };

struct names {
	char **list;
	size_t count, room;
};

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
}

static int names_add(struct names *names, const char *name, struct err *err)
{
	if (names->count == names->room) {
		size_t room = 2 * names->room + 16;
		char **list = reallocarray(names->list, room, sizeof *list);
		if (list == NULL)
			return err_no_memory(err);
		names->list = list;
		names->room = room;
	}
	names->list[names->count] = strdup(name);
	if (names->list[names->count] == NULL)
		return err_no_memory(err);
	names->count++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_read(int folder, struct names *names, struct err *err)
{
	CLEANUP_FD int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (dir == NULL)
		return err_set_errno(err, ERR_UNREADABLE, errno, "the folder");
	fd = -1;
	for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		int rc = names_add(names, entry->d_name, err);
		if (rc < 0)
			return rc;
	}
	if (errno != 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "the folder");
	if (names->count > 1)
		qsort(names->list, names->count, sizeof *names->list, by_name);
	return 0;
}

struct listing {
	int (*visit)(void *self, const struct object_entry *entry, struct err *err);
	void *self;
	struct str key;
};

static int list_folder(struct listing *listing, int fd, unsigned depth, struct err *err);

static int list_one(
	struct listing *listing, int folder, const char *name, unsigned depth, struct err *err)
{
	size_t before = listing->key.size;
	struct stat status;
	int rc = 0;

	/* What is removed meanwhile was not there. */
	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : err_set_errno(err, ERR_UNREADABLE, errno, "%s", name);
	str_append_text(&listing->key, name);
	if (S_ISDIR(status.st_mode) && depth < DEPTH_MAX) {
		CLEANUP_FD int fd = -1;
		rc = folder_open_at(folder, name, &fd, err);
		str_append_text(&listing->key, "/");
		if (rc == 0)
			rc = list_folder(listing, fd, depth + 1, err);
	} else {
		const struct object_entry entry = {
			.key = str_text(&listing->key),
			.is_octets = S_ISREG(status.st_mode),
			.size = S_ISREG(status.st_mode) ? status.st_size : 0,
		};
		rc = str_check(&listing->key, err);
		if (rc == 0)
			rc = listing->visit(listing->self, &entry, err);
	}
	str_truncate(&listing->key, before);
	return rc;
}

static int list_folder(struct listing *listing, int fd, unsigned depth, struct err *err)
{
	CLEANUP(names_release) struct names names = {0};
	int rc = names_read(fd, &names, err);

	if (rc < 0)
		return err_context(err, "%s", str_text(&listing->key));
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		rc = list_one(listing, fd, names.list[i], depth, err);
	return rc;
}

int folder_list(int fd, const char *prefix,
	int (*visit)(void *self, const struct object_entry *entry, struct err *err), void *self,
	struct err *err)
{
	struct listing listing = {.visit = visit, .self = self, .key = STR_INIT};

	str_append_text(&listing.key, prefix);
	int rc = list_folder(&listing, fd, 1, err);
	str_release(&listing.key);
	return rc;
}

/* Who gets the lock knows that nobody writes it any more. */
static int sweep_one(int folder, const char *name, struct err *err)
{
	CLEANUP_FD int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "%s", name);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && unlinkat(folder, name, 0) != 0 && errno != ENOENT)
		return err_set_errno(err, ERR_DISK, errno, "%s", name);
	return 0;
}

int folder_list_sweep(int fd, struct err *err)
{
	CLEANUP(names_release) struct names names = {0};
	int rc = names_read(fd, &names, err);

	for (size_t i = 0; rc == 0 && i < names.count; i++)
		if (strncmp(names.list[i], FOLDER_LEFTOVER, strlen(FOLDER_LEFTOVER)) == 0)
			rc = sweep_one(fd, names.list[i], err);
	return rc;
}
