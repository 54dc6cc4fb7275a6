/*
 * thread: a thread as this program's are: all signals are the starting thread's, and the stack is
 * large enough for TLS and for nested documents (musl's default is 128 KiB).
 */
#ifndef OFFKIT_BASE_THREAD_H
#define OFFKIT_BASE_THREAD_H

#include <pthread.h>

#include "base/err.h"

/* ERR_NO_MEMORY. The caller joins it. */
MUST_CHECK int thread_start(
	pthread_t *ret_thread, void *(*run)(void *), void *argument, struct err *err);

/* A condition whose timed waits are by clock_deadline. */
MUST_CHECK int thread_condition(pthread_cond_t *ret_condition, struct err *err);

#endif
