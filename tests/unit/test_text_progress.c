#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "text/progress.h"

static const char *at(struct progress_line *line, bool terminal, int64_t now, struct str *out)
{
	str_truncate(out, 0);
	progress_line_text(line, terminal, now, "Packing", 500, 1000, out);
	return str_text(out);
}

static void elsewhere_a_line_every_five_seconds(void **state)
{
	(void)state;
	CLEANUP_STR struct str out = STR_INIT;
	struct progress_line line = {0};

	assert_string_equal(at(&line, false, 1000, &out), "");
	assert_string_equal(at(&line, false, 5999, &out), "");
	assert_string_equal(at(&line, false, 6000, &out), "Packing:  50 %   500 bytes of 1 kB\n");
	assert_string_equal(at(&line, false, 10999, &out), "");
	assert_string_equal(progress_line_erase(&line), "");
}

static void a_terminals_line_is_written_over_and_taken_off(void **state)
{
	(void)state;
	CLEANUP_STR struct str out = STR_INIT;
	struct progress_line line = {0};

	assert_string_equal(at(&line, true, 1000, &out), "");
	assert_string_equal(progress_line_erase(&line), "");
	assert_string_equal(
		at(&line, true, 1100, &out), "\r\033[KPacking:  50 %   500 bytes of 1 kB");
	assert_string_equal(progress_line_erase(&line), "\r\033[K");
	assert_string_equal(progress_line_erase(&line), "");
}

static void of_an_unknown_whole_nothing_is_said(void **state)
{
	(void)state;
	CLEANUP_STR struct str out = STR_INIT;
	struct progress_line line = {.due = 1};

	progress_line_text(&line, true, 1000, "Packing", 500, 0, &out);
	assert_string_equal(str_text(&out), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elsewhere_a_line_every_five_seconds),
		cmocka_unit_test(a_terminals_line_is_written_over_and_taken_off),
		cmocka_unit_test(of_an_unknown_whole_nothing_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
