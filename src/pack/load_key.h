/*
 * load_key: a public key from a PEM file.
 */
#ifndef OFFKIT_PACK_LOAD_KEY_H
#define OFFKIT_PACK_LOAD_KEY_H

#include "crypto/key.h"

/* The caller frees it. ERR_SYNTAX and what reading files meets. */
MUST_CHECK int load_public_key(const char *path, struct public_key **ret_key, struct err *err);

#endif
