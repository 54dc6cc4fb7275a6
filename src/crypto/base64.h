/*
 * base64: RFC 4648 section 4, strict in reading: padding required, no white space, no stray
 * characters, unused bits zero; one alphabet.
 */
#ifndef OFFKIT_CRYPTO_BASE64_H
#define OFFKIT_CRYPTO_BASE64_H

#include "base/bytes.h"

MUST_CHECK int base64_decode(struct bytes untrusted_text, struct str *out, struct err *err);
void base64_encode(struct bytes data, struct str *out);

#endif
