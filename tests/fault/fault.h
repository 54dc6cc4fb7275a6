/*
 * fault: the Nth call of a kind fails, N grows until a run is over before its fault came.
 *
 * The calls are caught by the linker (--wrap, in the Makefile), so that the libraries take part.
 * Only the Nth call fails; what comes after it works again.
 */
#ifndef OFFKIT_TESTS_FAULT_FAULT_H
#define OFFKIT_TESTS_FAULT_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Asked by every caught call, from any thread and any process that was started: true if it must
 * fail. */
bool fault_strikes(void);

struct fault_case {
	const char *name;
	size_t stride; /* of the short form; FAULT_ALL=1 in the environment takes every call */
	/* One run; 0 or an error as everywhere. */
	int (*work)(void *argument, struct err *err);
	/* What must hold after a run, whatever it returned; NULL or what is wrong. May be NULL. */
	const char *(*check)(void *argument, int status);
	/* Whether a fault may come out as this. */
	bool (*may_be)(enum err_code code);
	void *argument;
};

/* Runs the cases, printing TAP; returns the program's exit status. */
int fault_run(const struct fault_case *cases, size_t count);

#endif
