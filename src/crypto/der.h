/*
 * der: the little of X.690 (sections 10 and 11) that signatures and keys need, strictly: definite
 * and shortest lengths, shortest positive integers, nothing after the end.
 */
#ifndef OFFKIT_CRYPTO_DER_H
#define OFFKIT_CRYPTO_DER_H

#include <stdbool.h>

#include "base/bytes.h"

enum { DER_INTEGER = 0x02, DER_BIT_STRING = 0x03, DER_SEQUENCE = 0x30 };

/* Takes one element of that tag off the front of rest; false, and nothing changed, if it is not. */
bool der_take(struct bytes *rest, uint8_t tag, struct bytes *ret_content);

/* Takes an INTEGER of at least 1; its octets come without the zero that marks it positive. */
bool der_take_positive(struct bytes *rest, struct bytes *ret_magnitude);

/* ECDSA-Sig-Value (RFC 3279 section 2.2.3): SEQUENCE { r INTEGER, s INTEGER }. */
bool der_ecdsa_signature(struct bytes untrusted_der, struct bytes *ret_r, struct bytes *ret_s);

/* SubjectPublicKeyInfo of an RSA key (RFC 3279 section 2.3.1). */
bool der_rsa_key(struct bytes untrusted_der, struct bytes *ret_modulus, struct bytes *ret_exponent);

#endif
