/*
 * message: what a signature is over, and what it is for.
 *
 * A message is digested once for each hash that its keys' schemes ask for, however many signatures
 * stand beside it. Pure Ed25519 hashes the signature together with the message (RFC 8032 section
 * 5.1.7), so nothing can be kept; what that may cost in all is bounded instead.
 */
#ifndef OFFKIT_CRYPTO_MESSAGE_H
#define OFFKIT_CRYPTO_MESSAGE_H

#include "base/bytes.h"

/* Some schemes differ by use: those of Ed25519 that hash first do so for one of them. */
enum key_use {
	KEY_USE_ENVELOPE, /* a DSSE pre-authentication encoding */
	KEY_USE_BLOB,	  /* a file beside which its signature stands */
	KEY_USE_ROOT,	  /* the signed part of TUF metadata */
	KEY_USE_COUNT
};

/* Signatures by pure Ed25519 may hash a message so often, and then on up to so many octets in all:
 * beyond both, verifying is refused with ERR_LIMIT. */
enum { MESSAGE_PURE_COUNT_MAX = 16, MESSAGE_PURE_OCTETS_MAX = 1024 * 1024 * 1024 };

enum digest_size { DIGEST_NONE = 0, DIGEST_256 = 32, DIGEST_384 = 48, DIGEST_512 = 64 };

/* Borrows the octets, which must not change while it is used. One thread's. */
struct signed_message {
	struct bytes octets;
	enum key_use use;
	size_t pure_count;
	struct message_digest {
		bool known;
		uint8_t octets[DIGEST_512];
	} sha256, sha384, sha512;
};

static inline struct signed_message signed_message_make(enum key_use use, struct bytes octets)
{
	return (struct signed_message){.octets = octets, .use = use};
}

/* Points into message. ERR_INTERNAL. */
MUST_CHECK int signed_message_digest(struct signed_message *message, enum digest_size size,
	struct bytes *ret_digest, struct err *err);

/* Before each hashing that cannot be shared: counts it. ERR_LIMIT. */
MUST_CHECK int signed_message_spend(struct signed_message *message, struct err *err);

#endif
