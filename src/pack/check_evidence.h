/*
 * check_evidence: SBOMs and attestations as a site will check them, before anything is signed.
 */
#ifndef OFFKIT_PACK_CHECK_EVIDENCE_H
#define OFFKIT_PACK_CHECK_EVIDENCE_H

#include "pack/input.h"
#include "verify/evidence.h"

/* dirfd is the folder that input was read from; root has the keys that may attest. Errors are
 * those of verify/evidence.h; ERR_CHECKSUM: a file changed since it was read. */
MUST_CHECK int check_evidence(
	int dirfd, const struct input *input, const struct trust_root *root, struct err *err);

#endif
