/*
 * documents: those of a kit that come first, as one who signs later finds them.
 */
#ifndef OFFKIT_PACK_DOCUMENTS_H
#define OFFKIT_PACK_DOCUMENTS_H

#include "pack/sign.h"

struct signed_documents {
	struct str envelope;
	struct str sums;
	struct str sums_signature; /* empty: there is none yet */
};

struct signed_summary {
	char kit[256]; /* "lnm 2025.12.1" */
	size_t signature_count;
};

void signed_documents_release(struct signed_documents *heads);

/*
 * Adds the signers' signatures to the envelope, and the first one's to SHA256SUMS unless it has
 * one. What a verifier would refuse is refused before it is signed.
 */
MUST_CHECK int signed_documents_add(const struct signers *signers, struct signed_documents *heads,
	struct signed_summary *ret_summary, struct err *err);

#endif
