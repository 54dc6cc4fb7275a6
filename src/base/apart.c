#include "base/apart.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/confine.h"

enum { CALL_PIDFD_OPEN = 434 };

/* In memory that both have: what became of the work. */
struct outcome {
	unsigned set;	/* no bool: the child may write anything here */
	struct err err; /* code ERR_NONE: it went well */
};

struct apart {
	pid_t pid;
	int channel;
	volatile struct outcome *untrusted_outcome; /* mapped */
};

static void release(struct apart *apart)
{
	if (apart->untrusted_outcome != NULL)
		(void)munmap((void *)(uintptr_t)apart->untrusted_outcome,
			sizeof *apart->untrusted_outcome);
	if (apart->channel >= 0)
		(void)close(apart->channel);
	free(apart);
}

/* ---- in the child */

static int give_up_rights(const int *keep, size_t keep_count, int channel, struct err *err)
{
	/* A sanitizer's findings go to stderr. */
	int kept[APART_KEEP_MAX + 2] = {channel, CONFINE_SANITIZER ? STDERR_FILENO : -1};

	for (size_t i = 0; i < keep_count; i++)
		kept[i + 2] = keep[i];
	confine_descriptors(kept, keep_count + 2);
	size_t mapped = confine_mapped();
	int rc = confine_paths(err);
	if (rc == 0)
		rc = confine_limits(mapped + APART_MEMORY_MAX, err);
	if (rc == 0)
		rc = confine_calls(err);
	return rc;
}

struct start {
	apart_work work;
	void *argument;
	const int *keep;
	size_t keep_count;
	pid_t parent;
};

/* A library that gives up calls exit: what the program wants done at its own end is not the child's
 * to do, and takes rights that it has not. Registered last, this runs first. */
static void end_at_once(void)
{
	_exit(EXIT_FAILURE);
}

/* Blocked, no signal that is meant for the program ends the child as if the input had done it. */
static void __attribute__((noreturn))
child(const struct start *start, int channel, volatile struct outcome *outcome)
{
	struct err err = {.code = ERR_NONE};
	sigset_t all;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != start->parent)
		_exit(EXIT_FAILURE);
	if (atexit(end_at_once) != 0)
		_exit(EXIT_FAILURE);
	int rc = give_up_rights(start->keep, start->keep_count, channel, &err);
	if (rc == 0)
		rc = start->work(channel, start->argument, &err);
	if (rc == 0)
		err.code = ERR_NONE;
	*(struct outcome *)(uintptr_t)outcome = (struct outcome){1, err};
	_exit(rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* ---- in the parent */

static int start_child(struct apart *apart, struct start *start, struct err *err)
{
	int ends[2];

	void *shared = mmap(NULL, sizeof *apart->untrusted_outcome, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return err_no_memory(err);
	apart->untrusted_outcome = shared;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_set_errno(err, errno == ENOMEM ? ERR_NO_MEMORY : ERR_INTERNAL, errno,
			"a channel to a process apart");
	start->parent = getpid();
	apart->channel = ends[0];
	apart->pid = fork();
	if (apart->pid == 0)
		child(start, ends[1], apart->untrusted_outcome);
	int errnum = errno;
	(void)close(ends[1]);
	if (apart->pid < 0)
		return err_set_errno(err, ERR_NO_MEMORY, errnum, "starting a process apart");
	return 0;
}

int apart_start(apart_work work, void *argument, const int *keep, size_t keep_count,
	struct apart **ret_apart, struct err *err)
{
	struct start start = {work, argument, keep, keep_count, 0};

	if (keep_count > APART_KEEP_MAX)
		return err_set(err, ERR_INTERNAL, "%zu descriptors to keep", keep_count);
	struct apart *apart = calloc(1, sizeof *apart);
	if (apart == NULL)
		return err_no_memory(err);
	apart->channel = -1;
	int rc = start_child(apart, &start, err);
	if (rc < 0)
		release(apart);
	else
		*ret_apart = apart;
	return rc;
}

int apart_channel(const struct apart *apart)
{
	return apart->channel;
}

/* An honest child ends when its channel closes; one that does not is ended. */
static void wait_a_while(pid_t pid)
{
	struct pollfd ended = {.fd = (int)syscall(CALL_PIDFD_OPEN, pid, 0), .events = POLLIN};
	int rc;

	if (ended.fd < 0)
		return;
	do
		rc = poll(&ended, 1, APART_END_WAIT);
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		(void)kill(pid, SIGKILL);
	(void)close(ended.fd);
}

/* False: another part of the program has taken the child's end; the outcome alone counts then. */
static bool reap(pid_t pid, int *ret_status)
{
	pid_t got;

	do
		got = waitpid(pid, ret_status, 0);
	while (got < 0 && errno == EINTR);
	return got == pid;
}

static int killed(int signal, struct err *err)
{
	if (signal == SIGSYS)
		return err_set(err, ERR_UNSAFE_ARCHIVE,
			"what reads it was ended when it tried what it may not do");
	return err_set(err, ERR_UNSAFE_ARCHIVE, "what reads it was ended by signal %d (%s)", signal,
		strsignal(signal));
}

/* Only codes that reading can have: a verdict on signatures or on this site is not the child's. */
static int failed(const struct outcome *outcome, struct err *err)
{
	int exit_code = outcome->err.code < ERR_COUNT ? err_exit_code(outcome->err.code) : 0;
	bool known = (exit_code >= 1 && exit_code <= 3) || exit_code == err_exit_code(ERR_INTERNAL);

	*err = outcome->err;
	err->message[sizeof err->message - 1] = '\0';
	for (char *at = err->message; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == '\177')
			*at = '?';
	return known ? -(int)err->code : err_recode(err, ERR_UNSAFE_ARCHIVE);
}

int apart_finish(struct apart *apart, struct err *err)
{
	int status = 0;

	(void)close(apart->channel);
	apart->channel = -1;
	wait_a_while(apart->pid);
	bool known = reap(apart->pid, &status);
	struct outcome outcome = *(struct outcome *)(uintptr_t)apart->untrusted_outcome;
	release(apart);
	if (known && WIFSIGNALED(status))
		return killed(WTERMSIG(status), err);
	if (outcome.set != 0 && outcome.err.code != ERR_NONE)
		return failed(&outcome, err);
	if (outcome.set != 0 && (!known || WEXITSTATUS(status) == EXIT_SUCCESS))
		return 0;
	return err_set(err, ERR_NO_MEMORY, "what reads it ended without a word");
}

void apart_abandon(struct apart *apart)
{
	int status;

	if (apart == NULL)
		return;
	(void)kill(apart->pid, SIGKILL);
	(void)reap(apart->pid, &status);
	release(apart);
}
