/*
 * store: the chain of roots that a site keeps in its state folder (trust/N.root.json).
 */
#ifndef OFFKIT_TRUST_STORE_H
#define OFFKIT_TRUST_STORE_H

#include "trust/root.h"

/*
 * The root in force: the embedded one, and then every kept N+1 that verifies from N (TUF 5.3).
 * state_dirfd -1: no state, the embedded root. A kept file that does not verify is
 * ERR_TRUST_INVALID, never skipped. Expiry is judged by the caller (verify.h).
 */
MUST_CHECK int trust_store_load(int state_dirfd, struct trust_root **ret_root, struct err *err);

/* 0 if next is root's version plus 1 and signed by both thresholds; ERR_TRUST_INVALID. */
MUST_CHECK int trust_root_follow(
	const struct trust_root *root, const struct trust_root *next, struct err *err);

#endif
