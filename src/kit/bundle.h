/*
 * bundle: a Sigstore bundle (protobuf-specs, sigstore_bundle.proto, JSON form) of version 0.1 to
 * 0.3 made with a key: one DSSE envelope, or one signature over the digest of a blob.
 *
 * Nothing here is trusted. The bundle's public key hint, certificates, log entries and timestamps
 * are read for their form, counted, and decide nothing (DESIGN section 5).
 */
#ifndef OFFKIT_KIT_BUNDLE_H
#define OFFKIT_KIT_BUNDLE_H

#include "base/arena.h"
#include "crypto/digest.h"
#include "kit/envelope.h"

enum { BUNDLE_SIZE_MAX = ENVELOPE_SIZE_MAX, BUNDLE_PROOFS_MAX = 64 };

struct bundle {
	const char *media_type;
	bool has_envelope;
	struct envelope envelope; /* of one signature, if has_envelope */
	struct bytes signature;	  /* over a blob, if not */
	bool has_digest;	  /* messageDigest, always SHA-256 here: the blob's */
	struct sha256 digest;
	const char *untrusted_hint; /* "" if absent */
	size_t log_entries;	    /* present, not checked */
	size_t timestamps;	    /* present, not checked */
};

/* Whether the text is meant as a bundle (it has "mediaType" of one): then errors are a bundle's. */
bool bundle_recognise(struct bytes untrusted_text);

/* Everything lives in arena. ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK int bundle_parse(struct bytes untrusted_text, struct arena *arena,
	struct bundle *ret_bundle, struct err *err);

/* An envelope in a DSSE file or in a bundle. */
MUST_CHECK int envelope_or_bundle_parse(struct bytes untrusted_text, struct arena *arena,
	struct envelope *ret_envelope, struct err *err);

#endif
