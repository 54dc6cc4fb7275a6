#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "engine/rehearsed.h"

static struct json_doc *parse(const char *text)
{
	struct json_doc *doc = NULL;
	struct err err;

	assert_int_equal(json_parse(bytes_of_string(text), JSON_LIMITS(1 << 20), &doc, &err), 0);
	return doc;
}

static int64_t takes(const char *text, const char *step)
{
	CLEANUP(json_cleanup) struct json_doc *doc = parse(text);

	return rehearsed_takes(doc, step);
}

static void test_takes(void **state)
{
	static const char text[] = "{\"steps\":[{\"name\":\"21-101\",\"expected\":70},"
				   "{\"name\":\"21-102\",\"expected\":90000}]}";

	(void)state;
	assert_int_equal(takes(text, "21-101"), 70);
	assert_int_equal(takes(text, "21-102"), 90000);
	assert_int_equal(takes(text, "validate"), -1);
	assert_int_equal(rehearsed_takes(NULL, "21-101"), -1);
}

/* Whoever has written into the state folder: nothing but a number that can be one is taken. */
static void test_odd(void **state)
{
	(void)state;
	assert_int_equal(takes("{}", "a"), -1);
	assert_int_equal(takes("{\"steps\":1}", "a"), -1);
	assert_int_equal(takes("{\"steps\":[1,null,{\"name\":2}]}", "a"), -1);
	assert_int_equal(takes("{\"steps\":[{\"name\":\"a\"}]}", "a"), -1);
	assert_int_equal(takes("{\"steps\":[{\"name\":\"a\",\"expected\":\"1\"}]}", "a"), -1);
	assert_int_equal(takes("{\"steps\":[{\"name\":\"a\",\"expected\":1.5}]}", "a"), -1);
	assert_int_equal(takes("{\"steps\":[{\"name\":\"a\",\"expected\":-2}]}", "a"), -1);
}

static void assert_says(const char *text, const char *environment, const char *wanted)
{
	CLEANUP(json_cleanup) struct json_doc *doc = text == NULL ? NULL : parse(text);
	CLEANUP_STR struct str out = STR_INIT;

	rehearsed_say(doc, environment, &out);
	assert_string_equal(str_text(&out), wanted);
}

static void test_say(void **state)
{
	(void)state;
	assert_says(NULL, "staging", "");
	assert_says(NULL, "demo", "");
	assert_says(NULL, "production",
		"this kit was not rehearsed here: offkit rehearse measures it on a copy");
	assert_says("{\"began\":\"2025-12-20T09:12:07.000Z\","
		    "\"expected\":{\"total\":120000,\"rollback\":3000}}",
		"production",
		"this kit was rehearsed here, there and back, at 2025-12-20T09:12:07.000Z: about 2 "
		"min are expected in all, and 3 s to go back");
	assert_says("{\"began\":\"\\u001b[2J\",\"expected\":[]}", "demo",
		"this kit was rehearsed here, there and back, at \\x1b[2J");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
