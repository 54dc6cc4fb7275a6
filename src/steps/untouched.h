/*
 * untouched: whether the whole database is as this run's backup has it: the same collections, each
 * with the same documents (by digest), options and indexes. It proves a rollback.
 */
#ifndef OFFKIT_STEPS_UNTOUCHED_H
#define OFFKIT_STEPS_UNTOUCHED_H

#include "steps/step.h"

/*
 * ERR_ROLLBACK names the first difference. After ingest was resumed others may have written: each
 * collection that is not as before is told as a warning, and only one that has lost documents, by
 * count, or is gone, is a failure.
 */
MUST_CHECK int untouched_prove(const struct step_context *context, struct err *err);

#endif
