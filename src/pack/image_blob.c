#include "pack/image_blob.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pack/place.h"

enum { CHUNK_SIZE = 256 * 1024 };

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

static int write_file(const struct image_blob *blob, struct archive_writer *writer, struct err *err)
{
	uint8_t chunk[CHUNK_SIZE];
	int64_t done = 0;
	int rc = 0;

	while (done < blob->size && rc == 0) {
		ssize_t got = pread(blob->fd, chunk, sizeof chunk, done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set_errno(err, ERR_DISK, got < 0 ? errno : EIO,
				"reading a layer that was just made");
		rc = archive_writer_data(writer, bytes_make(chunk, (size_t)got), err);
		done += got;
	}
	return rc;
}

int image_blob_write(const struct image_blob *blob, struct archive_writer *writer, struct err *err)
{
	char hex[SHA256_HEX_SIZE], name[sizeof "blobs/sha256/" + SHA256_HEX_SIZE];

	sha256_to_hex(&blob->digest, hex);
	(void)snprintf(name, sizeof name, "blobs/sha256/%s", hex);
	int rc = archive_writer_file(writer, name, blob->size, err);
	if (rc < 0)
		return rc;
	return blob->fd < 0 ? archive_writer_data(writer, blob->content, err)
			    : write_file(blob, writer, err);
}

void image_blob_release(struct image_blob *blob)
{
	cleanup_close(&blob->fd);
	blob->fd = -1;
}
