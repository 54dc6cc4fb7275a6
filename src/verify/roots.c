#include "verify/roots.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "trust/store.h"

enum { NAME_SIZE = sizeof "trust/9007199254740992.root.json" };

struct place {
	int state_dirfd;
	const char *source;
};

static int keep(void *self, const struct trust_root *root, struct bytes text, struct err *err)
{
	const struct place *place = self;

	return trust_store_keep(place->state_dirfd, root, text, place->source, err);
}

int roots_follow(struct trust_chain *chain, const struct heads_reader *heads, int state_dirfd,
	const char *source, struct err *err)
{
	struct place place = {state_dirfd, source};
	struct root_offer offers[ROOT_CHAIN_MAX];
	char names[ROOT_CHAIN_MAX][NAME_SIZE];
	const struct root_keeper keeper = {&place, keep};

	for (size_t i = 0; i < heads->newer_count; i++) {
		const struct kit_root *root = &heads->newer[i];
		(void)snprintf(
			names[i], NAME_SIZE, "trust/%lld.root.json", (long long)root->version);
		offers[i] = (struct root_offer){
			root->version, str_bytes(&root->untrusted_text), names[i]};
	}
	int rc = trust_chain_follow(
		chain, offers, heads->newer_count, state_dirfd >= 0 ? &keeper : NULL, err);
	return rc < 0 ? err_context(err, "the kit's chain of roots") : 0;
}

int roots_explain(const struct trust_chain *chain, struct err *err)
{
	struct err cause = *err;

	if (chain->missing == 0)
		return -(int)err->code;
	switch (cause.code) {
	case ERR_MANIFEST_SIGNATURE:
	case ERR_THRESHOLD:
	case ERR_SUMS_SIGNATURE:
	case ERR_TRUST_EXPIRED:
		return err_set(err, ERR_TRUST_GAP,
			"the kit's chain of roots has no version %lld, which would follow the "
			"one in force here; without it: %s",
			(long long)chain->missing, cause.message);
	default:
		return -(int)cause.code;
	}
}
