/*
 * load_root: the trust root that a command goes by.
 */
#ifndef OFFKIT_PACK_LOAD_ROOT_H
#define OFFKIT_PACK_LOAD_ROOT_H

#include "trust/root.h"

/* The root in that file, signed by itself; path NULL: the one that was compiled in. */
MUST_CHECK int load_root(const char *path, struct trust_root **ret_root, struct err *err);

#endif
