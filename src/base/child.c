#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

/* ---- starting it */

/* With every signal as a program finds it at its start. */
static int set_attributes(posix_spawnattr_t *attributes, bool own_group)
{
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t none, all;
	int errnum = sigemptyset(&none) != 0 || sigfillset(&all) != 0 ? errno : 0;

	if (own_group)
		flags |= POSIX_SPAWN_SETPGROUP;
	if (errnum == 0)
		errnum = posix_spawnattr_setflags(attributes, flags);
	if (errnum == 0)
		errnum = posix_spawnattr_setpgroup(attributes, 0);
	if (errnum == 0)
		errnum = posix_spawnattr_setsigmask(attributes, &none);
	return errnum != 0 ? errnum : posix_spawnattr_setsigdefault(attributes, &all);
}

static int set_files(
	posix_spawn_file_actions_t *files, const struct child *child, int output_fd, int words_fd)
{
	int errnum = child->input_fd < 0
			     ? posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0)
			     : posix_spawn_file_actions_adddup2(files, child->input_fd, 0);

	if (errnum == 0)
		errnum = posix_spawn_file_actions_adddup2(files, output_fd, 1);
	if (errnum == 0)
		errnum = posix_spawn_file_actions_adddup2(files, words_fd, 2);
	if (errnum == 0 && child->folder != NULL)
		errnum = posix_spawn_file_actions_addchdir_np(files, child->folder);
	return errnum;
}

static int spawn(const struct child *child, const posix_spawn_file_actions_t *files,
	const posix_spawnattr_t *attributes, pid_t *ret_pid)
{
	char *const *argv = (char *const *)(uintptr_t)child->argv;
	char *const *environment =
		child->environment != NULL ? (char *const *)(uintptr_t)child->environment : environ;

	return child->search ? posix_spawnp(ret_pid, argv[0], files, attributes, argv, environment)
			     : posix_spawn(ret_pid, argv[0], files, attributes, argv, environment);
}

static int start(
	const struct child *child, int output_fd, int words_fd, pid_t *ret_pid, struct err *err)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int errnum = posix_spawn_file_actions_init(&files);

	if (errnum != 0)
		return err_set_errno(err, child->failure, errnum, "%s", child->argv[0]);
	errnum = posix_spawnattr_init(&attributes);
	if (errnum == 0) {
		errnum = set_attributes(&attributes, child->own_group);
		if (errnum == 0)
			errnum = set_files(&files, child, output_fd, words_fd);
		if (errnum == 0)
			errnum = spawn(child, &files, &attributes, ret_pid);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	if (errnum != 0)
		return err_set_errno(err, child->failure, errnum, "%s", child->argv[0]);
	return 0;
}

/* ---- listening to it */

enum { SLICE = 50, LAST_WORDS = 500, CHUNK = 4096 }; /* ms, ms, octets */

struct listening {
	const struct child *child;
	pid_t pid;
	int output_fd, words_fd; /* -1: its writers are gone */
	struct str *output;
	size_t room;
	bool over; /* it wrote more than it may */
	int status;
	int lost; /* an errno: it has ended, and nobody can say how */
};

static void take_output(struct listening *listening, struct bytes chunk)
{
	size_t size = chunk.size < listening->room ? chunk.size : listening->room;

	str_append(listening->output, chunk.data, size);
	listening->room -= size;
	if (size < chunk.size)
		listening->over = true;
}

static void read_some(struct listening *listening, int *fd)
{
	char octets[CHUNK];
	ssize_t got = read(*fd, octets, sizeof octets);

	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0)
		(void)close(steal_fd(fd));
	else if (fd == &listening->output_fd)
		take_output(listening, bytes_make(octets, (size_t)got));
	else
		listening->child->heard(
			listening->child->argument, bytes_make(octets, (size_t)got));
}

static void listen_once(struct listening *listening)
{
	struct pollfd fds[] = {
		{.fd = listening->output_fd, .events = POLLIN},
		{.fd = listening->words_fd, .events = POLLIN},
	};

	if (poll(fds, 2, SLICE) <= 0)
		return;
	if (fds[0].revents != 0)
		read_some(listening, &listening->output_fd);
	if (fds[1].revents != 0)
		read_some(listening, &listening->words_fd);
}

static bool is_too_much(const struct listening *listening)
{
	return listening->over && listening->child->ends_over_max;
}

/*
 * Until the child has ended, not until everything has that it started: a service that it left
 * behind may keep its output open for ever. What was said last is still waited for. A child may
 * close its output and work on as well. false: it has to be killed.
 */
static bool wait_until(struct listening *listening, int64_t deadline)
{
	int64_t ended = 0;

	for (;;) {
		int64_t now = clock_boottime();
		bool open = listening->output_fd >= 0 || listening->words_fd >= 0;
		if (open || ended == 0)
			listen_once(listening);
		if (ended == 0) {
			pid_t waited = waitpid(listening->pid, &listening->status, WNOHANG);
			if (waited < 0 && errno != EINTR)
				listening->lost = errno;
			if (waited == listening->pid || listening->lost != 0)
				ended = now;
		}
		if (ended != 0 && (!open || now - ended >= LAST_WORDS))
			return true;
		if (ended == 0 && (now >= deadline || is_too_much(listening)))
			return false;
	}
}

static void end(struct listening *listening)
{
	(void)kill(listening->child->own_group ? -listening->pid : listening->pid, SIGKILL);
	while (waitpid(listening->pid, &listening->status, 0) < 0 && errno == EINTR)
		continue;
}

static int judge(const struct listening *listening, bool in_time, struct err *err)
{
	const struct child *child = listening->child;
	const char *path = child->argv[0];
	int status = listening->status;

	if (is_too_much(listening))
		return err_set(err, child->failure, "%s wrote more than %zu octets", path,
			child->output_max);
	if (!in_time)
		return err_set(err, child->failure, "%s did not end in %lld s and was killed", path,
			(long long)(child->timeout / 1000));
	if (listening->lost != 0)
		return err_set_errno(err, child->failure, listening->lost,
			"%s ended, and how is not known", path);
	if (WIFSIGNALED(status))
		return err_set(
			err, child->failure, "%s was ended by signal %d", path, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(err, child->failure, "%s ended with %d", path, WEXITSTATUS(status));
	return str_check(listening->output, err);
}

static int make_pipe(
	const struct child *child, int *ret_read_fd, int *ret_write_fd, struct err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set_errno(err, child->failure, errno, "%s", child->argv[0]);
	*ret_read_fd = fds[0];
	*ret_write_fd = fds[1];
	return 0;
}

int child_run(const struct child *child, struct str *output, struct err *err)
{
	CLEANUP_FD int output_fd = -1, output_end = -1, words_fd = -1, words_end = -1;
	struct listening listening = {.child = child, .output = output, .room = child->output_max};
	int64_t deadline = clock_boottime() + child->timeout;
	int rc = make_pipe(child, &output_fd, &output_end, err);

	if (rc == 0 && child->heard != NULL)
		rc = make_pipe(child, &words_fd, &words_end, err);
	if (rc == 0)
		rc = start(child, output_end, words_end >= 0 ? words_end : output_end,
			&listening.pid, err);
	if (rc < 0)
		return rc;
	(void)close(steal_fd(&output_end));
	if (words_end >= 0)
		(void)close(steal_fd(&words_end));
	listening.output_fd = steal_fd(&output_fd);
	listening.words_fd = steal_fd(&words_fd);
	bool in_time = wait_until(&listening, deadline);
	if (!in_time)
		end(&listening);
	cleanup_close(&listening.output_fd);
	cleanup_close(&listening.words_fd);
	return judge(&listening, in_time, err);
}

int child_input(struct bytes content, int *ret_fd, struct err *err)
{
	CLEANUP_FD int fd = memfd_create("offkit-input", MFD_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, ERR_DISK, errno, "a file in memory");
	int rc = fd_write_all(fd, content, err);
	if (rc < 0)
		return rc;
	if (lseek(fd, 0, SEEK_SET) != 0)
		return err_set_errno(err, ERR_DISK, errno, "a file in memory");
	*ret_fd = steal_fd(&fd);
	return 0;
}
