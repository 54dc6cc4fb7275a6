#include "object/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

struct object_store {
	int root_fd; /* of sha256/ */
	struct sha256_stream *hash;
};

void object_key(const struct sha256 *digest, char key[static OBJECT_KEY_SIZE])
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	(void)snprintf(key, OBJECT_KEY_SIZE, "sha256/%.2s/%s", hex, hex);
}

void object_store_close(struct object_store *store)
{
	if (store == NULL)
		return;
	if (store->root_fd >= 0)
		(void)close(store->root_fd);
	sha256_stream_free(store->hash);
	free(store);
}

void object_store_cleanup(struct object_store **store)
{
	object_store_close(*store);
}

int object_store_open(const char *path, struct object_store **ret_store, struct err *err)
{
	CLEANUP(object_store_cleanup) struct object_store *store = malloc(sizeof *store);
	CLEANUP_FD int fd = -1;

	if (store == NULL)
		return err_no_memory(err);
	store->root_fd = -1;
	store->hash = NULL;
	int rc = folder_make(path, &fd, err);
	if (rc == 0)
		rc = folder_make_at(fd, "sha256", &store->root_fd, err);
	if (rc == 0)
		rc = folder_sync(fd, err);
	if (rc == 0)
		rc = sha256_stream_new(&store->hash, err);
	if (rc < 0)
		return err_context(err, "the object store %s", path);
	*ret_store = store;
	store = NULL;
	return 0;
}

/* make: the folder of the digest's first octet is made, and lasts. */
static int open_shelf(struct object_store *store, const struct sha256 *digest, bool make,
	char hex[static SHA256_HEX_SIZE], int *ret_fd, struct err *err)
{
	char shelf[3];

	sha256_to_hex(digest, hex);
	(void)snprintf(shelf, sizeof shelf, "%.2s", hex);
	if (!make)
		return folder_open_at(store->root_fd, shelf, ret_fd, err);
	int rc = folder_make_at(store->root_fd, shelf, ret_fd, err);
	return rc < 0 ? rc : folder_sync(store->root_fd, err);
}

int object_store_has(
	struct object_store *store, const struct sha256 *digest, bool *ret_has, struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	CLEANUP_FD int shelf = -1;
	struct stat status;
	int rc = open_shelf(store, digest, false, hex, &shelf, err);

	if (rc == -ERR_NOT_FOUND) {
		*ret_has = false;
		return 0;
	}
	if (rc < 0)
		return rc;
	if (fstatat(shelf, hex, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return err_set_errno(err, ERR_UNREADABLE, errno, "object %s", hex);
		*ret_has = false;
		return 0;
	}
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_UNREADABLE, "object %s is no file", hex);
	*ret_has = true;
	return 0;
}

static int fill(struct object_store *store, int fd, const struct sha256 *digest,
	const struct object_source *source, struct err *err)
{
	struct sha256 found;
	struct bytes piece;

	for (;;) {
		int rc = source->next(source->self, &piece, err);
		if (rc == 0 && piece.size > 0)
			rc = fd_write_all(fd, piece, err);
		if (rc == 0)
			rc = sha256_stream_update(store->hash, piece, err);
		if (rc < 0)
			return rc;
		if (piece.size == 0)
			break;
	}
	int rc = sha256_stream_finish(store->hash, &found, err);
	if (rc == 0 && !sha256_equal(&found, digest))
		return err_set(err, ERR_CHECKSUM, "it changed while it was read");
	if (rc == 0 && fsync(fd) != 0)
		return err_set_errno(err, ERR_DISK, errno, "sync");
	return rc;
}

static int place(struct object_store *store, int shelf, const char *hex,
	const struct sha256 *digest, const struct object_source *source, struct err *err)
{
	char temporary[SHA256_HEX_SIZE + 8];

	(void)snprintf(temporary, sizeof temporary, ".%s.new", hex);
	if (unlinkat(shelf, temporary, 0) != 0 && errno != ENOENT)
		return err_set_errno(err, ERR_DISK, errno, "object %s", hex);
	CLEANUP_FD int fd = openat(
		shelf, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, ERR_DISK, errno, "object %s", hex);
	int rc = fill(store, fd, digest, source, err);
	if (rc == 0 && renameat(shelf, temporary, shelf, hex) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, "object %s", hex);
	if (rc == 0)
		return folder_sync(shelf, err);
	sha256_stream_restart(store->hash);
	(void)unlinkat(shelf, temporary, 0);
	return rc;
}

int object_store_put(struct object_store *store, const struct sha256 *digest,
	const struct object_source *source, struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	CLEANUP_FD int shelf = -1;
	int rc = open_shelf(store, digest, true, hex, &shelf, err);

	if (rc == 0)
		rc = place(store, shelf, hex, digest, source, err);
	return rc < 0 ? err_context(err, "object %s", hex) : 0;
}

int object_store_check(
	struct object_store *store, const struct sha256 *digest, int64_t size, struct err *err)
{
	char hex[SHA256_HEX_SIZE], found_hex[SHA256_HEX_SIZE];
	CLEANUP_FD int shelf = -1, fd = -1;
	struct sha256 found;
	int64_t found_size = 0;
	int rc = open_shelf(store, digest, false, hex, &shelf, err);

	if (rc == 0)
		rc = file_open_at(shelf, hex, &fd, err);
	if (rc == 0)
		rc = sha256_of_file(store->hash, fd, &found, &found_size, err);
	if (rc < 0)
		return err_context(err, "object %s", hex);
	if (sha256_equal(&found, digest) && found_size == size)
		return 0;
	sha256_to_hex(&found, found_hex);
	return err_set(err, ERR_CHECKSUM,
		"object %s is not what its name says: it has %lld octets with the SHA-256 %s", hex,
		(long long)found_size, found_hex);
}

int object_store_remove(struct object_store *store, const struct sha256 *digest, struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	CLEANUP_FD int shelf = -1;
	int rc = open_shelf(store, digest, false, hex, &shelf, err);

	if (rc == -ERR_NOT_FOUND)
		return 0;
	if (rc < 0)
		return rc;
	if (unlinkat(shelf, hex, 0) != 0 && errno != ENOENT)
		return err_set_errno(err, ERR_DISK, errno, "object %s", hex);
	return folder_sync(shelf, err);
}
