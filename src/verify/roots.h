/*
 * roots: the chain of roots that a kit brings, followed before its signatures are looked at.
 *
 * With a state folder to write into each step is kept there before the next; else nothing is
 * written. Whoever signed the steps decided about them: a kit that fails later takes none back.
 */
#ifndef OFFKIT_VERIFY_ROOTS_H
#define OFFKIT_VERIFY_ROOTS_H

#include "trust/chain.h"
#include "verify/heads_read.h"

/* state_dirfd -1: in memory only. source: the kit. ERR_TRUST_INVALID; ERR_STATE_FOLDER: a step
 * cannot be kept. */
MUST_CHECK int roots_follow(struct trust_chain *chain, const struct heads_reader *heads,
	int state_dirfd, const char *source, struct err *err);

/*
 * Called with the failure in err that the root in force has led to. If the kit has a newer root
 * that could not be followed because one is missing in between, that is the news: ERR_TRUST_GAP.
 * Returns -err->code.
 */
MUST_CHECK int roots_explain(const struct trust_chain *chain, struct err *err);

#endif
