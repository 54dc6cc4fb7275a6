/*
 * version: what this build is.
 */
#ifndef OFFKIT_BASE_VERSION_H
#define OFFKIT_BASE_VERSION_H

#include <stdint.h>

const char *version_text(void);	   /* "1.0.0" */
int64_t version_commit_time(void); /* date of the commit that was built, in ms (clock.h) */

#endif
