/*
 * bundle: a Sigstore bundle (protobuf-specs, sigstore_bundle.proto, JSON form) of version 0.1 to
 * 0.3: one DSSE envelope with one signature, or one signature over a blob.
 *
 * Nothing here is trusted. The public key's hint, certificates, log entries and timestamps are read
 * for their form, counted, and decide nothing (DESIGN section 5). Base64 is of the standard
 * alphabet, but in the envelope, where DSSE's rule holds. Members that are not known are passed
 * over, and null is an absent member, as the JSON form of protobuf has it.
 */
#ifndef OFFKIT_KIT_BUNDLE_H
#define OFFKIT_KIT_BUNDLE_H

#include "kit/detached.h"
#include "kit/envelope.h"

enum {
	BUNDLE_SIZE_MAX = ENVELOPE_SIZE_MAX,
	BUNDLE_PROOFS_MAX = 64,	       /* of each kind */
	BUNDLE_PROOF_TEXT_MAX = 65536, /* of base64, in each certificate and timestamp */
};

struct bundle {
	bool has_envelope;
	struct envelope envelope;   /* of one signature, if has_envelope */
	struct detached blob;	    /* if not */
	const char *untrusted_hint; /* "" if absent */
	struct proofs proofs;	    /* the same as in envelope or blob */
};

/* Everything lives in arena. ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK int bundle_parse(struct bytes untrusted_text, struct arena *arena,
	struct bundle *ret_bundle, struct err *err);

/* An envelope in a DSSE file or in a bundle, which has a member "mediaType". As envelope_parse. */
MUST_CHECK int envelope_or_bundle_parse(struct bytes untrusted_text, struct arena *arena,
	struct envelope *ret_envelope, struct err *err);

/* The same for an envelope that still waits for its first signature: only to be signed. */
MUST_CHECK int envelope_or_bundle_parse_draft(struct bytes untrusted_text, struct arena *arena,
	struct envelope *ret_envelope, struct err *err);

#endif
