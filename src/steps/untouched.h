/*
 * untouched: whether the whole database is as this run's backup has it: the same collections, each
 * with the same documents (by digest), options and indexes. It proves a rollback.
 */
#ifndef OFFKIT_STEPS_UNTOUCHED_H
#define OFFKIT_STEPS_UNTOUCHED_H

#include "steps/step.h"

/*
 * ERR_ROLLBACK names the first difference. After ingest was resumed others have written, and it is
 * only proved that no collection and no document of the backup is missing by count.
 */
MUST_CHECK int untouched_prove(const struct step_context *context, struct err *err);

#endif
