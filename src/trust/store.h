/*
 * store: the chain of roots that a site keeps in its state folder (trust/N.root.json).
 */
#ifndef OFFKIT_TRUST_STORE_H
#define OFFKIT_TRUST_STORE_H

#include "trust/root.h"

/*
 * The root in force: the embedded one, and then every kept N+1 that verifies from N (TUF 5.3). It
 * owns the ones before it. state_dirfd -1: no state, the embedded root. A kept file that does not
 * verify is ERR_TRUST_INVALID, never skipped, and so is one after a version that is missing. Expiry
 * is judged by the caller (verify.h).
 */
MUST_CHECK int trust_store_load(int state_dirfd, struct trust_root **ret_root, struct err *err);

/*
 * Keeps a root that follows the newest kept one, durably: at every instant the file is not there,
 * or there whole. source says for people what it came from. The caller holds the state's lock.
 * ERR_STATE_FOLDER.
 */
MUST_CHECK int trust_store_keep(int state_dirfd, const struct trust_root *root, struct bytes text,
	const char *source, struct err *err);

/* The state's trust folder, for record.h; made if need be, or -1 if there is none. */
MUST_CHECK int trust_store_make_folder(int state_dirfd, int *ret_fd, struct err *err);
MUST_CHECK int trust_store_open_folder(int state_dirfd, int *ret_fd, struct err *err);

#endif
