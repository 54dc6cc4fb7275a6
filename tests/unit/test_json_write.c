/* The writer, ECMAScript's numbers and the two canonical forms. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "json/json_write.h"

static struct json_doc *parsed(const char *text)
{
	struct json_doc *doc = NULL;
	struct err err = {0};

	if (json_parse(bytes_of_string(text), JSON_LIMITS(1 << 20), &doc, &err) != 0)
		fail_msg("%s: %s", text, err.message);
	return doc;
}

static void assert_number(double number, const char *expected)
{
	CLEANUP_STR struct str out = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &out);
	json_write_number(&writer, number);
	assert_string_equal(str_text(&out), expected);
	assert_true(strtod(expected, NULL) == number);
}

/* RFC 8785 appendix B, and the borders of ECMA-262's cases. */
static void numbers_are_the_shortest(void **state)
{
	static const struct {
		uint64_t bits;
		const char *text;
	} cases[] = {
		{0x0000000000000000, "0"},
		{0x8000000000000000, "0"},
		{0x0000000000000001, "5e-324"},
		{0x8000000000000001, "-5e-324"},
		{0x7fefffffffffffff, "1.7976931348623157e+308"},
		{0xffefffffffffffff, "-1.7976931348623157e+308"},
		{0x4340000000000000, "9007199254740992"},
		{0xc340000000000000, "-9007199254740992"},
		{0x4430000000000000, "295147905179352830000"},
		{0x44b52d02c7e14af5, "9.999999999999997e+22"},
		{0x44b52d02c7e14af6, "1e+23"},
		{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
		{0x444b1ae4d6e2ef4e, "999999999999999700000"},
		{0x444b1ae4d6e2ef4f, "999999999999999900000"},
		{0x444b1ae4d6e2ef50, "1e+21"},
		{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
		{0x3eb0c6f7a0b5ed8d, "0.000001"},
		{0x41b3de4355555553, "333333333.3333332"},
		{0x41b3de4355555554, "333333333.33333325"},
		{0x41b3de4355555555, "333333333.3333333"},
		{0x41b3de4355555556, "333333333.3333334"},
		{0x41b3de4355555557, "333333333.33333343"},
		{0xbecbf647612f3696, "-0.0000033333333333333333"},
		{0x43143ff3c1cb0959, "1424953923781206.2"},
		/* powers of two where the nearest decimal of 16 digits does not read back */
		{0x3d30000000000000, "5.684341886080802e-14"},
		{0x0010000000000000, "2.2250738585072014e-308"},
		{0x000fffffffffffff, "2.225073858507201e-308"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		double number;
		memcpy(&number, &cases[i].bits, sizeof number);
		assert_number(number, cases[i].text);
	}
	assert_number(0.1, "0.1");
	assert_number(0.5, "0.5");
	assert_number(-1.5, "-1.5");
	assert_number(100, "100");
	assert_number(123456789012345680000.0, "123456789012345680000");
	assert_number(1e-7, "1e-7");
	assert_number(0.00001234, "0.00001234");
	assert_number(9007199254740991.0, "9007199254740991");
	assert_number(1.0 / 3, "0.3333333333333333");
}

static void whole_document(void **state)
{
	CLEANUP(json_cleanup) struct json_doc *doc = parsed("{\"z\" : [1, {\"b\":2,\"a\":null}]}");
	CLEANUP_STR struct str out = STR_INIT;
	struct json_writer writer;

	(void)state;
	json_write_begin(&writer, &out);
	json_write_object(&writer);
	json_member_string(&writer, "s", "a\"b");
	json_member_integer(&writer, "i", -42);
	json_member_integer(&writer, "max", INT64_C(9007199254740991));
	json_member_number(&writer, "n", 0.25);
	json_member_bool(&writer, "t", true);
	json_member_null(&writer, "x");
	json_member_time(&writer, "at", INT64_C(1766222102123));
	json_member_value(&writer, "v", json_root(doc));
	json_member_array(&writer, "list");
	json_write_end(&writer);
	json_member_array(&writer, "list2");
	json_write_integer(&writer, 1);
	json_write_bool(&writer, false);
	json_write_null(&writer);
	json_write_object(&writer);
	json_write_end(&writer);
	json_write_array(&writer);
	json_write_string_n(&writer, "xyz", 2);
	json_write_end(&writer);
	json_write_end(&writer);
	json_member_object(&writer, "o");
	json_member_string(&writer, "k", "");
	json_write_end(&writer);
	json_write_end(&writer);
	assert_string_equal(str_text(&out),
		"{\"s\":\"a\\\"b\",\"i\":-42,\"max\":9007199254740991,\"n\":0.25,\"t\":true,"
		"\"x\":null,\"at\":\"2025-12-20T09:15:02.123Z\","
		"\"v\":{\"z\":[1,{\"b\":2,\"a\":null}]},\"list\":[],"
		"\"list2\":[1,false,null,{},[\"xy\"]],\"o\":{\"k\":\"\"}}");
	CLEANUP(json_cleanup) struct json_doc *again = parsed(str_text(&out));
	assert_int_equal(json_count(json_root(again)), 11);
}

static void assert_string(const char *text, size_t size, const char *written)
{
	CLEANUP_STR struct str out = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &out);
	json_write_string_n(&writer, text, size);
	assert_string_equal(str_text(&out), written);
	json_release(parsed(str_text(&out)));
}

static void strings_are_always_json(void **state)
{
	(void)state;
	assert_string("", 0, "\"\"");
	assert_string("a\"\\/b", 5, "\"a\\\"\\\\/b\"");
	assert_string("\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\"");
	assert_string("\x01\x0b\x1f\x7f", 4, "\"\\u0001\\u000b\\u001f\\u007f\"");
	assert_string("a\0b", 3, "\"a\ufffdb\"");
	assert_string("a\xff\xc3", 3, "\"a\ufffd\ufffd\"");
	assert_string("\xed\xa0\x80z", 4, "\"\ufffd\ufffd\ufffdz\"");
}

/* It is shown on terminals: what they would not just show is escaped, and reads back as it was. */
static void strings_do_nothing_to_a_terminal(void **state)
{
	static const char *const cases[][2] = {
		{"\u00e9\u2028\u2029", "\"\u00e9\\u2028\\u2029\""},
		{"\xc2\x9b"
		 "2J",
			"\"\\u009b2J\""},
		{"a\u202eb\u2066\u200b\u200d\ufeff", "\"a\\u202eb\\u2066\\u200b\\u200d\\ufeff\""},
		{"\u0301a\u0301", "\"\\u0301a\u0301\""},
		{"a\u0301\u0302\u0303\u0304\u0305", "\"a\u0301\u0302\u0303\u0304\\u0305\""},
		{"\U000E0041\U0001F600", "\"\\udb40\\udc41\U0001F600\""},
		{"\ue000\U000F0000", "\"\\ue000\\udb80\\udc00\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(json_cleanup) struct json_doc *doc = parsed(cases[i][1]);
		assert_string(cases[i][0], strlen(cases[i][0]), cases[i][1]);
		assert_string_equal(json_string(json_root(doc)), cases[i][0]);
	}
}

/* Traps are seen from outside. */
static void assert_traps(void (*call)(struct json_writer *writer))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		CLEANUP_STR struct str out = STR_INIT;
		struct json_writer writer;
		(void)signal(SIGILL, SIG_DFL); /* cmocka's own would report */
		json_write_begin(&writer, &out);
		call(&writer);
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void end_of_nothing(struct json_writer *writer)
{
	json_write_end(writer);
}

static void value_without_name(struct json_writer *writer)
{
	json_write_object(writer);
	json_write_null(writer);
}

static void name_without_value(struct json_writer *writer)
{
	json_write_object(writer);
	json_write_name(writer, "a");
	json_write_end(writer);
}

static void name_in_array(struct json_writer *writer)
{
	json_write_array(writer);
	json_write_name(writer, "a");
}

static void one_level_too_many(struct json_writer *writer)
{
	for (int i = 0; i < JSON_WRITE_DEPTH + 1; i++)
		json_write_array(writer);
}

static void integer_too_large(struct json_writer *writer)
{
	json_write_integer(writer, INT64_C(9007199254740992));
}

static void number_not_finite(struct json_writer *writer)
{
	json_write_number(writer, 1e308 * 10);
}

static void unbalanced_calls_trap(void **state)
{
	CLEANUP_STR struct str out = STR_INIT;
	struct json_writer writer;

	(void)state;
	assert_traps(end_of_nothing);
	assert_traps(value_without_name);
	assert_traps(name_without_value);
	assert_traps(name_in_array);
	assert_traps(one_level_too_many);
	assert_traps(integer_too_large);
	assert_traps(number_not_finite);
	json_write_begin(&writer, &out);
	for (int i = 0; i < JSON_WRITE_DEPTH; i++)
		json_write_array(&writer);
	for (int i = 0; i < JSON_WRITE_DEPTH; i++)
		json_write_end(&writer);
	json_release(parsed(str_text(&out)));
}

static void assert_canonical(const char *text, const char *canonical)
{
	CLEANUP_STR struct str out = STR_INIT;
	CLEANUP_STR struct str again = STR_INIT;
	struct err err;

	assert_int_equal(json_canonical_text(bytes_of_string(text), &out, &err), 0);
	assert_string_equal(str_text(&out), canonical);
	assert_int_equal(json_canonical_text(str_bytes(&out), &again, &err), 0);
	assert_string_equal(str_text(&again), canonical);
}

static void rfc8785(void **state)
{
	(void)state;
	/* section 3.2.2's sample */
	assert_canonical(
		"{\n  \"numbers\": [333333333.33333329, 1E30, 4.50,\n"
		"              2e-3, 0.000000000000000000000000001],\n"
		"  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
		"  \"literals\": [null, true, false]\n}",
		"{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,"
		"1e-27],\"string\":\"\u20ac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
	/* section 3.2.3's sample: UTF-16 order, the pair D83D DE00 before U+FB33 */
	assert_canonical("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\","
			 "\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\","
			 "\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
			 "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
		"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
		"\"\u00f6\":\"Latin Small Letter O With Diaeresis\",\"\u20ac\":\"Euro Sign\","
		"\"\U0001F600\":\"Emoji: Grinning Face\","
		"\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}");
	assert_canonical("{\"aa\":1,\"a\":2,\"\":3,\"B\":4}", "{\"\":3,\"B\":4,\"a\":2,\"aa\":1}");
	assert_canonical(
		"{\"\ue000\":1,\"\U00010000\":2,\"\ud7ff\":3,\"\uffff\":4,\"\U0010FFFF\":5}",
		"{\"\ud7ff\":3,\"\U00010000\":2,\"\U0010FFFF\":5,\"\ue000\":1,\"\uffff\":4}");
	assert_canonical("[-0, 1.0, 10e1]", "[0,1,100]");
	assert_canonical("[ ]", "[]");
	assert_canonical("{ }", "{}");
}

static void canonical_text_must_be_json(void **state)
{
	CLEANUP_STR struct str out = STR_INIT;
	struct err err;

	(void)state;
	assert_int_equal(json_canonical_text(bytes_of_string("{"), &out, &err), -ERR_SYNTAX);
	assert_int_equal(out.size, 0);
}

static void olpc(void **state)
{
	CLEANUP(json_cleanup)
	struct json_doc *doc =
		parsed("{\"b\": \"a\\n\\u0001\\\"\\\\/\\u00e9\", \"\\ue000\":[1, -2.0, null, true],"
		       "\"\\ud800\\udc00\":{}, \"a\":1e3, \"x\\\"\":0}");
	CLEANUP_STR struct str out = STR_INIT;
	struct err err;

	(void)state;
	assert_int_equal(json_canonical_olpc(json_root(doc), &out, &err), 0);
	assert_string_equal(str_text(&out),
		"{\"a\":1000,\"b\":\"a\n\x01\\\"\\\\/\u00e9\",\"x\\\"\":0,"
		"\"\ue000\":[1,-2,null,true],\"\U00010000\":{}}");
}

static void olpc_has_no_fractions(void **state)
{
	static const char *const texts[] = {"[1.5]", "{\"a\":[1,0.25]}", "1e300"};
	CLEANUP_STR struct str out = STR_INIT;
	struct err err;

	(void)state;
	str_append_text(&out, "before");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		CLEANUP(json_cleanup) struct json_doc *doc = parsed(texts[i]);
		assert_int_equal(json_canonical_olpc(json_root(doc), &out, &err), -ERR_SYNTAX);
		assert_string_equal(str_text(&out), "before");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_the_shortest),
		cmocka_unit_test(whole_document),
		cmocka_unit_test(strings_are_always_json),
		cmocka_unit_test(strings_do_nothing_to_a_terminal),
		cmocka_unit_test(unbalanced_calls_trap),
		cmocka_unit_test(rfc8785),
		cmocka_unit_test(canonical_text_must_be_json),
		cmocka_unit_test(olpc),
		cmocka_unit_test(olpc_has_no_fractions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
