/*
 * key_internal: what the files of key.h share.
 */
#ifndef OFFKIT_CRYPTO_KEY_INTERNAL_H
#define OFFKIT_CRYPTO_KEY_INTERNAL_H

#include "crypto/key.h"

enum key_kind { KIND_P256, KIND_P384, KIND_P521, KIND_ED25519, KIND_RSA, KIND_COUNT };

/* DIGEST_NONE: pure Ed25519, which the library hands the whole message. */
enum digest_size key_scheme_digest(enum key_scheme scheme, enum key_use use);

/* Immutable: what a library needs to verify is made anew from the octets each time. */
struct public_key {
	enum key_kind kind;
	char description[32];
	struct sha256 fingerprint;
	struct bytes octets;   /* in der: the point, the Ed25519 key, the RSA modulus */
	struct bytes exponent; /* in der: of RSA */
	size_t der_size;
	uint8_t der[];
};

/* ERR_SYNTAX unless the key's numbers are ones the library can use: a point on the curve. */
MUST_CHECK int public_key_usable(const struct public_key *key, struct err *err);

#endif
