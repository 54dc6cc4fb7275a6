#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "derive/expression.h"
#include "derive_ask.h"
#include "derive_cases.h"

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < DERIVE_CASE_COUNT; i++) {
		const struct derive_case *row = &derive_cases[i];
		struct arena arena = ARENA_INIT;
		CLEANUP_STR struct str expected = STR_INIT, text = STR_INIT;
		struct value value = {.type = VALUE_MISSING}, wanted = {.type = VALUE_MISSING};
		struct err err;

		int result = ask(row->expression, row->document, &arena, &value, &err);
		if (strcmp(row->expected, "error") == 0) {
			if (result != -ERR_MIGRATION)
				fail_msg("%s: it was not refused", row->expression);
			assert_non_null(strstr(err.message, "template"));
		} else if (result != 0) {
			fail_msg("%s: %s", row->expression, err.message);
		} else {
			if (strcmp(row->expected, "missing") != 0)
				wanted = value_of_text(row->expected, &expected);
			show(&value, &text);
			if (!value_equal(&value, &wanted))
				fail_msg("%s: %s, not %s", row->expression, str_text(&text),
					row->expected);
		}
		arena_release(&arena);
	}
}

static void refused(const char *expression, enum err_code code, const char *message)
{
	struct arena arena = ARENA_INIT;
	struct value value;
	struct err err;

	int result = ask(expression, "{}", &arena, &value, &err);
	if (result != -(int)code)
		fail_msg("%s: %d", expression, result);
	if (strstr(err.message, message) == NULL)
		fail_msg("%s: %s", expression, err.message);
	arena_release(&arena);
}

static void test_malformed_templates_name_their_place(void **state)
{
	(void)state;
	refused("{\"a\": {\"b\": [1, {\"$nonsense\": 1}]}}", ERR_SYNTAX,
		"template.a.b[1]: there is no operator $nonsense");
	refused("{\"$eq\": [1]}", ERR_SYNTAX, "template.$eq");
	refused("{\"$eq\": [1, 2, 3]}", ERR_SYNTAX, "template.$eq");
	refused("\"$$NOW\"", ERR_SYNTAX, "no variable $$NOW");
	refused("{\"$rand\": {}}", ERR_SYNTAX, "no operator $rand");
	refused("\"$a..b\"", ERR_SYNTAX, "the path");
	refused("\"$\"", ERR_SYNTAX, "the path");
	refused("\"$a.$b\"", ERR_SYNTAX, "the path");
	refused("{\"a.b\": 1}", ERR_SYNTAX, "has a dot");
	refused("{\"$eq\": [1, 1], \"b\": 1}", ERR_SYNTAX, "begins with $");
	refused("{\"\": 1}", ERR_SYNTAX, "is empty");
	refused("{\"$map\": {\"input\": []}}", ERR_SYNTAX, "\"in\" is missing");
	refused("{\"$map\": {\"input\": [], \"in\": 1, \"extra\": 1}}", ERR_SYNTAX, "\"extra\"");
	refused("{\"$map\": {\"input\": [], \"as\": \"Upper\", \"in\": 1}}", ERR_SYNTAX,
		"lower-case");
	refused("{\"$map\": {\"input\": \"$$this\", \"in\": 1}}", ERR_SYNTAX, "no variable $$this");
	refused("{\"$cond\": [1, 2]}", ERR_SYNTAX, "3 arguments");
	refused("{\"$cond\": {\"if\": 1, \"then\": 2}}", ERR_SYNTAX, "\"else\" is missing");
	refused("{\"$switch\": {\"branches\": []}}", ERR_SYNTAX, "no branches");
	refused("{\"$sortArray\": {\"input\": [], \"sortBy\": 2}}", ERR_SYNTAX, "1 or -1");
	refused("{\"$let\": {\"vars\": {\"x\": 1}}}", ERR_SYNTAX, "\"in\" is missing");
}

static void nest(
	struct str *text, const char *before, const char *inner, const char *after, int count)
{
	for (int i = 0; i < count; i++)
		str_append_text(text, before);
	str_append_text(text, inner);
	for (int i = 0; i < count; i++)
		str_append_text(text, after);
}

/* $reduce is the one loop that could nest without end. */
static void test_nesting_is_limited(void **state)
{
	(void)state;
	for (int count = DERIVE_NESTING_MAX - 1; count <= DERIVE_NESTING_MAX; count++) {
		CLEANUP_STR struct str text = STR_INIT;
		struct arena arena = ARENA_INIT;
		struct value value;
		struct err err;

		str_append_text(&text, "{\"$reduce\": {\"input\": [");
		for (int i = 0; i < count; i++)
			str_append_text(&text, i == 0 ? "1" : ",1");
		str_append_text(&text, "], \"initialValue\": {}, \"in\": {\"a\": \"$$value\"}}}");
		int result = ask(str_text(&text), "{}", &arena, &value, &err);
		assert_int_equal(result, count < DERIVE_NESTING_MAX ? 0 : -ERR_LIMIT);
		arena_release(&arena);
	}
}

static void test_variables_are_limited(void **state)
{
	(void)state;
	for (int count = DERIVE_INNER_MAX; count <= DERIVE_INNER_MAX + 1; count++) {
		CLEANUP_STR struct str text = STR_INIT;
		struct arena arena = ARENA_INIT;
		struct value value;
		struct err err;

		str_append_text(&text, "{\"$let\": {\"vars\": {");
		for (int i = 0; i < count; i++)
			str_append_format(&text, "%s\"v%d\": %d", i == 0 ? "" : ",", i, i);
		str_append_text(&text, "}, \"in\": \"$$v0\"}}");
		int result = ask(str_text(&text), "{}", &arena, &value, &err);
		assert_int_equal(result, count <= DERIVE_INNER_MAX ? 0 : -ERR_LIMIT);
		arena_release(&arena);
	}
}

static void test_work_is_limited(void **state)
{
	CLEANUP_STR struct str text = STR_INIT;

	(void)state;
	/* Each level doubles the string; without a limit it would be 2^200 octets. */
	str_append_text(&text, "{\"$reduce\": {\"input\": [");
	nest(&text, "1,", "1", "", 200);
	str_append_text(&text, "], \"initialValue\": \"ab\", \"in\": {\"$concat\": [\"$$value\", "
			       "\"$$value\"]}}}");
	refused(str_text(&text), ERR_LIMIT, "template.$reduce");
}

/* 2^26 octets are 64 MiB: doubled from 2^6, 20 times is the limit, and one octet more is over it.
 */
static void test_results_are_limited(void **state)
{
	(void)state;
	for (int extra = 0; extra <= 1; extra++) {
		CLEANUP_STR struct str text = STR_INIT;
		struct arena arena = ARENA_INIT;
		struct value value;
		struct err err;

		str_append_text(&text, "{\"$concat\": [{\"$reduce\": {\"input\": [1");
		nest(&text, ",1", "", "", 18);
		str_append_text(&text, "], \"initialValue\": \"");
		nest(&text, "x", "", "", 128);
		str_append_format(&text,
			"\", \"in\": {\"$concat\": [\"$$value\", \"$$value\"]}}}, \"%s\"]}",
			extra ? "x" : "");
		int result = ask(str_text(&text), "{}", &arena, &value, &err);
		assert_int_equal(result, extra ? -ERR_LIMIT : 0);
		arena_release(&arena);
	}
}

static void test_outer_variables(void **state)
{
	static const struct derive_names names = {.names = {"runId", "previous"}, .count = 2};
	struct json_doc *doc CLEANUP(json_cleanup) = NULL;
	CLEANUP_STR struct str root = STR_INIT, previous = STR_INIT, expected = STR_INIT;
	struct arena arena = ARENA_INIT;
	const struct derive *derive = NULL;
	struct value variables[2], value, wanted;
	struct err err;

	(void)state;
	parse_text(
		"{\"run\": \"$$runId\", \"old\": \"$$previous.a\", \"in\": {\"$map\": {\"input\": "
		"[1, 2], \"in\": [\"$$this\", \"$$runId\"]}}}",
		&doc);
	assert_int_equal(
		derive_compile(json_root(doc), "document", &names, &arena, &derive, &err), 0);
	variables[0] = (struct value){.type = VALUE_STRING, .bytes = bytes_of_string("r1")};
	variables[1] = value_of_text("{\"a\": 7}", &previous);
	wanted = value_of_text(
		"{\"run\": \"r1\", \"old\": 7, \"in\": [[1, \"r1\"], [2, \"r1\"]]}", &expected);
	struct derive_run run = {.root = value_of_text("{}", &root).bytes,
		.variables = variables,
		.scratch = &arena};
	assert_int_equal(derive_evaluate(derive, &run, &value, &err), 0);
	assert_true(value_equal(&value, &wanted));
	arena_release(&arena);
}

/* A string with U+0000 within, which JSON here cannot say but BSON can. */
static void test_nul_within_strings(void **state)
{
	static const struct derive_names names = {.names = {"s"}, .count = 1};
	struct json_doc *doc CLEANUP(json_cleanup) = NULL;
	CLEANUP_STR struct str root = STR_INIT;
	struct arena arena = ARENA_INIT;
	const struct derive *derive = NULL;
	struct value value;
	struct value variable = {.type = VALUE_STRING, .bytes = bytes_make("a\0b", 3)};
	struct err err;

	(void)state;
	parse_text("{\"$concat\": [\"$$s\", \"c\"]}", &doc);
	assert_int_equal(derive_compile(json_root(doc), "t", &names, &arena, &derive, &err), 0);
	struct derive_run run = {.root = value_of_text("{}", &root).bytes,
		.variables = &variable,
		.scratch = &arena};
	assert_int_equal(derive_evaluate(derive, &run, &value, &err), 0);
	assert_true(bytes_equal(value.bytes, bytes_make("a\0bc", 4)));
	arena_release(&arena);
}

/* Whether some case has the operator, and a server is asked it too. */
static bool is_asked(const char *name, bool *ret_of_a_server)
{
	bool asked = false;
	char quoted[64];

	(void)snprintf(quoted, sizeof quoted, "\"%s\"", name);
	*ret_of_a_server = false;
	for (size_t i = 0; i < DERIVE_CASE_COUNT; i++) {
		if (strstr(derive_cases[i].expression, quoted) == NULL)
			continue;
		asked = true;
		*ret_of_a_server = *ret_of_a_server || !derive_cases[i].ours;
	}
	return asked;
}

static void test_every_operator_is_asked_of_a_server(void **state)
{
	static const struct operator* const tables[] = {logic_operators, text_operators,
		array_operators, document_operators, number_operators, convert_operators};

	(void)state;
	for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
		for (const struct operator* row = tables[t]; row->name != NULL; row++) {
			bool of_a_server = false;
			if (!is_asked(row->name, &of_a_server))
				fail_msg("%s has no case", row->name);
			/* No server has this one. */
			if (!of_a_server && strcmp(row->name, "$sha256") != 0)
				fail_msg("%s is asked of no server", row->name);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_every_operator_is_asked_of_a_server),
		cmocka_unit_test(test_malformed_templates_name_their_place),
		cmocka_unit_test(test_nesting_is_limited),
		cmocka_unit_test(test_variables_are_limited),
		cmocka_unit_test(test_work_is_limited),
		cmocka_unit_test(test_results_are_limited),
		cmocka_unit_test(test_outer_variables),
		cmocka_unit_test(test_nul_within_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
