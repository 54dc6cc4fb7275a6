/*
 * silence: whether something still writes to the collections that ingest fills.
 *
 * Observed, not proved: of each collection a print is taken (exact count, greatest _id), and again
 * when the time that the site asks for has passed. What only changes documents in place is not seen
 * here.
 */
#ifndef OFFKIT_STEPS_SILENCE_H
#define OFFKIT_STEPS_SILENCE_H

#include "steps/step.h"

/*
 * 0: nothing was written in context->site->silence; ERR_NOT_SILENT names the collection;
 * ERR_STOPPED. *ret_collections: how many were looked at.
 */
MUST_CHECK int silence_observe(
	const struct step_context *context, size_t *ret_collections, struct err *err);

/* Waits, looking for a request to stop. ERR_STOPPED. */
MUST_CHECK int wait_watching(
	const struct step_context *context, int64_t milliseconds, struct err *err);

#endif
