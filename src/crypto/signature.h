/*
 * signature: a signature as a tool or a token hands it out, which is not always as it is written.
 *
 * Taken as it is (ECDSA in DER, RFC 3279 section 2.2.3; Ed25519's 64 octets, RFC 8032; RSA's, as
 * many as its modulus has), of ECDSA as r and s side by side too (IEEE P1363, PKCS #11), either of
 * them in padded base64 of the standard alphabet, and with one line feed after it. The size that
 * the key asks for says which it is: nothing can be taken for two of them.
 */
#ifndef OFFKIT_CRYPTO_SIGNATURE_H
#define OFFKIT_CRYPTO_SIGNATURE_H

#include "crypto/key.h"

/* More than any form of any signature has. */
enum { SIGNATURE_OUTPUT_MAX = 4 * KEY_SIGNATURE_MAX };

/* Appends it in the form that private_key_sign has; not verified. ERR_SIGNER: it is none. */
MUST_CHECK int signature_take(const struct public_key *key, struct bytes untrusted_output,
	struct str *out, struct err *err);

#endif
