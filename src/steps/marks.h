/*
 * marks: where a step leaves the id of its run in what it writes.
 */
#ifndef OFFKIT_STEPS_MARKS_H
#define OFFKIT_STEPS_MARKS_H

#include "steps/step.h"

struct mark {
	const char *collection, *path; /* a dotted path */
};

enum { MARKS_MAX = 128 };

/* Those of a step, in arena; none unless it is a backfill. */
MUST_CHECK int marks_of(const struct step *step, struct arena *arena,
	struct mark marks[static MARKS_MAX], size_t *ret_count, struct err *err);

/* How many documents of the collection carry the run's id there. */
MUST_CHECK int mark_count(struct mongo *mongo, const struct mark *mark, const char *run_id,
	int64_t *ret_count, struct err *err);

#endif
