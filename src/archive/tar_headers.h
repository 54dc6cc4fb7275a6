/*
 * tar_headers: the headers in front of one member's content, octet for octet.
 *
 * Readers of tar differ in what they do with an extended header that is rare: a pax global one
 * renames or resizes everything that follows for one reader and nothing for another. So the blocks
 * are walked here, beside the library: at most one extended header (pax "x" of POSIX.1-2017, or
 * GNU's long name "L"), then the member's own, of a file or a folder. The records of a pax header
 * are well formed, and no keyword is there twice.
 */
#ifndef OFFKIT_ARCHIVE_TAR_HEADERS_H
#define OFFKIT_ARCHIVE_TAR_HEADERS_H

#include "base/bytes.h"

enum { TAR_BLOCK = 512 /* octets */ };

/* untrusted_blocks: all of them, whole, the member's own header last. ERR_UNSAFE_ARCHIVE. */
MUST_CHECK int tar_headers_check(struct bytes untrusted_blocks, struct err *err);

#endif
