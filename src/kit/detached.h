/*
 * detached: a signature beside its file, as `cosign sign-blob --key` writes it: base64 of the
 * signature (ECDSA in DER), one line, whose line feed may be missing; or a Sigstore bundle with a
 * message's signature (bundle.h).
 */
#ifndef OFFKIT_KIT_DETACHED_H
#define OFFKIT_KIT_DETACHED_H

#include "base/arena.h"
#include "kit/envelope.h"

enum { DETACHED_SIZE_MAX = 64 * 1024 }; /* octets of the file */

struct detached {
	struct bytes signature;
	enum digest_size digest_size; /* DIGEST_NONE: it came without */
	struct bytes digest;	      /* of the file, as the bundle has it */
	struct proofs proofs;	      /* of the bundle */
};

/* Everything lives in arena. ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK int detached_parse(struct bytes untrusted_text, struct arena *arena,
	struct detached *ret_detached, struct err *err);

/*
 * Whether the digest that came along, if any did, is the message's: it decides nothing, but one of
 * another file is a bundle of another file.
 */
MUST_CHECK int detached_fits(const struct detached *detached, struct signed_message *message,
	bool *ret_fits, struct err *err);

/* Appends the file's text: base64 without a line feed, as cosign writes files. */
void detached_write(struct bytes signature, struct str *out);
MUST_CHECK int detached_sign(struct bytes content, const struct private_key *key,
	enum key_scheme scheme, struct str *out, struct err *err);

#endif
