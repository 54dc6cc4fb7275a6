/* Nothing that may change something is sent unless the guard lets it: on a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mongo/mongo.h"

static const char database[] = "offkit_test_guard";

struct gate {
	bool shut;
	int asked;
	int shuts_after; /* so many questions; 0: never */
};

static int may_write(void *self, struct err *err)
{
	struct gate *gate = self;

	gate->asked++;
	if (gate->shuts_after > 0 && gate->asked > gate->shuts_after)
		gate->shut = true;
	return gate->shut ? err_set(err, ERR_LEASE_LOST, "shut") : 0;
}

static struct mongo *guarded(struct gate *gate, struct mongo_guard *guard)
{
	const char *uri = getenv("OFFKIT_TEST_URI");
	struct mongo *mongo = NULL;
	struct err err;

	if (uri == NULL)
		skip();
	if (mongo_connect(uri, database, &mongo, &err) < 0)
		fail_msg("%s", err.message);
	*gate = (struct gate){.shut = false};
	*guard = (struct mongo_guard){.self = gate, .may_write = may_write};
	mongo_set_guard(mongo, guard);
	return mongo;
}

static int run(struct mongo *mongo, const char *json)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct mongo_refusal refusal;
	struct err err;

	if (doc_from_json_text(bytes_of_string(json), &command, &err) < 0)
		fail_msg("%s: %s", json, err.message);
	return mongo_command(mongo, str_bytes(&command), &reply, &refusal, &err);
}

static void commands_that_write_ask(void **state)
{
	static const char *const writes[] = {
		"{\"insert\":\"a\",\"documents\":[{\"_id\":1}]}",
		"{\"update\":\"a\",\"updates\":[{\"q\":{},\"u\":{\"$set\":{\"b\":1}}}]}",
		"{\"delete\":\"a\",\"deletes\":[{\"q\":{},\"limit\":0}]}",
		"{\"findAndModify\":\"a\",\"query\":{},\"remove\":true}",
		"{\"create\":\"b\"}",
		"{\"createIndexes\":\"a\",\"indexes\":[{\"key\":{\"b\":1},\"name\":\"b\"}]}",
		"{\"collMod\":\"a\"}",
		"{\"drop\":\"a\"}",
		"{\"dropDatabase\":1}",
		"{\"aCommandThatNobodyKnowsYet\":1}",
		"{\"aggregate\":\"a\",\"pipeline\":[{\"$match\":{}},{\"$out\":\"c\"}],\"cursor\":{}"
		"}",
		"{\"aggregate\":\"a\",\"pipeline\":[{\"$merge\":\"c\"}],\"cursor\":{}}",
	};
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	struct mongo_guard guard;
	struct gate gate;

	(void)state;
	mongo = guarded(&gate, &guard);
	(void)run(mongo, "{\"dropDatabase\":1}");
	gate.shut = true;
	for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
		gate.asked = 0;
		if (run(mongo, writes[i]) != -ERR_LEASE_LOST || gate.asked != 1)
			fail_msg("%s: asked %d times", writes[i], gate.asked);
	}
}

static void commands_that_read_do_not(void **state)
{
	static const char *const reads[] = {
		"{\"listCollections\":1}",
		"{\"count\":\"a\"}",
		"{\"find\":\"a\"}",
		"{\"aggregate\":\"a\",\"pipeline\":[{\"$match\":{}}],\"cursor\":{}}",
	};
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	struct mongo_guard guard;
	struct gate gate;

	(void)state;
	mongo = guarded(&gate, &guard);
	gate.shut = true;
	for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
		assert_int_equal(run(mongo, reads[i]), 0);
	assert_int_equal(gate.asked, 0);
}

static int insert_one(struct mongo *mongo)
{
	static const uint8_t empty[DOC_SIZE_MIN] = {DOC_SIZE_MIN};
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	struct mongo_bulk_result result;
	struct err err;
	int rc = mongo_bulk_begin(mongo, "a", &bulk, &err);

	if (rc == 0)
		rc = mongo_bulk_insert(bulk, bytes_make(empty, sizeof empty), &err);
	return rc < 0 ? rc : mongo_bulk_run(bulk, &result, &err);
}

static void every_bulk_asks_on_every_connection(void **state)
{
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL, *again = NULL;
	struct mongo_guard guard;
	struct gate gate;
	struct err err;

	(void)state;
	mongo = guarded(&gate, &guard);
	assert_int_equal(mongo_connect_again(mongo, "offkit_test_other", &again, &err), 0);
	assert_int_equal(insert_one(mongo), 0);
	assert_int_equal(insert_one(again), 0);
	assert_int_equal(gate.asked, 2);
	gate.shut = true;
	assert_int_equal(insert_one(mongo), -ERR_LEASE_LOST);
	assert_int_equal(insert_one(again), -ERR_LEASE_LOST);
	gate.shut = false;
	assert_int_equal(run(mongo, "{\"dropDatabase\":1}"), 0);
	assert_int_equal(run(again, "{\"dropDatabase\":1}"), 0);
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

/* One that is let through does not let through what the server is sent after it. */
static void each_message_of_a_bulk_asks(void **state)
{
	enum { LARGE = 6 * 1024 * 1024, COUNT = 3 };
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *large = NULL, *mixed = NULL;
	CLEANUP_STR struct str doc = STR_INIT, text = STR_INIT;
	struct mongo_bulk_result result;
	struct mongo_guard guard;
	struct doc_writer writer;
	struct gate gate;
	int64_t count = 0;
	struct err err;

	(void)state;
	mongo = guarded(&gate, &guard);
	assert_int_equal(run(mongo, "{\"dropDatabase\":1}"), 0);
	memset(str_extend(&text, LARGE), 'x', LARGE);
	assert_int_equal(mongo_bulk_begin(mongo, "a", &large, &err), 0);
	for (int i = 0; i < COUNT; i++) {
		str_truncate(&doc, 0);
		doc_write_begin(&writer, &doc);
		doc_write_int32(&writer, "_id", i);
		doc_write_string(&writer, "text", str_text(&text));
		doc_write_end(&writer);
		assert_int_equal(mongo_bulk_insert(large, str_bytes(&doc), &err), 0);
	}
	gate.asked = 0;
	gate.shuts_after = COUNT - 1;
	assert_int_equal(mongo_bulk_run(large, &result, &err), -ERR_LEASE_LOST);
	assert_int_equal(gate.asked, COUNT);
	assert_int_equal(mongo_count(mongo, "a", bytes_make(NULL, 0), &count, &err), 0);
	assert_int_equal(count, COUNT - 1);

	gate = (struct gate){.shut = false};
	assert_int_equal(mongo_bulk_begin(mongo, "a", &mixed, &err), 0);
	assert_int_equal(mongo_bulk_insert(mixed, numbered(&doc, 10), &err), 0);
	assert_int_equal(mongo_bulk_insert(mixed, numbered(&doc, 11), &err), 0);
	assert_int_equal(mongo_bulk_delete(mixed, numbered(&doc, 10), false, &err), 0);
	assert_int_equal(mongo_bulk_run(mixed, &result, &err), 0);
	assert_int_equal(gate.asked, 2);
	assert_int_equal(run(mongo, "{\"dropDatabase\":1}"), 0);
}

static void a_timed_bulk_tells_what_another_tells(void **state)
{
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *all = NULL, *some = NULL, *mixed = NULL;
	CLEANUP_STR struct str doc = STR_INIT;
	struct mongo_bulk_result result;
	struct mongo_guard guard;
	struct gate gate;
	struct err err;

	(void)state;
	mongo = guarded(&gate, &guard);
	guard.write_time = 20000;
	assert_int_equal(run(mongo, "{\"dropDatabase\":1}"), 0);
	assert_int_equal(mongo_bulk_begin(mongo, "a", &all, &err), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(mongo_bulk_insert(all, numbered(&doc, i), &err), 0);
	assert_int_equal(mongo_bulk_run(all, &result, &err), 0);
	assert_int_equal(result.inserted, 100);
	assert_int_equal(result.error_count, 0);

	assert_int_equal(mongo_bulk_begin(mongo, "a", &some, &err), 0);
	for (int i = 103; i > 95; i--)
		assert_int_equal(mongo_bulk_insert(some, numbered(&doc, i), &err), 0);
	assert_int_equal(mongo_bulk_run(some, &result, &err), 0);
	assert_int_equal(result.inserted, 4);
	assert_int_equal(result.error_count, 1);
	assert_int_equal(result.errors[0].index, 4);
	assert_int_equal(result.errors[0].code, 11000);

	/* The delete comes between two inserts of one _id. */
	assert_int_equal(mongo_bulk_begin(mongo, "a", &mixed, &err), 0);
	assert_int_equal(mongo_bulk_insert(mixed, numbered(&doc, 200), &err), 0);
	assert_int_equal(mongo_bulk_delete(mixed, numbered(&doc, 200), false, &err), 0);
	assert_int_equal(mongo_bulk_insert(mixed, numbered(&doc, 200), &err), 0);
	assert_int_equal(mongo_bulk_run(mixed, &result, &err), 0);
	assert_int_equal(result.inserted, 2);
	assert_int_equal(result.deleted, 1);
	assert_int_equal(result.error_count, 0);
	assert_int_equal(run(mongo, "{\"dropDatabase\":1}"), 0);
}

static void our_own_collection_is_not_the_sites(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	struct mongo_collection *collections = NULL;
	struct mongo_guard guard;
	struct gate gate;
	size_t count = 0;
	struct err err;

	(void)state;
	mongo = guarded(&gate, &guard);
	assert_int_equal(run(mongo, "{\"dropDatabase\":1}"), 0);
	assert_int_equal(run(mongo, "{\"create\":\"" MONGO_OWN_COLLECTION "\"}"), 0);
	assert_int_equal(run(mongo, "{\"create\":\"theirs\"}"), 0);
	assert_int_equal(mongo_collections(mongo, &arena, &collections, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_string_equal(collections[0].name, "theirs");
	assert_int_equal(run(mongo, "{\"dropDatabase\":1}"), 0);
}

static int begin_library(void **state)
{
	(void)state;
	mongo_library_begin();
	return 0;
}

static int end_library(void **state)
{
	(void)state;
	mongo_library_end();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_that_write_ask),
		cmocka_unit_test(commands_that_read_do_not),
		cmocka_unit_test(every_bulk_asks_on_every_connection),
		cmocka_unit_test(each_message_of_a_bulk_asks),
		cmocka_unit_test(a_timed_bulk_tells_what_another_tells),
		cmocka_unit_test(our_own_collection_is_not_the_sites),
	};

	return cmocka_run_group_tests(tests, begin_library, end_library);
}
