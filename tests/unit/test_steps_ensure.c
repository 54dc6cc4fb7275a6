#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ensure_scene.h"

/* ---- one declared collection against one that is there; there NULL: it is not */

struct comparison {
	struct declaration declaration;
	struct json_doc *there;
	struct ensure_collection collection;
	struct ensure_state state;
	struct ensure_diff diff;
};

static struct bytes bson(struct arena *arena, const struct json *object)
{
	CLEANUP_STR struct str doc = STR_INIT;
	struct err err;

	assert_int_equal(doc_from_json(object, &doc, &err), 0);
	return arena_bytes(arena, str_bytes(&doc));
}

static void read_there(struct comparison *comparison, const char *there)
{
	struct arena *arena = &comparison->declaration.arena;
	struct ensure_collection *collection = &comparison->collection;
	struct err err;

	assert_int_equal(
		json_parse(bytes_of_string(there), JSON_LIMITS(65536), &comparison->there, &err),
		0);
	const struct json *root = json_root(comparison->there);
	const struct json *options = json_member(root, "options");
	const struct json *indexes = json_member(root, "indexes");
	const struct json *shard = json_member(root, "shardKey");
	collection->type = "collection";
	if (options != NULL)
		collection->options = bson(arena, options);
	if (shard != NULL)
		collection->shard_key = bson(arena, shard);
	collection->indexes = arena_array(arena, 64, sizeof *collection->indexes);
	for (const struct json *index = indexes == NULL ? NULL : json_first(indexes); index != NULL;
		index = json_next(index))
		collection->indexes[collection->index_count++] = bson(arena, index);
}

static void compare(struct comparison *comparison, const char *declared, const char *there)
{
	CLEANUP_STR struct str list = STR_INIT;
	struct err err;

	*comparison = (struct comparison){0};
	str_append_format(&list, "[%s]", declared);
	if (load(&comparison->declaration, str_text(&list), &err) != 0)
		fail_msg("%s: %s", declared, err.message);
	comparison->collection.declared = comparison->declaration.ensure.collections;
	if (there != NULL)
		read_there(comparison, there);
	comparison->state =
		(struct ensure_state){.collections = &comparison->collection, .count = 1};
	assert_int_equal(ensure_compare(&comparison->state, &comparison->declaration.arena,
				 &comparison->diff, &err),
		0);
}

static void again(struct comparison *comparison)
{
	struct err err;

	assert_int_equal(ensure_compare(&comparison->state, &comparison->declaration.arena,
				 &comparison->diff, &err),
		0);
}

static void done(struct comparison *comparison)
{
	json_release(comparison->there);
	unload(&comparison->declaration);
}

static void expect_change(const struct comparison *comparison, int kind, const char *text)
{
	assert_int_equal(comparison->diff.count, 1);
	assert_int_equal(comparison->diff.changes[0].kind, kind);
	if (strcmp(comparison->diff.changes[0].text, text) != 0)
		fail_msg("\"%s\" is not \"%s\"", comparison->diff.changes[0].text, text);
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
		if (comparison.diff.count != 0)
			fail_msg("%s: %s", declared, comparison.diff.changes[0].text);
		assert_int_equal(comparison.diff.already[ENSURE_CREATE_INDEX], 1);
	} else {
		expect_change(&comparison, kind, text);
	}
	done(&comparison);
}

static void a_collection_that_is_not_there_is_made_with_all(void **state)
{
	(void)state;
	struct comparison comparison;

	compare(&comparison,
		"{\"name\":\"c\",\"validator\":{\"a\":1},"
		"\"indexes\":[{\"name\":\"x\",\"keys\":{\"x\":1}}],"
		"\"shardKey\":{\"keys\":{\"x\":1}}}",
		NULL);
	assert_int_equal(comparison.diff.count, 3);
	comparison.state.sharded = true;
	again(&comparison);
	assert_int_equal(comparison.diff.count, 4);
	assert_int_equal(comparison.diff.changes[0].kind, ENSURE_CREATE_COLLECTION);
	assert_int_equal(comparison.diff.changes[1].kind, ENSURE_SET_VALIDATOR);
	assert_int_equal(comparison.diff.changes[2].kind, ENSURE_CREATE_INDEX);
	assert_int_equal(comparison.diff.changes[3].kind, ENSURE_SHARD);
	/* All of it goes with the collection. */
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(comparison.diff.changes[i].way_back, WAY_BACK_EXACT);
	done(&comparison);
}

static void an_equal_index_is_left_alone(void **state)
{
	(void)state;
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1,\"b\":-1},\"unique\":true}",
		"{\"v\":2,\"name\":\"x\",\"key\":{\"a\":1.0,\"b\":{\"$numberLong\":\"-1\"}},"
		"\"unique\":true,\"ns\":\"d.c\",\"background\":true,"
		"\"storageEngine\":{\"x\":1}}",
		-1, "");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"unique\":false}",
		"{\"name\":\"x\",\"key\":{\"a\":1}}", -1, "");
	/* Old servers keep what they were given. */
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"unique\":true}",
		"{\"name\":\"x\",\"key\":{\"a\":1},\"unique\":1}", -1, "");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"partialFilterExpression\":"
		     "{\"b\":{\"$gt\":5,\"$lt\":9}}}",
		"{\"name\":\"x\",\"key\":{\"a\":1},\"partialFilterExpression\":"
		"{\"b\":{\"$lt\":9.0,\"$gt\":{\"$numberLong\":\"5\"}}}}",
		-1, "");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"expireAfterSeconds\":60}",
		"{\"name\":\"x\",\"key\":{\"a\":1},\"expireAfterSeconds\":60.0}", -1, "");
}

/* The server keeps the fields of a text index as weights, and fills in what was not said. */
static void a_text_index_is_recognised(void **state)
{
	(void)state;
	static const char there[] =
		"{\"name\":\"x\",\"key\":{\"p\":1,\"_fts\":\"text\",\"_ftsx\":1},\"weights\":"
		"{\"b\":1,\"a\":2},\"default_language\":\"english\","
		"\"language_override\":\"language\",\"textIndexVersion\":3}";

	expect_index("{\"name\":\"x\",\"keys\":{\"p\":1,\"a\":\"text\",\"b\":\"text\"},"
		     "\"weights\":{\"a\":2}}",
		there, -1, "");
	expect_index("{\"name\":\"x\",\"keys\":{\"p\":1,\"a\":\"text\",\"b\":\"text\"}}", there,
		ENSURE_CONFLICT, "weights.a is 2 here, 1 wanted");
	expect_index("{\"name\":\"x\",\"keys\":{\"p\":1,\"a\":\"text\",\"b\":\"text\"},"
		     "\"weights\":{\"a\":2},\"default_language\":\"german\"}",
		there, ENSURE_CONFLICT, "default_language is \"english\" here, \"german\" wanted");
}

static void a_collation_is_compared_with_what_the_server_fills_in(void **state)
{
	(void)state;
	static const char there[] =
		"{\"name\":\"x\",\"key\":{\"a\":1},\"collation\":{\"locale\":\"en\","
		"\"caseLevel\":false,\"caseFirst\":\"off\",\"strength\":2,"
		"\"numericOrdering\":false,\"alternate\":\"non-ignorable\","
		"\"maxVariable\":\"punct\",\"normalization\":false,\"backwards\":false,"
		"\"version\":\"57.1\"}}";
	struct comparison comparison;

	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"collation\":{\"locale\":\"en\","
		     "\"strength\":2}}",
		there, -1, "");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"collation\":{\"locale\":\"simple\"}}",
		"{\"name\":\"x\",\"key\":{\"a\":1}}", -1, "");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"collation\":{\"locale\":\"en\"}}",
		"{\"name\":\"x\",\"key\":{\"a\":1}}", ENSURE_CONFLICT,
		"collation is not set here, { \"locale\" : \"en\" } wanted");
	/* An index has its collection's unless it says otherwise. */
	compare(&comparison, "{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{\"a\":1}}]}",
		"{\"options\":{\"collation\":{\"locale\":\"en\",\"strength\":2}},\"indexes\":["
		"{\"name\":\"x\",\"key\":{\"a\":1},\"collation\":{\"locale\":\"en\","
		"\"strength\":2}}]}");
	assert_int_equal(comparison.diff.count, 0);
	done(&comparison);
	compare(&comparison, "{\"name\":\"c\",\"collation\":{\"locale\":\"de\"}}",
		"{\"options\":{},\"indexes\":[]}");
	expect_change(&comparison, ENSURE_CONFLICT,
		"collation is not set here, { \"locale\" : \"de\" } wanted");
	done(&comparison);
}

static void each_difference_is_named(void **state)
{
	(void)state;
	expect_index(
		"{\"name\":\"x\",\"keys\":{\"a\":1}}", "", ENSURE_CREATE_INDEX, "is not there");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1,\"b\":1}}",
		"{\"name\":\"x\",\"key\":{\"b\":1,\"a\":1}}", ENSURE_CONFLICT,
		"keys is { \"b\" : 1, \"a\" : 1 } here, { \"a\" : 1, \"b\" : 1 } wanted");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"unique\":true}",
		"{\"name\":\"x\",\"key\":{\"a\":1}}", ENSURE_CONFLICT,
		"unique is false here, true wanted");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"sparse\":true}",
		"{\"name\":\"x\",\"key\":{\"a\":1}}", ENSURE_CONFLICT,
		"sparse is false here, true wanted");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1}}",
		"{\"name\":\"x\",\"key\":{\"a\":1},\"hidden\":true}", ENSURE_CONFLICT,
		"hidden is true here, false wanted");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1}}", "{\"name\":\"y\",\"key\":{\"a\":1}}",
		ENSURE_CONFLICT, "name is \"y\" here, \"x\" wanted");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"partialFilterExpression\":{\"b\":1}}",
		"{\"name\":\"x\",\"key\":{\"a\":1},\"partialFilterExpression\":{\"b\":2}}",
		ENSURE_CONFLICT, "partialFilterExpression.b is 2 here, 1 wanted");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"expireAfterSeconds\":5}",
		"{\"name\":\"x\",\"key\":{\"a\":1}}", ENSURE_CONFLICT,
		"expireAfterSeconds is not set here, 5 wanted");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"unique\":true,"
		     "\"expireAfterSeconds\":86400}",
		"{\"name\":\"x\",\"key\":{\"a\":1},\"expireAfterSeconds\":3600}", ENSURE_CONFLICT,
		"unique is false here, true wanted; expireAfterSeconds is 3600 here, 86400 "
		"wanted");
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1}}",
		"{\"name\":\"y\",\"key\":{\"a\":1},\"unique\":true,\"sparse\":true,"
		"\"hidden\":true,\"partialFilterExpression\":{\"b\":1},"
		"\"expireAfterSeconds\":1}",
		ENSURE_CONFLICT,
		"unique is true here, false wanted; sparse is true here, false wanted; "
		"hidden is true here, false wanted; partialFilterExpression is { \"b\" : 1 } "
		"here, not set wanted; and 2 more");
}

static void only_what_says_replace_is_replaced(void **state)
{
	(void)state;
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"unique\":true,\"replace\":true}",
		"{\"name\":\"x\",\"key\":{\"a\":1}}", ENSURE_REPLACE_INDEX,
		"unique is false here, true wanted");
}

static void an_expiry_is_changed_in_place(void **state)
{
	(void)state;
	expect_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"expireAfterSeconds\":3600}",
		"{\"name\":\"x\",\"key\":{\"a\":1},\"expireAfterSeconds\":86400}", ENSURE_SET_TTL,
		"expireAfterSeconds is 86400 here, 3600 wanted");
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
	static const char text[] =
		"{\"ttl\":[{\"collection\":\"c\",\"index\":\"x\",\"seconds\":86400}]}";
	CLEANUP(json_cleanup) struct json_doc *freeze = NULL;
	struct comparison comparison;
	struct err err;

	assert_int_equal(json_parse(bytes_of_string(text), JSON_LIMITS(65536), &freeze, &err), 0);
	compare(&comparison,
		"{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{\"a\":1},"
		"\"expireAfterSeconds\":86400}]}",
		"{\"indexes\":[{\"name\":\"x\",\"key\":{\"a\":1},"
		"\"expireAfterSeconds\":2147483647}]}");
	assert_int_equal(comparison.diff.count, 1);
	comparison.state.freeze = json_root(freeze);
	again(&comparison);
	assert_int_equal(comparison.diff.count, 0);
	done(&comparison);
}

/* ---- validators and shard keys */

static void expect_validator(
	const char *declared, const char *options, int changes, const char *text)
{
	CLEANUP_STR struct str a = STR_INIT;
	CLEANUP_STR struct str b = STR_INIT;
	struct comparison comparison;

	str_append_format(&a, "{\"name\":\"c\",%s}", declared);
	str_append_format(&b, "{\"options\":%s,\"indexes\":[]}", options);
	compare(&comparison, str_text(&a), str_text(&b));
	if (changes == 0) {
		if (comparison.diff.count != 0)
			fail_msg("%s: %s", options, comparison.diff.changes[0].text);
	} else {
		expect_change(&comparison, ENSURE_SET_VALIDATOR, text);
	}
	done(&comparison);
}

static void an_equal_validator_is_left_alone(void **state)
{
	(void)state;
	expect_validator("\"validator\":{\"a\":{\"$gt\":1,\"$lt\":9}}",
		"{\"validator\":{\"a\":{\"$lt\":{\"$numberLong\":\"9\"},\"$gt\":1.0}}}", 0, "");
	expect_validator("\"validator\":{\"a\":1}",
		"{\"validator\":{\"a\":1},\"validationLevel\":\"strict\","
		"\"validationAction\":\"error\"}",
		0, "");
}

static void a_validators_differences_have_paths(void **state)
{
	(void)state;
	expect_validator("\"validator\":{\"a\":1}", "{}", 1, "there is no validator");
	expect_validator(
		"\"validator\":{\"a\":1}", "{\"validator\":{}}", 1, "there is no validator");
	expect_validator("\"validator\":{\"$jsonSchema\":{\"required\":[\"a\",\"b\"],"
			 "\"properties\":{\"a\":{\"bsonType\":\"int\"},\"c\":{\"minimum\":1}}}}",
		"{\"validator\":{\"$jsonSchema\":{\"required\":[\"a\",\"x\"],\"properties\":"
		"{\"a\":{\"bsonType\":\"string\"},\"d\":{\"minimum\":2}}}}}",
		1,
		"validator.$jsonSchema.required[1] is \"x\" here, \"b\" wanted; "
		"validator.$jsonSchema.properties.a.bsonType is \"string\" here, \"int\" wanted; "
		"validator.$jsonSchema.properties.c is not set here, { \"minimum\" : 1 } wanted; "
		"validator.$jsonSchema.properties.d is { \"minimum\" : 2 } here, not set wanted");
	expect_validator("\"validator\":{\"a\":1},\"validationAction\":\"warn\"",
		"{\"validator\":{\"a\":1},\"validationLevel\":\"moderate\"}", 1,
		"validationLevel is \"moderate\" here, \"strict\" wanted; "
		"validationAction is \"error\" here, \"warn\" wanted");
}

static void a_shard_key_is_compared_on_a_router_only(void **state)
{
	(void)state;
	static const char declared[] =
		"{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{\"a\":1}}],"
		"\"shardKey\":{\"keys\":{\"a\":1}}}";
	struct comparison comparison;

	compare(&comparison, declared, "{\"indexes\":[{\"name\":\"x\",\"key\":{\"a\":1}}]}");
	assert_int_equal(comparison.diff.count, 0);
	comparison.state.sharded = true;
	again(&comparison);
	expect_change(&comparison, ENSURE_SHARD,
		"shard key { \"a\" : 1 }: the collection is not sharded");
	assert_int_equal(comparison.diff.changes[0].way_back, WAY_BACK_NONE);
	comparison.state.unsharding = true;
	again(&comparison);
	assert_int_equal(comparison.diff.changes[0].way_back, WAY_BACK_EXACT);
	done(&comparison);
	compare(&comparison, declared,
		"{\"indexes\":[{\"name\":\"x\",\"key\":{\"a\":1}}],\"shardKey\":{\"a\":1.0}}");
	comparison.state.sharded = true;
	again(&comparison);
	assert_int_equal(comparison.diff.count, 0);
	done(&comparison);
	compare(&comparison, declared,
		"{\"indexes\":[{\"name\":\"x\",\"key\":{\"a\":1}}],\"shardKey\":{\"b\":1}}");
	comparison.state.sharded = true;
	again(&comparison);
	expect_change(&comparison, ENSURE_CONFLICT,
		"shard key is { \"b\" : 1 } here, { \"a\" : 1 } wanted");
	done(&comparison);
}

static void a_view_is_no_collection(void **state)
{
	(void)state;
	struct comparison comparison;

	compare(&comparison, "{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{\"a\":1}}]}",
		"{\"indexes\":[]}");
	comparison.collection.type = "view";
	again(&comparison);
	expect_change(&comparison, ENSURE_CONFLICT, "is a view, not a collection");
	done(&comparison);
}

/* What was there goes into one line of the journal: more than fits is refused before anything is
 * done. */
static void what_is_journaled_is_bounded(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		struct comparison comparison;
		CLEANUP_STR struct str doc = STR_INIT;
		struct doc_writer writer;
		struct err err;

		compare(&comparison, "{\"name\":\"c\",\"validator\":{\"a\":1}}",
			"{\"indexes\":[]}");
		/* {validator: {a: "…"}} with all its lengths is ENSURE_BEFORE_MAX, or one more. */
		size_t size = ENSURE_BEFORE_MAX - 29 + (size_t)over;
		char *text = malloc(size + 1);
		assert_non_null(text);
		memset(text, 'x', size);
		text[size] = '\0';
		doc_write_begin(&writer, &doc);
		doc_write_document(&writer, "validator");
		doc_write_string(&writer, "a", text);
		doc_write_end(&writer);
		doc_write_end(&writer);
		assert_int_equal(doc.size, ENSURE_BEFORE_MAX + over);
		comparison.collection.options = str_bytes(&doc);
		int rc = ensure_compare(
			&comparison.state, &comparison.declaration.arena, &comparison.diff, &err);
		assert_int_equal(rc, over ? -ERR_LIMIT : 0);
		free(text);
		done(&comparison);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_collection_that_is_not_there_is_made_with_all),
		cmocka_unit_test(an_equal_index_is_left_alone),
		cmocka_unit_test(a_text_index_is_recognised),
		cmocka_unit_test(a_collation_is_compared_with_what_the_server_fills_in),
		cmocka_unit_test(each_difference_is_named),
		cmocka_unit_test(only_what_says_replace_is_replaced),
		cmocka_unit_test(an_expiry_is_changed_in_place),
		cmocka_unit_test(a_shorter_expiry_has_no_exact_way_back),
		cmocka_unit_test(a_disarmed_expiry_counts_as_what_it_was),
		cmocka_unit_test(an_equal_validator_is_left_alone),
		cmocka_unit_test(a_validators_differences_have_paths),
		cmocka_unit_test(a_shard_key_is_compared_on_a_router_only),
		cmocka_unit_test(a_view_is_no_collection),
		cmocka_unit_test(what_is_journaled_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
