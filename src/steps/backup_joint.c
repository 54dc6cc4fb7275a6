#include "steps/backup_joint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/backup_files.h"

enum { READ_SIZE = 256 * 1024 };

struct backup_joint {
	int dirfd; /* the caller's */
	int fd;
	bool ended;
	uint64_t size;
	struct sha256_stream *digest;
	bool sealed;
	struct sha256 sha256; /* once it is sealed */
	char name[BACKUP_NAME_SIZE];
	char temporary[BACKUP_NAME_SIZE];
};

/* "x.bson.gz" is written as "~1a2b….tmp": the name itself may be as long as names can be. */
static int temporary_name(struct backup_joint *joint, struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	struct sha256 digest;
	int result = sha256_of(bytes_of_string(joint->name), &digest, err);

	if (result != 0)
		return result;
	sha256_to_hex(&digest, hex);
	(void)snprintf(joint->temporary, sizeof joint->temporary, "~%.16s.tmp", hex);
	return 0;
}

static int make(int dirfd, const char *name, struct backup_joint **ret_joint, struct err *err)
{
	struct backup_joint *joint = calloc(1, sizeof *joint);

	if (joint == NULL)
		return err_no_memory(err);
	joint->dirfd = dirfd;
	joint->fd = -1;
	(void)snprintf(joint->name, sizeof joint->name, "%s", name);
	int result = temporary_name(joint, err);
	if (result == 0)
		result = sha256_stream_new(&joint->digest, err);
	if (result != 0) {
		backup_joint_free(joint);
		return result;
	}
	*ret_joint = joint;
	return 0;
}

static int create(struct backup_joint *joint, struct err *err)
{
	/* One that an interrupted run left. */
	if (unlinkat(joint->dirfd, joint->temporary, 0) != 0 && errno != ENOENT)
		return err_set_errno(err, ERR_DISK, errno, "%s", joint->temporary);
	joint->fd = openat(joint->dirfd, joint->temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (joint->fd < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", joint->name);
	return 0;
}

int backup_joint_new(int dirfd, const char *name, struct backup_joint **ret_joint, struct err *err)
{
	struct backup_joint *joint = NULL;
	int result = make(dirfd, name, &joint, err);

	if (result == 0)
		result = create(joint, err);
	if (result != 0) {
		backup_joint_free(joint);
		return result;
	}
	*ret_joint = joint;
	return 0;
}

/* Digests the first octets of the file; ERR_TRUNCATED if there are fewer. */
static int read_kept(struct backup_joint *joint, uint64_t size, struct err *err)
{
	CLEANUP_FREE uint8_t *buffer = malloc(READ_SIZE);
	int result = 0;

	if (buffer == NULL)
		return err_no_memory(err);
	while (result == 0 && joint->size < size) {
		uint64_t left = size - joint->size;
		ssize_t got = read(joint->fd, buffer, left < READ_SIZE ? (size_t)left : READ_SIZE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(
				err, ERR_TRUNCATED, "%s is shorter than it was", joint->name);
		result = sha256_stream_update(joint->digest, bytes_make(buffer, (size_t)got), err);
		joint->size += (uint64_t)got;
	}
	return result;
}

static int go_on_from(
	struct backup_joint *joint, uint64_t size, const struct sha256 *expected, struct err *err)
{
	struct sha256 found;
	struct stat status;

	/* The end may have come as far as its own name. */
	if (faccessat(joint->dirfd, joint->temporary, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		(void)renameat(joint->dirfd, joint->name, joint->dirfd, joint->temporary);
	joint->fd = openat(joint->dirfd, joint->temporary, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (joint->fd < 0 || fstat(joint->fd, &status) != 0 || !S_ISREG(status.st_mode))
		return err_set(err, ERR_TRUNCATED, "%s is not there any more", joint->name);
	int result = read_kept(joint, size, err);
	if (result == 0)
		result = sha256_stream_peek(joint->digest, &found, err);
	if (result == 0 && !sha256_equal(&found, expected))
		result =
			err_set(err, ERR_TRUNCATED, "%s has other octets than it had", joint->name);
	if (result == 0 && ftruncate(joint->fd, (off_t)size) != 0)
		result = err_set_errno(err, ERR_DISK, errno, "%s", joint->name);
	return result;
}

int backup_joint_reopen(int dirfd, const char *name, uint64_t size, const struct sha256 *sha256,
	struct backup_joint **ret_joint, struct err *err)
{
	struct backup_joint *joint = NULL;
	int result = make(dirfd, name, &joint, err);

	if (result == 0)
		result = go_on_from(joint, size, sha256, err);
	if (result != 0) {
		backup_joint_free(joint);
		return result;
	}
	*ret_joint = joint;
	return 0;
}

int backup_joint_append(struct backup_joint *joint, struct bytes data, struct err *err)
{
	int result = fd_write_all(joint->fd, data, err);

	if (result == 0)
		result = sha256_stream_update(joint->digest, data, err);
	if (result != 0)
		return err_context(err, "%s", joint->name);
	joint->size += data.size;
	return 0;
}

int backup_joint_state(
	const struct backup_joint *joint, struct backup_file *ret_file, struct err *err)
{
	struct sha256 sha256 = joint->sha256;
	int result = joint->sealed ? 0 : sha256_stream_peek(joint->digest, &sha256, err);

	if (result == 0)
		*ret_file = (struct backup_file){
			.name = joint->name, .size = joint->size, .sha256 = sha256};
	return result;
}

int backup_joint_seal(struct backup_joint *joint, struct err *err)
{
	int result = sha256_stream_peek(joint->digest, &joint->sha256, err);

	joint->sealed = result == 0;
	return result;
}

int backup_joint_sync(const struct backup_joint *joint, struct err *err)
{
	if (fdatasync(joint->fd) != 0)
		return err_set_errno(err, ERR_DISK, errno, "%s: sync", joint->name);
	return 0;
}

static int settle(struct backup_joint *joint, struct err *err)
{
	if (fsync(joint->fd) != 0)
		return err_set_errno(err, ERR_DISK, errno, "sync");
	if (renameat(joint->dirfd, joint->temporary, joint->dirfd, joint->name) != 0)
		return err_set_errno(err, ERR_DISK, errno, "rename");
	joint->ended = true;
	return folder_sync(joint->dirfd, err);
}

int backup_joint_end(struct backup_joint *joint, struct backup_file *file, struct err *err)
{
	int result = joint->sealed ? 0 : backup_joint_seal(joint, err);

	if (result == 0)
		result = settle(joint, err);
	if (result != 0)
		return err_context(err, "%s", joint->name);
	file->size = joint->size;
	file->sha256 = joint->sha256;
	return 0;
}

void backup_joint_free(struct backup_joint *joint)
{
	if (joint == NULL)
		return;
	if (joint->fd >= 0)
		(void)close(joint->fd);
	sha256_stream_free(joint->digest);
	free(joint);
}

void backup_joint_remove(struct backup_joint *joint)
{
	if (joint != NULL && joint->fd >= 0 && !joint->ended)
		(void)unlinkat(joint->dirfd, joint->temporary, 0);
	backup_joint_free(joint);
}
