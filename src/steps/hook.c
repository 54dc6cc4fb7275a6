#include "steps/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
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
	int rc = check_parents(path, err);
	if (rc < 0)
		return rc;
	/* A link leads to other folders, which count as well. */
	CLEANUP_FREE char *real = realpath(path, NULL);
	if (real == NULL)
		return err_set_errno(err, ERR_HOOK, errno, "%s", path);
	return strcmp(real, path) == 0 ? 0 : check_parents(real, err);
}

/* ---- running */

/* In a process group of its own, with every signal as a program finds it at its start. */
static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int errnum = sigemptyset(&none) != 0 || sigfillset(&all) != 0 ? errno : 0;

	if (errnum == 0)
		errnum = posix_spawnattr_setflags(attributes,
			POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (errnum == 0)
		errnum = posix_spawnattr_setpgroup(attributes, 0);
	if (errnum == 0)
		errnum = posix_spawnattr_setsigmask(attributes, &none);
	return errnum != 0 ? errnum : posix_spawnattr_setsigdefault(attributes, &all);
}

static int set_files(posix_spawn_file_actions_t *files, int output_fd)
{
	int errnum = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

	if (errnum == 0)
		errnum = posix_spawn_file_actions_adddup2(files, output_fd, 1);
	if (errnum == 0)
		errnum = posix_spawn_file_actions_adddup2(files, output_fd, 2);
	return errnum != 0 ? errnum : posix_spawn_file_actions_addchdir_np(files, "/");
}

static int spawn(const struct site_hook *hook, const char *run_id, int output_fd, pid_t *ret_pid,
	struct err *err)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char lang[] = "LANG=C";
	char run[128];
	char *environment[] = {path, lang, run, NULL};

	(void)snprintf(run, sizeof run, "OFFKIT_RUN=%s", run_id);
	int errnum = posix_spawn_file_actions_init(&files);
	if (errnum != 0)
		return err_set_errno(err, ERR_HOOK, errnum, "%s", hook->argv[0]);
	errnum = posix_spawnattr_init(&attributes);
	if (errnum == 0) {
		errnum = set_attributes(&attributes);
		if (errnum == 0)
			errnum = set_files(&files, output_fd);
		if (errnum == 0)
			errnum = posix_spawn(ret_pid, hook->argv[0], &files, &attributes,
				(char *const *)(uintptr_t)hook->argv, environment);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	if (errnum != 0)
		return err_set_errno(err, ERR_HOOK, errnum, "%s", hook->argv[0]);
	return 0;
}

enum { SLICE = 50, LAST_WORDS = 500 }; /* ms */

/* false: the writers are gone. What is over the limit is thrown away. */
static bool read_some(int fd, int wait, struct str *output)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char chunk[4096];
	int ready = poll(&poll_fd, 1, wait);

	if (ready <= 0)
		return ready == 0 || errno == EINTR;
	ssize_t got = read(fd, chunk, sizeof chunk);
	if (got <= 0)
		return false;
	if (output->size < HOOK_OUTPUT_MAX) {
		size_t room = HOOK_OUTPUT_MAX - output->size;
		str_append(output, chunk, (size_t)got < room ? (size_t)got : room);
	}
	return true;
}

/*
 * Until the hook has ended, not until everything has that it started: a service that it left behind
 * may keep its output open for ever. What was said last is still waited for. A hook may close its
 * output and work on as well.
 */
static bool wait_until(pid_t pid, int fd, int64_t deadline, struct str *output, int *ret_status)
{
	int64_t ended = 0;
	bool open = true;

	for (;;) {
		int64_t now = clock_boottime();
		if (open)
			open = read_some(fd, SLICE, output);
		else if (ended == 0)
			(void)poll(NULL, 0, SLICE);
		if (ended == 0) {
			pid_t waited = waitpid(pid, ret_status, WNOHANG);
			if (waited == pid || (waited < 0 && errno != EINTR))
				ended = now;
		}
		if (ended != 0 && (!open || now - ended >= LAST_WORDS))
			return true;
		if (ended == 0 && now >= deadline)
			return false;
	}
}

static int judge(const char *path, int status, struct err *err)
{
	if (WIFSIGNALED(status))
		return err_set(err, ERR_HOOK, "%s was ended by signal %d", path, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(err, ERR_HOOK, "%s ended with %d", path, WEXITSTATUS(status));
	return 0;
}

int hook_run(const struct site_hook *hook, const char *run_id, struct str *output, struct err *err)
{
	CLEANUP_FD int read_fd = -1;
	CLEANUP_FD int write_fd = -1;
	int fds[2], status = 0;
	pid_t pid = 0;
	int64_t deadline = clock_boottime() + hook->timeout;
	int rc = hook_check(hook, err);

	if (rc < 0)
		return rc;
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set_errno(err, ERR_HOOK, errno, "%s", hook->argv[0]);
	read_fd = fds[0];
	write_fd = fds[1];
	rc = spawn(hook, run_id, write_fd, &pid, err);
	if (rc < 0)
		return rc;
	(void)close(steal_fd(&write_fd));
	if (!wait_until(pid, read_fd, deadline, output, &status)) {
		(void)kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
		return err_set(err, ERR_HOOK, "%s did not end in %lld s and was killed",
			hook->argv[0], (long long)(hook->timeout / 1000));
	}
	rc = judge(hook->argv[0], status, err);
	return rc < 0 ? rc : str_check(output, err);
}
