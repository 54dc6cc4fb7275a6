/*
 * load_key: a public key from a PEM file.
 */
#ifndef OFFKIT_PACK_LOAD_KEY_H
#define OFFKIT_PACK_LOAD_KEY_H

#include "base/arena.h"
#include "crypto/key.h"

/* The caller frees it. ERR_SYNTAX and what reading files meets. */
MUST_CHECK int load_public_key(const char *path, struct public_key **ret_key, struct err *err);

/*
 * An option's "KEY.pub=MORE": the key in that file, its path, and what is behind the first "=",
 * which meaning explains. The texts live in arena. ERR_USAGE too.
 */
MUST_CHECK int load_given_key(struct arena *arena, const char *option, const char *given,
	const char *meaning, const char **ret_path, const char **ret_more,
	struct public_key **ret_key, struct err *err);

#endif
