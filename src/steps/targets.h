/*
 * targets: the collections that the kit's backfills write, and the path by which a run finds its
 * own documents there (rollback.json, "delete").
 */
#ifndef OFFKIT_STEPS_TARGETS_H
#define OFFKIT_STEPS_TARGETS_H

#include "steps/oplog.h"
#include "steps/step.h"

enum { TARGETS_MAX = 256 };

/* Of one step, in the order of its rollback.json; none if it has no such file. In arena. */
MUST_CHECK int targets_of_step(const struct step_context *context, const struct step *step,
	struct oplog_target **ret_targets, size_t *ret_count, struct err *err);

/* Of the whole walk. */
MUST_CHECK int targets_of_walk(const struct step_context *context,
	struct oplog_target **ret_targets, size_t *ret_count, struct err *err);

#endif
