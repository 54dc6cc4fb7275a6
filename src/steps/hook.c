#include "steps/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

static bool trusted_owner(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Who may write a folder on the way can put another program there. A sticky folder (/tmp) keeps
 * others from replacing what is not theirs. */
static int check_parents(const char *path, struct err *err)
{
	CLEANUP_FREE char *parent = strdup(path);
	struct stat st;

	if (parent == NULL)
		return err_no_memory(err);
	for (char *slash = strrchr(parent, '/'); slash != NULL; slash = strrchr(parent, '/')) {
		slash[slash == parent ? 1 : 0] = '\0';
		if (stat(parent, &st) != 0)
			return err_set_errno(err, ERR_HOOK, errno, "%s", parent);
		if (!trusted_owner(&st) ||
			((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (st.st_mode & S_ISVTX) == 0))
			return err_set(
				err, ERR_HOOK, "%s: others can write the folder %s", path, parent);
		if (slash == parent)
			break;
	}
	return 0;
}

int hook_check(const struct site_hook *hook, struct err *err)
{
	const char *path = hook->argv[0];
	struct stat st;

	if (path == NULL || path[0] != '/')
		return err_set(err, ERR_HOOK, "%s: a hook is named by its absolute path",
			path == NULL ? "" : path);
	if (stat(path, &st) != 0)
		return err_set_errno(err, ERR_HOOK, errno, "%s", path);
	if (!S_ISREG(st.st_mode) || access(path, X_OK) != 0)
		return err_set(err, ERR_HOOK, "%s is not a program", path);
	if (!trusted_owner(&st))
		return err_set(err, ERR_HOOK, "%s belongs neither to root nor to this user", path);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, ERR_HOOK, "%s can be written by others", path);
	return check_parents(path, err);
}

/* ---- running */

static void become_hook(const struct site_hook *hook, const char *run_id, int output_fd)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char lang[] = "LANG=C";
	char run[128];
	char *environment[] = {path, lang, run, NULL};
	sigset_t none;
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)snprintf(run, sizeof run, "OFFKIT_RUN=%s", run_id);
	(void)setpgid(0, 0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int number = 1; number < NSIG; number++)
		if (number != SIGKILL && number != SIGSTOP)
			(void)signal(number, SIG_DFL);
	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(output_fd, 1) < 0 ||
		dup2(output_fd, 2) < 0 || chdir("/") != 0)
		_exit(126);
	(void)execve(hook->argv[0], (char *const *)(uintptr_t)hook->argv, environment);
	_exit(127);
}

/* Reads until the writers are gone or the time is over; what is over the limit is thrown away. */
static bool read_output(int fd, int64_t deadline, struct str *output)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char chunk[4096];

	for (;;) {
		int64_t left = deadline - clock_boottime();
		if (left <= 0)
			return false;
		int ready = poll(&poll_fd, 1, left > 1000 ? 1000 : (int)left);
		if (ready < 0 && errno != EINTR)
			return true;
		if (ready <= 0)
			continue;
		ssize_t got = read(fd, chunk, sizeof chunk);
		if (got <= 0)
			return true;
		if (output->size < HOOK_OUTPUT_MAX) {
			size_t room = HOOK_OUTPUT_MAX - output->size;
			str_append(output, chunk, (size_t)got < room ? (size_t)got : room);
		}
	}
}

/* A hook may close its output and work on: its end is waited for within the same time. */
static bool wait_until(pid_t pid, int64_t deadline, int *ret_status)
{
	for (;;) {
		pid_t waited = waitpid(pid, ret_status, WNOHANG);
		if (waited == pid || (waited < 0 && errno != EINTR))
			return true;
		if (clock_boottime() >= deadline)
			return false;
		(void)poll(NULL, 0, 10);
	}
}

static int judge(const char *path, int status, struct err *err)
{
	if (WIFSIGNALED(status))
		return err_set(err, ERR_HOOK, "%s was ended by signal %d", path, WTERMSIG(status));
	if (WEXITSTATUS(status) == 127)
		return err_set(err, ERR_HOOK, "%s cannot be executed", path);
	if (WEXITSTATUS(status) != 0)
		return err_set(err, ERR_HOOK, "%s ended with %d", path, WEXITSTATUS(status));
	return 0;
}

int hook_run(const struct site_hook *hook, const char *run_id, struct str *output, struct err *err)
{
	CLEANUP_FD int read_fd = -1;
	CLEANUP_FD int write_fd = -1;
	int fds[2], status = 0;
	int64_t deadline = clock_boottime() + hook->timeout;
	int rc = hook_check(hook, err);

	if (rc < 0)
		return rc;
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set_errno(err, ERR_HOOK, errno, "%s", hook->argv[0]);
	read_fd = fds[0];
	write_fd = fds[1];
	pid_t pid = fork();
	if (pid < 0)
		return err_set_errno(err, ERR_HOOK, errno, "%s", hook->argv[0]);
	if (pid == 0)
		become_hook(hook, run_id, write_fd);
	(void)setpgid(pid, pid);
	(void)close(steal_fd(&write_fd));
	bool in_time = read_output(read_fd, deadline, output) && wait_until(pid, deadline, &status);
	if (!in_time) {
		(void)kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
		return err_set(err, ERR_HOOK, "%s did not end in %lld s and was killed",
			hook->argv[0], (long long)(hook->timeout / 1000));
	}
	rc = judge(hook->argv[0], status, err);
	return rc < 0 ? rc : str_check(output, err);
}
