/*
 * compression: how the octets of a kit's archive may be compressed, known by their first octets.
 */
#ifndef OFFKIT_ARCHIVE_COMPRESSION_H
#define OFFKIT_ARCHIVE_COMPRESSION_H

#include <stdbool.h>

#include "base/bytes.h"

enum compression {
	COMPRESSION_PLAIN,
	COMPRESSION_GZIP,
	COMPRESSION_ZSTD,
	COMPRESSION_XZ,
	COMPRESSION_BZIP2, /* read only */
	COMPRESSION_LZ4,   /* read only */
	COMPRESSION_COUNT
};

enum { COMPRESSION_MAGIC_MAX = 6 };

const char *compression_name(enum compression format); /* "gzip" */

/* By "gzip", "zstd", "xz", "plain": what can be written; false otherwise. */
bool compression_by_name(const char *name, enum compression *ret_compression);

/* By the ending of a file's name: .tar .tar.gz .tgz .tar.zst .tar.xz; false if it is none. */
bool compression_by_ending(const char *path, enum compression *ret_compression);

/* By the first octets of a file; COMPRESSION_PLAIN if none fits. */
enum compression compression_of(struct bytes untrusted_beginning);

#endif
