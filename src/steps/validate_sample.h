/*
 * validate_sample: units of a backfill's source, derived again and compared with what is there.
 *
 * Which units is decided by the SHA-256 of their keys: the least of them, so that the
 * sample is spread over the collection, the same on every run, and everything where there are no
 * more than that. Volatile paths are left out, as when the backfill itself compares. Reads only.
 */
#ifndef OFFKIT_STEPS_VALIDATE_SAMPLE_H
#define OFFKIT_STEPS_VALIDATE_SAMPLE_H

#include "steps/backfill.h"
#include "steps/validate.h"

enum { SAMPLE_DEFAULT = 200, SAMPLE_MAX = 10000 }; /* units of a phase */

struct sample_result {
	int64_t units, total;	/* that were looked at, and that there are */
	int64_t differing;	/* documents: missing or of other content */
	int64_t failures;	/* units that cannot be derived */
	const char *collection; /* of the first document that differs; NULL: none does */
};

/*
 * At most size units; what differs becomes examples of the finding. ERR_STOPPED if the operator
 * asks for it between two batches.
 */
MUST_CHECK int sample_phase(const struct step_context *context, const struct backfill_phase *phase,
	size_t size, struct sample_result *ret_result, struct finding *finding, struct err *err);

#endif
