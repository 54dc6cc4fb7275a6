/*
 * hook: a command of the site, run so that nothing of ours leaks into it and nothing of it out.
 *
 * An argument vector without a shell; the program's path is absolute, and the file belongs to root
 * (or to the user offkit runs as, when that is not root) and can be written by nobody else, and so
 * can no folder above it. The environment is PATH, LANG=C and OFFKIT_RUN alone, the input is
 * /dev/null, the working folder is "/". It has ended when its first process has; after the timeout
 * its whole process group is killed. What it writes is captured and bounded. Errors are ERR_HOOK.
 */
#ifndef OFFKIT_STEPS_HOOK_H
#define OFFKIT_STEPS_HOOK_H

#include "site/site.h"

enum { HOOK_OUTPUT_MAX = 16 * 1024 };

/* Owner and mode, before it is needed: preflight asks too. */
MUST_CHECK int hook_check(const struct site_hook *hook, struct err *err);

/* Runs it and appends its output (stdout and stderr together), also when it fails. */
MUST_CHECK int hook_run(
	const struct site_hook *hook, const char *run_id, struct str *output, struct err *err);

#endif
