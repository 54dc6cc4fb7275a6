#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/members_private.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "text/text.h"

enum {
	DEPTH_MAX = 512,	/* components of the longest name that a kit may have */
	ENTRIES_MAX = 400000,	/* files, and the folders they stand in */
	PATH_OCTETS_MAX = 4096, /* over what name.h allows, so that it says what is wrong */
};

struct folder {
	int dirfd; /* the caller's */
	struct arena arena;
	size_t count, room;
	struct member *entries;
	size_t next;
	int fd; /* of the current file */
	const struct member *current;
	int64_t done;
};

static int refuse(struct err *err, const char *name, const char *what)
{
	CLEANUP_STR struct str shown = STR_INIT;

	text_escape(&shown, bytes_of_string(name), 200);
	return err_set(err, ERR_UNSAFE_ARCHIVE, "%s %s", str_text(&shown), what);
}

static int unreadable(struct err *err, int errnum, const char *name)
{
	CLEANUP_STR struct str shown = STR_INIT;

	text_escape(&shown, bytes_of_string(name), 200);
	return err_set_errno(err, ERR_UNREADABLE, errnum, "%s", str_text(&shown));
}

static int add(struct folder *folder, const char *name, enum member_type type, int64_t size,
	struct err *err)
{
	if (folder->count == ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "the folder has more than %d entries", ENTRIES_MAX);
	if (folder->count == folder->room) {
		size_t room = folder->room == 0 ? 64 : folder->room * 2;
		struct member *entries = reallocarray(folder->entries, room, sizeof *entries);
		if (entries == NULL)
			return err_no_memory(err);
		folder->entries = entries;
		folder->room = room;
	}
	const char *copy = arena_string(&folder->arena, name);
	if (copy == NULL)
		return err_no_memory(err);
	folder->entries[folder->count++] =
		(struct member){.untrusted_name = copy, .type = type, .size = size};
	return 0;
}

static int walk(
	struct folder *folder, int dirfd, struct str *path, unsigned depth, struct err *err);

static int walk_entry(struct folder *folder, int dirfd, const char *name, struct str *path,
	unsigned depth, struct err *err)
{
	CLEANUP_FD int fd = -1;
	struct stat st;

	if (path->size > PATH_OCTETS_MAX || depth > DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "the folder is nested too deeply");
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return unreadable(err, errno, str_text(path));
	if (S_ISREG(st.st_mode))
		return add(folder, str_text(path), MEMBER_FILE, st.st_size, err);
	if (!S_ISDIR(st.st_mode))
		return refuse(err, str_text(path), "is neither a file nor a folder");
	int rc = add(folder, str_text(path), MEMBER_FOLDER, 0, err);
	if (rc < 0)
		return rc;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return unreadable(err, errno, str_text(path));
	return walk(folder, fd, path, depth, err);
}

static int walk(struct folder *folder, int dirfd, struct str *path, unsigned depth, struct err *err)
{
	CLEANUP_DIR DIR *dir = NULL;
	size_t size = path->size;

	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return unreadable(err, errno, str_text(path));
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return err_no_memory(err);
	}
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (entry == NULL)
			return errno == 0 ? 0 : unreadable(err, errno, str_text(path));
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (size > 0)
			str_append_char(path, '/');
		str_append_text(path, entry->d_name);
		int rc = str_check(path, err);
		if (rc == 0)
			rc = walk_entry(folder, dirfd, entry->d_name, path, depth + 1, err);
		str_truncate(path, size);
		if (rc < 0)
			return rc;
	}
}

static bool matches(const char *name, const char *first)
{
	size_t size = strlen(first);

	return size > 0 && first[size - 1] == '/' ? strncmp(name, first, size) == 0
						  : strcmp(name, first) == 0;
}

/* qsort_r of the names that come first, then the others by their octets. */
static size_t rank(const char *name, const char *const *first)
{
	size_t i = 0;

	while (first[i] != NULL && !matches(name, first[i]))
		i++;
	return i;
}

static int compare(const void *left, const void *right, void *argument)
{
	const struct member *a = left;
	const struct member *b = right;
	const char *const *first = argument;
	size_t rank_a = rank(a->untrusted_name, first);
	size_t rank_b = rank(b->untrusted_name, first);

	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	return strcmp(a->untrusted_name, b->untrusted_name);
}

/* Opens the file of a name component by component: no link in the way is followed. */
static int open_beneath(int dirfd, const char *name, int *ret_fd, struct err *err)
{
	CLEANUP_FD int parent = -1;
	char component[PATH_OCTETS_MAX + 1];
	const char *slash;

	while ((slash = strchr(name, '/')) != NULL) {
		size_t size = (size_t)(slash - name);
		if (size > PATH_OCTETS_MAX)
			return err_set(err, ERR_LIMIT, "a name is too long");
		memcpy(component, name, size);
		component[size] = '\0';
		int fd = openat(parent >= 0 ? parent : dirfd, component,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return unreadable(err, errno, name);
		cleanup_close(&parent);
		parent = fd;
		name = slash + 1;
	}
	int fd = openat(
		parent >= 0 ? parent : dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return unreadable(err, errno, name);
	*ret_fd = fd;
	return 0;
}

static int folder_next(void *self, struct member *ret_member, bool *ret_end, struct err *err)
{
	struct folder *folder = self;
	struct stat st;

	cleanup_close(&folder->fd);
	folder->fd = -1;
	if (folder->next == folder->count) {
		*ret_end = true;
		return 0;
	}
	struct member *entry = &folder->entries[folder->next++];
	folder->current = entry;
	folder->done = 0;
	if (entry->type == MEMBER_FILE) {
		int rc = open_beneath(folder->dirfd, entry->untrusted_name, &folder->fd, err);
		if (rc < 0)
			return rc;
		if (fstat(folder->fd, &st) != 0)
			return unreadable(err, errno, entry->untrusted_name);
		if (!S_ISREG(st.st_mode))
			return refuse(err, entry->untrusted_name, "is no longer a file");
		entry->size = st.st_size;
	}
	*ret_member = *entry;
	*ret_end = false;
	return 0;
}

/* ret_got 0: the end. */
static int read_some(
	struct folder *folder, uint8_t *into, size_t room, size_t *ret_got, struct err *err)
{
	ssize_t got;

	do
		got = read(folder->fd, into, room);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return unreadable(err, errno, folder->current->untrusted_name);
	*ret_got = (size_t)got;
	return 0;
}

static int folder_read(void *self, uint8_t *into, size_t room, size_t *ret_got, struct err *err)
{
	struct folder *folder = self;
	const struct member *member = folder->current;
	uint8_t more;
	size_t filled = 0;
	size_t got = 1;
	int rc = 0;

	while (rc == 0 && got > 0 && folder->fd >= 0 && filled < room) {
		rc = read_some(folder, into + filled, room - filled, &got, err);
		if (rc == 0)
			filled += got;
	}
	folder->done += (int64_t)filled;
	if (rc == 0 && got > 0 && folder->fd >= 0 && folder->done == member->size)
		rc = read_some(folder, &more, sizeof more, &got, err);
	if (rc < 0)
		return rc;
	if (member->type == MEMBER_FILE &&
		(folder->done > member->size || (got == 0) != (folder->done == member->size)))
		return refuse(err, member->untrusted_name, "changed while it was read");
	*ret_got = filled;
	return 0;
}

static const char *folder_form(const void *self)
{
	(void)self;
	return "folder";
}

static void folder_free(void *self)
{
	struct folder *folder = self;

	cleanup_close(&folder->fd);
	free(folder->entries);
	arena_release(&folder->arena);
	free(folder);
}

static const struct members_source source = {folder_next, folder_read, folder_form, folder_free};

int members_open_folder(
	int dirfd, const char *const *first, struct members **ret_members, struct err *err)
{
	CLEANUP_STR struct str path = STR_INIT;
	struct folder *folder = calloc(1, sizeof *folder);

	if (folder == NULL)
		return err_no_memory(err);
	folder->dirfd = dirfd;
	folder->fd = -1;
	int rc = walk(folder, dirfd, &path, 0, err);
	if (rc == 0) {
		qsort_r(folder->entries, folder->count, sizeof *folder->entries, compare,
			(void *)(uintptr_t)first);
		rc = members_new(&source, folder, ret_members, err);
	}
	if (rc < 0)
		folder_free(folder);
	return rc;
}
