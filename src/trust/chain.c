#include "trust/chain.h"

#include "base/cleanup.h"
#include "trust/root_internal.h"

int trust_root_follow(const struct trust_root *root, const struct trust_root *next, struct err *err)
{
	int status;

	if (next->version != root->version + 1)
		return err_set(err, ERR_TRUST_INVALID, "root version %lld does not follow %lld",
			(long long)next->version, (long long)root->version);
	if ((status = trust_root_signed_by(next, root, err)) < 0)
		return status;
	return trust_root_signed_by(next, next, err);
}

struct trust_chain trust_chain_begin(const struct trust_root *root)
{
	return (struct trust_chain){.in_force = root};
}

void trust_chain_release(struct trust_chain *chain)
{
	trust_root_free(STEAL(chain->brought));
}

/* The first that was brought refers to the caller's root; those after it own the one before. */
static void advance(struct trust_chain *chain, struct trust_root *next)
{
	next->is_demo = chain->in_force->is_demo;
	next->previous = chain->in_force;
	next->owned_previous = chain->brought;
	chain->in_force = chain->brought = next;
	chain->steps++;
}

static int step(struct trust_chain *chain, const struct root_offer *offer,
	const struct root_keeper *keeper, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *next = NULL;
	int status;

	if ((status = trust_root_parse(offer->untrusted_text, &next, err)) < 0 ||
		(status = trust_root_follow(chain->in_force, next, err)) < 0)
		return err_context(err, "%s", offer->name);
	if (keeper != NULL &&
		(status = keeper->keep(keeper->self, next, offer->untrusted_text, err)) < 0)
		return status;
	advance(chain, STEAL(next));
	return 0;
}

static const struct root_offer *find(const struct root_offer *offers, size_t count, int64_t version)
{
	for (size_t i = 0; i < count; i++)
		if (offers[i].untrusted_version == version)
			return &offers[i];
	return NULL;
}

int trust_chain_follow(struct trust_chain *chain, const struct root_offer *offers, size_t count,
	const struct root_keeper *keeper, struct err *err)
{
	const struct root_offer *offer;

	while ((offer = find(offers, count, chain->in_force->version + 1)) != NULL) {
		int status = step(chain, offer, keeper, err);
		if (status < 0)
			return status;
	}
	for (size_t i = 0; i < count; i++)
		if (offers[i].untrusted_version > chain->in_force->version)
			chain->missing = chain->in_force->version + 1;
	return 0;
}

static int check_known(
	const struct trust_root *known, const struct root_offer *offer, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	int status = trust_root_parse(offer->untrusted_text, &root, err);

	if (status < 0)
		return err_context(err, "%s", offer->name);
	if (trust_root_equal(root, known))
		return 0;
	return err_set(err, ERR_TRUST_INVALID,
		"%s: it is another version %lld than the one that is known here", offer->name,
		(long long)known->version);
}

int trust_chain_check_known(const struct trust_chain *chain, const struct root_offer *offers,
	size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct trust_root *known = chain->in_force;
		while (known != NULL && known->version > offers[i].untrusted_version)
			known = known->previous;
		if (known == NULL || known->version != offers[i].untrusted_version)
			continue;
		int status = check_known(known, &offers[i], err);
		if (status < 0)
			return status;
	}
	return 0;
}
