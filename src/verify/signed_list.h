/*
 * signed_list: a statement beside a kit's manifest that says where octets are (the list of parts,
 * delta.dsse), in an envelope or a bundle, signed by one of the role's keys as SHA256SUMS is.
 */
#ifndef OFFKIT_VERIFY_SIGNED_LIST_H
#define OFFKIT_VERIFY_SIGNED_LIST_H

#include "kit/envelope.h"
#include "trust/root.h"

/* An envelope of an in-toto statement; what it says is untrusted yet. text lives as long as it. */
MUST_CHECK int signed_list_parse(
	struct bytes text, struct arena *arena, struct envelope *ret_envelope, struct err *err);

/* ERR_MANIFEST_SIGNATURE, with its name. */
MUST_CHECK int signed_list_check(const struct envelope *envelope, const char *name,
	const struct trust_role *role, struct err *err);

#endif
