/* The strict reader: what it takes, what it refuses and where it says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "json/json.h"

/* A text with its size, for octets that a C string cannot hold. */
#define TEXT(literal) literal, sizeof(literal) - 1

static int parse(const char *text, size_t size, struct json_doc **ret_doc, struct err *err)
{
	return json_parse(bytes_make(text, size), JSON_LIMITS(1 << 20), ret_doc, err);
}

static void valid_texts(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		enum json_type type;
	} cases[] = {
		/* any value may be the whole text */
		{TEXT("null"), JSON_NULL},
		{TEXT("true"), JSON_BOOL},
		{TEXT("false"), JSON_BOOL},
		{TEXT("0"), JSON_NUMBER},
		{TEXT("\"\""), JSON_STRING},
		{TEXT("[]"), JSON_ARRAY},
		{TEXT("{}"), JSON_OBJECT},
		{TEXT(" \t\r\n[ \t\r\n] \t\r\n"), JSON_ARRAY},
		{TEXT(" { } "), JSON_OBJECT},
		/* arrays and objects */
		{TEXT("[1,null,[[]],{\"a\":[]}]"), JSON_ARRAY},
		{TEXT("[ 1 , 2 ]"), JSON_ARRAY},
		{TEXT("{\"\":0}"), JSON_OBJECT},
		{TEXT("{\"a\" : 1 , \"b\":{\"a\":1}}"), JSON_OBJECT},
		{TEXT("{\"a\":1,\"A\":2}"), JSON_OBJECT},
		{TEXT("{\"a\":{\"a\":1},\"b\":{\"a\":1}}"), JSON_OBJECT},
		{TEXT("[{\"a\":1},{\"a\":1}]"), JSON_ARRAY},
		/* numbers */
		{TEXT("-0"), JSON_NUMBER},
		{TEXT("-1"), JSON_NUMBER},
		{TEXT("10"), JSON_NUMBER},
		{TEXT("0.5"), JSON_NUMBER},
		{TEXT("1E22"), JSON_NUMBER},
		{TEXT("1e-2"), JSON_NUMBER},
		{TEXT("1e+2"), JSON_NUMBER},
		{TEXT("123.456e78"), JSON_NUMBER},
		{TEXT("0e1"), JSON_NUMBER},
		{TEXT("0e+1"), JSON_NUMBER},
		{TEXT("0.0e-99999"), JSON_NUMBER},
		{TEXT("-0.0"), JSON_NUMBER},
		{TEXT("9007199254740991"), JSON_NUMBER},
		{TEXT("-9007199254740991"), JSON_NUMBER},
		{TEXT("9007199254740991.4"), JSON_NUMBER},
		{TEXT("1e21"), JSON_NUMBER},
		{TEXT("-1e21"), JSON_NUMBER},
		{TEXT("1.7976931348623157e308"), JSON_NUMBER},
		{TEXT("5e-324"), JSON_NUMBER},
		{TEXT("1e300"), JSON_NUMBER},
		{TEXT("0.0000000000000000000000000000000000000000000000000000000000001"),
			JSON_NUMBER},
		/* strings */
		{TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), JSON_STRING},
		{TEXT("\"\\u0001\\u007f\\u00e9\\uFFFD\""), JSON_STRING},
		{TEXT("\"\\ud83d\\ude00\\uD800\\uDC00\\udbff\\udffd\""), JSON_STRING},
		{TEXT("\"\x7f\u00e9\u20ac\U0001F600\""), JSON_STRING},
		{TEXT("\"\u2028\u2029\ufeff\""), JSON_STRING},
		{TEXT("\"\xf4\x8f\xbf\xbd\xef\xbf\xbd\""), JSON_STRING},
		{TEXT("\"/ // /* */ ' # \""), JSON_STRING},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(json_cleanup) struct json_doc *doc = NULL;
		struct err err = {0};
		if (parse(cases[i].text, cases[i].size, &doc, &err) != 0)
			fail_msg("%s: %s", cases[i].text, err.message);
		assert_int_equal(json_type(json_root(doc)), cases[i].type);
	}
}

static void invalid_texts(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *message;
	} cases[] = {
		/* structure */
		{TEXT(""), "line 1, column 1: the text ends where a value is expected"},
		{TEXT(" \n "), "line 2, column 2: the text ends where a value is expected"},
		{TEXT("["), "line 1, column 2: the text ends where a value is expected"},
		{TEXT("]"), "line 1, column 1: a value is expected"},
		{TEXT("[1"), "line 1, column 3: a comma or ] is expected"},
		{TEXT("[1}"), "line 1, column 3: a comma or ] is expected"},
		{TEXT("[1 2]"), "line 1, column 4: a comma or ] is expected"},
		{TEXT("[1,]"), "line 1, column 4: a value is expected"},
		{TEXT("[,1]"), "line 1, column 2: a value is expected"},
		{TEXT("[1,,2]"), "line 1, column 4: a value is expected"},
		{TEXT("[1:2]"), "line 1, column 3: a comma or ] is expected"},
		{TEXT("[]]"), "line 1, column 3: something follows the end"},
		{TEXT("[] x"), "line 1, column 4: something follows the end"},
		{TEXT("1 1"), "line 1, column 3: something follows the end"},
		{TEXT("{}\n{}"), "line 2, column 1: something follows the end"},
		{TEXT("[]\0"), "line 1, column 3: something follows the end"},
		{TEXT("\0"), "line 1, column 1: a value is expected"},
		{TEXT("{"), "line 1, column 2: a name in quotes is expected"},
		{TEXT("{\"a\""), "line 1, column 5: a colon is expected"},
		{TEXT("{\"a\":"), "line 1, column 6: the text ends where a value is expected"},
		{TEXT("{\"a\":1"), "line 1, column 7: a comma or } is expected"},
		{TEXT("{\"a\":1]"), "line 1, column 7: a comma or } is expected"},
		{TEXT("{\"a\":1,}"), "line 1, column 8: a name in quotes is expected"},
		{TEXT("{\"a\" 1}"), "line 1, column 6: a colon is expected"},
		{TEXT("{\"a\",1}"), "line 1, column 5: a colon is expected"},
		{TEXT("{a:1}"), "line 1, column 2: a name in quotes is expected"},
		{TEXT("{'a':1}"), "line 1, column 2: a name in quotes is expected"},
		{TEXT("{1:1}"), "line 1, column 2: a name in quotes is expected"},
		{TEXT("{[]:1}"), "line 1, column 2: a name in quotes is expected"},
		{TEXT("{:1}"), "line 1, column 2: a name in quotes is expected"},
		{TEXT("{\"a\":1 \"b\":2}"), "line 1, column 8: a comma or } is expected"},
		/* what is no white space, and no comment */
		{TEXT("\xef\xbb\xbf{}"), "line 1, column 1: a value is expected"},
		{TEXT("\f[]"), "line 1, column 1: a value is expected"},
		{TEXT("\v1"), "line 1, column 1: a value is expected"},
		{TEXT("\u00a0[]"), "line 1, column 1: a value is expected"},
		{TEXT("\u2060[]"), "line 1, column 1: a value is expected"},
		{TEXT("[]//x"), "line 1, column 3: something follows the end"},
		{TEXT("/**/[]"), "line 1, column 1: a value is expected"},
		{TEXT("[] #"), "line 1, column 4: something follows the end"},
		{TEXT("[\0]"), "line 1, column 2: a value is expected"},
		/* literals */
		{TEXT("True"), "line 1, column 1: a value is expected"},
		{TEXT("NULL"), "line 1, column 1: a value is expected"},
		{TEXT("tru"), "line 1, column 4: true, false or null is expected"},
		{TEXT("nul"), "line 1, column 4: true, false or null is expected"},
		{TEXT("nullx"), "line 1, column 5: something follows the end"},
		{TEXT("undefined"), "line 1, column 1: a value is expected"},
		{TEXT("NaN"), "line 1, column 1: a value is expected"},
		{TEXT("Infinity"), "line 1, column 1: a value is expected"},
		{TEXT("-Infinity"), "line 1, column 2: a digit is expected"},
		{TEXT("-NaN"), "line 1, column 2: a digit is expected"},
		/* numbers */
		{TEXT("-"), "line 1, column 2: a digit is expected"},
		{TEXT("--1"), "line 1, column 2: a digit is expected"},
		{TEXT("+1"), "line 1, column 1: a value is expected"},
		{TEXT(".5"), "line 1, column 1: a value is expected"},
		{TEXT("-.5"), "line 1, column 2: a digit is expected"},
		{TEXT("01"), "line 1, column 1: a number that begins with 0"},
		{TEXT("-01"), "line 1, column 1: a number that begins with 0"},
		{TEXT("00"), "line 1, column 1: a number that begins with 0"},
		{TEXT("1."), "line 1, column 3: a digit is expected"},
		{TEXT("1.e1"), "line 1, column 3: a digit is expected"},
		{TEXT("1e"), "line 1, column 3: a digit is expected"},
		{TEXT("1e+"), "line 1, column 4: a digit is expected"},
		{TEXT("1e+-1"), "line 1, column 4: a digit is expected"},
		{TEXT("1e1.5"), "line 1, column 4: something follows the end"},
		{TEXT("0x1"), "line 1, column 2: something follows the end"},
		{TEXT("1_000"), "line 1, column 2: something follows the end"},
		{TEXT("1a"), "line 1, column 2: something follows the end"},
		{TEXT("1\xef\xbc\x91"), "line 1, column 2: something follows the end"},
		{TEXT("[1e400]"), "line 1, column 2: a number that is too large"},
		{TEXT("[-1e400]"), "line 1, column 2: a number that is too large"},
		{TEXT("1.7976931348623159e308"), "line 1, column 1: a number that is too large"},
		{TEXT("1e-400"), "line 1, column 1: a number that is too small"},
		{TEXT("2e-324"), "line 1, column 1: a number that is too small"},
		{TEXT("-0.01e-323"), "line 1, column 1: a number that is too small"},
		{TEXT("9007199254740992"), "line 1, column 1: an integer beyond 2^53 - 1"},
		{TEXT("-9007199254740992"), "line 1, column 1: an integer beyond 2^53 - 1"},
		{TEXT("9007199254740993"), "line 1, column 1: an integer beyond 2^53 - 1"},
		{TEXT("9007199254740991.6"), "line 1, column 1: an integer beyond 2^53 - 1"},
		{TEXT("-9007199254740992.0"), "line 1, column 1: an integer beyond 2^53 - 1"},
		{TEXT("1e20"), "line 1, column 1: an integer beyond 2^53 - 1"},
		{TEXT("9.999999999999999e20"), "line 1, column 1: an integer beyond 2^53 - 1"},
		{TEXT("100000000000000000000"), "line 1, column 1: an integer beyond 2^53 - 1"},
		/* strings */
		{TEXT("\""), "line 1, column 2: the text ends inside of a string"},
		{TEXT("\"a"), "line 1, column 3: the text ends inside of a string"},
		{TEXT("\"\\\""), "line 1, column 4: the text ends inside of a string"},
		{TEXT("'a'"), "line 1, column 1: a value is expected"},
		{TEXT("\"a\0b\""), "line 1, column 3: a control character in a string"},
		{TEXT("\"\x1f\""), "line 1, column 2: a control character in a string"},
		{TEXT("\"a\nb\""), "line 1, column 3: a control character in a string"},
		{TEXT("\"\t\""), "line 1, column 2: a control character in a string"},
		{TEXT("\"\\x41\""), "line 1, column 3: an unknown escape"},
		{TEXT("\"\\'\""), "line 1, column 3: an unknown escape"},
		{TEXT("\"\\0\""), "line 1, column 3: an unknown escape"},
		{TEXT("\"\\U0041\""), "line 1, column 3: an unknown escape"},
		{TEXT("\"\\\0\""), "line 1, column 3: an unknown escape"},
		{TEXT("\"\\"), "line 1, column 3: an unknown escape"},
		{TEXT("\"\\\u00e9\""), "line 1, column 3: an unknown escape"},
		{TEXT("\"\\u\""), "line 1, column 4: four hexadecimal digits are expected"},
		{TEXT("\"\\u12"), "line 1, column 6: four hexadecimal digits are expected"},
		{TEXT("\"\\u00G0\""), "line 1, column 6: four hexadecimal digits are expected"},
		{TEXT("\"\\u0000\""), "line 1, column 2: U+0000 in a string"},
		{TEXT("\"\\ud800\""), "line 1, column 2: a lone surrogate"},
		{TEXT("\"\\udc00\""), "line 1, column 2: a lone surrogate"},
		{TEXT("\"a\\ud83dx\""), "line 1, column 3: a lone surrogate"},
		{TEXT("\"\\ud83d\\n\""), "line 1, column 2: a lone surrogate"},
		{TEXT("\"\\ud83d\\u0041\""), "line 1, column 2: a lone surrogate"},
		{TEXT("\"\\ud83d\\ud83d\""), "line 1, column 2: a lone surrogate"},
		{TEXT("\"\\ude00\\ud83d\""), "line 1, column 2: a lone surrogate"},
		{TEXT("\"\\ud83d\\u00\""),
			"line 1, column 12: four hexadecimal digits are expected"},
		/* octets that are no UTF-8 */
		{TEXT("\"\xff\""), "line 1, column 2: invalid UTF-8"},
		{TEXT("\"\u00e9\x80\""), "line 1, column 3: invalid UTF-8"},
		{TEXT("\"\xc0\x80\""), "line 1, column 2: invalid UTF-8"},
		{TEXT("\"\xed\xa0\x80\""), "line 1, column 2: invalid UTF-8"},
		{TEXT("\"\xf4\x90\x80\x80\""), "line 1, column 2: invalid UTF-8"},
		{TEXT("\"\xe2\x82\""), "line 1, column 2: invalid UTF-8"},
		{TEXT("\"\xe2\x82"), "line 1, column 2: invalid UTF-8"},
		{TEXT("{\"\xff\":1}"), "line 1, column 3: invalid UTF-8"},
		{TEXT("[\xff]"), "line 1, column 2: a value is expected"},
		{TEXT("\xff\xfe[\0]\0"), "line 1, column 1: a value is expected"},
		/* duplicate names, also when they are written differently; the first of them is
		   named */
		{TEXT("{\"a\":1,\"a\":1}"), "line 1, column 8: the name \"a\" is there twice"},
		{TEXT("{\"a\":1,\n \"b\":2,\n \"\\u0061\":3}"),
			"line 3, column 2: the name \"a\" is there twice"},
		{TEXT("{\"\":1,\"\":1}"), "line 1, column 7: the name \"\" is there twice"},
		{TEXT("{\"\\ud83d\\ude00\":1,\"\U0001F600\":2}"),
			"line 1, column 19: the name \"\U0001F600\" is there twice"},
		{TEXT("{\"\\u202e\":1,\"\\u202E\":2}"),
			"line 1, column 13: the name \"\\u{202e}\" is there twice"},
		{TEXT("[{\"b\":{},\"x\":{\"a\":0},\"c\":0,\"b\":1,\"x\":2}]"),
			"line 1, column 28: the name \"b\" is there twice"},
		{TEXT("{\"x\":{\"a\":1,\"a\":2}}"),
			"line 1, column 13: the name \"a\" is there twice"},
		{TEXT("{\"a\":1,\"a\":1,\"a\":1}"),
			"line 1, column 8: the name \"a\" is there twice"},
		/* lines and columns */
		{TEXT("{\n  \"a\": 1,\n  \"b\": tru\n}"),
			"line 3, column 11: true, false or null is expected"},
		{TEXT("[\"\u00e9\u20ac\U0001F600\" x]"),
			"line 1, column 8: a comma or ] is expected"},
		{TEXT("[\r\nx]"), "line 2, column 1: a value is expected"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json_doc *doc = NULL;
		struct err err = {0};
		int rc = parse(cases[i].text, cases[i].size, &doc, &err);
		if (rc != -ERR_SYNTAX)
			fail_msg("case %zu: %s: %d", i, cases[i].text, rc);
		assert_string_equal(err.message, cases[i].message);
		assert_null(doc);
	}
}

static void sizes_are_limited(void **state)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct json_doc *none = NULL;
	struct err err;

	(void)state;
	assert_int_equal(json_parse(bytes_make("[1]", 3), JSON_LIMITS(3), &doc, &err), 0);
	assert_int_equal(json_parse(bytes_make("[1]", 3), JSON_LIMITS(2), &none, &err), -ERR_LIMIT);
	assert_string_equal(err.message, "larger than 2 octets");
	assert_null(none);
}

/* A database's strings may have them, and a journal quotes a database's strings. */
static void noncharacters_in_our_own(void **state)
{
	static const char text[] = "[\"\xef\xbf\xbf\\uFDD0\\ud83f\\udfff\"]";
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct json_doc *none = NULL;
	struct err err;

	(void)state;
	assert_int_equal(json_parse(bytes_of_string(text), JSON_LIMITS_OWN(100), &doc, &err), 0);
	assert_int_equal(
		json_parse(bytes_of_string(text), JSON_LIMITS(100), &none, &err), -ERR_SYNTAX);
	assert_string_equal(err.message, "line 1, column 3: a noncharacter in a string");
}

static int parse_nested(const char *open, const char *close, unsigned depth, unsigned limit)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct err err;

	for (unsigned i = 0; i < depth; i++)
		str_append_text(&text, open);
	str_append_text(&text, "0");
	for (unsigned i = 0; i < depth; i++)
		str_append_text(&text, close);
	return json_parse(str_bytes(&text), &(struct json_limits){.size = 1 << 20, .depth = limit},
		&doc, &err);
}

static void depth_is_limited(void **state)
{
	(void)state;
	assert_int_equal(parse_nested("[", "]", 32, JSON_DEPTH_MAX), 0);
	assert_int_equal(parse_nested("[", "]", 33, JSON_DEPTH_MAX), -ERR_LIMIT);
	assert_int_equal(parse_nested("[", "]", 33, 1000), -ERR_LIMIT);
	assert_int_equal(parse_nested("{\"a\":", "}", 32, JSON_DEPTH_MAX), 0);
	assert_int_equal(parse_nested("{\"a\":", "}", 33, JSON_DEPTH_MAX), -ERR_LIMIT);
	assert_int_equal(parse_nested("[", "]", 2, 2), 0);
	assert_int_equal(parse_nested("[", "]", 3, 2), -ERR_LIMIT);
	assert_int_equal(parse_nested("[", "]", 0, 0), 0);
	assert_int_equal(parse_nested("[", "]", 1, 0), -ERR_LIMIT);
	assert_int_equal(parse_nested("[", "", 100000, JSON_DEPTH_MAX), -ERR_LIMIT);
	/* siblings do not add up */
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct err err;
	assert_int_equal(json_parse(bytes_of_string("[[],[],{},[]]"),
				 &(struct json_limits){.size = 100, .depth = 2}, &doc, &err),
		0);
}

static void long_numbers_are_refused(void **state)
{
	/* 63 characters, which is what the library's buffer holds */
	static const char longest[] =
		"0.1234567890123456789012345678901234567890123456789012345678901";
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct json_doc *none = NULL;
	char over[sizeof longest + 1];
	struct err err;

	(void)state;
	assert_int_equal(strlen(longest), 63);
	assert_int_equal(parse(longest, strlen(longest), &doc, &err), 0);
	assert_true(json_number(json_root(doc)) == 0.12345678901234568);
	(void)snprintf(over, sizeof over, "%s2", longest);
	assert_int_equal(parse(over, strlen(over), &none, &err), -ERR_LIMIT);
	assert_string_equal(err.message, "line 1, column 1: a number with more than 63 characters");
}

static int parse_many(size_t count)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct err err;

	str_append_char(&text, '[');
	for (size_t i = 1; i < count; i++)
		str_append_text(&text, i > 1 ? ",0" : "0");
	str_append_char(&text, ']');
	return json_parse(str_bytes(&text), JSON_LIMITS(64 << 20), &doc, &err);
}

static void the_number_of_values_is_limited(void **state)
{
	(void)state;
	assert_int_equal(parse_many(4 * 1024 * 1024), 0);
	assert_int_equal(parse_many(4 * 1024 * 1024 + 1), -ERR_LIMIT);
}

/* With a quadratic search this would take minutes. */
static void duplicates_among_many(void **state)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct json_doc *none = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct err err;

	(void)state;
	for (int i = 0; i < 100000; i++)
		str_append_format(&text, "%c\"%06d\":0", i == 0 ? '{' : ',', i);
	str_append_char(&text, '}');
	assert_int_equal(json_parse(str_bytes(&text), JSON_LIMITS(8 << 20), &doc, &err), 0);
	assert_int_equal(json_count(json_root(doc)), 100000);
	str_truncate(&text, text.size - 1);
	str_append_text(&text, ",\n\"054321\":1}");
	assert_int_equal(
		json_parse(str_bytes(&text), JSON_LIMITS(8 << 20), &none, &err), -ERR_SYNTAX);
	assert_string_equal(err.message, "line 2, column 1: the name \"054321\" is there twice");
}

static void a_text_needs_no_terminator(void **state)
{
	static const char text[] = "[12]34";
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct err err;

	(void)state;
	assert_int_equal(parse(text, 4, &doc, &err), 0);
	assert_int_equal(json_integer(json_first(json_root(doc))), 12);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_texts),
		cmocka_unit_test(invalid_texts),
		cmocka_unit_test(sizes_are_limited),
		cmocka_unit_test(noncharacters_in_our_own),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(long_numbers_are_refused),
		cmocka_unit_test(the_number_of_values_is_limited),
		cmocka_unit_test(duplicates_among_many),
		cmocka_unit_test(a_text_needs_no_terminator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
