/* How a process apart ends, and what its parent makes of that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/apart.h"
#include "base/confine.h"

struct ending {
	int (*act)(struct err *err);
	enum err_code code;
	const char *message;
};

static int truncated(struct err *err)
{
	return err_set(err, ERR_TRUNCATED, "cut \033[31moff \303\251");
}

/* Hostile: as if the fault were ours, and so no reason to put the kit away. */
static int blames_us(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "SHA256SUMS verified");
}

static int out_of_our_memory(struct err *err)
{
	return err_set(err, ERR_NO_MEMORY, "SHA256SUMS verified");
}

/* Hostile: a verdict that only the parent can come to. */
static int forced(struct err *err)
{
	return err_set(err, ERR_SEQUENCE, "a newer one");
}

static int unknown_code(struct err *err)
{
	err->code = (enum err_code)0x7FFFFFFF;
	memset(err->message, 'x', sizeof err->message); /* without an end */
	return -1;
}

#ifndef __SANITIZE_ADDRESS__
static int crashes(struct err *err)
{
	(void)err;
	volatile uintptr_t nowhere = 16;
	*(volatile char *)nowhere = 1;
	return 0;
}
#endif

static int leaves(struct err *err)
{
	(void)err;
	_exit(1);
}

/* What the program does at its end, and a child without rights cannot. */
static void at_the_end(void)
{
	(void)!raise(SIGURG);
}

/* As a library does that gives up. */
static int exits(struct err *err)
{
	(void)err;
	exit(1);
}

static int runs_out(struct err *err)
{
	return err_no_memory(err);
}

static int ends(int channel, void *argument, struct err *err)
{
	(void)channel;
	return ((const struct ending *)argument)->act(err);
}

static void every_end_has_its_code(void **state)
{
	static const struct ending endings[] = {
		{truncated, ERR_TRUNCATED,
			"what reads the archive says: cut \\x1B[31moff \\xC3\\xA9"},
		{blames_us, ERR_UNSAFE_ARCHIVE, "what reads the archive says: SHA256SUMS verified"},
		{out_of_our_memory, ERR_NO_MEMORY, "what reads it ran out of memory"},
		{runs_out, ERR_NO_MEMORY, NULL},
		{forced, ERR_UNSAFE_ARCHIVE, "what reads the archive says: a newer one"},
		{unknown_code, ERR_UNSAFE_ARCHIVE, NULL},
#ifndef __SANITIZE_ADDRESS__
		{crashes, ERR_UNSAFE_ARCHIVE, NULL},
#endif
		{leaves, ERR_NO_MEMORY, NULL},
		{exits, ERR_NO_MEMORY, NULL},
	};

	(void)state;
	assert_int_equal(atexit(at_the_end), 0);
	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		struct apart *apart;
		struct err err = {0};
		assert_int_equal(
			apart_start(ends, (void *)(uintptr_t)&endings[i], NULL, 0, &apart, &err),
			0);
		int rc = apart_finish(apart, &err);
		if (rc != -(int)endings[i].code || err.code != endings[i].code)
			fail_msg("end %zu: %s: %s", i, err_name(err.code), err.message);
		if (endings[i].message != NULL)
			assert_string_equal(err.message, endings[i].message);
		assert_true(memchr(err.message, '\0', sizeof err.message) != NULL);
	}
}

static int reads_for_ever(int channel, void *argument, struct err *err)
{
	char octet;

	(void)argument;
	(void)err;
	while (recv(channel, &octet, 1, 0) <= 0)
		;
	return 0;
}

static void one_that_goes_on_can_be_abandoned(void **state)
{
	struct apart *apart;
	struct err err;

	(void)state;
	assert_int_equal(apart_start(reads_for_ever, NULL, NULL, 0, &apart, &err), 0);
	apart_abandon(apart);
	apart_abandon(NULL);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* The one child there is; 0 where /proc does not say. */
static pid_t only_child(void)
{
	FILE *file = fopen("/proc/thread-self/children", "re");
	char line[32] = "";

	if (file == NULL)
		return 0;
	if (fgets(line, sizeof line, file) == NULL)
		line[0] = '\0';
	(void)fclose(file);
	return (pid_t)strtol(line, NULL, 10);
}

/* As a machine does that is short of memory: no word on the input. */
static void a_kill_from_outside_is_no_verdict(void **state)
{
	struct apart *apart;
	struct err err = {0};

	(void)state;
	assert_int_equal(apart_start(reads_for_ever, NULL, NULL, 0, &apart, &err), 0);
	pid_t pid = only_child();
	if (pid > 0)
		assert_int_equal(kill(pid, SIGKILL), 0);
	else
		apart_abandon(apart);
	if (pid <= 0)
		skip();
	assert_int_equal(apart_finish(apart, &err), -ERR_NO_MEMORY);
	assert_non_null(strstr(err.message, "from outside by signal 9"));
}

/* A kernel or a container's profile without pidfd_open. */
static int without_pidfd(struct err *err)
{
	struct sock_filter ops[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 434, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof ops / sizeof ops[0], ops};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "seccomp");
	return 0;
}

static int attempts(int channel, void *argument, struct err *err)
{
	(void)channel;
	(void)argument;
	(void)err;
	return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) < 0 ? -1 : 0;
}

static int waits_for_two(void)
{
	static const struct ending cut = {truncated, ERR_TRUNCATED, NULL};
	struct apart *apart;
	struct err err = {0};

	if (apart_start(ends, (void *)(uintptr_t)&cut, NULL, 0, &apart, &err) < 0 ||
		apart_finish(apart, &err) != -ERR_TRUNCATED)
		return 1;
	if (apart_start(attempts, NULL, NULL, 0, &apart, &err) < 0 ||
		apart_finish(apart, &err) != -ERR_UNSAFE_ARCHIVE)
		return 2;
	return 0;
}

static void an_end_is_seen_without_a_descriptor_of_it(void **state)
{
	struct confine_rights rights;
	struct err err;
	int status;

	(void)state;
	confine_rights(&rights);
	if (!rights.seccomp)
		skip();
	pid_t pid = fork();
	if (pid == 0)
		_exit(without_pidfd(&err) < 0 ? 255 : waits_for_two());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void waiting_has_an_end(void **state)
{
	int64_t patience = 0;
	int ends_of_it[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_of_it), 0);
	assert_false(apart_wait(ends_of_it[0], &patience));
	assert_int_equal(send(ends_of_it[1], "", 1, 0), 1);
	patience = 2;
	assert_true(apart_wait(ends_of_it[0], &patience));
	while (patience > 0)
		assert_true(apart_wait(ends_of_it[0], &patience));
	assert_false(apart_wait(ends_of_it[0], &patience));
	(void)close(ends_of_it[0]);
	(void)close(ends_of_it[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_end_has_its_code),
		cmocka_unit_test(one_that_goes_on_can_be_abandoned),
		cmocka_unit_test(a_kill_from_outside_is_no_verdict),
		cmocka_unit_test(an_end_is_seen_without_a_descriptor_of_it),
		cmocka_unit_test(waiting_has_an_end),
	};

	return cmocka_run_group_tests_name("base: apart, the end", tests, NULL, NULL);
}
