/*
 * tar: members written as an archive without asking whether they may be there: ustar, a folder for
 * a name that ends with "/".
 */
#ifndef OFFKIT_TESTS_FUZZ_TAR_H
#define OFFKIT_TESTS_FUZZ_TAR_H

#include "base/bytes.h"

/* Names over 100 octets are cut. */
void tar_put(struct str *archive, struct bytes name, struct bytes content);
void tar_end(struct str *archive);

#endif
