/* Reading a document's values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "json/json.h"

static struct json_doc *parsed(const char *text)
{
	struct json_doc *doc = NULL;
	struct err err = {0};

	if (json_parse(bytes_of_string(text), JSON_LIMITS(1 << 20), &doc, &err) != 0)
		fail_msg("%s: %s", text, err.message);
	return doc;
}

static void values_in_order(void **state)
{
	CLEANUP(json_cleanup)
	struct json_doc *doc =
		parsed("{\"z\":null,\"a\":true,\"m\":-1.5,\"\\u0061b\":\"x\\u20ac\",\"l\":[1,2]}");
	const struct json *root = json_root(doc);
	const struct json *member = json_first(root);

	(void)state;
	assert_int_equal(json_count(root), 5);
	assert_string_equal(json_name(member), "z");
	assert_int_equal(json_type(member), JSON_NULL);
	member = json_next(member);
	assert_string_equal(json_name(member), "a");
	assert_true(json_bool(member));
	member = json_next(member);
	assert_true(json_number(member) == -1.5);
	assert_false(json_is_integer(member));
	member = json_next(member);
	assert_string_equal(json_name(member), "ab");
	assert_string_equal(json_string(member), "x\u20ac");
	member = json_next(member);
	assert_int_equal(json_count(member), 2);
	assert_int_equal(json_integer(json_next(json_first(member))), 2);
	assert_null(json_next(json_next(json_first(member))));
	assert_null(json_next(member));
}

static void integers(void **state)
{
	static const struct {
		const char *text;
		bool is_integer;
		int64_t value;
	} cases[] = {
		{"0", true, 0},
		{"-0", true, 0},
		{"1.0", true, 1},
		{"1e3", true, 1000},
		{"9007199254740991", true, INT64_C(9007199254740991)},
		{"-9007199254740991", true, -INT64_C(9007199254740991)},
		{"1e21", false, 0},
		{"1e300", false, 0},
		{"0.5", false, 0},
		{"\"1\"", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(json_cleanup) struct json_doc *doc = parsed(cases[i].text);
		assert_int_equal(json_is_integer(json_root(doc)), cases[i].is_integer);
		if (cases[i].is_integer)
			assert_int_equal(json_integer(json_root(doc)), cases[i].value);
	}
}

static void members_are_found_exactly(void **state)
{
	CLEANUP(json_cleanup) struct json_doc *doc = parsed("{\"Name\":1,\"name\":2,\"\":3}");
	CLEANUP(json_cleanup) struct json_doc *list = parsed("[1]");

	(void)state;
	assert_int_equal(json_integer(json_member(json_root(doc), "name")), 2);
	assert_int_equal(json_integer(json_member(json_root(doc), "Name")), 1);
	assert_int_equal(json_integer(json_member(json_root(doc), "")), 3);
	assert_null(json_member(json_root(doc), "NAME"));
	assert_null(json_member(json_root(list), "name"));
	assert_null(json_first(json_member(json_root(doc), "name")));
}

static void equality(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool equal;
	} cases[] = {
		{"{\"a\":1,\"b\":[true,null]}", "{\"b\":[true,null],\"a\":1.0}", true},
		{"{\"a\":1,\"A\":2}", "{\"A\":2,\"a\":1}", true},
		{"{\"a\":1,\"A\":2}", "{\"A\":1,\"a\":2}", false},
		{"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
		{"{\"a\":1,\"b\":1}", "{\"a\":1}", false},
		{"{\"a\":1}", "{\"b\":1}", false},
		{"[1,2]", "[2,1]", false},
		{"[1]", "[1,1]", false},
		{"[1,1]", "[1]", false},
		{"[]", "{}", false},
		{"{}", "{}", true},
		{"null", "false", false},
		{"true", "false", false},
		{"\"a\"", "\"A\"", false},
		{"\"\\u0061\"", "\"a\"", true},
		{"1", "\"1\"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(json_cleanup) struct json_doc *a = parsed(cases[i].a);
		CLEANUP(json_cleanup) struct json_doc *b = parsed(cases[i].b);
		assert_int_equal(json_equal(json_root(a), json_root(b)), cases[i].equal);
	}
}

static void assert_message(int rc, int code, const struct err *err, const char *message)
{
	assert_int_equal(rc, -code);
	assert_string_equal(err->message, message);
}

static void needed_members(void **state)
{
	CLEANUP(json_cleanup)
	struct json_doc *doc = parsed(
		"{\"s\":\"four\",\"e\":\"\",\"i\":5,\"f\":1.5,\"b\":true,\"l\":[],\"n\":null}");
	const struct json *root = json_root(doc);
	const struct json *value = NULL;
	const char *text = NULL;
	int64_t number = -1;
	bool flag = false;
	struct err err;

	(void)state;
	assert_int_equal(json_need(root, "l", JSON_ARRAY, &value, &err), 0);
	assert_ptr_equal(value, json_member(root, "l"));
	assert_int_equal(json_need_string(root, "s", 4, &text, &err), 0);
	assert_string_equal(text, "four");
	assert_int_equal(json_need_integer(root, "i", 5, 5, &number, &err), 0);
	assert_int_equal(number, 5);
	assert_int_equal(json_need_bool(root, "b", &flag, &err), 0);
	assert_true(flag);

	value = NULL;
	text = NULL;
	number = -1;
	assert_message(json_need(root, "x", JSON_ARRAY, &value, &err), ERR_SYNTAX, &err,
		"\"x\" is missing");
	assert_message(json_need(root, "s", JSON_ARRAY, &value, &err), ERR_SYNTAX, &err,
		"\"s\" must be an array, not a string");
	assert_message(json_need_string(root, "s", 3, &text, &err), ERR_LIMIT, &err,
		"\"s\" is longer than 3 octets");
	assert_message(json_need_string(root, "e", 3, &text, &err), ERR_SYNTAX, &err,
		"\"e\" must not be empty");
	assert_message(json_need_string(root, "n", 3, &text, &err), ERR_SYNTAX, &err,
		"\"n\" must be a string, not null");
	assert_message(json_need_integer(root, "i", 6, 9, &number, &err), ERR_SYNTAX, &err,
		"\"i\" must be an integer from 6 to 9");
	assert_message(json_need_integer(root, "i", 0, 4, &number, &err), ERR_SYNTAX, &err,
		"\"i\" must be an integer from 0 to 4");
	assert_message(json_need_integer(root, "f", 0, 4, &number, &err), ERR_SYNTAX, &err,
		"\"f\" must be an integer from 0 to 4");
	assert_message(json_need_integer(root, "s", 0, 4, &number, &err), ERR_SYNTAX, &err,
		"\"s\" must be an integer, not a string");
	assert_message(json_need_bool(root, "i", &flag, &err), ERR_SYNTAX, &err,
		"\"i\" must be a boolean, not a number");
	assert_message(json_need_bool(json_member(root, "l"), "i", &flag, &err), ERR_SYNTAX, &err,
		"an object with \"i\" is expected, not an array");
	assert_null(value);
	assert_null(text);
	assert_int_equal(number, -1);
}

static void optional_members(void **state)
{
	CLEANUP(json_cleanup)
	struct json_doc *doc = parsed("{\"s\":\"four\",\"e\":\"\",\"i\":5,\"b\":false,\"o\":{}}");
	const struct json *root = json_root(doc);
	const struct json *value = NULL;
	const char *text = "default";
	int64_t number = -1;
	bool flag = true;
	struct err err;

	(void)state;
	assert_int_equal(json_optional(root, "x", JSON_OBJECT, &value, &err), 0);
	assert_null(value);
	assert_int_equal(json_optional_string(root, "x", 3, &text, &err), 0);
	assert_string_equal(text, "default");
	assert_int_equal(json_optional_integer(root, "x", 0, 9, &number, &err), 0);
	assert_int_equal(number, -1);
	assert_int_equal(json_optional_bool(root, "x", &flag, &err), 0);
	assert_true(flag);

	assert_message(json_optional(root, "s", JSON_OBJECT, &value, &err), ERR_SYNTAX, &err,
		"\"s\" must be an object, not a string");
	assert_message(json_optional_string(root, "s", 3, &text, &err), ERR_LIMIT, &err,
		"\"s\" is longer than 3 octets");
	assert_message(json_optional_integer(root, "i", 6, 9, &number, &err), ERR_SYNTAX, &err,
		"\"i\" must be an integer from 6 to 9");
	assert_message(json_optional_bool(root, "i", &flag, &err), ERR_SYNTAX, &err,
		"\"i\" must be a boolean, not a number");

	assert_int_equal(json_optional(root, "o", JSON_OBJECT, &value, &err), 0);
	assert_non_null(value);
	assert_int_equal(json_optional_string(root, "e", 3, &text, &err), 0);
	assert_string_equal(text, "");
	assert_int_equal(json_optional_integer(root, "i", 0, 9, &number, &err), 0);
	assert_int_equal(number, 5);
	assert_int_equal(json_optional_bool(root, "b", &flag, &err), 0);
	assert_false(flag);
}

static void closed_objects(void **state)
{
	static const char *const names[] = {"database", "stateFolder", NULL};
	CLEANUP(json_cleanup) struct json_doc *good = parsed("{\"database\":1,\"_why\":2}");
	CLEANUP(json_cleanup) struct json_doc *typo = parsed("{\"databsae\":1}");
	CLEANUP(json_cleanup) struct json_doc *alien = parsed("{\"\\u001b[2J\":1}");
	CLEANUP(json_cleanup) struct json_doc *list = parsed("[]");
	struct err err;

	(void)state;
	assert_int_equal(json_closed(json_root(good), names, &err), 0);
	assert_message(json_closed(json_root(typo), names, &err), ERR_SYNTAX, &err,
		"\"databsae\" is not known here; is \"database\" meant?");
	assert_message(json_closed(json_root(alien), names, &err), ERR_SYNTAX, &err,
		"\"\\x1b[2J\" is not known here");
	assert_message(json_closed(json_root(list), names, &err), ERR_SYNTAX, &err,
		"an object is expected, not an array");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_in_order),
		cmocka_unit_test(integers),
		cmocka_unit_test(members_are_found_exactly),
		cmocka_unit_test(equality),
		cmocka_unit_test(needed_members),
		cmocka_unit_test(optional_members),
		cmocka_unit_test(closed_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
