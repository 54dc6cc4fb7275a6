/*
 * stream: octets on their way through gzip (RFC 1952) or zstd (RFC 8878), in bounded memory.
 *
 * A writer hands what it made to a sink, a reader takes from a source; both are functions of the
 * caller's. The first error sticks: every later call returns it again. What is damaged or cut off
 * is ERR_TRUNCATED, a zstd window over STREAM_WINDOW_MAX is ERR_LIMIT.
 */
#ifndef OFFKIT_COMPRESS_STREAM_H
#define OFFKIT_COMPRESS_STREAM_H

#include <stdbool.h>

#include "base/bytes.h"

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

enum { STREAM_WINDOW_LOG_MAX = 23, STREAM_WINDOW_MAX = 1 << STREAM_WINDOW_LOG_MAX };

struct stream_sink {
	void *self;
	int (*write)(void *self, struct bytes data, struct err *err);
};

struct stream_source {
	void *self;
	/* Reads some octets, at least one unless it is the end. */
	int (*read)(void *self, void *buffer, size_t size, size_t *ret_got, struct err *err);
};

struct stream_writer;

MUST_CHECK int stream_writer_new(enum compression compression, struct stream_sink sink,
	struct stream_writer **ret_writer, struct err *err);
MUST_CHECK int stream_write(struct stream_writer *writer, struct bytes data, struct err *err);
/* Writes what is still held back and the end; without it the stream is cut off. */
MUST_CHECK int stream_writer_finish(struct stream_writer *writer, struct err *err);
/*
 * Writes what is held back and ends this member or frame; what is written next begins another one.
 * What lies between two cuts can be decoded by itself, and in any order of the pieces.
 */
MUST_CHECK int stream_writer_cut(struct stream_writer *writer, struct err *err);
void stream_writer_free(struct stream_writer *writer);
void stream_writer_cleanup(struct stream_writer **writer);

struct stream_reader;

MUST_CHECK int stream_reader_new(enum compression compression, struct stream_source source,
	struct stream_reader **ret_reader, struct err *err);
/* Reads up to size octets; fewer only at the end, where *ret_got is 0. */
MUST_CHECK int stream_read(
	struct stream_reader *reader, void *buffer, size_t size, size_t *ret_got, struct err *err);
void stream_reader_free(struct stream_reader *reader);
void stream_reader_cleanup(struct stream_reader **reader);

const char *compression_name(enum compression compression); /* "none", "gzip", "zstd" */
bool compression_by_name(const char *name, enum compression *ret);
const char *compression_suffix(enum compression compression); /* "", ".gz", ".zst" */

#endif
