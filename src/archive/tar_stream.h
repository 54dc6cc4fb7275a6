/*
 * tar_stream: the octets of a tar archive, decoded from a file in blocks.
 *
 * Memory is bounded by the blocks and the decoder's window (decoder.h), whatever the file's size.
 * ERR_UNREADABLE (reading), ERR_TRUNCATED (damaged, or octets after the end), ERR_LIMIT (window).
 */
#ifndef OFFKIT_ARCHIVE_TAR_STREAM_H
#define OFFKIT_ARCHIVE_TAR_STREAM_H

#include "archive/members.h"

struct tar_stream;

/* fd stays the caller's, must be a regular file, and is read from its beginning. */
MUST_CHECK int tar_stream_open(int fd, struct tar_stream **ret_stream, struct err *err);

/* The source's self must live as long as the stream. */
MUST_CHECK int tar_stream_open_source(
	const struct octet_source *source, struct tar_stream **ret_stream, struct err *err);

/* The next octets, valid until the next call; size 0: the end, and that it is whole is checked. */
MUST_CHECK int tar_stream_next(struct tar_stream *stream, struct bytes *ret_block, struct err *err);

enum archive_form tar_stream_form(const struct tar_stream *stream);
uint64_t tar_stream_octets_read(const struct tar_stream *stream); /* of the file, so far */
void tar_stream_free(struct tar_stream *stream);

#endif
