/*
 * kit_check: what a site will say of a kit, check by check, before it goes there.
 *
 * The kit is verified first, as a site does it; the rest is what a site finds out only when it
 * plans. Every check is made, and the first that fails gives the code: a site's.
 */
#ifndef OFFKIT_PACK_KIT_CHECK_H
#define OFFKIT_PACK_KIT_CHECK_H

#include "base/arena.h"
#include "verify/verify.h"

enum kit_check_result { KIT_CHECK_PASSED, KIT_CHECK_WARNING, KIT_CHECK_FAILED };

const char *kit_check_result_name(enum kit_check_result result); /* "passed" */

struct kit_check {
	const char *name;   /* "manifest", "file": kit-layout/check.schema.json */
	const char *object; /* a file's name, a migration's id; "" if it is the whole */
	enum kit_check_result result;
	const char *text; /* printable */
};

struct kit_checks {
	struct arena arena;
	size_t count, room;
	struct kit_check *checks; /* heap */
	struct err first;	  /* ERR_NONE: none failed */
};

/* Everything is in checks, whose release is the caller's also after a failure; now as in options.
 * Returns what a site's first refusal would be. */
MUST_CHECK int kit_check_all(const char *path, const struct trust_root *root,
	const struct verify_options *options, struct kit_checks *checks, struct err *err);
void kit_checks_release(struct kit_checks *checks);

#endif
