#include "object/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object/folder_list.h"

enum {
	SHELVES = 256,
	PIECE = 256 * 1024,
	LEFTOVER_SIZE = sizeof FOLDER_LEFTOVER + 16,
	NAMES_TRIED = 100,
};

/* Of a mode: all of it, who may do what, what others than the owner may do, and an object's. */
enum {
	ALL_BITS = 07777,
	ACCESS = 0777,
	READERS = S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH,
	OBJECT_MODE = S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH,
};

struct folder {
	struct object_store store;
	char *path;
	int root_fd; /* of sha256/ */
	mode_t mode; /* the site's folder's: who may read it may read what is in it */
	/* Those whose own name is known to be durable. */
	_Atomic bool lasting[SHELVES];
};

struct staged_file {
	struct object_staged staged;
	int fd;			  /* holds the lock */
	char name[LEFTOVER_SIZE]; /* in sha256/; "": it is placed */
};

static struct folder *folder_of(struct object_store *store)
{
	return (struct folder *)store;
}

/* ---- opening */

static void folder_close(struct object_store *store)
{
	struct folder *folder = folder_of(store);

	if (folder->root_fd >= 0)
		(void)close(folder->root_fd);
	free(folder->path);
	free(folder);
}

static void folder_cleanup(struct folder **folder)
{
	if (*folder != NULL)
		folder_close(&(*folder)->store);
}

static const struct object_store_kind folder_kind;

static int folder_new(const char *path, struct folder **ret_folder, struct err *err)
{
	struct folder *folder = calloc(1, sizeof *folder);

	if (folder == NULL)
		return err_no_memory(err);
	folder->root_fd = -1;
	folder->path = strdup(path);
	folder->store = (struct object_store){.kind = &folder_kind, .name = folder->path};
	*ret_folder = folder;
	return folder->path == NULL ? err_no_memory(err) : 0;
}

/* Made for this user alone; who may come into the site's folder may come in here. */
static int let_in(const struct folder *folder, int fd, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return err_set_errno(err, ERR_DISK, errno, "look at a folder");
	if ((status.st_mode & ACCESS) == folder->mode)
		return 0;
	if (fchmod(fd, (status.st_mode & ~(mode_t)ACCESS & ALL_BITS) | folder->mode) != 0)
		return err_set_errno(err, ERR_DISK, errno, "let readers into a folder");
	return 0;
}

static int read_mode(struct folder *folder, int fd, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return err_set_errno(err, ERR_DISK, errno, "look at the folder");
	folder->mode = (status.st_mode & READERS) | S_IRWXU;
	return 0;
}

int object_folder_open(const char *path, struct object_store **ret_store, struct err *err)
{
	CLEANUP(folder_cleanup) struct folder *folder = NULL;
	CLEANUP_FD int fd = -1;
	int rc = folder_new(path, &folder, err);

	if (rc == 0)
		rc = folder_make(path, &fd, err);
	if (rc == 0)
		rc = read_mode(folder, fd, err);
	if (rc == 0)
		rc = folder_make_at(fd, "sha256", &folder->root_fd, err);
	if (rc == 0)
		rc = let_in(folder, folder->root_fd, err);
	if (rc == 0)
		rc = folder_sync(fd, err);
	if (rc < 0)
		return err_context(err, "the object store %s", path);
	*ret_store = &STEAL(folder)->store;
	return 0;
}

int object_folder_open_there(const char *path, struct object_store **ret_store, struct err *err)
{
	CLEANUP(folder_cleanup) struct folder *folder = NULL;
	CLEANUP_FD int fd = -1;
	int rc = folder_new(path, &folder, err);

	if (rc == 0)
		rc = folder_open(path, &fd, err);
	if (rc == 0)
		rc = folder_open_at(fd, "sha256", &folder->root_fd, err);
	if (rc < 0)
		return err_context(err, "the object store %s", path);
	*ret_store = &STEAL(folder)->store;
	return 0;
}

/* ---- shelves: the folders of the digests' first octets */

static int open_shelf(struct folder *folder, const struct sha256 *digest,
	char hex[static SHA256_HEX_SIZE], int *ret_fd, struct err *err)
{
	char shelf[3];

	sha256_to_hex(digest, hex);
	(void)snprintf(shelf, sizeof shelf, "%.2s", hex);
	return folder_open_at(folder->root_fd, shelf, ret_fd, err);
}

/* It is made and lasts: another thread may have made it that has not come to sync it yet. */
static int make_shelf(struct folder *folder, const struct sha256 *digest,
	char hex[static SHA256_HEX_SIZE], int *ret_fd, struct err *err)
{
	_Atomic bool *lasting = &folder->lasting[digest->octets[0]];
	CLEANUP_FD int fd = -1;
	char shelf[3];

	if (atomic_load(lasting))
		return open_shelf(folder, digest, hex, ret_fd, err);
	sha256_to_hex(digest, hex);
	(void)snprintf(shelf, sizeof shelf, "%.2s", hex);
	int rc = folder_make_at(folder->root_fd, shelf, &fd, err);
	if (rc == 0)
		rc = let_in(folder, fd, err);
	if (rc == 0)
		rc = folder_sync(folder->root_fd, err);
	if (rc < 0)
		return rc;
	atomic_store(lasting, true);
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int folder_stat(struct object_store *store, const struct sha256 *digest, bool *ret_there,
	int64_t *ret_size, struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	CLEANUP_FD int shelf = -1;
	struct stat status;
	int rc = open_shelf(folder_of(store), digest, hex, &shelf, err);

	if (rc == -ERR_NOT_FOUND) {
		*ret_there = false;
		return 0;
	}
	if (rc < 0)
		return rc;
	if (fstatat(shelf, hex, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return err_set_errno(err, ERR_UNREADABLE, errno, "stat");
		*ret_there = false;
		return 0;
	}
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_UNREADABLE, "it is no file");
	*ret_there = true;
	*ret_size = status.st_size;
	return 0;
}

/* ---- writing */

/*
 * A file that nobody else writes: its name is random, and its lock ends with the process. A sweep
 * may take the lock first and the file away: then another name is tried.
 */
static int open_leftover(struct folder *folder, struct staged_file *file, struct err *err)
{
	for (int i = 0; i < NAMES_TRIED; i++) {
		struct stat status;
		uint64_t random;
		if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
			return err_set_errno(err, ERR_DISK, errno, "getrandom");
		(void)snprintf(
			file->name, sizeof file->name, "%s%016" PRIx64, FOLDER_LEFTOVER, random);
		CLEANUP_FD int fd = openat(folder->root_fd, file->name,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			return err_set_errno(err, ERR_DISK, errno, "%s", file->name);
		if (fd < 0)
			continue;
		/* A file system without locks is never swept either. */
		bool taken = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
		if (!taken && fstat(fd, &status) == 0 && status.st_nlink > 0) {
			file->fd = steal_fd(&fd);
			return 0;
		}
	}
	return err_set(err, ERR_DISK, "no file can be made: each is removed at once");
}

static int fill(struct staged_file *file, const struct object_source *source, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *hash = NULL;
	struct bytes piece;
	int rc = sha256_stream_new(&hash, err);

	if (rc < 0)
		return rc;
	do {
		rc = source->next(source->self, &piece, err);
		if (rc == 0)
			rc = fd_write_all(file->fd, piece, err);
		if (rc == 0)
			rc = sha256_stream_update(hash, piece, err);
		if (rc < 0)
			return rc;
		file->staged.size += (int64_t)piece.size;
	} while (piece.size > 0);
	return sha256_stream_finish(hash, &file->staged.digest, err);
}

static void folder_discard(struct object_staged *staged)
{
	struct staged_file *file = (struct staged_file *)staged;

	if (*file->name != '\0')
		(void)unlinkat(folder_of(staged->store)->root_fd, file->name, 0);
	if (file->fd >= 0)
		(void)close(file->fd);
	free(file);
}

static int folder_stage(struct object_store *store, const struct object_source *source,
	int64_t size, struct object_staged **ret_staged, struct err *err)
{
	struct staged_file *file = calloc(1, sizeof *file);

	(void)size;
	if (file == NULL)
		return err_no_memory(err);
	file->staged.store = store;
	file->fd = -1;
	int rc = open_leftover(folder_of(store), file, err);
	if (rc < 0)
		*file->name = '\0';
	if (rc == 0)
		rc = fill(file, source, err);
	if (rc < 0)
		folder_discard(&file->staged);
	else
		*ret_staged = &file->staged;
	return rc;
}

static int folder_place(struct object_staged *staged, struct err *err)
{
	struct staged_file *file = (struct staged_file *)staged;
	struct folder *folder = folder_of(staged->store);
	char hex[SHA256_HEX_SIZE];
	CLEANUP_FD int shelf = -1;
	int rc = make_shelf(folder, &staged->digest, hex, &shelf, err);

	if (rc < 0)
		return rc;
	if (fchmod(file->fd, folder->mode & OBJECT_MODE) != 0)
		return err_set_errno(err, ERR_DISK, errno, "let readers in");
	if (fsync(file->fd) != 0)
		return err_set_errno(err, ERR_DISK, errno, "sync");
	/* What reads it back shall read the medium. */
	(void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
	if (renameat(folder->root_fd, file->name, shelf, hex) != 0)
		return err_set_errno(err, ERR_DISK, errno, "rename");
	*file->name = '\0';
	return folder_sync(shelf, err);
}

static int folder_remove(struct object_store *store, const struct sha256 *digest, struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	CLEANUP_FD int shelf = -1;
	int rc = open_shelf(folder_of(store), digest, hex, &shelf, err);

	if (rc == -ERR_NOT_FOUND)
		return 0;
	if (rc < 0)
		return rc;
	if (unlinkat(shelf, hex, 0) != 0 && errno != ENOENT)
		return err_set_errno(err, ERR_DISK, errno, "remove");
	return folder_sync(shelf, err);
}

/* ---- reading */

static int read_all(int fd, uint8_t *piece, const struct object_sink *sink, struct err *err)
{
	int64_t at = 0;

	for (;;) {
		ssize_t got = pread(fd, piece, PIECE, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_UNREADABLE, errno, "read");
		if (got == 0)
			return 0;
		at += got;
		int rc = sink->take(sink->self, bytes_make(piece, (size_t)got), err);
		if (rc < 0)
			return rc;
	}
}

static int folder_get(struct object_store *store, const struct sha256 *digest,
	const struct object_sink *sink, struct err *err)
{
	CLEANUP_FREE uint8_t *piece = malloc(PIECE);
	char hex[SHA256_HEX_SIZE];
	CLEANUP_FD int shelf = -1, fd = -1;

	if (piece == NULL)
		return err_no_memory(err);
	int rc = open_shelf(folder_of(store), digest, hex, &shelf, err);
	if (rc == 0)
		rc = file_open_at(shelf, hex, &fd, err);
	return rc < 0 ? rc : read_all(fd, piece, sink, err);
}

static int folder_each(struct object_store *store,
	int (*visit)(void *self, const struct object_entry *entry, struct err *err), void *self,
	struct err *err)
{
	return folder_list(folder_of(store)->root_fd, "sha256/", visit, self, err);
}

static int folder_sweep(struct object_store *store, struct err *err)
{
	return folder_list_sweep(folder_of(store)->root_fd, err);
}

static const struct object_store_kind folder_kind = {
	.close = folder_close,
	.stat = folder_stat,
	.stage = folder_stage,
	.place = folder_place,
	.discard = folder_discard,
	.get = folder_get,
	.remove = folder_remove,
	.each = folder_each,
	.sweep = folder_sweep,
};
