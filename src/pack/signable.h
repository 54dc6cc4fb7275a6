/*
 * signable: what people sign: a kit, an envelope (an attestation, a list of parts), a trust root.
 */
#ifndef OFFKIT_PACK_SIGNABLE_H
#define OFFKIT_PACK_SIGNABLE_H

#include "base/bytes.h"

enum signable { SIGNABLE_KIT, SIGNABLE_ENVELOPE, SIGNABLE_ROOT };

/* Which of them path is, by its beginning, and its text unless it is a kit. A path that cannot be
 * read is taken for a kit, whose reader says why. ERR_SYNTAX. */
MUST_CHECK int signable_read(
	const char *path, enum signable *ret_kind, struct str *text, struct err *err);

#endif
