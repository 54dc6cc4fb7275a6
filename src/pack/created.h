/*
 * created: when what is made was made: --created, or SOURCE_DATE_EPOCH (the reproducible-builds
 * specification of that name), so that the same input gives the same octets at any time.
 */
#ifndef OFFKIT_PACK_CREATED_H
#define OFFKIT_PACK_CREATED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* The value of an option in RFC 3339, in ms. ERR_USAGE naming the option. */
MUST_CHECK int option_time(
	const char *option, const char *text, int64_t *ret_time, struct err *err);

/*
 * option is what --created was given, or NULL. ret_is_given: false if neither says it, and then
 * *ret_time is untouched. ERR_USAGE.
 */
MUST_CHECK int created_given(
	const char *option, int64_t *ret_time, bool *ret_is_given, struct err *err);

#endif
