/*
 * preflight: what is measured before anything changes. Internal to the step: one function a check,
 * which tells its outcome to the host; a failed check is told and the others go on.
 */
#ifndef OFFKIT_STEPS_PREFLIGHT_H
#define OFFKIT_STEPS_PREFLIGHT_H

#include "steps/ensure.h"

#define PREFLIGHT_SCRATCH "offkit_scratch_" /* and the run: where privileges are tried */

struct preflight {
	const struct step_context *context;
	struct mongo_server server;
	struct str failed; /* names of the checks that failed */
	size_t failures;
	struct ensure_diff *diffs; /* one an ensure migration, measured; preflight_look */
	size_t diff_count;
};

MUST_CHECK int preflight_tell(struct preflight *preflight, const char *name,
	enum check_outcome outcome, struct err *err, const char *format, ...) PRINTF_LIKE(5, 6);

typedef int preflight_check(struct preflight *preflight, struct err *err);

preflight_check preflight_privileges; /* preflight_access.c */
preflight_check preflight_oplog;      /* preflight_oplog.c */
preflight_check preflight_try;	      /* preflight_scratch.c: the same, in an install */
preflight_check preflight_leftovers;  /* scratch collections of runs that were killed */
preflight_check preflight_records;    /* preflight_records.c: what was done here before */
preflight_check preflight_look;	      /* tells nothing; before the three that follow */
preflight_check preflight_indexes;    /* preflight_data.c: what the migrations would do */
preflight_check preflight_duplicates;
preflight_check preflight_expiry;

/* A document or pipeline from JSON text; an array is written as {"0": …}. */
MUST_CHECK int bson_from_text(const struct str *json, struct str *out, struct err *err);

/* Of what connectionStatus says a login may do: which of the steps' actions it lacks, and which it
 * has on single collections only; both as lists for people. */
MUST_CHECK int preflight_missing_actions(struct bytes privileges, const char *database,
	struct str *missing, struct str *partly, struct err *err);

#endif
