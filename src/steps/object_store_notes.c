/*
 * What is being put, in the run's folder: the digests of the objects that a worker places before it
 * writes their pointers, which say whose the objects are. Who is cut off in between knows from here
 * that they were his.
 *
 * Each worker has a file, of 64 hexadecimal digits and a line's end a digest, written over for each
 * batch when the pointers of the one before are written. What an interrupted attempt noted is
 * carried in a file of its own until an attempt ends well.
 *
 * And what is being removed, in object.removing: it may have lost its pointers already.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/object_store.h"

#define CARRIED_NAME "object.putting"
#define WORKER_NAME  "object.putting.%zu"
#define REMOVAL_NAME "object.removing"

enum { LINE_SIZE = SHA256_HEX_SIZE, NOTES_SIZE_MAX = 64 * 1024 * 1024 };

static int by_octets(const void *a, const void *b)
{
	return memcmp(a, b, SHA256_SIZE);
}

/* A line that was cut off is one of which nothing was put yet. */
static int read_notes(int dirfd, const char *name, struct object_notes *notes, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct err failed;
	int rc = file_read_at(dirfd, name, NOTES_SIZE_MAX, &text, &failed);

	if (rc == -ERR_NOT_FOUND)
		return 0;
	if (rc < 0) {
		*err = failed;
		return rc;
	}
	size_t count = text.size / LINE_SIZE;
	struct sha256 *carried =
		reallocarray(notes->carried, notes->carried_count + count + 1, sizeof *carried);
	if (carried == NULL)
		return err_no_memory(err);
	notes->carried = carried;
	for (size_t i = 0; i < count; i++)
		if (sha256_from_hex(bytes_make((const uint8_t *)str_text(&text) + i * LINE_SIZE,
					    SHA256_HEX_SIZE - 1),
			    &carried[notes->carried_count]))
			notes->carried_count++;
	return 0;
}

static void append_line(struct str *text, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	str_append_text(text, hex);
	str_append_char(text, '\n');
}

static int write_noted(
	int dirfd, const char *name, const struct sha256 *digests, size_t count, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	for (size_t i = 0; i < count; i++)
		append_line(&text, &digests[i]);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : file_write_durable_at(dirfd, name, str_bytes(&text), 0600, err);
}

static int carry(const struct object_notes *notes, struct err *err)
{
	return notes->carried_count == 0 ? 0
					 : write_noted(notes->dirfd, CARRIED_NAME, notes->carried,
						   notes->carried_count, err);
}

/* What every worker noted, behind what was carried. */
static int read_all(int dirfd, struct object_notes *notes, struct err *err)
{
	char name[32];
	int rc = read_notes(dirfd, CARRIED_NAME, notes, err);

	for (size_t i = 0; rc == 0 && i < OBJECT_WORKERS_MAX; i++) {
		(void)snprintf(name, sizeof name, WORKER_NAME, i);
		rc = read_notes(dirfd, name, notes, err);
	}
	return rc;
}

int object_notes_open(int run_dirfd, struct object_notes *notes, struct err *err)
{
	*notes = (struct object_notes){.dirfd = run_dirfd};
	for (size_t i = 0; i < OBJECT_WORKERS_MAX; i++)
		notes->fds[i] = -1;
	if (run_dirfd < 0)
		return 0;
	int rc = read_all(run_dirfd, notes, err);
	if (rc == 0 && notes->carried_count > 1)
		qsort(notes->carried, notes->carried_count, sizeof *notes->carried, by_octets);
	return rc < 0 ? rc : carry(notes, err);
}

int object_notes_write(struct object_notes *notes, size_t worker, const struct sha256 *digests,
	size_t count, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	char name[32];

	if (notes->dirfd < 0 || count == 0)
		return 0;
	(void)snprintf(name, sizeof name, WORKER_NAME, worker);
	if (notes->fds[worker] < 0)
		notes->fds[worker] = openat(notes->dirfd, name,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int fd = notes->fds[worker];
	if (fd < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", name);
	if (!notes->lasting[worker]) {
		int synced = folder_sync(notes->dirfd, err);
		if (synced < 0)
			return synced;
		notes->lasting[worker] = true;
	}
	for (size_t i = 0; i < count; i++)
		append_line(&text, &digests[i]);
	int rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	if (lseek(fd, 0, SEEK_SET) != 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", name);
	rc = fd_write_all(fd, str_bytes(&text), err);
	if (rc == 0 && (ftruncate(fd, (off_t)text.size) != 0 || fdatasync(fd) != 0))
		rc = err_set_errno(err, ERR_DISK, errno, "%s", name);
	return rc;
}

bool object_notes_had(const struct object_notes *notes, const struct sha256 *digest)
{
	return notes->carried_count > 0 && bsearch(digest, notes->carried, notes->carried_count,
						   sizeof *notes->carried, by_octets) != NULL;
}

static void forget(int dirfd)
{
	char name[32];

	(void)unlinkat(dirfd, CARRIED_NAME, 0);
	for (size_t i = 0; i < OBJECT_WORKERS_MAX; i++) {
		(void)snprintf(name, sizeof name, WORKER_NAME, i);
		(void)unlinkat(dirfd, name, 0);
	}
}

/* Every pointer is written: they say it from now on. */
void object_notes_done(struct object_notes *notes)
{
	if (notes->dirfd >= 0)
		forget(notes->dirfd);
}

void object_notes_close(struct object_notes *notes)
{
	for (size_t i = 0; i < OBJECT_WORKERS_MAX; i++)
		if (notes->fds[i] >= 0)
			(void)close(notes->fds[i]);
	free(notes->carried);
	notes->carried = NULL;
}

/* ---- removal */

int object_removal_note(int run_dirfd, const struct sha256 *digests, size_t count, struct err *err)
{
	return run_dirfd < 0 ? 0 : write_noted(run_dirfd, REMOVAL_NAME, digests, count, err);
}

int object_removal_done(int run_dirfd, struct err *err)
{
	if (run_dirfd < 0)
		return 0;
	forget(run_dirfd);
	if (unlinkat(run_dirfd, REMOVAL_NAME, 0) != 0 && errno != ENOENT)
		return err_set_errno(err, ERR_DISK, errno, REMOVAL_NAME);
	return folder_sync(run_dirfd, err);
}

int object_noted_read(int run_dirfd, enum object_noted noted, struct sha256 **ret_digests,
	size_t *ret_count, struct err *err)
{
	struct object_notes notes = {.dirfd = run_dirfd};
	int rc = 0;

	if (run_dirfd >= 0)
		rc = noted == OBJECT_NOTED_PUTTING
			     ? read_all(run_dirfd, &notes, err)
			     : read_notes(run_dirfd, REMOVAL_NAME, &notes, err);
	if (rc < 0) {
		free(notes.carried);
		return rc;
	}
	*ret_digests = notes.carried;
	*ret_count = notes.carried_count;
	return 0;
}
