/*
 * documents: those of a kit that come first, as one who signs later finds them.
 */
#ifndef OFFKIT_PACK_DOCUMENTS_H
#define OFFKIT_PACK_DOCUMENTS_H

#include "kit/manifest.h"
#include "pack/face.h"
#include "pack/sign.h"

struct signed_documents {
	struct str envelope;
	struct str sums;
	struct str sums_signature; /* empty: there is none yet */
};

struct signed_summary {
	char kit[256]; /* "lnm 2025.12.1"; "" if it is an envelope alone */
	size_t signature_count;
	bool sums_signed;
	/* Of the trust root's keys for kits, how many have signed, and how many must; 0: no root
	 * was asked. */
	size_t key_count, threshold;
};

void signed_documents_release(struct signed_documents *heads);

/*
 * Adds the signers' signatures to the envelope, and the first one's to SHA256SUMS unless it has
 * one. What a verifier would refuse is refused before it is signed.
 */
MUST_CHECK int signed_documents_add(const struct signers *signers, struct signed_documents *heads,
	struct signed_summary *ret_summary, struct err *err);

/*
 * That the payload is a manifest, and SHA256SUMS the one that it means. The manifest lives in
 * arena.
 */
MUST_CHECK int signed_documents_check(const struct signed_documents *heads,
	const struct envelope *envelope, struct arena *arena, struct manifest *ret_manifest,
	struct err *err);

/* Writes the envelope into heads, and sums up what they are now. */
MUST_CHECK int signed_documents_put(struct signed_documents *heads, const struct envelope *envelope,
	const struct manifest *manifest, struct signed_summary *ret_summary, struct err *err);

/* The result of a command that changed them. */
void signed_summary_write(
	const struct signed_summary *summary, const char *path, struct face *face);

#endif
