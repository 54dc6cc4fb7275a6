#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ensure_scene.h"

/* What a declaration may say. */

static void expect_refused(const char *collections, enum err_code code, const char *words)
{
	struct declaration declaration;
	struct err err = {0};
	int rc = load(&declaration, collections, &err);

	if (rc != -(int)code || strstr(err.message, words) == NULL)
		fail_msg("%s: %d \"%s\", wanted %d \"%s\"", collections, rc,
			rc < 0 ? err.message : "", -(int)code, words);
	unload(&declaration);
}

static void expect_loaded(const char *collections)
{
	struct declaration declaration;
	struct err err = {0};

	if (load(&declaration, collections, &err) != 0)
		fail_msg("%s: %s", collections, err.message);
	unload(&declaration);
}

static void refuse_index(const char *index, const char *words)
{
	CLEANUP_STR struct str text = STR_INIT;

	str_append_format(&text, "[{\"name\":\"c\",\"indexes\":[%s]}]", index);
	expect_refused(str_text(&text), ERR_SYNTAX, words);
}

static void load_index(const char *index)
{
	CLEANUP_STR struct str text = STR_INIT;

	str_append_format(&text, "[{\"name\":\"c\",\"indexes\":[%s]}]", index);
	expect_loaded(str_text(&text));
}

static void a_member_that_is_not_known_is_refused_with_its_place(void **state)
{
	(void)state;
	expect_refused("[{\"name\":\"c\",\"_why\":1},{\"name\":\"d\",\"indexs\":[]}]", ERR_SYNTAX,
		"collections[1]");
	refuse_index(
		"{\"name\":\"x\",\"keys\":{\"a\":1},\"uniqe\":true}", "collections[0]: indexes[0]");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"unique\":1}", "\"unique\"");
	expect_refused("[{\"name\":\"c\",\"shardKey\":{\"keys\":{\"_id\":1},\"unike\":true}}]",
		ERR_SYNTAX, "shardKey");
	expect_refused("[{\"name\":\"c\"},{\"name\":\"c\"}]", ERR_SYNTAX, "declared twice");
	expect_refused("[{\"name\":\"system.x\"}]", ERR_SYNTAX, "no collection of a kit");
	expect_refused("[{\"name\":\"offkit_state\"}]", ERR_SYNTAX, "no collection of a kit");
	expect_refused("[{\"name\":\"offkit_scratch_1\"}]", ERR_SYNTAX, "no collection of a kit");
	expect_refused("[{\"name\":\"schema_migrations\"}]", ERR_SYNTAX, "no collection of a kit");
	expect_refused("[{\"name\":\"a$b\"}]", ERR_SYNTAX, "no collection of a kit");
	expect_refused("[{\"name\":\"c\",\"validationLevel\":\"strict\"}]", ERR_SYNTAX,
		"without a validator");
	expect_refused("[{\"name\":\"c\",\"validator\":{},\"validationLevel\":\"hard\"}]",
		ERR_SYNTAX, "\"hard\"");
	expect_loaded("[{\"name\":\"c\",\"validator\":{\"a\":1},\"validationLevel\":\"moderate\","
		      "\"validationAction\":\"warn\"}]");
}

/* What no server builds is refused before anything is done. */
static void indexes_that_no_server_builds_are_refused(void **state)
{
	(void)state;
	refuse_index("{\"name\":\"x\",\"keys\":{}}", "empty");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":2}}", "\"hashed\"");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":\"hash\"}}", "\"hashed\"");
	refuse_index("{\"name\":\"x\",\"keys\":{\"\":1}}", "no field");
	refuse_index("{\"name\":\"x\",\"keys\":{\"$a\":1}}", "no field");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a..b\":1}}", "no field");
	refuse_index("{\"name\":\"_id_\",\"keys\":{\"a\":1}}", "this name");
	refuse_index("{\"name\":\"*\",\"keys\":{\"a\":1}}", "this name");
	refuse_index("{\"name\":\"x\",\"keys\":{\"_id\":1}}", "already");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":\"hashed\"},\"unique\":true}", "\"unique\"");
	refuse_index("{\"name\":\"x\",\"keys\":{\"$**\":1},\"unique\":true}", "\"unique\"");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":\"hashed\",\"b\":\"hashed\"}}", "hashed");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"sparse\":true,"
		     "\"partialFilterExpression\":{\"a\":1}}",
		"exclude");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":1,\"b\":1},\"expireAfterSeconds\":1}",
		"expire by one field");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":\"hashed\"},\"expireAfterSeconds\":1}",
		"expire by one field");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"weights\":{\"a\":2}}", "text keys");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"wildcardProjection\":{\"a\":1}}", "$**");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":1}},{\"name\":\"x\",\"keys\":{\"b\":1}}",
		"indexes[1]: two indexes");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":1}},{\"name\":\"y\",\"keys\":{\"a\":1}}",
		"the same keys");
	load_index("{\"name\":\"x\",\"keys\":{\"a\":1}},{\"name\":\"y\",\"keys\":{\"a\":-1}}");
	load_index("{\"name\":\"x\",\"keys\":{\"a\":\"hashed\",\"b\":1}}");
	load_index(
		"{\"name\":\"x\",\"keys\":{\"a\":\"text\",\"b\":\"text\"},\"weights\":{\"a\":2}}");
	load_index("{\"name\":\"x\",\"keys\":{\"$**\":1},\"wildcardProjection\":{\"a\":1}}");
	load_index("{\"name\":\"x\",\"keys\":{\"a.$**\":1}}");
	load_index("{\"name\":\"x\",\"keys\":{\"a\":\"2dsphere\"}}");
}

/* Every limit on both sides. */
static void limits_hold_on_both_sides(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		CLEANUP_STR struct str many = STR_INIT;
		CLEANUP_STR struct str indexes = STR_INIT;
		CLEANUP_STR struct str keys = STR_INIT;
		CLEANUP_STR struct str name = STR_INIT;

		for (int i = 0; i < ENSURE_COLLECTIONS_MAX + over; i++)
			str_append_format(&many, "%s{\"name\":\"c%d\"}", i == 0 ? "[" : ",", i);
		str_append_char(&many, ']');
		for (int i = 0; i < ENSURE_INDEXES_MAX + over; i++)
			str_append_format(&indexes, "%s{\"name\":\"i%d\",\"keys\":{\"f%d\":1}}",
				i == 0 ? "[{\"name\":\"c\",\"indexes\":[" : ",", i, i);
		str_append_text(&indexes, "]}]");
		for (int i = 0; i < ENSURE_KEYS_MAX + over; i++)
			str_append_format(&keys, "%s\"f%d\":1",
				i == 0 ? "[{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{"
				       : ",",
				i);
		str_append_text(&keys, "}}]}]");
		str_append_text(&name, "[{\"name\":\"");
		for (int i = 0; i < 200 + over; i++)
			str_append_char(&name, 'n');
		str_append_text(&name, "\"}]");
		const char *texts[] = {
			str_text(&many), str_text(&indexes), str_text(&keys), str_text(&name)};
		for (size_t i = 0; i < sizeof texts / sizeof(*texts); i++)
			if (over)
				expect_refused(texts[i], ERR_LIMIT, "");
			else
				expect_loaded(texts[i]);
	}
	expect_refused("[]", ERR_SYNTAX, "empty");
	load_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"expireAfterSeconds\":0}");
	load_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"expireAfterSeconds\":2147483646}");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"expireAfterSeconds\":2147483647}",
		"expireAfterSeconds");
	refuse_index("{\"name\":\"x\",\"keys\":{\"a\":1},\"expireAfterSeconds\":-1}",
		"expireAfterSeconds");
}

static void a_shard_key_needs_its_index(void **state)
{
	(void)state;
	expect_loaded("[{\"name\":\"c\",\"shardKey\":{\"keys\":{\"_id\":1}}}]");
	expect_loaded("[{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{\"a\":1,\"b\":1}}],"
		      "\"shardKey\":{\"keys\":{\"a\":1}}}]");
	expect_loaded("[{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{\"a\":\"hashed\"}}],"
		      "\"shardKey\":{\"keys\":{\"a\":\"hashed\"}}}]");
	expect_refused("[{\"name\":\"c\",\"shardKey\":{\"keys\":{\"a\":1}}}]", ERR_SYNTAX,
		"begins with it");
	expect_refused("[{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{\"a\":1},"
		       "\"sparse\":true}],\"shardKey\":{\"keys\":{\"a\":1}}}]",
		ERR_SYNTAX, "begins with it");
	expect_refused("[{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{\"a\":1}}],"
		       "\"shardKey\":{\"keys\":{\"a\":1},\"unique\":true}}]",
		ERR_SYNTAX, "is unique and has");
	expect_refused("[{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{\"b\":1},"
		       "\"unique\":true}],\"shardKey\":{\"keys\":{\"_id\":1}}}]",
		ERR_SYNTAX, "unique across shards");
	expect_refused("[{\"name\":\"c\",\"indexes\":[{\"name\":\"x\",\"keys\":{\"a\":-1}}],"
		       "\"shardKey\":{\"keys\":{\"a\":-1}}}]",
		ERR_SYNTAX, "not 1 or");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_member_that_is_not_known_is_refused_with_its_place),
		cmocka_unit_test(indexes_that_no_server_builds_are_refused),
		cmocka_unit_test(limits_hold_on_both_sides),
		cmocka_unit_test(a_shard_key_needs_its_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
