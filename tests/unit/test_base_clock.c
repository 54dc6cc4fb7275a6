/* Times as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"

static void formats(void **state)
{
	static const struct {
		int64_t time;
		const char *text;
		const char *name;
	} cases[] = {
		{0, "1970-01-01T00:00:00Z", "19700101T000000Z"},
		{1, "1970-01-01T00:00:00.001Z", "19700101T000000Z"},
		{-1, "1969-12-31T23:59:59.999Z", "19691231T235959Z"},
		{1766222102000, "2025-12-20T09:15:02Z", "20251220T091502Z"},
		{1766222102120, "2025-12-20T09:15:02.120Z", "20251220T091502Z"},
		{951782400000, "2000-02-29T00:00:00Z", "20000229T000000Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
		{253402300800000, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
		{INT64_MAX, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
		{-62167219200000, "0000-01-01T00:00:00Z", "00000101T000000Z"},
		{INT64_MIN, "0000-01-01T00:00:00Z", "00000101T000000Z"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[RFC3339_SIZE];
		char name[TIME_NAME_SIZE];
		time_format(cases[i].time, text);
		time_format_name(cases[i].time, name);
		assert_string_equal(text, cases[i].text);
		assert_string_equal(name, cases[i].name);
	}
}

static void valid_times(void **state)
{
	static const struct {
		const char *text;
		int64_t time;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2025-12-20T09:15:02Z", 1766222102000},
		{"2025-12-20T10:15:02+01:00", 1766222102000},
		{"2025-12-20T03:45:02-05:30", 1766222102000},
		{"2025-12-20T09:15:02-00:00", 1766222102000},
		{"2025-12-20T09:15:02.1Z", 1766222102100},
		{"2025-12-20T09:15:02.12Z", 1766222102120},
		{"2025-12-20T09:15:02.123Z", 1766222102123},
		{"2025-12-20T09:15:02.123999999Z", 1766222102123},
		{"1969-12-31T23:59:59.999Z", -1},
		{"2000-02-29T00:00:00Z", 951782400000},
		{"2024-02-29T23:59:59Z", 1709251199000},
		{"0000-01-01T00:00:00Z", -62167219200000},
		{"9999-12-31T23:59:59.999Z", 253402300799999},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t time = 0;
		struct err err;
		assert_int_equal(time_parse(cases[i].text, &time, &err), 0);
		assert_int_equal(time, cases[i].time);
	}
}

static void invalid_times(void **state)
{
	static const char *const texts[] = {
		"",
		"2025-12-20",
		"2025-12-20T09:15:02",
		"2025-12-20T09:15Z",
		"2025-12-20 09:15:02Z",
		"2025-12-20t09:15:02Z",
		"2025-12-20T09:15:02z",
		" 2025-12-20T09:15:02Z",
		"2025-12-20T09:15:02Z ",
		"2025-12-20T09:15:02ZZ",
		"20251220T091502Z",
		"25-12-20T09:15:02Z",
		"12025-12-20T09:15:02Z",
		"-2025-12-20T09:15:02Z",
		"2025-00-20T09:15:02Z",
		"2025-13-20T09:15:02Z",
		"2025-12-00T09:15:02Z",
		"2025-12-32T09:15:02Z",
		"2025-11-31T09:15:02Z",
		"2025-02-29T09:15:02Z",
		"1900-02-29T09:15:02Z",
		"2025-12-20T24:00:00Z",
		"2025-12-20T09:60:02Z",
		"2025-12-20T09:15:60Z",
		"2016-12-31T23:59:60Z",
		"2025-12-20T9:15:02Z",
		"2025-12-20T09:15:+2Z",
		"2025-12-20T09:15:02.Z",
		"2025-12-20T09:15:02,5Z",
		"2025-12-20T09:15:02.1234567890Z",
		"2025-12-20T09:15:02+24:00",
		"2025-12-20T09:15:02+01:60",
		"2025-12-20T09:15:02+0100",
		"2025-12-20T09:15:02+01",
		"2025-12-20T09:15:02 01:00",
		"0000-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int64_t time = 42;
		struct err err = {0};
		if (time_parse(texts[i], &time, &err) != -ERR_SYNTAX)
			fail_msg("%s is taken", texts[i]);
		assert_int_equal(time, 42);
	}
}

static void every_day_there_and_back(void **state)
{
	(void)state;
	for (int64_t day = -62167219200000; day < 253402300800000; day += 86400000) {
		char text[RFC3339_SIZE];
		int64_t time = 0;
		struct err err;
		time_format(day + 86399999, text);
		assert_int_equal(time_parse(text, &time, &err), 0);
		assert_int_equal(time, day + 86399999);
	}
}

static void clocks_run_forward(void **state)
{
	(void)state;
	int64_t before = clock_boottime();
	assert_true(clock_boottime() >= before);
	assert_true(clock_now() > INT64_C(1700000000000));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(valid_times),
		cmocka_unit_test(invalid_times),
		cmocka_unit_test(every_day_there_and_back),
		cmocka_unit_test(clocks_run_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
