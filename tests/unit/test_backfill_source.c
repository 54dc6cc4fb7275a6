/* The source of a backfill on a real server (OFFKIT_TEST_URI): groups, batches and their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/backfill.h"

#define MUST(call)                                                                                 \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, err.message);                                    \
	} while (0)

enum { MIB = 1024 * 1024 };

static const struct backfill_phase by_id = {.name = "one", .collection = "source"};
static const struct backfill_phase by_group = {
	.name = "two", .collection = "source", .key_count = 1, .keys = {"group"}};

struct scene {
	struct mongo *mongo;
	struct arena arena;
	struct backfill_unit *units;
	size_t count;
};

static void command(struct scene *scene, const char *json)
{
	CLEANUP_STR struct str octets = STR_INIT, reply = STR_INIT;
	struct err err;

	MUST(doc_from_json_text(bytes_of_string(json), &octets, &err));
	MUST(mongo_command(scene->mongo, str_bytes(&octets), &reply, NULL, &err));
}

static void begin(struct scene *scene)
{
	const char *uri = getenv("OFFKIT_TEST_URI");
	struct err err;

	if (uri == NULL)
		skip();
	*scene = (struct scene){0};
	MUST(mongo_connect(uri, "offkit_test_source", &scene->mongo, &err));
	command(scene, "{\"dropDatabase\":1}");
}

static void end(struct scene *scene)
{
	command(scene, "{\"dropDatabase\":1}");
	arena_release(&scene->arena);
	mongo_close(scene->mongo);
}

static void make_document(struct str *doc, int id, const struct value *group, size_t size)
{
	struct doc_writer writer;
	CLEANUP_STR struct str padding = STR_INIT;
	size_t empty;

	for (int round = 0; round < 2; round++) {
		str_truncate(doc, 0);
		doc_write_begin(&writer, doc);
		doc_write_int32(&writer, "_id", id);
		doc_write_value(&writer, "group", group);
		doc_write_string(&writer, "padding", str_text(&padding));
		doc_write_end(&writer);
		empty = doc->size;
		for (size_t i = empty; round == 0 && i < size; i++)
			str_append_char(&padding, 'x');
	}
}

static void insert(struct scene *scene, int id, struct value group, size_t size)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	CLEANUP_STR struct str doc = STR_INIT;
	struct mongo_bulk_result done;
	struct err err;

	make_document(&doc, id, &group, size);
	assert_true(size == 0 || doc.size == size);
	MUST(mongo_bulk_begin(scene->mongo, "source", &bulk, &err));
	MUST(mongo_bulk_insert(bulk, str_bytes(&doc), &err));
	MUST(mongo_bulk_run(bulk, &done, &err));
	assert_int_equal(done.inserted, 1);
}

static struct value text(const char *string)
{
	return (struct value){.type = VALUE_STRING, .bytes = bytes_of_string(string)};
}

/* The first batch; after: empty or a key to go on from. */
static int read_batch(struct scene *scene, const struct backfill_phase *phase, struct bytes after,
	int64_t batch_size, struct err *err)
{
	CLEANUP(backfill_source_cleanup) struct backfill_source *source = NULL;
	int result = backfill_source_open(scene->mongo, phase, after, batch_size, &source, err);

	if (result == 0)
		result = backfill_source_read(
			source, &scene->arena, &scene->units, &scene->count, err);
	return result;
}

static void a_batch_ends_at_4_mib(void **state)
{
	(void)state;
	static const struct {
		size_t second, units;
	} cases[] = {{2 * MIB, 2}, {2 * MIB - 1, 3}};

	assert_int_equal(BACKFILL_BATCH_OCTETS, 4 * MIB);
	for (size_t i = 0; i < 2; i++) {
		struct scene scene;
		struct err err;
		begin(&scene);
		insert(&scene, 1, text("a"), 2 * MIB);
		insert(&scene, 2, text("b"), cases[i].second);
		insert(&scene, 3, text("c"), 0);
		MUST(read_batch(&scene, &by_id, bytes_make(NULL, 0), 500, &err));
		assert_int_equal(scene.count, cases[i].units);
		end(&scene);
	}
}

/* Of the last of six documents, so that the group has as much as it may have. */
static size_t last_size(void)
{
	CLEANUP_STR struct str root = STR_INIT;
	struct doc_writer writer;
	struct value group = text("a");

	doc_write_begin(&writer, &root);
	doc_write_value(&writer, "group", &group);
	doc_write_array(&writer, "documents");
	/* Of the elements only type and name count, besides the documents themselves. */
	return BACKFILL_GROUP_OCTETS - root.size - 6 * (sizeof "0" + 1) - 5 * 9 * (size_t)MIB;
}

static void a_group_has_at_most_48_mib(void **state)
{
	(void)state;
	assert_int_equal(BACKFILL_GROUP_OCTETS, 48 * MIB);
	for (size_t over = 0; over < 2; over++) {
		struct scene scene;
		struct err err;
		begin(&scene);
		for (int i = 0; i < 5; i++)
			insert(&scene, i, text("a"), 9 * MIB);
		insert(&scene, 5, text("a"), last_size() + over);
		insert(&scene, 6, text("b"), 0);
		int result = read_batch(&scene, &by_group, bytes_make(NULL, 0), 500, &err);
		assert_int_equal(result, over ? -ERR_LIMIT : 0);
		if (result == 0)
			assert_int_equal(scene.units[0].documents, 6);
		else
			assert_non_null(strstr(err.message, "\"group\" : \"a\""));
		end(&scene);
	}
}

/* Otherwise what is left of a group after an interruption would be passed over. */
static void keys_that_compare_equal_are_one_group(void **state)
{
	(void)state;
	struct scene scene;
	struct err err;

	begin(&scene);
	insert(&scene, 1, (struct value){.type = VALUE_INT32, .int32 = 7}, 0);
	insert(&scene, 2, (struct value){.type = VALUE_DOUBLE, .number = 7}, 0);
	insert(&scene, 3, (struct value){.type = VALUE_INT64, .int64 = 7}, 0);
	insert(&scene, 4, (struct value){.type = VALUE_INT32, .int32 = 8}, 0);
	insert(&scene, 5, text("7"), 0);
	MUST(read_batch(&scene, &by_group, bytes_make(NULL, 0), 1, &err));
	assert_int_equal(scene.count, 1);
	assert_int_equal(scene.units[0].documents, 3);
	MUST(read_batch(&scene, &by_group, scene.units[0].key, 500, &err));
	assert_int_equal(scene.count, 2);
	assert_int_equal(scene.units[0].documents, 1);
	end(&scene);
}

/* Not only after an interruption, when there is no filter for what comes after one. */
static void a_key_that_is_an_array_is_refused(void **state)
{
	(void)state;
	CLEANUP_STR struct str empty = STR_INIT;
	struct doc_writer writer;
	struct scene scene;
	struct err err;

	begin(&scene);
	doc_write_begin(&writer, &empty);
	doc_write_end(&writer);
	insert(&scene, 1, text("a"), 0);
	insert(&scene, 2, (struct value){.type = VALUE_ARRAY, .bytes = str_bytes(&empty)}, 0);
	assert_int_equal(
		read_batch(&scene, &by_group, bytes_make(NULL, 0), 500, &err), -ERR_MIGRATION);
	assert_non_null(strstr(err.message, "group is an array"));
	end(&scene);
}

/* Of every type that the server takes as _id, in their order. */
static const char *const ids[] = {
	"{\"$minKey\": 1}",
	"null",
	"{\"$numberDouble\": \"NaN\"}",
	"{\"$numberDouble\": \"-Infinity\"}",
	"-1",
	"{\"$numberDouble\": \"5.5\"}",
	"{\"$numberDecimal\": \"7\"}",
	"{\"$numberLong\": \"99999999999\"}",
	"{\"$numberDouble\": \"Infinity\"}",
	"\"\"",
	"\"s\"",
	"{\"$symbol\": \"t\"}",
	"{\"a\": 1}",
	"{\"a\": {\"b\": null}}",
	"{\"$binary\": {\"base64\": \"AAEC\", \"subType\": \"00\"}}",
	"{\"$binary\": {\"base64\": \"AAECAwQFBgcICQoLDA0ODw==\", \"subType\": \"04\"}}",
	"{\"$oid\": \"65f1c0d29ae2000000000001\"}",
	"false",
	"true",
	"{\"$date\": \"1960-01-01T00:00:00Z\"}",
	"{\"$date\": \"2024-01-01T00:00:00Z\"}",
	"{\"$timestamp\": {\"t\": 5, \"i\": 6}}",
	"{\"$dbPointer\": {\"$ref\": \"x\", \"$id\": {\"$oid\": \"65f1c0d29ae2000000000001\"}}}",
	"{\"$code\": \"x\"}",
	"{\"$code\": \"x\", \"$scope\": {\"a\": 1}}",
	"{\"$maxKey\": 1}",
};

enum { ID_COUNT = sizeof ids / sizeof ids[0] };

static void insert_ids(struct scene *scene)
{
	for (size_t i = 0; i < ID_COUNT; i++) {
		char text[256];
		/* Not in their order; 7 and their number have no common divisor. */
		size_t at = i * 7 % ID_COUNT;
		(void)snprintf(text, sizeof text,
			"{\"insert\": \"source\", \"documents\": [{\"_id\": %s, \"at\": %zu}]}",
			ids[at], at);
		command(scene, text);
	}
}

static void assert_is(const struct backfill_unit *unit, size_t at)
{
	int64_t is = -1;

	assert_true(doc_get_integer(unit->root, "at", &is));
	assert_int_equal(is, at);
}

static void ids_of_every_type_are_gone_on_from(void **state)
{
	(void)state;
	struct scene scene;
	struct err err;

	begin(&scene);
	insert_ids(&scene);
	MUST(read_batch(&scene, &by_id, bytes_make(NULL, 0), 500, &err));
	assert_int_equal(scene.count, ID_COUNT);
	struct backfill_unit *all = scene.units;
	for (size_t i = 0; i < ID_COUNT; i++) {
		assert_is(&all[i], i);
		MUST(read_batch(&scene, &by_id, all[i].key, 500, &err));
		assert_int_equal(scene.count, ID_COUNT - i - 1);
		if (scene.count > 0)
			assert_is(&scene.units[0], i + 1);
	}
	end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_ends_at_4_mib),
		cmocka_unit_test(a_group_has_at_most_48_mib),
		cmocka_unit_test(keys_that_compare_equal_are_one_group),
		cmocka_unit_test(a_key_that_is_an_array_is_refused),
		cmocka_unit_test(ids_of_every_type_are_gone_on_from),
	};

	mongo_library_begin();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	mongo_library_end();
	return failed;
}
