/* Semantic Versioning 2.0.0: what is one, by each rule on both sides, and which comes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kit/manifest.h"

static void valid(void **state)
{
	static const char *const versions[] = {
		"0.0.0",
		"0.0.4",
		"1.2.3",
		"10.20.30",
		"999999999999999999999.0.0",
		"1.0.0-0",
		"1.0.0-a",
		"1.0.0-alpha.1",
		"1.0.0-alpha.beta.1",
		"1.0.0-0A.is.legal",
		"1.0.0-0a",
		"1.0.0--",
		"1.0.0----.-.--",
		"1.0.0-00a",
		"1.0.0-x-y-z.--",
		"1.0.0-1.0.10",
		"1.0.0+0",
		"1.0.0+001",
		"1.0.0+20130313144700",
		"1.0.0+a.b-c",
		"1.0.0+-",
		"1.0.0-rc.1+build.1",
		"1.0.0-0+00",
		"2.0.0+build.1848",
		"1.0.0-alpha-a.b-c+d.e",
		"1.1.2-prerelease+meta",
		"1.0.0+0.build.1-rc.10000aaa-kk-0.1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
		if (!version_valid(versions[i]))
			fail_msg("%s", versions[i]);
}

static void invalid(void **state)
{
	static const char *const versions[] = {
		"",
		"1",
		"1.2",
		"1.2.",
		"1.2.3.",
		".1.2.3",
		"1..3",
		"1.2.3.4",
		"01.2.3",
		"1.02.3",
		"1.2.03",
		"00.0.0",
		"v1.2.3",
		"V1.2.3",
		"=1.2.3",
		"1.2.3-",
		"1.2.3+",
		"1.2.3-+",
		"1.2.3-+a",
		"1.2.3-a+",
		"1.2.3-a..b",
		"1.2.3-.a",
		"1.2.3-a.",
		"1.2.3-01",
		"1.2.3-a.00",
		"1.2.3-0.01",
		"1.2.3+a+b",
		"1.2.3+a..b",
		"1.2.3+.a",
		"1.2.3-a_b",
		"1.2.3+a_b",
		"1.2.3-\xc3\xa9",
		" 1.2.3",
		"1.2.3 ",
		"1.2. 3",
		"1.2.3\n",
		"\t1.2.3",
		"-1.2.3",
		"+1.2.3",
		"1.-2.3",
		"1.2.x",
		"1.2.*",
		"a.b.c",
		"1,2,3",
		"1.2.3-a b",
		"1.2.3~rc1",
		"1.2-3",
		"1.2+3",
		"alpha",
		"1.2.3-\xd9\xa1",
		"0x1.0.0",
		"1e1.0.0",
		"1.2.3-a/b",
		"1.2.3+../..",
	};

	(void)state;
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
		if (version_valid(versions[i]))
			fail_msg("\"%s\"", versions[i]);
}

/* Section 11, each step of it: from low to high, in groups that are equal. */
static void precedence(void **state)
{
	static const char *const rising[][3] = {
		{"0.0.0-0"},
		{"0.0.0"},
		{"0.0.1"},
		{"0.1.0"},
		{"0.9.9"},
		{"0.10.0"},
		{"1.0.0-0"},
		{"1.0.0-1", "1.0.0-1+x"},
		{"1.0.0-1.0"},
		{"1.0.0-2"},
		{"1.0.0-10"},
		{"1.0.0-99999999999999999999"},
		{"1.0.0-100000000000000000000"},
		{"1.0.0--"},
		{"1.0.0--1"},
		{"1.0.0-0a"},
		{"1.0.0-A"},
		{"1.0.0-Z"},
		{"1.0.0-a"},
		{"1.0.0-a.0"},
		{"1.0.0-a.a"},
		{"1.0.0-aa"},
		{"1.0.0-alpha"},
		{"1.0.0-alpha.1"},
		{"1.0.0-alpha.beta"},
		{"1.0.0-beta"},
		{"1.0.0-beta.2"},
		{"1.0.0-beta.11"},
		{"1.0.0-rc.1"},
		{"1.0.0", "1.0.0+a", "1.0.0+b.1"},
		{"1.0.1-a"},
		{"1.0.1"},
		{"1.9.0"},
		{"1.10.0"},
		{"2.0.0"},
		{"10.0.0"},
		{"18446744073709551616.0.0"},
		{"18446744073709551617.0.0"},
	};
	enum { COUNT = sizeof rising / sizeof *rising };

	(void)state;
	for (int i = 0; i < COUNT; i++)
		for (int k = 0; k < COUNT; k++)
			for (int n = 0; n < 9; n++) {
				const char *a = rising[i][n / 3], *b = rising[k][n % 3];
				if (a == NULL || b == NULL)
					continue;
				assert_true(version_valid(a));
				if (version_compare(a, b) != (i > k) - (i < k))
					fail_msg("%s, %s", a, b);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid),
		cmocka_unit_test(invalid),
		cmocka_unit_test(precedence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
