/*
 * file_digests: what an SBOM says of a file: its SHA-256, and the SHA-1 that SPDX 2.3 demands.
 */
#ifndef OFFKIT_PACK_FILE_DIGESTS_H
#define OFFKIT_PACK_FILE_DIGESTS_H

#include "crypto/digest.h"
#include "crypto/sha1.h"

struct file_digests {
	const char *name; /* the caller's: "usr/bin/offkit" */
	struct sha256 sha256;
	char sha1[SHA1_HEX_SIZE];
};

struct digester; /* both at once; begins anew after each finish */

MUST_CHECK int digester_new(struct digester **ret_digester, struct err *err);
MUST_CHECK int digester_update(struct digester *digester, struct bytes data, struct err *err);
MUST_CHECK int digester_finish(struct digester *digester, const char *name,
	struct file_digests *ret_file, struct err *err);
void digester_free(struct digester *digester); /* NULL is allowed */
void digester_cleanup(struct digester **digester);

#endif
