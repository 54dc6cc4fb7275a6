#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "json/json.h"
#include "mongo/value.h"

static int from_text(const char *text, struct str *out)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct err err;

	assert_int_equal(json_parse(bytes_of_string(text), JSON_LIMITS(4096), &doc, &err), 0);
	return doc_from_json(json_root(doc), out, &err);
}

static void extended_json_goes_round(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"{}",
		"{ \"_id\" : { \"$oid\" : \"0102030405060708090a0bff\" } }",
		"{ \"n\" : { \"$numberInt\" : \"1\" }, \"l\" : { \"$numberLong\" : "
		"\"9223372036854775807\" } }",
		"{ \"d\" : { \"$numberDouble\" : \"9.8000000000000007105\" } }",
		"{ \"d\" : { \"$date\" : { \"$numberLong\" : \"-1\" } } }",
		"{ \"a\" : [ true, null, \"x\" ] }",
		"{ \"b\" : { \"$binary\" : { \"base64\" : \"AQI=\", \"subType\" : \"04\" } } }",
		"{ \"m\" : { \"$minKey\" : 1 }, \"t\" : { \"$timestamp\" : { \"t\" : 1, \"i\" : 2 "
		"} } }",
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		CLEANUP_STR struct str doc = STR_INIT, json = STR_INIT, again = STR_INIT;
		struct err err;
		assert_int_equal(from_text(texts[i], &doc), 0);
		assert_int_equal(doc_check(str_bytes(&doc), &err), 0);
		assert_int_equal(doc_to_json(str_bytes(&doc), true, &json, &err), 0);
		assert_int_equal(from_text(str_text(&json), &again), 0);
		assert_true(bytes_equal(str_bytes(&doc), str_bytes(&again)));
	}
}

/* "$type" is an operator of queries, and of the validators and filters that a kit declares. */
static void the_type_operator_is_no_binary(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"{ \"a\" : { \"$type\" : [ \"string\", \"null\" ] } }",
		"{ \"a\" : { \"$type\" : 2 } }",
		"{ \"a\" : { \"$type\" : -1 } }",
		"{ \"a\" : { \"$type\" : [ 2, \"int\" ], \"$exists\" : true } }",
		"{ \"a\" : { \"$exists\" : true, \"$type\" : [ \"int\" ] } }",
		"{ \"$or\" : [ { \"a\" : { \"$not\" : { \"$type\" : [ \"int\" ] } } }, { \"b\" : { "
		"\"$type\" : 1 } } ] }",
		"{ \"a\" : { \"$type\" : \"string\" } }",
		"{ \"a\" : \"\\\"$type\\\": [\", \"b\" : { \"$type\" : [ \"\\\"\" ] } }",
	};
	CLEANUP_STR struct str binary = STR_INIT, none = STR_INIT;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		CLEANUP_STR struct str doc = STR_INIT, json = STR_INIT;
		struct err err;
		assert_int_equal(from_text(texts[i], &doc), 0);
		assert_int_equal(doc_check(str_bytes(&doc), &err), 0);
		assert_int_equal(doc_to_json(str_bytes(&doc), false, &json, &err), 0);
		assert_string_equal(str_text(&json), texts[i]);
	}
	assert_int_equal(from_text("{\"b\":{\"$binary\":\"AQI=\",\"$type\":\"04\"}}", &binary), 0);
	assert_int_equal(doc_get(str_bytes(&binary), "b").type, VALUE_BINARY);
	assert_int_equal(from_text("{\"\x7Ftype\":[]}", &none), -ERR_SYNTAX);
	/* The stand-in's name, escaped: in a text that comes from elsewhere too. */
	struct bytes escaped = bytes_of_string("{\"\\u007ft\\u0079pe\":1,\"$type\":[2]}");
	struct err err;
	assert_int_equal(doc_from_json_text(escaped, &none, &err), -ERR_SYNTAX);
	assert_int_equal(none.size, 0);
}

static void plain_json_has_the_nearest_types(void **state)
{
	(void)state;
	CLEANUP_STR struct str doc = STR_INIT;

	assert_int_equal(from_text("{\"i\":1,\"l\":4294967296,\"d\":1.5}", &doc), 0);
	assert_int_equal(doc_get(str_bytes(&doc), "i").type, VALUE_INT32);
	assert_int_equal(doc_get(str_bytes(&doc), "l").type, VALUE_INT64);
	assert_int_equal(doc_get(str_bytes(&doc), "d").type, VALUE_DOUBLE);
}

static void what_is_no_extended_json_is_refused(void **state)
{
	(void)state;
	CLEANUP_STR struct str doc = STR_INIT;

	assert_int_equal(from_text("[]", &doc), -ERR_SYNTAX);
	assert_int_equal(from_text("{\"a\":{\"$oid\":\"12\"}}", &doc), -ERR_SYNTAX);
	assert_int_equal(from_text("{\"a\":{\"$numberLong\":\"x\"}}", &doc), -ERR_SYNTAX);
	assert_int_equal(doc.size, 0);
}

static void values_are_shown_to_people(void **state)
{
	(void)state;
	CLEANUP_STR struct str doc = STR_INIT;
	static const struct {
		const char *name, *text;
	} shown[] = {
		{"id", "0102030405060708090a0bff"},
		{"s", "a\\x1b[2J"},
		{"t", "1970-01-01T00:00:01Z"},
		{"f", "0.5"},
		{"m", "12.50"},
		{"o", "{ \"k\" : 1 }"},
		{"x", "(regex)"},
		{"missing", "(missing)"},
	};

	assert_int_equal(from_text("{\"id\":{\"$oid\":\"0102030405060708090a0bff\"},"
				   "\"s\":\"a\\u001b[2J\",\"t\":{\"$date\":{\"$numberLong\":"
				   "\"1000\"}},\"f\":0.5,\"m\":{\"$numberDecimal\":\"12.50\"},"
				   "\"o\":{\"k\":1},\"x\":{\"$regularExpression\":{\"pattern\":"
				   "\"a\",\"options\":\"\"}}}",
				 &doc),
		0);
	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
		CLEANUP_STR struct str text = STR_INIT;
		struct value value = doc_get(str_bytes(&doc), shown[i].name);
		value_to_text(&value, &text);
		assert_string_equal(str_text(&text), shown[i].text);
	}
}

static void plain_json_means_no_types(void **state)
{
	(void)state;
	static const struct {
		const char *text, *same; /* in canonical Extended JSON */
	} cases[] = {
		{" {} ", "{ }"},
		{"{\"a\": -1, \"b\": 2147483648, \"c\": 1.0, \"d\": 1e2}",
			"{ \"a\" : { \"$numberInt\" : \"-1\" }, \"b\" : { \"$numberLong\" : "
			"\"2147483648\" }, \"c\" : { \"$numberDouble\" : \"1.0\" }, \"d\" : { "
			"\"$numberDouble\" : \"100.0\" } }"},
		{"{\"a\":[true,false,null,[],{\"\":\"\"}]}",
			"{ \"a\" : [ true, false, null, [  ], { \"\" : \"\" } ] }"},
		{"{\"\\u00e9\": \"\\ud83d\\ude00\\u20ac\\b\\f\\n\\r\\t\\/\\\\\\\"x\"}",
			"{ \"é\" : \"😀€\\b\\f\\n\\r\\t/\\\\\\\"x\" }"},
	};
	CLEANUP_STR struct str kept = STR_INIT;
	struct err err;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP_STR struct str doc = STR_INIT, shown = STR_INIT;
		if (doc_from_plain_json(bytes_of_string(cases[i].text), &doc, &err) != 0)
			fail_msg("%s: %s", cases[i].text, err.message);
		assert_int_equal(doc_to_json(str_bytes(&doc), true, &shown, &err), 0);
		assert_string_equal(str_text(&shown), cases[i].same);
	}
	/* What would be an ObjectId in Extended JSON is a document here. */
	assert_int_equal(doc_from_plain_json(bytes_of_string("{\"a\": {\"$oid\": "
							     "\"0102030405060708090a0bff\"}}"),
				 &kept, &err),
		0);
	assert_int_equal(doc_get(str_bytes(&kept), "a").type, VALUE_DOCUMENT);
}

static void what_is_no_plain_json_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "[]", "1", "{\"a\":1", "{\"a\":1}}",
		"{\"a\":1,\"a\":2}", "{\"a\":\"\\u0000\"}", "{\"a\":01}",
		"{\"a\":9007199254740993}", "{\"a\":\"\\ud800\"}"};
	struct err err;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		CLEANUP_STR struct str doc = STR_INIT;
		if (doc_from_plain_json(bytes_of_string(texts[i]), &doc, &err) == 0)
			fail_msg("%s was taken", texts[i]);
		assert_int_equal(doc.size, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extended_json_goes_round),
		cmocka_unit_test(the_type_operator_is_no_binary),
		cmocka_unit_test(plain_json_has_the_nearest_types),
		cmocka_unit_test(plain_json_means_no_types),
		cmocka_unit_test(what_is_no_plain_json_is_refused),
		cmocka_unit_test(what_is_no_extended_json_is_refused),
		cmocka_unit_test(values_are_shown_to_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
