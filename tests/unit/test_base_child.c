#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/cleanup.h"

static void keep(void *argument, struct bytes untrusted_words)
{
	str_append(argument, untrusted_words.data, untrusted_words.size);
}

/* A script of sh whose output may have 100 octets. */
static int run(const char *script, struct child *child, struct str *output, struct err *err)
{
	const char *argv[] = {"sh", "-c", script, NULL};

	child->argv = argv;
	child->search = true;
	child->timeout = child->timeout > 0 ? child->timeout : 60000;
	child->own_group = true;
	child->output_max = 100;
	child->failure = ERR_SIGNER;
	return child_run(child, output, err);
}

static void its_input_is_a_file(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT;
	CLEANUP_FD int fd = -1;
	struct err err;

	assert_int_equal(child_input(bytes_of_string("given"), &fd, &err), 0);
	struct child child = {.input_fd = fd};
	assert_int_equal(run("cat; cat /dev/stdin; wc -c </dev/stdin", &child, &output, &err), 0);
	assert_string_equal(str_text(&output), "givengiven5\n");
}

static void its_words_go_their_own_way(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT, words = STR_INIT;
	struct child child = {.input_fd = -1, .heard = keep, .argument = &words};
	struct err err;

	assert_int_equal(
		run("echo out; echo said >&2; exit 7", &child, &output, &err), -ERR_SIGNER);
	assert_string_equal(err.message, "sh ended with 7");
	assert_string_equal(str_text(&output), "out\n");
	assert_string_equal(str_text(&words), "said\n");
}

/* Of words there is no bound here, and they do not hold it up. */
static void its_output_has_a_bound(void **state)
{
	(void)state;
	static const char *const hundred = "head -c 100 /dev/zero | tr '\\0' x";
	static const char *const endless = "yes >&2 & yes; kill $!";
	CLEANUP_STR struct str output = STR_INIT, words = STR_INIT;
	struct child child = {
		.input_fd = -1, .ends_over_max = true, .heard = keep, .argument = &words};
	struct err err;

	assert_int_equal(run(hundred, &child, &output, &err), 0);
	assert_int_equal(output.size, 100);
	str_truncate(&output, 0);
	assert_int_equal(run(endless, &child, &output, &err), -ERR_SIGNER);
	assert_string_equal(err.message, "sh wrote more than 100 octets");
	assert_int_equal(output.size, 100);
}

static void who_says_too_much_is_ended_at_once(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT, words = STR_INIT;
	struct child child = {
		.input_fd = -1, .ends_over_max = true, .heard = keep, .argument = &words};
	struct err err;

	assert_int_equal(
		run("head -c 101 /dev/zero; sleep 30; echo late >&2", &child, &output, &err),
		-ERR_SIGNER);
	assert_string_equal(str_text(&words), "");
}

static void its_end_is_told(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT;
	struct child child = {.input_fd = -1};
	struct err err;

	assert_int_equal(run("kill -9 $$", &child, &output, &err), -ERR_SIGNER);
	assert_string_equal(err.message, "sh was ended by signal 9");
	child.timeout = 1000;
	assert_int_equal(run("sleep 1000 & wait", &child, &output, &err), -ERR_SIGNER);
	assert_string_equal(err.message, "sh did not end in 1 s and was killed");
	const char *argv[] = {"/nonexistent/program", NULL};
	child.argv = argv;
	assert_int_equal(child_run(&child, &output, &err), -ERR_SIGNER);
	assert_non_null(strstr(err.message, "/nonexistent/program: "));
}

/* Whoever ignores SIGCHLD, and a parent may have left us so, is not told how a child ended. */
static void an_end_that_is_not_known_is_no_success(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT;
	struct child child = {.input_fd = -1};
	struct err err;

	assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	int rc = run("exit 7", &child, &output, &err);
	assert_true(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
	assert_int_equal(rc, -ERR_SIGNER);
	assert_non_null(strstr(err.message, "sh ended, and how is not known: "));
}

static void it_begins_with_every_signal_as_it_should_be(void **state)
{
	(void)state;
	/* No shell: it would unblock them. 32 to 34 are the C library's own: whoever is started by
	 * a program that ignores them cannot name them to take that back. */
	const char *argv[] = {
		"grep", "-cE", "^Sig(Blk|Ign):.0{7}[0-3][08]0{7}$", "/proc/self/status", NULL};
	CLEANUP_STR struct str output = STR_INIT;
	struct child child = {.argv = argv,
		.search = true,
		.input_fd = -1,
		.timeout = 60000,
		.output_max = 100,
		.failure = ERR_SIGNER};
	sigset_t blocked, before;
	struct err err;

	assert_int_equal(sigemptyset(&blocked), 0);
	assert_int_equal(sigaddset(&blocked, SIGUSR1), 0);
	assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
	assert_true(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
	int rc = child_run(&child, &output, &err);
	assert_true(signal(SIGUSR2, SIG_DFL) != SIG_ERR);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	assert_int_equal(rc, 0);
	assert_string_equal(str_text(&output), "2\n");
}

/* What whoever started us left open is theirs; of ours there is nothing but its three. */
static void it_inherits_no_pipe(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT, words = STR_INIT;
	struct child child = {.input_fd = -1, .heard = keep, .argument = &words};
	struct err err;
	int count = 3 + 1; /* and the one by which ls reads */
	char wanted[16];

	for (int fd = 3; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);
		count += flags >= 0 && (flags & FD_CLOEXEC) == 0;
	}
	(void)snprintf(wanted, sizeof wanted, "%d\n", count);
	assert_int_equal(run("ls /proc/self/fd | grep -c .", &child, &output, &err), 0);
	assert_string_equal(str_text(&output), wanted);
}

static void it_works_in_its_folder(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT;
	struct child child = {.input_fd = -1, .folder = "/proc"};
	struct err err;

	assert_int_equal(run("pwd", &child, &output, &err), 0);
	assert_string_equal(str_text(&output), "/proc\n");
}

/* What it has started holds the pipe, and is killed with it. */
static void its_group_is_killed_with_it(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT;
	struct child child = {.input_fd = -1, .timeout = 1000};
	struct err err;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	int rc = run("sleep 1000 & wait", &child, &output, &err);
	(void)close(fds[1]);
	struct pollfd reading = {.fd = fds[0], .events = POLLIN};
	int ended = poll(&reading, 1, 60000);
	(void)close(fds[0]);
	assert_int_equal(rc, -ERR_SIGNER);
	assert_int_equal(ended, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_input_is_a_file),
		cmocka_unit_test(its_words_go_their_own_way),
		cmocka_unit_test(its_output_has_a_bound),
		cmocka_unit_test(who_says_too_much_is_ended_at_once),
		cmocka_unit_test(its_end_is_told),
		cmocka_unit_test(it_begins_with_every_signal_as_it_should_be),
		cmocka_unit_test(it_inherits_no_pipe),
		cmocka_unit_test(it_works_in_its_folder),
		cmocka_unit_test(its_group_is_killed_with_it),
		cmocka_unit_test(an_end_that_is_not_known_is_no_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
