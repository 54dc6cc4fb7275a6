/*
 * pem: one block of RFC 7468, strict form: the label, base64 lines, nothing before, and only line
 * ends after it.
 */
#ifndef OFFKIT_CRYPTO_PEM_H
#define OFFKIT_CRYPTO_PEM_H

#include "base/bytes.h"

/* Appends the octets of the block to out. ERR_SYNTAX. */
MUST_CHECK int pem_decode(
	struct bytes untrusted_text, const char *label, struct str *out, struct err *err);
void pem_encode(const char *label, struct bytes der, struct str *out);

#endif
