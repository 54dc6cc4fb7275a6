/*
 * merge: signatures that others made, brought together over one payload.
 *
 * A Sigstore bundle has one signature; a kit needs as many as the trust root's threshold.
 */
#ifndef OFFKIT_PACK_MERGE_H
#define OFFKIT_PACK_MERGE_H

#include "kit/bundle.h"
#include "trust/root.h"

/* The keys that may sign; count 0: nobody knows, and no signature is checked. */
struct merge_keys {
	const struct trust_key *const *keys;
	size_t count;
};

/*
 * Adds the signatures of an envelope or a bundle in a file: over the same payload and payload type
 * as envelope's (ERR_MANIFEST_SIGNATURE), each octet string once. With keys, each must be by one of
 * them (ERR_MANIFEST_SIGNATURE), and one whose key has signed already is left out. Everything new
 * lives in arena.
 */
MUST_CHECK int merge_file(struct envelope *envelope, const char *path,
	const struct merge_keys *keys, struct arena *arena, struct err *err);

/*
 * What `cosign sign-blob` wrote over SHA256SUMS, raw or a bundle, as it is into sums_signature.
 * ERR_SUMS_SIGNATURE: it is another file's, or by none of the keys.
 */
MUST_CHECK int merge_sums(struct bytes sums, const char *path, const struct merge_keys *keys,
	struct str *sums_signature, struct err *err);

#endif
