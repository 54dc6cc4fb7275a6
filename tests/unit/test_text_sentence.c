/* Numbers, sizes and times as an operator reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "text/text.h"

static void counts_have_commas(void **state)
{
	char text[TEXT_COUNT_SIZE];

	(void)state;
	assert_string_equal(text_count(0, text), "0");
	assert_string_equal(text_count(999, text), "999");
	assert_string_equal(text_count(1000, text), "1,000");
	assert_string_equal(text_count(1402118, text), "1,402,118");
	assert_string_equal(text_amount(1402118, "documents", text), "1,402,118");
	assert_string_equal(text_amount(1402118, "octets", text), "1.4 MB");
	assert_string_equal(text_amount(-1, "octets", text), "0 bytes");
	assert_string_equal(text_amount(10000, "milliseconds", text), "10 s");
	assert_string_equal(text_count(-999, text), "-999");
	assert_string_equal(text_count(-1000, text), "-1,000");
	assert_string_equal(text_count(INT64_MAX, text), "9,223,372,036,854,775,807");
	assert_string_equal(text_count(INT64_MIN, text), "-9,223,372,036,854,775,808");
}

static void sizes_have_three_digits(void **state)
{
	static const struct {
		uint64_t octets;
		const char *text;
	} cases[] = {
		{0, "0 bytes"},
		{1, "1 byte"},
		{912, "912 bytes"},
		{999, "999 bytes"},
		{1000, "1 kB"},
		{1004, "1 kB"},
		{1005, "1.01 kB"},
		{9994, "9.99 kB"},
		{9995, "10 kB"},
		{31449, "31.4 kB"},
		{31450, "31.5 kB"},
		{99949, "99.9 kB"},
		{99950, "100 kB"},
		{999499, "999 kB"},
		{999500, "1 MB"},
		{31400000, "31.4 MB"},
		{999499999, "999 MB"},
		{999500000, "1 GB"},
		{1070000000, "1.07 GB"},
		{31000000000, "31 GB"},
		{412000000000, "412 GB"},
		{UINT64_MAX, "18.4 EB"},
	};
	char text[TEXT_SIZE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(text_size(cases[i].octets, text), cases[i].text);
}

static void durations_have_two_parts(void **state)
{
	static const struct {
		int64_t milliseconds;
		const char *duration;
		const char *stopwatch;
	} cases[] = {
		{-5, "under 0.1 s", "0:00"},
		{0, "under 0.1 s", "0:00"},
		{99, "under 0.1 s", "0:00"},
		{100, "0.1 s", "0:00"},
		{400, "0.4 s", "0:00"},
		{999, "0.9 s", "0:00"},
		{1000, "1 s", "0:01"},
		{48999, "48 s", "0:48"},
		{59999, "59 s", "0:59"},
		{60000, "1 min", "1:00"},
		{211000, "3 min 31 s", "3:31"},
		{3599999, "59 min 59 s", "59:59"},
		{3600000, "1 h", "1:00:00"},
		{7509000, "2 h 5 min", "2:05:09"},
		{86399999, "23 h 59 min", "23:59:59"},
		{86400000, "1 d", "24:00:00"},
		{273600000, "3 d 4 h", "76:00:00"},
		{INT64_MAX, "106751991167 d 7 h", "2562047788015:12:55"},
	};
	char text[TEXT_DURATION_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_string_equal(text_duration(cases[i].milliseconds, text), cases[i].duration);
		assert_string_equal(
			text_stopwatch(cases[i].milliseconds, text), cases[i].stopwatch);
	}
}

static void words_follow_their_count(void **state)
{
	struct str out = STR_INIT;

	(void)state;
	text_plural(&out, 1, "file", NULL);
	str_append_char(&out, '|');
	text_plural(&out, 0, "file", NULL);
	str_append_char(&out, '|');
	text_plural(&out, 3000, "index", "indexes");
	str_append_char(&out, '|');
	text_plural(&out, -1, "second", NULL);
	assert_string_equal(str_text(&out), "1 file|0 files|3,000 indexes|-1 seconds");
	str_release(&out);
}

static void mistyped_words_find_their_neighbour(void **state)
{
	static const char *const names[] = {
		"verify", "install", "inspect", "plan", "log", "rollback", NULL};
	char long_word[200];

	(void)state;
	assert_string_equal(text_nearest("verfy", names), "verify");
	assert_string_equal(text_nearest("vreify", names), "verify");
	assert_string_equal(text_nearest("instlal", names), "install");
	assert_string_equal(text_nearest("isntalll", names), "install");
	assert_string_equal(text_nearest("plam", names), "plan");
	assert_string_equal(text_nearest("plan", names), "plan");
	assert_string_equal(text_nearest("lgo", names), "log");
	assert_null(text_nearest("bog2", names));
	assert_null(text_nearest("", names));
	assert_null(text_nearest("rolbakcs!", names));
	memset(long_word, 'a', sizeof long_word - 1);
	long_word[sizeof long_word - 1] = '\0';
	assert_null(text_nearest(long_word, names));
	long_word[64] = '\0';
	assert_string_equal(
		text_nearest(long_word, (const char *const[]){long_word + 1, NULL}), long_word + 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_have_commas),
		cmocka_unit_test(sizes_have_three_digits),
		cmocka_unit_test(durations_have_two_parts),
		cmocka_unit_test(words_follow_their_count),
		cmocka_unit_test(mistyped_words_find_their_neighbour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
