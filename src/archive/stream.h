/*
 * stream: the octets of a tar archive, decoded from a file in blocks.
 *
 * Memory is bounded by the blocks and the decoder's window (decoder.h), whatever the file's size.
 * ERR_UNREADABLE (reading), ERR_TRUNCATED (damaged, or octets after the end), ERR_LIMIT (window).
 */
#ifndef OFFKIT_ARCHIVE_STREAM_H
#define OFFKIT_ARCHIVE_STREAM_H

#include "archive/compression.h"

struct stream;

/* fd stays the caller's, must be a regular file, and is read from its beginning. */
MUST_CHECK int stream_open(int fd, struct stream **ret_stream, struct err *err);

/* The next octets, valid until the next call; size 0: the end, and that it is whole is checked. */
MUST_CHECK int stream_next(struct stream *stream, struct bytes *ret_block, struct err *err);

enum compression stream_compression(const struct stream *stream);
uint64_t stream_octets_read(const struct stream *stream); /* of the file, so far */
void stream_free(struct stream *stream);

#endif
