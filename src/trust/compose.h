/*
 * compose: making a root, at the release side.
 */
#ifndef OFFKIT_TRUST_COMPOSE_H
#define OFFKIT_TRUST_COMPOSE_H

#include "trust/root.h"

/* What a key signs for. */
enum key_duty {
	DUTY_BOTH,    /* roots and kits */
	DUTY_ROOT,    /* the next roots only */
	DUTY_TARGETS, /* kits only */
	DUTY_NONE,    /* in no role: attestations, which the manifest gives to keys by name */
};

struct root_plan_key {
	const struct public_key *key;
	enum key_scheme scheme;
	const char *name; /* letters, digits, "-", "_", ".", "@"; NULL: none */
	enum key_duty duty;
};

struct root_plan {
	int64_t version;
	int64_t expires; /* ms */
	unsigned root_threshold;
	unsigned targets_threshold;
	size_t key_count;
	const struct root_plan_key *keys;
};

/* What becomes of a root in its next version. */
struct root_change {
	int64_t expires;			    /* ms */
	unsigned root_threshold, targets_threshold; /* 0: as before */
	size_t removed_count;
	const char *const *removed; /* names, key ids or fingerprints */
	size_t added_count;
	const struct root_plan_key *added;
};

/*
 * Appends root.json with nobody's signature; what trust_root_parse would refuse is refused here.
 * ERR_USAGE: a name that is not as above.
 */
MUST_CHECK int trust_root_compose(const struct root_plan *plan, struct str *out, struct err *err);

/*
 * Appends the version after old's, with nobody's signature: everything as it was but for the
 * changes; members that are not known here, and other roles, are kept. ERR_USAGE: a key to be
 * removed that is not there or not the only one of its name, one to be added that is there.
 */
MUST_CHECK int trust_root_rotate(
	struct bytes old_text, const struct root_change *change, struct str *out, struct err *err);

/*
 * Appends the root with the key's signature added, or put in the place of its former one, by the
 * scheme of the key's entry: in the root, and in previous (NULL: none given), the version before,
 * whose keys sign too. ERR_USAGE: neither names the key for roots, or previous is not the version
 * before. ERR_LIMIT: the root has as many signatures as it may.
 */
MUST_CHECK int trust_root_sign(struct bytes root_text, const struct trust_root *previous,
	const struct private_key *key, struct str *out, struct err *err);

#endif
