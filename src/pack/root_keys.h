/*
 * root_keys: the public keys of a root in the making, as the command line names them.
 */
#ifndef OFFKIT_PACK_ROOT_KEYS_H
#define OFFKIT_PACK_ROOT_KEYS_H

#include "text/options.h"
#include "trust/compose.h"

/* By what the keys do. */
struct root_key_options {
	struct option_list both, root, targets, none;
};

struct root_keys {
	size_t count;
	struct root_plan_key *plan;
	struct public_key **keys; /* owned */
};

/* FILE[:SCHEME][=NAME]; everything but the keys lives in arena. */
MUST_CHECK int root_keys_load(const struct root_key_options *options, struct arena *arena,
	struct root_keys *ret_keys, struct err *err);
void root_keys_release(struct root_keys *keys);

/*
 * "2036-01-01", or a time as in RFC 3339; NULL is ERR_USAGE as well, and so is a time that is over,
 * unless allow_expired.
 */
MUST_CHECK int root_expiry_parse(
	const char *text, bool allow_expired, int64_t *ret_time, struct err *err);

#endif
