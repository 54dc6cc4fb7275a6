/*
 * root_pile: roots from files and kits, for an update of the trust root without an install.
 */
#ifndef OFFKIT_VERIFY_ROOT_PILE_H
#define OFFKIT_VERIFY_ROOT_PILE_H

#include "base/arena.h"
#include "trust/chain.h"
#include "verify/verify.h"

/* For trust_chain_follow; everything lives in arena. */
struct root_pile {
	struct arena arena;
	size_t count, room;
	struct root_offer *offers;
};

void root_pile_release(struct root_pile *pile);

/*
 * Adds a root.json, whatever its file's name is, or of a kit (archive, folder or parts, which are
 * looked for in the folders of options) all roots that are newer than version. ERR_NOT_FOUND,
 * ERR_UNREADABLE; ERR_TRUST_INVALID: neither a root nor a kit, or two roots of one version that
 * differ; what is wrong with the kit's archive.
 */
MUST_CHECK int root_pile_add(struct root_pile *pile, const char *path, int64_t version,
	const struct verify_options *options, struct err *err);

#endif
