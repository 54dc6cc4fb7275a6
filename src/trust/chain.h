/*
 * chain: from the root in force on to newer ones, step by step (TUF 1.0, section 5.3).
 *
 * Versions N+1, N+2, ... are looked for among the roots that are offered, in whatever order these
 * came. A step is signed by the thresholds of the root before it and of the new one. A step that
 * fails ends the walk and leaves the one before it in force. Expiry is not asked for here: only
 * that of the last one counts, and whoever needs it asks (verify.h).
 */
#ifndef OFFKIT_TRUST_CHAIN_H
#define OFFKIT_TRUST_CHAIN_H

#include "trust/root.h"

/* A root that somebody brings. */
struct root_offer {
	int64_t untrusted_version; /* of the name it came under, or as it says itself */
	struct bytes untrusted_text;
	const char *name; /* for messages: a member, or a path */
};

/* Called after each step, before the next: makes it durable. Its failure ends the walk. */
struct root_keeper {
	void *self;
	int (*keep)(void *self, const struct trust_root *root, struct bytes text, struct err *err);
};

struct trust_chain {
	const struct trust_root *in_force; /* the newest that verified */
	struct trust_root *brought;	   /* the same if a step was made, owned; else NULL */
	size_t steps;
	int64_t missing; /* the version that lacks although a newer one is offered; 0: none */
};

/* The chain begins at root, which must live longer. */
struct trust_chain trust_chain_begin(const struct trust_root *root);
void trust_chain_release(struct trust_chain *chain);

/*
 * As far as the offers lead; keeper may be NULL. chain says after a failure too how far that was.
 * ERR_TRUST_INVALID, or the keeper's.
 */
MUST_CHECK int trust_chain_follow(struct trust_chain *chain, const struct root_offer *offers,
	size_t count, const struct root_keeper *keeper, struct err *err);

/*
 * Of the offers that are not newer than the root in force, those that are not what the chain has
 * under their version: ERR_TRUST_INVALID. Versions from before the chain's first root pass.
 */
MUST_CHECK int trust_chain_check_known(const struct trust_chain *chain,
	const struct root_offer *offers, size_t count, struct err *err);

/* 0 if next is root's version plus 1 and signed by both thresholds; ERR_TRUST_INVALID. */
MUST_CHECK int trust_root_follow(
	const struct trust_root *root, const struct trust_root *next, struct err *err);

#endif
