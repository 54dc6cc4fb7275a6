/*
 * rotated: whether signatures that the trust root in force does not accept are by keys that an
 * older root named: then the kit is an old one, or a key that was withdrawn has been used.
 */
#ifndef OFFKIT_VERIFY_ROTATED_H
#define OFFKIT_VERIFY_ROTATED_H

#include "kit/envelope.h"
#include "trust/root.h"

/*
 * Called with the failure in err that root has led to. If an older root of its chain asked for no
 * more keys than signed here, and one of those is a key that root does not name for kits any more,
 * err becomes ERR_TRUST_ROTATED, naming keys and versions; else it stays. threshold 0: as each root
 * has it. Returns -err->code. message is the one that was tried already.
 */
MUST_CHECK int rotated_explain(const struct trust_root *root, const char *object,
	struct signed_message *message, const struct envelope_signature *untrusted_signatures,
	size_t signature_count, unsigned threshold, struct err *err);

#endif
