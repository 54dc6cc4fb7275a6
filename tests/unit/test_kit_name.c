/* What a member may be called, on both sides of every rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kit/name.h"

static struct err err;

static int check(const char *name)
{
	return name_check(bytes_of_string(name), &err);
}

static void test_accepts(void **state)
{
	static const char *const names[] = {"a", "migrations/21-101/migration.json", "seeds/ a",
		"a b", ".hidden", "..a", "a..b", "...b/c",
		"seeds/Stra\xc3\x9f"
		"e",
		"seeds/\xe6\x97\xa5\xe6\x9c\xac", "-", "a:b", "a*b?", "\xc2\xa0x", "a/b/c/d/e/f/g"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_int_equal(check(names[i]), 0);
}

static void test_refuses_with_the_rule(void **state)
{
	static const char *const cases[][2] = {
		{"", "is empty"},
		{"/a", "empty component"},
		{"a/", "empty component"},
		{"a//b", "empty component"},
		{"/", "empty component"},
		{".", "\".\" or \"..\""},
		{"..", "\".\" or \"..\""},
		{"a/../b", "\".\" or \"..\""},
		{"a/./b", "\".\" or \"..\""},
		{"../a", "\".\" or \"..\""},
		{"a/..", "\".\" or \"..\""},
		{"a.", "ends with a dot or a space"},
		{"a /b", "ends with a dot or a space"},
		{"a/...", "ends with a dot or a space"},
		{"a\\b", "backslash"},
		{"a\nb", "control character"},
		{"a\rb", "control character"},
		{"a\tb", "control character"},
		{"\x01", "control character"},
		{"a\x7f", "control character"},
		{"a\xc2\x85", "control character"},
		{"a\xe2\x80\xa8z", "line separator"},
		{"e\xcc\x81", "normal form C"}, /* e and a combining acute accent */
		{"\xff", "not UTF-8"},
		{"\xc0\xaf", "not UTF-8"},
		{"a\xed\xa0\x80", "not UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(check(cases[i][0]), -ERR_UNSAFE_ARCHIVE);
		assert_non_null(strstr(err.message, cases[i][1]));
		for (const char *p = err.message; *p != '\0'; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7F);
	}
	assert_int_equal(name_check(bytes_make("a\0b", 3), &err), -ERR_UNSAFE_ARCHIVE);
	assert_int_equal(name_check(bytes_make("a\0", 2), &err), -ERR_UNSAFE_ARCHIVE);
}

static void test_limits(void **state)
{
	char name[NAME_SIZE_MAX + 2];

	(void)state;
	memset(name, 'x', sizeof name);
	assert_int_equal(name_check(bytes_make(name, NAME_COMPONENT_MAX), &err), 0);
	assert_int_equal(
		name_check(bytes_make(name, NAME_COMPONENT_MAX + 1), &err), -ERR_UNSAFE_ARCHIVE);
	for (size_t i = 200; i < sizeof name; i += 200)
		name[i] = '/';
	assert_int_equal(name_check(bytes_make(name, NAME_SIZE_MAX), &err), 0);
	assert_int_equal(
		name_check(bytes_make(name, NAME_SIZE_MAX + 1), &err), -ERR_UNSAFE_ARCHIVE);
}

/* Adds names up to NULL; the last must have the wanted outcome, all before it succeed. */
static void add(int wanted, const char *const *names)
{
	CLEANUP(name_set_cleanup) struct name_set *set = NULL;

	assert_int_equal(name_set_new(&set, &err), 0);
	for (; *names != NULL; names++)
		assert_int_equal(name_set_add(set, *names, &err), names[1] == NULL ? wanted : 0);
}

#define ADD(wanted, ...) add((wanted), (const char *const[]){__VA_ARGS__, NULL})

static void test_set(void **state)
{
	(void)state;
	ADD(0, "a", "b", "c/a", "c/b", "d/c/a");
	ADD(0, "a/b/c", "a/b/d", "a/e", "a/b/f");
	ADD(0, "ab/c", "a", "abc"); /* a prefix is no folder */
	ADD(-ERR_UNSAFE_ARCHIVE, "a/b", "c", "a/b");
	ADD(-ERR_UNSAFE_ARCHIVE, "seeds/README", "seeds/readme");
	ADD(-ERR_UNSAFE_ARCHIVE, "seeds/x", "Seeds/y");
	ADD(-ERR_UNSAFE_ARCHIVE, "a/b/c", "a/B/d");
	ADD(-ERR_UNSAFE_ARCHIVE, "a", "a/b");
	ADD(-ERR_UNSAFE_ARCHIVE, "a/b", "a");
	ADD(-ERR_UNSAFE_ARCHIVE, "a/b/c", "a/b");
	ADD(-ERR_UNSAFE_ARCHIVE, "a/b", "a/b/c/d");
	ADD(-ERR_UNSAFE_ARCHIVE, "A", "a/b");
	ADD(-ERR_UNSAFE_ARCHIVE,
		"stra\xc3\x9f"
		"e",
		"strasse");
	/* A full-width letter and the Kelvin sign look like their Latin letters. */
	ADD(-ERR_UNSAFE_ARCHIVE, "\xef\xbd\x81", "a");
	ADD(-ERR_UNSAFE_ARCHIVE, "k", "\xe2\x84\xaa");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_refuses_with_the_rule),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
