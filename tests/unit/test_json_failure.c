/* What a failure shows on a terminal, whatever stands in its message. */
#include "json/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_why(const char *message, const char *shown)
{
	struct str text = STR_INIT;
	struct str wanted = STR_INIT;
	struct err err;

	(void)err_set(&err, ERR_UNLISTED_FILE, "%s", message);
	failure_text(NULL, "offkit", NULL, &err, &text);
	str_append_format(&wanted, "\n  why   %s\n", shown);
	assert_non_null(strstr(str_text(&text), str_text(&wanted)));
	str_release(&text);
	str_release(&wanted);
}

static void a_message_does_nothing_to_the_terminal(void **state)
{
	(void)state;
	assert_why("a\033[2Jb", "a\\x1b[2Jb");
	assert_why("one\nline", "one\\x0aline");
	assert_why("C1 \302\233 2J", "C1 \\u{9b} 2J");
	assert_why("turned \342\200\256 around", "turned \\u{202e} around");
	assert_why("not \377 UTF-8", "not \\xff UTF-8");
}

static void what_was_escaped_is_not_escaped_again(void **state)
{
	(void)state;
	assert_why("the name \"a\\x1b\\\\b\"", "the name \"a\\x1b\\\\b\"");
	assert_why("Z\303\274rich", "Z\303\274rich");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_does_nothing_to_the_terminal),
		cmocka_unit_test(what_was_escaped_is_not_escaped_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
