/*
 * detached: a signature beside its file, as `cosign sign-blob --key` (version 2) writes it: base64
 * of the signature over the file's octets (ECDSA in DER), one line, whose line feed may be missing.
 */
#ifndef OFFKIT_KIT_DETACHED_H
#define OFFKIT_KIT_DETACHED_H

#include "base/bytes.h"
#include "crypto/key.h"

enum { DETACHED_SIZE_MAX = 4096 }; /* octets of the file */

/* Appends the signature's octets. ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK int detached_parse(struct bytes untrusted_text, struct str *out, struct err *err);

/* Appends the file's text: without a line feed, as cosign writes files. */
MUST_CHECK int detached_sign(struct bytes content, const struct private_key *key,
	enum key_scheme scheme, struct str *out, struct err *err);

#endif
