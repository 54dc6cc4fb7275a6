/* The process apart: what it hands back, and what it cannot do, each tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/apart.h"
#include "base/cleanup.h"
#include "base/confine.h"

static char existing[32], missing[64];
static int kit_fd = -1; /* of existing, read only, as a kit is opened */
static struct confine_rights rights;

static int set_up(void **state)
{
	(void)state;
	confine_rights(&rights);
	(void)printf("         seccomp: %s, Landlock ABI: %d\n", rights.seccomp ? "yes" : "no",
		rights.landlock);
	(void)snprintf(existing, sizeof existing, "/tmp/offkit-apart-XXXXXX");
	int fd = mkstemp(existing);
	if (fd < 0 || write(fd, "kit", 3) != 3 || close(fd) != 0)
		return -1;
	(void)snprintf(missing, sizeof missing, "%s.new", existing);
	kit_fd = open(existing, O_RDONLY | O_CLOEXEC);
	return kit_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)close(kit_fd);
	(void)unlink(missing);
	return unlink(existing);
}

/* ---- what a child may want to do: 0 if it could, else errno; by raw calls, so that no library
 * refuses first */

static int errno_of(long result)
{
	return result < 0 ? errno : 0;
}

static int opens_a_file(void)
{
	return errno_of(syscall(SYS_openat, AT_FDCWD, existing, O_RDONLY));
}

static int makes_a_file(void)
{
	return errno_of(syscall(SYS_openat, AT_FDCWD, missing, O_WRONLY | O_CREAT, 0600));
}

static int makes_a_folder(void)
{
	return errno_of(syscall(SYS_mkdirat, AT_FDCWD, missing, 0700));
}

static int removes_a_file(void)
{
	return errno_of(syscall(SYS_unlinkat, AT_FDCWD, existing, 0));
}

static int truncates_a_file(void)
{
	return errno_of(syscall(SYS_truncate, existing, 0));
}

static int writes_to_the_kit(void)
{
	return errno_of(syscall(SYS_write, kit_fd, "x", 1));
}

static int makes_a_socket(void)
{
	return errno_of(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
}

static int connects(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int errnum = errno_of(connect(fd, (struct sockaddr *)&address, sizeof address));

	/* Nobody listens there: an answer from the other end is the harm. */
	return errnum == ECONNREFUSED ? 0 : errnum;
}

static int binds(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return errno_of(bind(fd, (struct sockaddr *)&address, sizeof address));
}

static int executes(void)
{
	char *arguments[] = {(char[]){"true"}, NULL};

	return errno_of(syscall(SYS_execve, "/bin/true", arguments, NULL));
}

static int forks(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);

	if (pid == 0)
		_exit(0);
	return errno_of(pid);
}

static int signals_the_parent(void)
{
	return errno_of(syscall(SYS_kill, getppid(), 0));
}

static int traces_the_parent(void)
{
	return errno_of(syscall(SYS_ptrace, PTRACE_SEIZE, getppid(), NULL, NULL));
}

static int reads_the_parent(void)
{
	char octet;

	return errno_of(syscall(SYS_process_vm_readv, getppid(), &(struct {
		void *base;
		size_t size;
	}){&octet, 1},
		1UL, &(struct {
			void *base;
			size_t size;
		}){existing, 1},
		1UL, 0UL));
}

static int maps_code(void)
{
	return errno_of(syscall(
		SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static int makes_code(void)
{
	static _Alignas(65536) char page[65536];

	return errno_of(
		syscall(SYS_mprotect, page, sizeof page, PROT_READ | PROT_WRITE | PROT_EXEC));
}

static int changes_root(void)
{
	return errno_of(syscall(SYS_chroot, "/"));
}

static int allocates(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? errno : 0;
}

static int allocates_too_much(void)
{
	return allocates((size_t)APART_MEMORY_MAX + 1);
}

static int duplicates(void)
{
	return errno_of(syscall(SYS_dup, kit_fd));
}

/* ---- the whole: seccomp ends it at the first such call */

static int attempt(int channel, void *argument, struct err *err)
{
	int (*const *act)(void) = argument;

	(void)channel;
	return (*act)() == 0 ? err_set(err, ERR_CHECKSUM, "it could") : 0;
}

static void forbidden_calls_end_it(void **state)
{
	static int (*const acts[])(void) = {opens_a_file, makes_a_file, makes_a_folder,
		removes_a_file, truncates_a_file, makes_a_socket, executes, forks,
		signals_the_parent, traces_the_parent, reads_the_parent, maps_code, makes_code,
		changes_root, duplicates};

	(void)state;
	if (!rights.seccomp)
		skip();
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
		struct apart *apart;
		struct err err = {0};
		assert_int_equal(
			apart_start(attempt, (void *)(uintptr_t)&acts[i], &kit_fd, 1, &apart, &err),
			0);
		if (apart_finish(apart, &err) != -ERR_UNSAFE_ARCHIVE ||
			strstr(err.message, "may not do") == NULL)
			fail_msg("act %zu: %s: %s", i, err_name(err.code), err.message);
	}
}

/* These calls are allowed; what they would do is not. */
static void open_descriptors_do_no_more(void **state)
{
	static int (*const acts[])(void) = {writes_to_the_kit, allocates_too_much};

	(void)state;
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
		struct apart *apart;
		struct err err = {0};
#ifdef __SANITIZE_ADDRESS__
		if (acts[i] == allocates_too_much)
			continue;
#endif
		assert_int_equal(
			apart_start(attempt, (void *)(uintptr_t)&acts[i], &kit_fd, 1, &apart, &err),
			0);
		if (apart_finish(apart, &err) != 0)
			fail_msg("act %zu: %s: %s", i, err_name(err.code), err.message);
	}
}

/* ---- each means alone, in a child without the others */

static int outcome_of(int (*confine)(struct err *err), int (*act)(void))
{
	struct err err = {0};
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(confine(&err) < 0 ? 255 : act());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static void landlock_alone_refuses_paths(void **state)
{
	static int (*const acts[])(void) = {
		opens_a_file, makes_a_file, makes_a_folder, removes_a_file, executes};

	(void)state;
	if (rights.landlock < 1)
		skip();
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
		assert_int_equal(outcome_of(confine_paths, acts[i]), EACCES);
	if (rights.landlock >= 3)
		assert_int_equal(outcome_of(confine_paths, truncates_a_file), EACCES);
}

static void a_reader_can_read_and_change_nothing(void **state)
{
	static int (*const acts[])(void) = {makes_a_file, makes_a_folder, removes_a_file};

	(void)state;
	if (rights.landlock < 1)
		skip();
	assert_int_equal(outcome_of(confine_to_reading, opens_a_file), 0);
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
		assert_int_equal(outcome_of(confine_to_reading, acts[i]), EACCES);
	if (rights.landlock >= 3)
		assert_int_equal(outcome_of(confine_to_reading, truncates_a_file), EACCES);
}

static void landlock_alone_refuses_ports(void **state)
{
	(void)state;
	if (rights.landlock < 4)
		skip();
	assert_int_equal(outcome_of(confine_paths, connects), EACCES);
	assert_int_equal(outcome_of(confine_paths, binds), EACCES);
}

static void landlock_alone_refuses_signals(void **state)
{
	(void)state;
	if (rights.landlock < 6)
		skip();
	assert_int_equal(outcome_of(confine_paths, signals_the_parent), EPERM);
	assert_int_equal(outcome_of(confine_paths, traces_the_parent), EPERM);
}

static int limits(struct err *err)
{
	return confine_limits(confine_mapped() + 1024 * 1024, err);
}

#ifndef __SANITIZE_ADDRESS__
static int allocates_two(void)
{
	return allocates((size_t)2 * 1024 * 1024);
}
#endif

#ifndef __SANITIZE_ADDRESS__
static int allocates_half(void)
{
	return allocates((size_t)512 * 1024);
}
#endif

static int writes_a_regular_file(void)
{
	int fd = open(existing, O_WRONLY | O_APPEND);

	(void)signal(SIGXFSZ, SIG_IGN);
	struct err err;
	if (confine_limits(confine_mapped(), &err) < 0)
		return 255;
	return errno_of(write(fd, "x", 1));
}

static int nothing(struct err *err)
{
	(void)err;
	return 0;
}

static void limits_alone_hold(void **state)
{
	(void)state;
	assert_int_equal(outcome_of(limits, opens_a_file), EMFILE);
	assert_int_equal(outcome_of(limits, duplicates), EMFILE);
	assert_int_equal(outcome_of(limits, changes_root), EPERM);
	assert_int_equal(outcome_of(nothing, writes_a_regular_file), EFBIG);
#ifndef __SANITIZE_ADDRESS__
	assert_int_equal(outcome_of(limits, allocates_two), ENOMEM);
	assert_int_equal(outcome_of(limits, allocates_half), 0);
#endif
}

static void a_fork_beyond_the_limit_fails(void **state)
{
	(void)state;
	if (getuid() == 0) /* the kernel counts no processes of root */
		skip();
	assert_int_equal(outcome_of(limits, forks), EAGAIN);
}

/* ---- descriptors */

static int counts_descriptors(int channel, void *argument, struct err *err)
{
	(void)argument;
	for (int fd = 0; fd < 256; fd++) {
		bool open = lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF;
#ifdef __SANITIZE_ADDRESS__
		if (fd == STDERR_FILENO)
			continue;
#endif
		if (open != (fd == channel || fd == kit_fd))
			return err_set(err, ERR_CHECKSUM, "descriptor %d is %s", fd,
				open ? "open" : "closed");
	}
	return 0;
}

static void nothing_else_is_open(void **state)
{
	CLEANUP_FD int inherited = open(existing, O_RDONLY);
	CLEANUP_FD int far = fcntl(inherited, F_DUPFD, 200);
	struct apart *apart;
	struct err err = {0};

	(void)state;
	assert_true(far >= 200);
	assert_int_equal(apart_start(counts_descriptors, NULL, &kit_fd, 1, &apart, &err), 0);
	if (apart_finish(apart, &err) != 0)
		fail_msg("%s", err.message);
}

/* ---- what comes back */

static int answers(int channel, void *argument, struct err *err)
{
	char text[16];
	ssize_t got = recv(channel, text, sizeof text, 0);

	(void)argument;
	if (got < 0 || send(channel, text, (size_t)got, MSG_NOSIGNAL) != got)
		return err_set_errno(err, ERR_INTERNAL, errno, "channel");
	return 0;
}

static void the_channel_goes_both_ways(void **state)
{
	struct apart *apart;
	struct err err = {0};
	char text[16] = "";

	(void)state;
	assert_int_equal(apart_start(answers, NULL, NULL, 0, &apart, &err), 0);
	assert_int_equal(send(apart_channel(apart), "ping", 4, MSG_NOSIGNAL), 4);
	assert_int_equal(recv(apart_channel(apart), text, sizeof text, 0), 4);
	assert_memory_equal(text, "ping", 4);
	assert_int_equal(apart_finish(apart, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_calls_end_it),
		cmocka_unit_test(open_descriptors_do_no_more),
		cmocka_unit_test(landlock_alone_refuses_paths),
		cmocka_unit_test(a_reader_can_read_and_change_nothing),
		cmocka_unit_test(landlock_alone_refuses_ports),
		cmocka_unit_test(landlock_alone_refuses_signals),
		cmocka_unit_test(limits_alone_hold),
		cmocka_unit_test(a_fork_beyond_the_limit_fails),
		cmocka_unit_test(nothing_else_is_open),
		cmocka_unit_test(the_channel_goes_both_ways),
	};

	return cmocka_run_group_tests_name("base: apart", tests, set_up, tear_down);
}
