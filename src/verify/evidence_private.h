/*
 * evidence_private: what the checks of evidence.h share; for src/verify alone.
 */
#ifndef OFFKIT_VERIFY_EVIDENCE_PRIVATE_H
#define OFFKIT_VERIFY_EVIDENCE_PRIVATE_H

#include "kit/manifest.h"
#include "trust/root.h"
#include "verify/evidence.h"

struct evidence_reading {
	const struct manifest *manifest;
	const struct trust_root *root;
	uint8_t *const *contents; /* of each file of the manifest, NULL: not kept */
	struct arena *arena;	  /* of what lives on */
	struct kit_evidence *evidence;
};

/* Each fills its part of reading->evidence. */
MUST_CHECK int attestations_check(const struct evidence_reading *reading, struct err *err);
MUST_CHECK int sboms_check(const struct evidence_reading *reading, struct err *err);

#endif
