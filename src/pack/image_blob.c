#include "pack/image_blob.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/place.h"
#include "pack/pour.h"

int unnamed_file(int dirfd, int *ret_fd, struct err *err)
{
	CLEANUP_FD int fd = -1;
	char name[PLACE_TEMPORARY_SIZE];

	int rc = place_temporary(dirfd, false, name, &fd, err);
	if (rc < 0)
		return rc;
	if (unlinkat(dirfd, name, 0) != 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", name);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int image_blob_of_text(struct bytes content, struct image_blob *ret_blob, struct err *err)
{
	struct image_blob blob = {.fd = -1, .content = content, .size = (int64_t)content.size};
	int rc = sha256_of(content, &blob.digest, err);

	if (rc == 0)
		*ret_blob = blob;
	return rc;
}

int image_blob_of_file(int fd, struct image_blob *ret_blob, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	struct image_blob blob = {.fd = fd};
	int rc = sha256_stream_new(&stream, err);

	if (rc == 0)
		rc = sha256_of_file(stream, fd, &blob.digest, &blob.size, err);
	if (rc < 0) {
		(void)close(fd);
		return rc;
	}
	*ret_blob = blob;
	return 0;
}

static int put(void *self, struct bytes data, struct err *err)
{
	return archive_writer_data(self, data, err);
}

int image_blob_write(const struct image_blob *blob, struct archive_writer *writer, struct err *err)
{
	char hex[SHA256_HEX_SIZE], name[sizeof "blobs/sha256/" + SHA256_HEX_SIZE];

	sha256_to_hex(&blob->digest, hex);
	(void)snprintf(name, sizeof name, "blobs/sha256/%s", hex);
	int rc = archive_writer_file(writer, name, blob->size, err);
	if (rc < 0)
		return rc;
	if (blob->fd < 0)
		return archive_writer_data(writer, blob->content, err);
	return pour(blob->fd, "a layer that was just made", blob->size,
		(struct stream_sink){writer, put}, err);
}

void image_blob_release(struct image_blob *blob)
{
	cleanup_close(&blob->fd);
	blob->fd = -1;
}
