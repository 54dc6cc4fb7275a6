/*
 * chain_check: the chain of roots that a kit is to bring, checked as a site will, before it is
 * packed.
 */
#ifndef OFFKIT_PACK_CHAIN_CHECK_H
#define OFFKIT_PACK_CHAIN_CHECK_H

#include "pack/input.h"
#include "pack/sign.h"

/*
 * Each root has the version of its name, is signed by its own threshold, and follows the one before
 * it. Expiry is a matter of the day on which the kit arrives. ERR_TRUST_INVALID, ERR_TRUST_GAP.
 * ret_newest, NULL if there is none, is the caller's.
 */
MUST_CHECK int chain_check(
	int dirfd, const struct input *input, struct trust_root **ret_newest, struct err *err);

/* How many of the signers' keys the root names for kits. */
size_t chain_accepted(const struct trust_root *root, const struct signers *signers);

#endif
