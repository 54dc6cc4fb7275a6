/* One run at a time, also just after the one before was killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/lock.h"

static char folder[64];
static int dirfd = -1;

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/offkit-test-lock-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlinkat(dirfd, "lock", 0);
	(void)close(dirfd);
	return rmdir(folder);
}

static void taken_once(void **state)
{
	struct err err;
	int first = -1, second = -1;

	(void)state;
	assert_int_equal(lock_take(dirfd, "install", &first, &err), 0);
	assert_int_equal(lock_look(dirfd, &err), -ERR_LOCKED);
	assert_int_equal(lock_take(dirfd, "resume", &second, &err), -ERR_LOCKED);
	assert_non_null(strstr(err.message, "offkit install, process "));
	assert_int_equal(second, -1);
	assert_int_equal(close(first), 0);
	assert_int_equal(lock_look(dirfd, &err), 0);
	assert_int_equal(lock_take(dirfd, "resume", &second, &err), 0);
	assert_int_equal(close(second), 0);
}

/* Holds what it inherits until somebody has read who the holder is. */
static void hold_until_read(int ready)
{
	char event[4096];
	int watch = inotify_init1(IN_CLOEXEC);
	int added = inotify_add_watch(watch, folder, IN_ACCESS);

	if (added < 0 || write(ready, "r", 1) != 1 || read(watch, event, sizeof event) <= 0)
		_exit(1);
	_exit(0);
}

/* As a killed process of several threads: it is a zombie, and its lock is still held. */
static pid_t killed_holder(void)
{
	int ready[2];
	char octet;
	siginfo_t info;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t holder = fork();
	if (holder == 0) {
		struct err err;
		int fd = -1;
		if (lock_take(dirfd, "install", &fd, &err) < 0)
			_exit(1);
		if (fork() == 0)
			hold_until_read(ready[1]);
		for (;;)
			(void)pause();
	}
	assert_int_equal(close(ready[1]), 0);
	assert_int_equal(read(ready[0], &octet, 1), 1);
	assert_int_equal(close(ready[0]), 0);
	assert_int_equal(kill(holder, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)holder, &info, WEXITED | WNOWAIT), 0);
	return holder;
}

static void a_killed_holder_is_waited_for(void **state)
{
	struct err err;
	int fd = -1;
	pid_t holder = killed_holder();

	(void)state;
	assert_int_equal(lock_take(dirfd, "resume", &fd, &err), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(taken_once, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			a_killed_holder_is_waited_for, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
