/* Against a real server: OFFKIT_TEST_URI names it; skipped without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mongo/mongo.h"

static const char database[] = "offkit_test_mongo";

static const char *uri_or_skip(void)
{
	const char *uri = getenv("OFFKIT_TEST_URI");

	if (uri == NULL)
		skip();
	return uri;
}

#define MUST(call)                                                                                 \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, err.message);                                    \
	} while (0)

static void command_one(struct mongo *mongo, const char *name, const char *collection)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct doc_writer writer;
	struct err err;

	doc_write_begin(&writer, &command);
	if (collection != NULL)
		doc_write_string(&writer, name, collection);
	else
		doc_write_int32(&writer, name, 1);
	doc_write_end(&writer);
	MUST(mongo_command(mongo, str_bytes(&command), &reply, NULL, &err));
}

static struct mongo *fresh(void)
{
	struct mongo *mongo = NULL;
	struct err err;

	MUST(mongo_connect(uri_or_skip(), database, &mongo, &err));
	command_one(mongo, "dropDatabase", NULL);
	return mongo;
}

static struct bytes numbered(struct str *out, int number)
{
	struct doc_writer writer;

	str_truncate(out, 0);
	doc_write_begin(&writer, out);
	doc_write_int32(&writer, "_id", number);
	doc_write_end(&writer);
	return str_bytes(out);
}

static void insert_numbers(struct mongo *mongo, const char *collection, int from, int to)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	CLEANUP_STR struct str doc = STR_INIT;
	struct mongo_bulk_result result;
	struct err err;

	MUST(mongo_bulk_begin(mongo, collection, &bulk, &err));
	for (int i = from; i < to; i++)
		MUST(mongo_bulk_insert(bulk, numbered(&doc, i), &err));
	MUST(mongo_bulk_run(bulk, &result, &err));
	assert_int_equal(result.inserted, to - from);
	assert_int_equal(result.error_count, 0);
}

static void the_server_says_what_it_is(void **state)
{
	(void)state;
	CLEANUP(mongo_cleanup) struct mongo *mongo = fresh();
	struct mongo_server server;
	struct err err;

	MUST(mongo_server(mongo, &server, &err));
	assert_true(server.version[0] >= '1' && server.version[0] <= '9');
	assert_true(server.max_document >= 16 * 1024 * 1024);
	assert_true(server.clock_difference > -5000 && server.clock_difference < 5000);
	assert_string_equal(mongo_database(mongo), database);
}

static void what_is_written_is_found(void **state)
{
	(void)state;
	CLEANUP(mongo_cleanup) struct mongo *mongo = fresh();
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str sort = STR_INIT, found_doc = STR_INIT, filter = STR_INIT;
	struct doc_writer writer;
	struct bytes doc;
	struct err err;
	int64_t count, expected = 0;
	bool found;
	int more;

	insert_numbers(mongo, "numbers", 0, 2500);
	MUST(mongo_count(mongo, "numbers", bytes_make(NULL, 0), &count, &err));
	assert_int_equal(count, 2500);
	doc_write_begin(&writer, &sort);
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
	struct mongo_find find = {
		.collection = "numbers", .sort = str_bytes(&sort), .batch_size = 100};
	MUST(mongo_find(mongo, &find, &cursor, &err));
	while ((more = mongo_cursor_next(cursor, &doc, &err)) == 1) {
		int64_t id = -1;
		assert_true(doc_get_integer(doc, "_id", &id));
		assert_int_equal(id, expected++);
	}
	assert_int_equal(more, 0);
	assert_int_equal(expected, 2500);
	find = (struct mongo_find){.collection = "numbers", .filter = numbered(&filter, 77)};
	MUST(mongo_find_one(mongo, &find, &found_doc, &found, &err));
	assert_true(found);
	find.filter = numbered(&filter, 7777);
	MUST(mongo_find_one(mongo, &find, &found_doc, &found, &err));
	assert_false(found);
	MUST(mongo_count(mongo, "no_such", bytes_make(NULL, 0), &count, &err));
	assert_int_equal(count, 0);
}

static void a_duplicate_key_is_a_write_error(void **state)
{
	(void)state;
	CLEANUP(mongo_cleanup) struct mongo *mongo = fresh();
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	CLEANUP_STR struct str doc = STR_INIT;
	struct mongo_bulk_result result;
	struct err err;

	insert_numbers(mongo, "numbers", 5, 6);
	MUST(mongo_bulk_begin(mongo, "numbers", &bulk, &err));
	for (int i = 3; i < 8; i++)
		MUST(mongo_bulk_insert(bulk, numbered(&doc, i), &err));
	MUST(mongo_bulk_run(bulk, &result, &err));
	assert_int_equal(result.error_count, 1);
	assert_int_equal(result.errors[0].code, 11000);
	assert_int_equal(result.errors[0].index, 2);
	assert_int_equal(result.inserted, 2);
}

static void write_update(struct str *out, const char *verb, const char *name, int number)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_document(&writer, verb);
	doc_write_int32(&writer, name, number);
	doc_write_end(&writer);
	doc_write_end(&writer);
}

static void updates_and_deletes_count(void **state)
{
	(void)state;
	CLEANUP(mongo_cleanup) struct mongo *mongo = fresh();
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	CLEANUP_STR struct str filter = STR_INIT, update = STR_INIT, pipeline = STR_INIT;
	CLEANUP_STR struct str insert = STR_INIT;
	struct mongo_bulk_result result;
	struct doc_writer writer;
	struct err err;

	insert_numbers(mongo, "numbers", 0, 4);
	write_update(&update, "$set", "x", 1);
	write_update(&insert, "$setOnInsert", "new", 1);
	doc_write_begin(&writer, &pipeline);
	writer.is_array[0] = true;
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "$set");
	doc_write_string(&writer, "at", "$$NOW");
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);

	MUST(mongo_bulk_begin(mongo, "numbers", &bulk, &err));
	MUST(mongo_bulk_update(bulk, numbered(&filter, 0), str_bytes(&update), false, false, &err));
	MUST(mongo_bulk_update(
		bulk, numbered(&filter, 1), str_bytes(&pipeline), false, false, &err));
	MUST(mongo_bulk_update(bulk, numbered(&filter, 9), str_bytes(&insert), false, true, &err));
	MUST(mongo_bulk_replace(bulk, numbered(&filter, 2), numbered(&filter, 2), false, &err));
	MUST(mongo_bulk_delete(bulk, numbered(&filter, 3), false, &err));
	MUST(mongo_bulk_run(bulk, &result, &err));
	assert_int_equal(result.error_count, 0);
	assert_int_equal(result.matched, 3);
	assert_int_equal(result.upserted, 1);
	assert_int_equal(result.deleted, 1);
}

static void an_empty_bulk_does_nothing(void **state)
{
	(void)state;
	CLEANUP(mongo_cleanup) struct mongo *mongo = fresh();
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	struct mongo_bulk_result result;
	struct err err;

	MUST(mongo_bulk_begin(mongo, "numbers", &bulk, &err));
	MUST(mongo_bulk_run(bulk, &result, &err));
	assert_int_equal(result.inserted, 0);
}

static void collections_and_indexes_are_listed(void **state)
{
	(void)state;
	CLEANUP(mongo_cleanup) struct mongo *mongo = fresh();
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct mongo_collection *collections = NULL;
	struct bytes *indexes = NULL;
	size_t count = 0;
	struct mongo_stats stats;
	struct err err;

	command_one(mongo, "create", "zebra");
	insert_numbers(mongo, "ant", 0, 10);
	MUST(mongo_collections(mongo, &arena, &collections, &count, &err));
	assert_int_equal(count, 2);
	assert_string_equal(collections[0].name, "ant");
	assert_string_equal(collections[1].name, "zebra");
	assert_string_equal(collections[1].type, "collection");
	MUST(mongo_indexes(mongo, "ant", &arena, &indexes, &count, &err));
	assert_int_equal(count, 1);
	assert_string_equal(doc_get_string(indexes[0], "name"), "_id_");
	MUST(mongo_indexes(mongo, "no_such", &arena, &indexes, &count, &err));
	assert_int_equal(count, 0);
	MUST(mongo_collection_stats(mongo, "no_such", &stats, &err));
	assert_int_equal(stats.count, 0);
	MUST(mongo_collection_stats(mongo, "ant", &stats, &err));
}

static void a_refusal_has_the_servers_code(void **state)
{
	(void)state;
	CLEANUP(mongo_cleanup) struct mongo *mongo = fresh();
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct mongo_refusal refusal;
	struct doc_writer writer;
	struct err err;

	doc_write_begin(&writer, &command);
	doc_write_int32(&writer, "noSuchCommand", 1);
	doc_write_end(&writer);
	assert_int_equal(
		mongo_command(mongo, str_bytes(&command), &reply, &refusal, &err), -ERR_MIGRATION);
	assert_int_equal(refusal.code, 59);
	assert_string_equal(refusal.name, "CommandNotFound");
	assert_int_equal(reply.size, 0);
}

static void a_server_that_is_not_there(void **state)
{
	(void)state;
	struct mongo *mongo = NULL;
	struct err err;

	assert_int_equal(mongo_connect("mongodb://user:secret@127.0.0.1:1/?authSource=admin", "x",
				 &mongo, &err),
		-ERR_DATABASE);
	assert_null(mongo);
	assert_null(strstr(err.message, "secret"));
	assert_non_null(strstr(err.message, "127.0.0.1:1"));
}

/* OFFKIT_TEST_URI_LOGIN names a server that asks for a login, with a right one. */
static void a_wrong_password_is_a_login_failure(void **state)
{
	(void)state;
	const char *uri = getenv("OFFKIT_TEST_URI_LOGIN");
	CLEANUP_STR struct str wrong = STR_INIT;
	struct mongo *mongo = NULL;
	struct err err;

	if (uri == NULL)
		skip();
	MUST(mongo_connect(uri, database, &mongo, &err));
	mongo_close(mongo);
	const char *at = strchr(uri, '@');
	assert_non_null(at);
	str_append(&wrong, uri, (size_t)(at - uri));
	str_append_text(&wrong, "x");
	str_append_text(&wrong, at);
	mongo = NULL;
	assert_int_equal(mongo_connect(str_text(&wrong), database, &mongo, &err), -ERR_LOGIN);
}

static void addresses_are_shown_without_secrets(void **state)
{
	(void)state;
	static const struct {
		const char *uri, *shown;
		bool loopback;
	} uris[] = {
		{"mongodb://localhost", "mongodb://localhost:27017", true},
		{"mongodb://u:p%40w@127.0.0.9:5/db?authSource=admin", "mongodb://u:***@127.0.0.9:5",
			true},
		{"mongodb://u@[::1]", "mongodb://u@[::1]:27017", true},
		{"mongodb://a:1,b:2/?replicaSet=rs0", "mongodb://a:1,b:2/?replicaSet=rs0", false},
		{"mongodb://localhost:1,b:2", "mongodb://localhost:1,b:2", false},
		{"mongodb://127.0.0.1.evil.example", "mongodb://127.0.0.1.evil.example:27017",
			false},
		{"mongodb+srv://u:p@db.example.org", "mongodb+srv://u:***@db.example.org", false},
		{"http://x:y@z", "(not a MongoDB URI)", false},
		{"", "(not a MongoDB URI)", false},
	};

	for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
		CLEANUP_STR struct str shown = STR_INIT;
		mongo_uri_redact(uris[i].uri, &shown);
		assert_string_equal(str_text(&shown), uris[i].shown);
		assert_int_equal(mongo_uri_is_loopback(uris[i].uri), uris[i].loopback);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_shown_without_secrets),
		cmocka_unit_test(a_server_that_is_not_there),
		cmocka_unit_test(a_wrong_password_is_a_login_failure),
		cmocka_unit_test(the_server_says_what_it_is),
		cmocka_unit_test(what_is_written_is_found),
		cmocka_unit_test(a_duplicate_key_is_a_write_error),
		cmocka_unit_test(updates_and_deletes_count),
		cmocka_unit_test(an_empty_bulk_does_nothing),
		cmocka_unit_test(collections_and_indexes_are_listed),
		cmocka_unit_test(a_refusal_has_the_servers_code),
	};

	mongo_library_begin();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	mongo_library_end();
	return failed;
}
