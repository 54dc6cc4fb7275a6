/*
 * The classes of nst/JSONTestSuite: every text has its verdict, and every refusal names the first
 * octet that is bad.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "json/json.h"
#include "json_suite_values.h"

static int parse(const char *text, size_t size, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;

	*err = (struct err){0};
	return json_parse(bytes_make(text, size), JSON_LIMITS(1 << 20), &doc, err);
}

/* Where the message says that it is, 0 and 0 if nowhere. */
static void place_of(const struct err *err, unsigned *ret_line, unsigned *ret_column)
{
	*ret_line = *ret_column = 0;
	(void)sscanf(err->message, "line %u, column %u:", ret_line, ret_column);
}

/* The octet at a line and column, counted as the reader promises to. */
static size_t offset_of(const struct json_case *test)
{
	unsigned line = 1, column = 1;
	size_t i = 0;

	for (; i < test->size && (line < test->line || column < test->column); i++) {
		/* A character counts when its last octet is behind. */
		bool last = i + 1 == test->size || (test->text[i + 1] & 0xC0) != 0x80;
		if (test->text[i] == '\n') {
			line++;
			column = 1;
		} else if (last) {
			column++;
		}
	}
	return i;
}

/*
 * What stands before a bad octet could still have become something: cut there, the text is good or
 * is refused at its end, never before.
 */
static void check_what_stands_before(const struct json_case *test)
{
	size_t offset = offset_of(test);
	unsigned line, column;
	struct err err;

	if (parse(test->text, offset, &err) == 0)
		return;
	place_of(&err, &line, &column);
	if (line != test->line || column != test->column)
		fail_msg("%s: without the bad octet: %s", test->name, err.message);
}

static void check(const struct json_case *test)
{
	unsigned line, column;
	struct err err;
	int rc = parse(test->text, test->size, &err);

	if (test->line == 0) {
		if (rc != 0)
			fail_msg("%s: refused: %s", test->name, err.message);
		return;
	}
	if (rc != -ERR_SYNTAX && rc != -ERR_LIMIT)
		fail_msg("%s: accepted", test->name);
	place_of(&err, &line, &column);
	if (line != test->line || column != test->column)
		fail_msg("%s: at %u, %u, not %u, %u: %s", test->name, line, column, test->line,
			test->column, err.message);
	if (!test->at_start)
		check_what_stands_before(test);
}

#define CHECK_ALL(cases)                                                                           \
	for (size_t i = 0; i < sizeof(cases) / sizeof *(cases); i++)                               \
	check(&(cases)[i])

static void structures(void **state)
{
	(void)state;
	CHECK_ALL(json_structure);
}

static void arrays(void **state)
{
	(void)state;
	CHECK_ALL(json_arrays);
}

static void objects(void **state)
{
	(void)state;
	CHECK_ALL(json_objects);
}

static void numbers(void **state)
{
	(void)state;
	CHECK_ALL(json_numbers);
}

static void strings(void **state)
{
	(void)state;
	CHECK_ALL(json_strings);
}

/* n_structure_100000_opening_arrays and its like, which no table holds. */
static void structures_without_end(void **state)
{
	static const struct {
		const char *name, *part;
		size_t count;
		unsigned column;
	} cases[] = {
		{"i_structure_500_nested_arrays", "[", 500, 33},
		{"n_structure_100000_opening_arrays", "[", 100000, 33},
		{"n_structure_open_array_object", "[{\"\":", 50000, 81},
		{"n_structure_opening_objects", "{\"a\":", 50000, 161},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP_STR struct str text = STR_INIT;
		unsigned line, column;
		struct err err;
		for (size_t n = 0; n < cases[i].count; n++)
			str_append_text(&text, cases[i].part);
		int rc = parse(str_text(&text), text.size, &err);
		place_of(&err, &line, &column);
		if (rc != -ERR_LIMIT || line != 1 || column != cases[i].column)
			fail_msg("%s: %d %s", cases[i].name, rc, err.message);
	}
}

/* Every octet that is no JSON by itself, at each kind of place; and all that are no UTF-8. */
static void single_octets(void **state)
{
	static const char values[] = "0123456789";
	struct err err;

	(void)state;
	for (int octet = 0; octet < 256; octet++) {
		const char alone[] = {(char)octet};
		const char in_string[] = {'"', (char)octet, '"'};
		const char escaped[] = {'"', '\\', (char)octet, '"'};
		bool value = octet != 0 && strchr(values, octet) != NULL;
		bool plain = octet >= 0x20 && octet < 0x80 && octet != '"' && octet != '\\';
		bool letter = octet != 0 && strchr("\"\\/bfnrt", octet) != NULL;
		assert_int_equal(parse(alone, 1, &err) == 0, value);
		assert_int_equal(parse(in_string, 3, &err) == 0, plain);
		assert_int_equal(parse(escaped, 4, &err) == 0, letter);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(structures),
		cmocka_unit_test(arrays),
		cmocka_unit_test(objects),
		cmocka_unit_test(numbers),
		cmocka_unit_test(strings),
		cmocka_unit_test(structures_without_end),
		cmocka_unit_test(single_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
