/*
 * site_key: the site's own Ed25519 key, by which it signs its receipts.
 *
 * It is made at first use in the state folder (SITE_KEY_NAME, PKCS#8 in PEM, for its owner alone),
 * never leaves it, and is known by the SHA-256 of its public half. It vouches for what this site
 * says and for nothing else: no kit, root or attestation is ever verified by it. A key that was
 * lost is made anew, and whoever pinned the old one has to be told.
 *
 * Errors: ERR_STATE_FOLDER (others may read it, it belongs to somebody else, it is no such key),
 * ERR_DISK.
 */
#ifndef OFFKIT_ENGINE_SITE_KEY_H
#define OFFKIT_ENGINE_SITE_KEY_H

#include "crypto/key.h"

#define SITE_KEY_NAME "site.key"

/* The caller has the lock on the state folder, and frees the key. */
MUST_CHECK int site_key_take(int state_dirfd, struct private_key **ret_key, struct err *err);

/* The public half of the one that is there; ERR_NOT_FOUND. */
MUST_CHECK int site_key_look(int state_dirfd, struct public_key **ret_key, struct err *err);

#endif
