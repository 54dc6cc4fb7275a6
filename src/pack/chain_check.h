/*
 * chain_check: the chain of roots that a kit is to bring, checked as a site will, before it is
 * packed.
 */
#ifndef OFFKIT_PACK_CHAIN_CHECK_H
#define OFFKIT_PACK_CHAIN_CHECK_H

#include "pack/input.h"

/*
 * Each root has the version of its name, is signed by its own threshold, and follows the one before
 * it. Expiry is a matter of the day on which the kit arrives. ERR_TRUST_INVALID, ERR_TRUST_GAP.
 */
MUST_CHECK int chain_check(int dirfd, const struct input *input, struct err *err);

#endif
