/*
 * image: the images of a kit, walked while the kit streams.
 *
 * A file of role image is a tar (compressed or not) of an OCI image layout. Its octets, the same
 * that are hashed, go to a process without rights (base/apart.h) that walks it in one pass
 * (image_blobs.h, image_walk.h) and says what it found. What comes back is bounded and read
 * strictly; it is to be believed only once the file's own digest held.
 *
 * One process reads all images of a kit, one after the other. It is started before any thread is,
 * because a process that is forked from several threads may inherit a lock that nobody opens.
 */
#ifndef OFFKIT_VERIFY_IMAGE_H
#define OFFKIT_VERIFY_IMAGE_H

#include "verify/evidence.h"

struct image_reader;

MUST_CHECK int image_reader_start(struct image_reader **ret_reader, struct err *err);

/* pinned NULL: the file must lead to one digest alone. size is exact; octets. */
MUST_CHECK int image_begin(
	struct image_reader *reader, int64_t size, const struct sha256 *pinned, struct err *err);

/* In parts, of exactly that size in all. What is wrong with them is said at the end. */
MUST_CHECK int image_data(struct image_reader *reader, struct bytes data, struct err *err);

/*
 * What the octets are; everything lives in arena, and ret_image->file is "". ERR_IMAGE, ERR_SYNTAX,
 * ERR_LIMIT, ERR_UNSAFE_ARCHIVE: then the reader reads no further image.
 */
MUST_CHECK int image_end(
	struct image_reader *reader, struct arena *arena, struct image *ret_image, struct err *err);

void image_reader_free(struct image_reader *reader); /* NULL is allowed */
void image_reader_cleanup(struct image_reader **reader);

/* 0, or ERR_IMAGE naming both digests. */
MUST_CHECK int image_check_pinned(
	const struct image *image, const struct sha256 *pinned, struct err *err);

#endif
