/*
 * base64: RFC 4648, strict in reading: padding required, no white space, no stray characters,
 * unused bits zero. The alphabet is the standard one (section 4); where a format allows the
 * URL-safe one too (section 5), a value has one of them and never both.
 */
#ifndef OFFKIT_CRYPTO_BASE64_H
#define OFFKIT_CRYPTO_BASE64_H

#include "base/bytes.h"

/* At most this many octets come out of a text. */
static inline size_t base64_decoded_size(struct bytes text)
{
	return text.size / 4 * 3;
}

/* Into memory of base64_decoded_size octets; out may be the text's own beginning. ERR_SYNTAX. */
MUST_CHECK int base64_decode_into(
	struct bytes untrusted_text, uint8_t *out, size_t *ret_size, struct err *err);
MUST_CHECK int base64_decode_either_into(
	struct bytes untrusted_text, uint8_t *out, size_t *ret_size, struct err *err);
MUST_CHECK int base64_decode(struct bytes untrusted_text, struct str *out, struct err *err);
void base64_encode(struct bytes data, struct str *out);

static inline size_t base64_encoded_size(size_t octets)
{
	return (octets + 2) / 3 * 4;
}

/* The first size octets of memory as text in the same memory, from offset on. */
void base64_encode_in_place(uint8_t *memory, size_t size, size_t offset);

#endif
