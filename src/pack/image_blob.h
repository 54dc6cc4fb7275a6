/*
 * image_blob: the blobs of an image while it is made: documents in memory, layers in files that
 * have no name and go when they are closed.
 */
#ifndef OFFKIT_PACK_IMAGE_BLOB_H
#define OFFKIT_PACK_IMAGE_BLOB_H

#include "archive/writer.h"
#include "crypto/digest.h"

struct image_blob {
	int fd; /* -1: content has it */
	struct bytes content;
	int64_t size;
	struct sha256 digest;
};

/* An empty file without a name, on the file system of the folder. */
MUST_CHECK int unnamed_file(int dirfd, int *ret_fd, struct err *err);

/* content must live as long as the blob. */
MUST_CHECK int image_blob_of_text(
	struct bytes content, struct image_blob *ret_blob, struct err *err);

/* Takes the file over. */
MUST_CHECK int image_blob_of_file(int fd, struct image_blob *ret_blob, struct err *err);

/* As a member "blobs/sha256/..." of a layout. */
MUST_CHECK int image_blob_write(
	const struct image_blob *blob, struct archive_writer *writer, struct err *err);

/* Closes its file; what is known of it stays. */
void image_blob_release(struct image_blob *blob);

#endif
