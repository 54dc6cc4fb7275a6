/*
 * envelope: a DSSE envelope (DSSE v1.0: envelope.md, protocol.md), as it came: nothing here is
 * trusted. Signatures are verified over envelope_pae of exactly the bytes that are parsed later.
 *
 * Base64 is strict, and of either alphabet, as DSSE allows: one alphabet in a value.
 */
#ifndef OFFKIT_KIT_ENVELOPE_H
#define OFFKIT_KIT_ENVELOPE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "crypto/key.h"

enum {
	ENVELOPE_SIZE_MAX = 64 * 1024 * 1024,
	ENVELOPE_SIGNATURES_MAX = 64,
	ENVELOPE_KEYID_MAX = 1024,
	ENVELOPE_TYPE_MAX = 256,
	ENVELOPE_SIGNATURE_TEXT_MAX = 4096, /* of base64 */
};

#define ENVELOPE_TYPE_IN_TOTO "application/vnd.in-toto+json"

struct envelope_signature {
	const char *untrusted_keyid; /* a hint, "" if absent */
	struct bytes signature;
};

/* What a Sigstore bundle brings beside its signature: present, not checked, deciding nothing. */
struct proofs {
	size_t log_entries;
	size_t timestamps;
	size_t certificates;
};

struct envelope {
	const char *payload_type;
	struct bytes untrusted_payload;
	size_t signature_count; /* at least 1, but in a draft */
	struct envelope_signature *signatures;
	struct proofs proofs; /* of the bundle that it came in, if it did */
};

/* Everything lives in arena. ERR_SYNTAX, ERR_LIMIT; ERR_MANIFEST_SIGNATURE: it has no signatures.
 */
MUST_CHECK int envelope_parse(struct bytes untrusted_text, struct arena *arena,
	struct envelope *ret_envelope, struct err *err);

/* The same for an envelope that still waits for its first signature: only to be signed. */
MUST_CHECK int envelope_parse_draft(struct bytes untrusted_text, struct arena *arena,
	struct envelope *ret_envelope, struct err *err);

/* Pre-authentication encoding: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body. */
MUST_CHECK int envelope_pae(
	const char *payload_type, struct bytes payload, struct str *out, struct err *err);

/* The envelope as compact JSON without a line feed; an empty key id is left out. */
MUST_CHECK int envelope_write(const struct envelope *envelope, struct str *out, struct err *err);

/*
 * Adds the key's signature, in place of one that it made before. keyid is a hint for other tools
 * and may be "". Everything new lives in arena.
 */
MUST_CHECK int envelope_sign(struct envelope *envelope, const struct private_key *key,
	enum key_scheme scheme, const char *keyid, struct arena *arena, struct err *err);

/*
 * Adds a signature unless the same octets are there already; its key id is left behind. It and
 * everything new lives in arena. ERR_LIMIT.
 */
MUST_CHECK int envelope_add(
	struct envelope *envelope, struct bytes signature, struct arena *arena, struct err *err);

#endif
