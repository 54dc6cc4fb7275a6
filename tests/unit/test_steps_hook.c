#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "steps/hook.h"

static char folder[64], path[96];

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/offkit-test-hook-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(path, sizeof path, "%s/hook", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)chmod(folder, 0700);
	(void)unlink(path);
	return rmdir(folder);
}

static void put_hook(const char *script, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\n%s\n", script) > 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int run(const char *argument, int64_t timeout, struct str *output, struct err *err)
{
	const char *argv[] = {path, argument, NULL};
	const struct site_hook hook = {.argv = argv, .timeout = timeout};

	return hook_run(&hook, "20251220T091207Z-3f9a", output, err);
}

static void it_gets_its_arguments_as_they_are(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT;
	struct err err;

	put_hook("printf '%s|%s' \"$#\" \"$1\"", 0700);
	assert_int_equal(run("a b; $(id) *", 10000, &output, &err), 0);
	assert_string_equal(str_text(&output), "1|a b; $(id) *");
}

static void its_environment_is_clean(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT;
	struct err err;

	assert_int_equal(setenv("OFFKIT_MONGODB_URI", "secret", 1), 0);
	put_hook("env | grep -v -e '^PWD=' -e '^_=' -e '^SHLVL=' | sort; pwd; cat", 0700);
	assert_int_equal(run(NULL, 10000, &output, &err), 0);
	assert_string_equal(str_text(&output), "LANG=C\nOFFKIT_RUN=20251220T091207Z-3f9a\n"
					       "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n/\n");
}

static void its_failure_is_named_and_its_words_are_kept(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT;
	struct err err;

	put_hook("echo said >&2; exit 3", 0700);
	assert_int_equal(run(NULL, 10000, &output, &err), -ERR_HOOK);
	assert_string_equal(str_text(&output), "said\n");
	assert_non_null(strstr(err.message, "ended with 3"));
}

/* The whole group: a child that the hook left behind holds the output open. */
static void after_its_timeout_the_group_is_killed(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT;
	struct err err;

	put_hook("sleep 1000 & echo begun; wait", 0700);
	assert_int_equal(run(NULL, 300, &output, &err), -ERR_HOOK);
	assert_string_equal(str_text(&output), "begun\n");
	assert_non_null(strstr(err.message, "was killed"));
}

static void what_it_leaves_behind_is_not_waited_for(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT;
	struct err err;

	/* The child has the output open until it is killed, long after the timeout. */
	put_hook("echo begun; sleep 600 & echo $! >\"$1\"; echo done", 0700);
	char child[128];
	(void)snprintf(child, sizeof child, "%s/child", folder);
	assert_int_equal(run(child, 60000, &output, &err), 0);
	assert_string_equal(str_text(&output), "begun\ndone\n");
	FILE *file = fopen(child, "r");
	int pid = 0;
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(unlink(child), 0);
}

static void one_that_works_on_with_its_output_closed_is_waited_for(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT;
	struct err err;

	put_hook("exec >&- 2>&-; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 3", 0700);
	assert_int_equal(run("", 60000, &output, &err), -ERR_HOOK);
	assert_non_null(strstr(err.message, "ended with 3"));
}

static void its_output_is_bounded(void **state)
{
	(void)state;
	CLEANUP_STR struct str output = STR_INIT;
	struct err err;

	put_hook("head -c 1000000 /dev/zero | tr '\\0' x", 0700);
	assert_int_equal(run(NULL, 30000, &output, &err), 0);
	assert_int_equal(output.size, HOOK_OUTPUT_MAX);
}

static int check(struct err *err)
{
	const char *argv[] = {path, NULL};
	const struct site_hook hook = {.argv = argv, .timeout = 1000};

	return hook_check(&hook, err);
}

static void one_that_others_can_write_is_refused(void **state)
{
	(void)state;
	struct err err;

	put_hook("true", 0755);
	assert_int_equal(check(&err), 0);
	assert_int_equal(chmod(path, 0775), 0);
	assert_int_equal(check(&err), -ERR_HOOK);
	assert_int_equal(chmod(path, 0757), 0);
	assert_int_equal(check(&err), -ERR_HOOK);
}

static void one_in_a_folder_that_others_can_write_is_refused(void **state)
{
	(void)state;
	struct err err;

	put_hook("true", 0755);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(check(&err), -ERR_HOOK);
	assert_int_equal(chmod(folder, 01777), 0);
	assert_int_equal(check(&err), 0);
}

static void one_that_a_link_leads_to_is_looked_at_where_it_is(void **state)
{
	(void)state;
	char open_folder[96], real[128];
	struct err err;

	(void)snprintf(open_folder, sizeof open_folder, "%s/open", folder);
	(void)snprintf(real, sizeof real, "%s/real", open_folder);
	assert_int_equal(mkdir(open_folder, 0700), 0);
	put_hook("true", 0700);
	assert_int_equal(rename(path, real), 0);
	assert_int_equal(symlink(real, path), 0);
	assert_int_equal(check(&err), 0);
	assert_int_equal(chmod(open_folder, 0777), 0);
	assert_int_equal(check(&err), -ERR_HOOK);
	assert_non_null(strstr(err.message, open_folder));
	assert_int_equal(unlink(real), 0);
	assert_int_equal(rmdir(open_folder), 0);
}

static void what_is_no_program_is_refused(void **state)
{
	(void)state;
	const char *relative[] = {"hook", NULL}, *missing[] = {"/nowhere/hook", NULL};
	const struct site_hook a = {.argv = relative, .timeout = 1},
			       b = {.argv = missing, .timeout = 1};
	struct err err;

	put_hook("true", 0600);
	assert_int_equal(check(&err), -ERR_HOOK);
	assert_int_equal(hook_check(&a, &err), -ERR_HOOK);
	assert_int_equal(hook_check(&b, &err), -ERR_HOOK);
}

#define HOOK_TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOOK_TEST(it_gets_its_arguments_as_they_are),
		HOOK_TEST(its_environment_is_clean),
		HOOK_TEST(its_failure_is_named_and_its_words_are_kept),
		HOOK_TEST(after_its_timeout_the_group_is_killed),
		HOOK_TEST(what_it_leaves_behind_is_not_waited_for),
		HOOK_TEST(one_that_works_on_with_its_output_closed_is_waited_for),
		HOOK_TEST(its_output_is_bounded),
		HOOK_TEST(one_that_others_can_write_is_refused),
		HOOK_TEST(one_in_a_folder_that_others_can_write_is_refused),
		HOOK_TEST(one_that_a_link_leads_to_is_looked_at_where_it_is),
		HOOK_TEST(what_is_no_program_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
