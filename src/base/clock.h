/*
 * clock: times in milliseconds.
 *
 * Wall-clock times are milliseconds since 1970-01-01 UTC; durations are measured on CLOCK_BOOTTIME,
 * which counts through suspend and is not set by anybody. Text is RFC 3339 in UTC.
 */
#ifndef OFFKIT_BASE_CLOCK_H
#define OFFKIT_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"

enum { RFC3339_SIZE = sizeof "2025-12-20T09:15:02.123Z" };

int64_t clock_now(void);
int64_t clock_boottime(void);
/* So many ms from now on CLOCK_MONOTONIC, for pthread_cond_timedwait. */
struct timespec clock_deadline(int64_t duration);

/* "2025-12-20T09:15:02Z", or with ".123" if the milliseconds are not 0. Years 0 to 9999. */
void time_format(int64_t time, char text[static RFC3339_SIZE]);

/* "20251220T091502Z", for names of runs and folders. */
enum { TIME_NAME_SIZE = sizeof "20251220T091502Z" };
void time_format_name(int64_t time, char text[static TIME_NAME_SIZE]);

/*
 * RFC 3339 section 5.6, strict: upper-case T and Z, or a numeric offset; at most nine digits of
 * fraction (cut to milliseconds); second 60 is refused. ERR_SYNTAX.
 */
MUST_CHECK int time_parse(const char *text, int64_t *ret_time, struct err *err);

#endif
