/*
 * digest: SHA-256 by libcrypto's EVP, whose code for this processor is the fastest at hand.
 *
 * A digest that could not be computed is an error (ERR_INTERNAL), never a value.
 */
#ifndef OFFKIT_CRYPTO_DIGEST_H
#define OFFKIT_CRYPTO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum { SHA256_SIZE = 32, SHA256_HEX_SIZE = 65 /* with terminator */ };

struct sha256 {
	uint8_t octets[SHA256_SIZE];
};

struct sha256_stream; /* a running digest; reusable after each finish */

MUST_CHECK int sha256_stream_new(struct sha256_stream **ret_stream, struct err *err);
MUST_CHECK int sha256_stream_update(
	struct sha256_stream *stream, struct bytes data, struct err *err);
MUST_CHECK int sha256_stream_finish(struct sha256_stream *stream, struct sha256 *ret_digest,
	struct err *err); /* and begins anew */
/* The digest of what was given so far; the stream goes on as if nobody had asked. */
MUST_CHECK int sha256_stream_peek(
	const struct sha256_stream *stream, struct sha256 *ret_digest, struct err *err);
/* What was given is forgotten. */
void sha256_stream_restart(struct sha256_stream *stream);
void sha256_stream_free(struct sha256_stream *stream);
void sha256_stream_cleanup(struct sha256_stream **stream);

MUST_CHECK int sha256_of(struct bytes data, struct sha256 *ret_digest, struct err *err);
/*
 * The same by a stream at its beginning, which stays there, for many small messages: to find and
 * make what computes a digest costs more than they do. NULL: made for this one.
 */
MUST_CHECK int sha256_of_with(struct sha256_stream *stream, struct bytes data,
	struct sha256 *ret_digest, struct err *err);
/*
 * Of all that fd has from octet 0 on, wherever it stands; ret_size: how many octets that is. stream
 * is at its beginning, and is there again afterwards. ERR_UNREADABLE.
 */
MUST_CHECK int sha256_of_file(struct sha256_stream *stream, int fd, struct sha256 *ret_digest,
	int64_t *ret_size, struct err *err);
bool sha256_equal(const struct sha256 *a, const struct sha256 *b);

void sha256_to_hex(const struct sha256 *digest, char hex[static SHA256_HEX_SIZE]);

/* Exactly 64 lower-case hexadecimal digits, terminated or not; false otherwise. */
bool sha256_from_hex(struct bytes hex, struct sha256 *ret_digest);

#endif
