#include "base/apart.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
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
		rc = confine_limits(
			mapped == 0 ? CONFINE_NO_BOUND : mapped + APART_MEMORY_MAX, err);
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
	/* Until here it has read nothing that is hostile: its words are ours. */
	if (rc == 0 && send(channel, "", 1, MSG_NOSIGNAL) != 1)
		_exit(EXIT_FAILURE);
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
	/* No other child shall have it. */
	(void)madvise(shared, sizeof *apart->untrusted_outcome, MADV_DONTFORK);
	(void)close(ends[1]);
	if (apart->pid < 0)
		return err_set_errno(err, ERR_NO_MEMORY, errnum, "starting a process apart");
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool apart_wait(int fd, int64_t *patience)
{
	enum { SLICE = 1000 };
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	while (*patience > 0) {
		int64_t begun = now_ms();
		int rc = poll(&ready, 1, *patience < SLICE ? (int)*patience : SLICE);
		int64_t spent = now_ms() - begun;
		/* At least 1: noise without a pause has an end too. At most a slice: stopped by the
		 * operator for an hour, we were not waiting for the child. */
		*patience -= spent < 1 ? 1 : spent < SLICE ? spent : SLICE;
		if (rc > 0)
			return true;
		if (rc < 0 && errno != EINTR)
			return false;
	}
	return false;
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

struct ending {
	int status;
	bool is_known; /* else the status is none */
	bool is_ours;  /* we ended it */
};

/* As apart_wait for the end, where there is no descriptor of it. */
static bool wait_without(pid_t pid, int64_t patience)
{
	enum { SLICE = 20 };
	const int64_t last = now_ms() + patience;
	siginfo_t info;

	do {
		info.si_pid = 0;
		int rc = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
		if (info.si_pid != 0 || (rc < 0 && errno != EINTR))
			return true;
		(void)poll(NULL, 0, SLICE);
	} while (now_ms() < last);
	return false;
}

/* An honest child ends when its channel closes; one that does not is ended. */
static void end(struct apart *apart, struct ending *ret_ending, struct outcome *ret_outcome)
{
	int64_t patience = APART_END_WAIT;

	*ret_ending = (struct ending){.status = 0};
	(void)close(apart->channel);
	apart->channel = -1;
	int ended = (int)syscall(CALL_PIDFD_OPEN, apart->pid, 0);
	if (!(ended >= 0 ? apart_wait(ended, &patience) : wait_without(apart->pid, patience)))
		ret_ending->is_ours = kill(apart->pid, SIGKILL) == 0;
	if (ended >= 0)
		(void)close(ended);
	ret_ending->is_known = reap(apart->pid, &ret_ending->status);
	*ret_outcome = *(struct outcome *)(uintptr_t)apart->untrusted_outcome;
	release(apart);
}

/* It has no rights any more, and goes to work. */
static bool is_ready(const struct apart *apart)
{
	char octet;
	ssize_t got;

	do
		got = recv(apart->channel, &octet, 1, 0);
	while (got < 0 && errno == EINTR);
	return got == 1;
}

static int not_ready(struct apart *apart, struct err *err)
{
	struct outcome outcome;
	struct ending ending;

	end(apart, &ending, &outcome);
	if (outcome.set != 0 && outcome.err.code != ERR_NONE) {
		*err = outcome.err;
		return -(int)err->code;
	}
	if (ending.is_known && WIFSIGNALED(ending.status))
		return err_set(err, ERR_INTERNAL, "a process apart was ended by signal %d (%s)",
			WTERMSIG(ending.status), strsignal(WTERMSIG(ending.status)));
	return err_set(err, ERR_INTERNAL, "a process apart ended before it began");
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
	if (rc < 0) {
		release(apart);
		return rc;
	}
	if (!is_ready(apart))
		return not_ready(apart, err);
	*ret_apart = apart;
	return 0;
}

int apart_channel(const struct apart *apart)
{
	return apart->channel;
}

/* Signals that a process brings upon itself, and so speak of what it was given. */
static bool is_fault(int signal)
{
	return signal == SIGSYS || signal == SIGSEGV || signal == SIGBUS || signal == SIGILL ||
	       signal == SIGFPE || signal == SIGABRT || signal == SIGTRAP;
}

static int killed(int signal, bool is_ours, struct err *err)
{
	if (signal == SIGSYS)
		return err_set(err, ERR_UNSAFE_ARCHIVE,
			"what reads it was ended when it tried what it may not do");
	if (is_ours)
		return err_set(err, ERR_UNSAFE_ARCHIVE, "what reads it did not end by itself");
	if (is_fault(signal))
		return err_set(err, ERR_UNSAFE_ARCHIVE, "what reads it was ended by signal %d (%s)",
			signal, strsignal(signal));
	return err_set(err, ERR_NO_MEMORY,
		"what reads it was ended from outside by signal %d (%s), as happens when memory is "
		"short",
		signal, strsignal(signal));
}

/* As quoted: printable ASCII, and \xNN for every other octet. */
static void quote(const char *untrusted_text, size_t size, char *out, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < size && untrusted_text[i] != '\0'; i++) {
		unsigned char octet = (unsigned char)untrusted_text[i];
		bool is_plain = octet >= ' ' && octet <= '~';
		if (used + (is_plain ? 1 : 4) >= room)
			break;
		if (is_plain)
			out[used++] = (char)octet;
		else
			used += (size_t)snprintf(out + used, room - used, "\\x%02X", octet);
	}
	out[used] = '\0';
}

/*
 * Only codes that reading can have: a verdict on signatures, on this site or on ourselves is not
 * the child's. It may have run out of memory, which it could say by ending without a word as well;
 * the words are ours then.
 */
static int failed(const struct outcome *outcome, struct err *err)
{
	unsigned code = (unsigned)outcome->err.code;
	int exit_code = code < ERR_COUNT ? err_exit_code((enum err_code)code) : 0;
	char said[ERR_MESSAGE_MAX];

	if (code == ERR_NO_MEMORY)
		return err_set(err, ERR_NO_MEMORY, "what reads it ran out of memory");
	quote(outcome->err.message, sizeof outcome->err.message, said, sizeof said);
	return err_set(err,
		exit_code >= 1 && exit_code <= 3 ? (enum err_code)code : ERR_UNSAFE_ARCHIVE,
		"what reads the archive says: %s", said);
}

int apart_finish(struct apart *apart, struct err *err)
{
	struct outcome outcome;
	struct ending ending;

	end(apart, &ending, &outcome);
	if (ending.is_known && WIFSIGNALED(ending.status))
		return killed(WTERMSIG(ending.status), ending.is_ours, err);
	if (outcome.set != 0 && outcome.err.code != ERR_NONE)
		return failed(&outcome, err);
	if (outcome.set != 0 && (!ending.is_known || WEXITSTATUS(ending.status) == EXIT_SUCCESS))
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
