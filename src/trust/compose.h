/*
 * compose: making a root, at the release side.
 */
#ifndef OFFKIT_TRUST_COMPOSE_H
#define OFFKIT_TRUST_COMPOSE_H

#include "trust/root.h"

struct root_plan_key {
	const struct public_key *key;
	enum key_scheme scheme;
	const char *name; /* letters, digits, "-", "_", ".", "@"; NULL: none */
};

/* Every key serves both roles. */
struct root_plan {
	int64_t version;
	int64_t expires; /* ms */
	unsigned root_threshold;
	unsigned targets_threshold;
	size_t key_count;
	const struct root_plan_key *keys;
};

/* Appends root.json with nobody's signature; what trust_root_parse would refuse is refused here. */
MUST_CHECK int trust_root_compose(const struct root_plan *plan, struct str *out, struct err *err);

/*
 * Appends the root with the key's signature added, or put in the place of its former one.
 * ERR_USAGE: the root does not list the key.
 */
MUST_CHECK int trust_root_sign(
	struct bytes root_text, const struct private_key *key, struct str *out, struct err *err);

#endif
