/*
 * hook_step: a site's hook as a part of a step: run, and told in the journal.
 */
#ifndef OFFKIT_STEPS_HOOK_STEP_H
#define OFFKIT_STEPS_HOOK_STEP_H

#include "steps/step.h"

/* which: "freeze". A hook that the site does not name is noted, and that is all. */
MUST_CHECK int hook_step(const struct step_context *context, const struct site_hook *hook,
	const char *which, struct err *err);

#endif
