/* SHA256SUMS: what coreutils writes is read, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kit/manifest.h"
#include "kit/sums.h"

#define D1 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define D2 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static struct err err;

static int parse(struct bytes text, struct sums *sums)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;

	return sums_parse(text, &arena, sums, &err);
}

static void test_round_trip(void **state)
{
	static const char text[] = D1 "  migrations/a\n" D2 "  migrations/b c\n" D1 "  sbom/x\n";
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str out = STR_INIT;
	struct sums sums;

	(void)state;
	assert_int_equal(sums_parse(bytes_of_string(text), &arena, &sums, &err), 0);
	assert_int_equal(sums.count, 3);
	assert_string_equal(sums.entries[1].name, "migrations/b c");
	sums_write(&sums, &out);
	assert_string_equal(str_text(&out), text);
}

static void test_refuses(void **state)
{
	static const char *const cases[][2] = {
		{"", "lists no file"},
		{"\n", "too short"},
		{D1 "  a", "the last line has no end"},
		{D1 "  a\n\n", "too short"},
		{D1 "  \n", "too short"},
		{D1 "  a\r\n", "control character"},
		{D1 " *a\n", "two spaces"},
		{D1 " a\n", "too short"},
		{D1 " ab\n", "two spaces"},
		{D1 "\t\ta\n", "two spaces"},
		{"\\" D1 "  a\n", "hexadecimal"},
		{"# comment that is long enough to be a line of a list of checksums, is it\n",
			"hexadecimal"},
		{"SHA256 (a) = " D1 "\n", "hexadecimal"},
		{"E3B0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n",
			"hexadecimal"},
		{" " D1 "  a\n", "hexadecimal"},
		{D1 "  -\n", "\"-\""},
		{D1 "  /etc/passwd\n", "empty component"},
		{D1 "  ../a\n", "\"..\""},
		{D1 "  a\\nb\n", "backslash"},
		{D1 "  b\n" D1 "  a\n", "in order"},
		{D1 "  a\n" D1 "  a\n", "in order"},
		{D1 "  A\n" D1 "  a\n", "only in case"},
		{D1 "  a\n" D1 "  a/b\n", "a file and a folder"},
	};
	struct sums sums;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(parse(bytes_of_string(cases[i][0]), &sums) < 0);
		assert_int_equal(err_exit_code(err.code), 3);
		assert_non_null(strstr(err.message, cases[i][1]));
	}
	assert_int_equal(parse(bytes_make(D1 "  a\0b\n", 70), &sums), -ERR_UNSAFE_ARCHIVE);
}

static void test_limits(void **state)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct sums sums;

	(void)state;
	for (int i = 0; i < MANIFEST_FILES_MAX; i++)
		str_append_format(&text, D1 "  seeds/%07d\n", i);
	assert_int_equal(parse(str_bytes(&text), &sums), 0);
	assert_int_equal(sums.count, MANIFEST_FILES_MAX);
	str_append_format(&text, D1 "  seeds/%07d\n", MANIFEST_FILES_MAX);
	assert_int_equal(parse(str_bytes(&text), &sums), -ERR_LIMIT);
	/* One line as long as the limit breaks another rule; one octet more breaks this one. */
	str_truncate(&text, 0);
	for (int i = 0; i < SUMS_SIZE_MAX / 64; i++)
		str_append_text(&text, D1);
	str_truncate(&text, SUMS_SIZE_MAX - 1);
	str_append_char(&text, '\n');
	assert_int_equal(parse(str_bytes(&text), &sums), -ERR_SYNTAX);
	str_append_char(&text, '\n');
	assert_int_equal(parse(str_bytes(&text), &sums), -ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
