/*
 * lthash: a digest of a set of documents that does not depend on their order.
 *
 * 1,024 lanes of 16 bits (2,048 octets). Each document contributes a vector expanded from its
 * SHA-256 (the ChaCha20 keystream under that key, nonce and counter 0); vectors are added lane by
 * lane modulo 2^16. Finding two sets with one sum is a lattice problem (Bellare and Micciancio,
 * AdHash to LtHash; Lewi et al. 2019), unlike XOR or a plain sum, which can be steered.
 * Count and octets of the documents are kept beside the lanes.
 */
#ifndef OFFKIT_CRYPTO_LTHASH_H
#define OFFKIT_CRYPTO_LTHASH_H

#include "base/bytes.h"
#include "crypto/digest.h"

enum { LTHASH_LANES = 1024 };

struct lthash {
	uint16_t lanes[LTHASH_LANES];
	uint64_t count;	 /* documents */
	uint64_t octets; /* of BSON */
};

struct lthash_stream; /* what expanding needs; one a thread */

MUST_CHECK int lthash_stream_new(struct lthash_stream **ret_stream, struct err *err);
void lthash_stream_free(struct lthash_stream *stream);
void lthash_stream_cleanup(struct lthash_stream **stream);

void lthash_reset(struct lthash *sum);
MUST_CHECK int lthash_add(
	struct lthash_stream *stream, struct lthash *sum, struct bytes document, struct err *err);
MUST_CHECK int lthash_remove(
	struct lthash_stream *stream, struct lthash *sum, struct bytes document, struct err *err);
void lthash_merge(struct lthash *sum, const struct lthash *other);

/* SHA-256 over the lanes (little-endian), count and octets (64 bits each, little-endian). */
MUST_CHECK int lthash_digest(const struct lthash *sum, struct sha256 *ret_digest, struct err *err);

#endif
