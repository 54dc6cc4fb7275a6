/* Parts of a JSON text as text: the same that the tree of all of it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "json/slice.h"

static void expect_member(const char *text, const char *name, const char *wanted)
{
	struct bytes found;
	struct err err;

	assert_int_equal(json_check(bytes_of_string(text), JSON_LIMITS(1024), &err), 0);
	assert_int_equal(json_slice_member(bytes_of_string(text), name, &found, &err), 0);
	if (wanted == NULL) {
		assert_null(found.data);
		return;
	}
	assert_non_null(found.data);
	if (!bytes_equal(found, bytes_of_string(wanted)))
		fail_msg("%s: %.*s", text, (int)found.size, (const char *)found.data);
}

static void finds_members(void **state)
{
	static const char text[] = " {\"a\" : 1.5e3 , \"b\":\"x\\\"]}\\\\\" ,\"c\":[{\"a\":2},[]],"
				   "\"\\u0064\":{\"e\":\"}\"},\"f\":null}\n";

	(void)state;
	expect_member(text, "a", "1.5e3");
	expect_member(text, "b", "\"x\\\"]}\\\\\"");
	expect_member(text, "c", "[{\"a\":2},[]]");
	expect_member(text, "d", "{\"e\":\"}\"}");
	expect_member(text, "f", "null");
	expect_member(text, "e", NULL);
	expect_member(text, "", NULL);
	expect_member("{}", "a", NULL);
	expect_member("[\"a\",1]", "a", NULL);
	expect_member("\"a\"", "a", NULL);
	expect_member("7", "a", NULL);
}

static void walks_arrays(void **state)
{
	static const struct {
		const char *array, *elements; /* each with a "|" behind it */
	} cases[] = {
		{"[]", ""},
		{" [ ] ", ""},
		{"[1]", "1|"},
		{" [ 1 , \"],[\" ,{\"a\":[1,2]} , [ [ ] ] ,true]",
			"1|\"],[\"|{\"a\":[1,2]}|[ [ ] ]|true|"},
		{"[\"\\\\\",\"\\\"\",\"\"]", "\"\\\\\"|\"\\\"\"|\"\"|"},
		{"{\"a\":1}", ""},
		{"\"[1]\"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes rest = bytes_of_string(cases[i].array);
		struct bytes element;
		struct str found = STR_INIT;
		struct err err;
		assert_int_equal(json_check(rest, JSON_LIMITS(1024), &err), 0);
		while (json_slice_element(&rest, &element)) {
			str_append(&found, element.data, element.size);
			str_append_char(&found, '|');
		}
		assert_string_equal(str_text(&found), cases[i].elements);
		str_release(&found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_members),
		cmocka_unit_test(walks_arrays),
	};

	return cmocka_run_group_tests_name("json: slice", tests, NULL, NULL);
}
