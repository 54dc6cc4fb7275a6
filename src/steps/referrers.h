/*
 * referrers: documents of others that refer to what this run wrote, found by the "links" that its
 * backfills declare. After ingest was resumed the service builds on what we wrote; who undoes it
 * must know what will point to nothing.
 */
#ifndef OFFKIT_STEPS_REFERRERS_H
#define OFFKIT_STEPS_REFERRERS_H

#include "steps/step.h"

/* Appends "; 3 references of advisory_linksets lead to advisory_observations of this run", …. */
MUST_CHECK int referrers_list(
	const struct step_context *context, struct str *text, struct err *err);

#endif
