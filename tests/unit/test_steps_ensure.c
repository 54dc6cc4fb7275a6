#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure.h"

/* One declared collection against one that is there; there NULL: it is not. */
struct comparison {
	struct arena arena;
	struct json_doc *declared, *there;
	struct ensure_collection collection;
	struct ensure_state state;
	struct ensure_diff diff;
};

static struct json_doc *parse(const char *text)
{
	struct json_doc *doc = NULL;
	struct err err;

	assert_int_equal(json_parse(bytes_of_string(text), JSON_LIMITS(65536), &doc, &err), 0);
	return doc;
}

static void compare(struct comparison *comparison, const char *declared, const char *there)
{
	struct err err;

	*comparison = (struct comparison){.declared = parse(declared)};
	comparison->collection = (struct ensure_collection){
		.declared = json_root(comparison->declared), .name = "c"};
	if (there != NULL) {
		comparison->there = parse(there);
		comparison->collection.exists = true;
		comparison->collection.options =
			json_member(json_root(comparison->there), "options");
		comparison->collection.indexes =
			json_member(json_root(comparison->there), "indexes");
		comparison->collection.exact_options = comparison->collection.options;
		comparison->collection.exact_indexes = comparison->collection.indexes;
	}
	comparison->state =
		(struct ensure_state){.collections = &comparison->collection, .count = 1};
	assert_int_equal(
		ensure_compare(&comparison->state, &comparison->arena, &comparison->diff, &err), 0);
}

static void done(struct comparison *comparison)
{
	json_release(comparison->declared);
	json_release(comparison->there);
	arena_release(&comparison->arena);
}

/* What one declared index is against one that is there. */
static void expect_index(const char *declared, const char *there, int kind, const char *text)
{
	CLEANUP_STR struct str a = STR_INIT;
	CLEANUP_STR struct str b = STR_INIT;
	struct comparison comparison;

	str_append_format(&a, "{\"name\":\"c\",\"indexes\":[%s]}", declared);
	str_append_format(&b,
		"{\"options\":{},\"indexes\":[{\"v\":2,\"name\":\"_id_\",\"key\":{\"_id\":1}}%s%s]"
		"}",
		*there == '\0' ? "" : ",", there);
	compare(&comparison, str_text(&a), str_text(&b));
	if (kind < 0) {
		assert_int_equal(comparison.diff.count, 0);
		assert_int_equal(comparison.diff.already[ENSURE_CREATE_INDEX], 1);
	} else {
		assert_int_equal(comparison.diff.count, 1);
		assert_int_equal(comparison.diff.changes[0].kind, kind);
		if (strstr(comparison.diff.changes[0].text, text) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", text, comparison.diff.changes[0].text);
	}
	done(&comparison);
}

static void a_collection_that_is_not_there_is_made_with_all(void **state)
{
	(void)state;
	struct comparison comparison;

	compare(&comparison,
		"{\"name\":\"c\",\"validator\":{\"a\":1},"
		"\"indexes\":[{\"name\":\"x\",\"keys\":{\"x\":1}}]}",
		NULL);
	assert_int_equal(comparison.diff.count, 3);
	assert_int_equal(comparison.diff.changes[0].kind, ENSURE_CREATE_COLLECTION);
	assert_int_equal(comparison.diff.changes[1].kind, ENSURE_SET_VALIDATOR);
	assert_int_equal(comparison.diff.changes[2].kind, ENSURE_CREATE_INDEX);
	done(&comparison);
}

static void an_equal_index_is_left_alone(void **state)
{
	(void)state;
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1,\"b\":-1},\"unique\":true}",
		"{\"v\":2,\"name\":\"x\",\"key\":{\"a\":1.0,\"b\":-1},\"unique\":true,"
		"\"storageEngine\":{\"x\":1}}",
		-1, "");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"unique\":false}",
		"{\"name\":\"x\",\"key\":{\"a\":1}}", -1, "");
}

static void each_difference_is_named(void **state)
{
	(void)state;
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1}}", "", ENSURE_CREATE_INDEX, "not there");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1,\"b\":1}}",
		"{\"name\":\"x\",\"key\":{\"b\":1,\"a\":1}}", ENSURE_CONFLICT, "keys is");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"unique\":true}",
		"{\"name\":\"x\",\"key\":{\"a\":1}}", ENSURE_CONFLICT,
		"unique is not set, declared true");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"sparse\":true}",
		"{\"name\":\"x\",\"key\":{\"a\":1}}", ENSURE_CONFLICT, "sparse is");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1}}", "{\"name\":\"y\",\"key\":{\"a\":1}}",
		ENSURE_CONFLICT, "name is \"y\", declared \"x\"");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"partialFilterExpression\":{\"b\":1}}",
		"{\"name\":\"x\",\"key\":{\"a\":1},\"partialFilterExpression\":{\"b\":2}}",
		ENSURE_CONFLICT, "partialFilterExpression is");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"expireAfterSeconds\":5}",
		"{\"name\":\"x\",\"key\":{\"a\":1}}", ENSURE_CONFLICT, "expireAfterSeconds is");
}

static void only_what_says_replace_is_replaced(void **state)
{
	(void)state;
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"unique\":true,\"replace\":true}",
		"{\"name\":\"x\",\"key\":{\"a\":1}}", ENSURE_REPLACE_INDEX, "unique is");
}

static void an_expiry_is_changed_in_place(void **state)
{
	(void)state;
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"expireAfterSeconds\":3600}",
		"{\"name\":\"x\",\"key\":{\"a\":1},\"expireAfterSeconds\":86400}", ENSURE_SET_TTL,
		"is 86400 and will be 3600");
}

static void a_shorter_expiry_has_no_exact_way_back(void **state)
{
	(void)state;
	static const struct {
		const char *declared;
		enum way_back way_back;
	} CASES[] = {{"3600", WAY_BACK_RESTORE}, {"90000", WAY_BACK_EXACT}};

	for (size_t i = 0; i < 2; i++) {
		CLEANUP_STR struct str declared = STR_INIT;
		struct comparison comparison;
		str_append_format(&declared,
			"{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{\"a\":1},"
			"\"expireAfterSeconds\":%s}]}",
			CASES[i].declared);
		compare(&comparison, str_text(&declared),
			"{\"indexes\":[{\"name\":\"x\",\"key\":{\"a\":1},"
			"\"expireAfterSeconds\":86400}]}");
		assert_int_equal(comparison.diff.changes[0].way_back, CASES[i].way_back);
		done(&comparison);
	}
}

/* What freeze disarmed is compared as it was before. */
static void a_disarmed_expiry_counts_as_what_it_was(void **state)
{
	(void)state;
	CLEANUP(json_cleanup)
	struct json_doc *freeze =
		parse("{\"ttl\":[{\"collection\":\"c\",\"index\":\"x\",\"seconds\":86400}]}");
	struct comparison comparison;
	struct err err;

	compare(&comparison,
		"{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{\"a\":1},"
		"\"expireAfterSeconds\":86400}]}",
		"{\"indexes\":[{\"name\":\"x\",\"key\":{\"a\":1},"
		"\"expireAfterSeconds\":2147483647}]}");
	assert_int_equal(comparison.diff.count, 1);
	comparison.state.freeze = json_root(freeze);
	assert_int_equal(
		ensure_compare(&comparison.state, &comparison.arena, &comparison.diff, &err), 0);
	assert_int_equal(comparison.diff.count, 0);
	done(&comparison);
}

static void an_equal_validator_is_left_alone(void **state)
{
	(void)state;
	struct comparison comparison;

	compare(&comparison, "{\"name\":\"c\",\"validator\":{\"a\":{\"$gt\":1}}}",
		"{\"options\":{\"validator\":{\"a\":{\"$gt\":1}}},\"indexes\":[]}");
	assert_int_equal(comparison.diff.count, 0);
	done(&comparison);
	compare(&comparison, "{\"name\":\"c\",\"validator\":{\"a\":{\"$gt\":1}}}",
		"{\"options\":{\"validator\":{\"a\":{\"$gt\":2}}},\"indexes\":[]}");
	assert_int_equal(comparison.diff.count, 1);
	assert_int_equal(comparison.diff.changes[0].kind, ENSURE_SET_VALIDATOR);
	done(&comparison);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_collection_that_is_not_there_is_made_with_all),
		cmocka_unit_test(an_equal_index_is_left_alone),
		cmocka_unit_test(each_difference_is_named),
		cmocka_unit_test(only_what_says_replace_is_replaced),
		cmocka_unit_test(an_expiry_is_changed_in_place),
		cmocka_unit_test(a_shorter_expiry_has_no_exact_way_back),
		cmocka_unit_test(a_disarmed_expiry_counts_as_what_it_was),
		cmocka_unit_test(an_equal_validator_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
