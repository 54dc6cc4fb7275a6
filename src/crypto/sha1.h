/*
 * sha1: SHA-1, for documents whose standard demands it (SPDX 2.3, clause 8.4 and 7.9). Nothing is
 * ever judged by it.
 */
#ifndef OFFKIT_CRYPTO_SHA1_H
#define OFFKIT_CRYPTO_SHA1_H

#include "base/bytes.h"

enum { SHA1_HEX_SIZE = 41 /* with terminator */ };

struct sha1_stream;

MUST_CHECK int sha1_stream_new(struct sha1_stream **ret_stream, struct err *err);
MUST_CHECK int sha1_stream_update(struct sha1_stream *stream, struct bytes data, struct err *err);
/* In lower-case hexadecimal digits; the stream begins anew. */
MUST_CHECK int sha1_stream_finish(
	struct sha1_stream *stream, char ret_hex[static SHA1_HEX_SIZE], struct err *err);
void sha1_stream_free(struct sha1_stream *stream); /* NULL is allowed */
void sha1_stream_cleanup(struct sha1_stream **stream);

#endif
