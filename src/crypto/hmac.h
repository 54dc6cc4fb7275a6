/*
 * hmac: HMAC-SHA256 (RFC 2104, FIPS 198-1) by libcrypto. ERR_INTERNAL.
 */
#ifndef OFFKIT_CRYPTO_HMAC_H
#define OFFKIT_CRYPTO_HMAC_H

#include "crypto/digest.h"

/* A key of any size but 0. */
MUST_CHECK int hmac_sha256(
	struct bytes key, struct bytes data, struct sha256 *ret_code, struct err *err);

#endif
