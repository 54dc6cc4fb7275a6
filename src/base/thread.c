#include "base/thread.h"

#include <signal.h>

enum { STACK_SIZE = 1024 * 1024 };

int thread_start(pthread_t *ret_thread, void *(*run)(void *), void *argument, struct err *err)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int errnum = pthread_attr_init(&attributes);

	if (errnum != 0)
		return err_set_errno(err, ERR_NO_MEMORY, errnum, "a thread");
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	errnum = pthread_create(&thread, &attributes, run, argument);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	if (errnum != 0)
		return err_set_errno(err, ERR_NO_MEMORY, errnum, "no thread can be started");
	*ret_thread = thread;
	return 0;
}

int thread_condition(pthread_cond_t *ret_condition, struct err *err)
{
	pthread_condattr_t attributes;
	int errnum = pthread_condattr_init(&attributes);

	if (errnum == 0)
		errnum = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (errnum == 0)
		errnum = pthread_cond_init(ret_condition, &attributes);
	return errnum == 0 ? 0 : err_set_errno(err, ERR_NO_MEMORY, errnum, "a condition");
}
