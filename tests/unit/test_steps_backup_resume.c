/* Large collections, read by ranges: interrupted anywhere, gone on with, and each document once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#define SCENE "backup_resume"
#include "backup_scene.h"
#include "steps/backup_files.h"
#include "steps/backup_ranges.h"

/* Together over what is divided. */
enum { LARGE = 9000, TEXT = 2000, ROUNDS = 20 };

static const char run_folder[] = "20251220T091207Z-3f9a";

typedef void write_id(struct doc_writer *writer, int number);

static void integers(struct doc_writer *writer, int number)
{
	doc_write_int32(writer, "_id", number);
}

/* Of every class that can be asked for, and of some that cannot. */
static void of_all_types(struct doc_writer *writer, int number)
{
	static const enum value_type bare[] = {VALUE_MIN_KEY, VALUE_MAX_KEY, VALUE_NULL};
	uint8_t octets[OBJECT_ID_SIZE] = {(uint8_t)(number >> 8), (uint8_t)number};
	uint8_t binary[7] = {2, 0, 0, 0, 4, (uint8_t)(number >> 8), (uint8_t)number};
	char text[16];

	(void)snprintf(text, sizeof text, "%d", number);
	struct value value = {.type = VALUE_DOUBLE, .number = 0.0 / 0.0};
	if (number < 3)
		value = (struct value){.type = bare[number]};
	else if (number == 4 || number == 5)
		value = (struct value){.type = VALUE_BOOL, .boolean = number == 4};
	else if (number % 7 == 0)
		value = (struct value){.type = VALUE_DATE, .int64 = number};
	else if (number % 7 == 1)
		value = (struct value){.type = VALUE_STRING, .bytes = bytes_of_string(text)};
	else if (number % 7 == 2)
		value = (struct value){.type = VALUE_OBJECT_ID, .object_id = octets};
	else if (number % 7 == 3 && number > 3)
		value = (struct value){.type = VALUE_INT64, .int64 = number};
	else if (number % 7 == 4)
		value = (struct value){
			.type = VALUE_BINARY, .bytes = bytes_make(binary, sizeof binary)};
	else if (number % 7 == 5)
		value = (struct value){.type = VALUE_TIMESTAMP, .int64 = number};
	if (number % 7 == 6) {
		doc_write_document(writer, "_id");
		doc_write_int32(writer, "n", number);
		doc_write_end(writer);
	} else {
		doc_write_value(writer, "_id", &value);
	}
}

static void insert_large(struct scene *scene, const char *collection, write_id *id)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	static char text[TEXT + 1];
	struct mongo_bulk_result result;
	uint32_t random = 1;
	struct err err;

	MUST(mongo_bulk_begin(scene->mongo, collection, &bulk, &err));
	for (int i = 0; i < LARGE; i++) {
		CLEANUP_STR struct str doc = STR_INIT;
		struct doc_writer writer;
		/* The server compresses what it stores, and takes that for its size. */
		for (int k = 0; k < TEXT; k++) {
			random = random * 1664525 + 1013904223;
			text[k] = (char)('!' + (random >> 24) % 90);
		}
		doc_write_begin(&writer, &doc);
		id(&writer, i);
		doc_write_string(&writer, "text", text);
		doc_write_end(&writer);
		MUST(mongo_bulk_insert(bulk, str_bytes(&doc), &err));
	}
	MUST(mongo_bulk_run(bulk, &result, &err));
	assert_int_equal(result.inserted, LARGE);
}

/* Not what the index says, but what is in the file, against what is in the database. */
static void assert_file_is_the_collection(struct scene *scene, const char *collection)
{
	CLEANUP(backup_reader_cleanup) struct backup_reader *reader = NULL;
	CLEANUP(lthash_stream_cleanup) struct lthash_stream *stream = NULL;
	CLEANUP_FD int dirfd = -1;
	struct lthash there, written;
	char path[256], name[BACKUP_NAME_SIZE];
	struct bytes doc;
	struct err err;
	int rc;

	(void)snprintf(path, sizeof path, "%s/%s/%s", scene->folder, run_folder, database);
	MUST(folder_open(path, &dirfd, &err));
	MUST(backup_file_name(collection, ".bson", COMPRESSION_ZSTD, name, &err));
	MUST(backup_reader_new(dirfd, name, COMPRESSION_ZSTD, &reader, &err));
	MUST(lthash_stream_new(&stream, &err));
	lthash_reset(&written);
	while ((rc = backup_reader_next(reader, &doc, &err)) == 1)
		MUST(lthash_add(stream, &written, doc, &err));
	MUST(rc);
	MUST(backup_digest_collection(scene->mongo, collection, bytes_make(NULL, 0), &there, &err));
	assert_int_equal(written.count, there.count);
	assert_memory_equal(&written, &there, sizeof there);
}

static void assert_whole(struct scene *scene)
{
	struct backup_index index;
	struct err err;

	MUST(step_backup.verify(context(scene), &err));
	MUST(backup_of_run(context(scene), &index, &err));
	assert_int_equal(index.count, COLLECTIONS + 2);
	assert_int_equal(backup_find(&index, "large")->count, LARGE);
	assert_int_equal(backup_find(&index, "mixed")->count, LARGE);
	backup_index_release(&index);
	assert_file_is_the_collection(scene, "large");
	assert_file_is_the_collection(scene, "mixed");
}

/* The database is filled once; each test has a folder of its own. */
static void begin_large(struct scene *scene)
{
	static bool filled;

	if (filled) {
		begin_again(scene);
	} else {
		begin(scene);
		insert_large(scene, "large", integers);
		insert_large(scene, "mixed", of_all_types);
		filled = true;
	}
	scene->site.backup_workers = 3;
	scene->site.backup_divide_octets = 16 << 20;
	scene->site.backup_compression = COMPRESSION_ZSTD;
}

/* Whether the last checkpoint has something of a collection that was not finished. */
static bool kept_a_part(struct scene *scene)
{
	CLEANUP_STR struct str text = STR_INIT;
	char path[256];
	const char *index;
	struct err err;

	if (scene->checkpoint == NULL)
		return false;
	MUST(json_need_string(json_root(scene->checkpoint), "index", 64, &index, &err));
	(void)snprintf(path, sizeof path, "%s/%s/%s", scene->folder, run_folder, index);
	MUST(file_read_path(path, 1 << 24, &text, &err));
	return strstr(str_text(&text), "\"open\":[{") != NULL;
}

/* Every checkpoint is the last once: after it the journal cannot be written. */
static void what_was_kept_is_not_read_again(void **state)
{
	(void)state;
	struct scene scene;
	struct err err;
	int parts = 0, result = -1;

	begin_large(&scene);
	for (int round = 0; result != 0 && round < ROUNDS; round++) {
		scene.checkpoints = 0;
		scene.fail_at = 2;
		result = step_backup.apply(context(&scene), &err);
		if (result != 0)
			assert_int_equal(result, -ERR_DISK);
		parts += result != 0 && kept_a_part(&scene);
	}
	scene.fail_at = 0;
	if (result != 0)
		MUST(step_backup.apply(context(&scene), &err));
	assert_true(parts > 0);
	assert_whole(&scene);
	end(&scene);
}

static off_t size_at(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_size : -1;
}

/* The first file in the backup's folder whose name begins so; "": none. */
static void find_file(struct scene *scene, const char *begin, char path[static 512])
{
	char folder[256];
	const struct dirent *entry;

	(void)snprintf(folder, sizeof folder, "%s/%s/%s", scene->folder, run_folder, database);
	CLEANUP_DIR DIR *dir = opendir(folder);
	assert_non_null(dir);
	path[0] = '\0';
	while ((entry = readdir(dir)) != NULL && path[0] == '\0')
		if (strncmp(entry->d_name, begin, strlen(begin)) == 0)
			(void)snprintf(path, 512, "%s/%s", folder, entry->d_name);
}

/* Interrupted with something of it kept; false if it was too fast for that. */
static bool interrupt(struct scene *scene)
{
	struct err err;

	json_release(scene->checkpoint);
	scene->checkpoint = NULL;
	scene->checkpoints = 0;
	scene->fail_at = 2;
	int result = step_backup.apply(context(scene), &err);
	scene->fail_at = 0;
	return result != 0 && kept_a_part(scene);
}

static void a_file_that_is_not_what_it_was_is_read_again(void **state)
{
	(void)state;
	struct scene scene;
	struct err err;
	char path[512];

	begin_large(&scene);
	for (int damage = 0; damage < 3; damage++) {
		if (!interrupt(&scene))
			continue;
		find_file(&scene, "~", path);
		if (path[0] == '\0')
			continue; /* it has its own name already */
		if (damage == 0)
			assert_int_equal(unlink(path), 0);
		if (damage == 1)
			assert_int_equal(truncate(path, size_at(path) / 3), 0);
		if (damage == 2) {
			CLEANUP_FD int fd = open(path, O_RDWR | O_CLOEXEC);
			assert_int_equal(pwrite(fd, "x", 1, 100), 1);
		}
		MUST(step_backup.apply(context(&scene), &err));
		assert_whole(&scene);
	}
	end(&scene);
}

/* What a kill leaves behind the checkpoint is cut off. */
static void what_stands_behind_the_checkpoint_goes(void **state)
{
	(void)state;
	struct scene scene;
	struct err err;
	char path[512];

	begin_large(&scene);
	if (interrupt(&scene)) {
		find_file(&scene, "~", path);
		/* More than will come: what is not cut off would stay. */
		assert_true(path[0] == '\0' || truncate(path, size_at(path) + (64 << 20)) == 0);
	}
	MUST(step_backup.apply(context(&scene), &err));
	assert_whole(&scene);
	end(&scene);
}

/* ---- ranges by themselves */

static int64_t count_in(
	struct scene *scene, const char *collection, const struct backup_ranges *ranges)
{
	int64_t all = 0;

	for (size_t i = 0; i < ranges->count; i++) {
		CLEANUP_STR struct str filter = STR_INIT;
		struct err err;
		int64_t count = 0;
		MUST(backup_range_filter(&ranges->ranges[i], &filter, &err));
		MUST(mongo_count(scene->mongo, collection, str_bytes(&filter), &count, &err));
		all += count;
	}
	return all;
}

static void ranges_have_every_document_once(void **state)
{
	(void)state;
	static const char *const names[] = {"large", "mixed"};
	struct scene scene;
	struct err err;

	begin_large(&scene);
	for (size_t i = 0; i < 2; i++) {
		CLEANUP_STR struct str octets = STR_INIT, again = STR_INIT;
		struct backup_ranges ranges, back;
		MUST(backup_ranges_make(scene.mongo, names[i], 500 << 20, 16 << 20, &ranges, &err));
		assert_true(ranges.count > 4);
		assert_int_equal(count_in(&scene, names[i], &ranges), LARGE);
		MUST(backup_ranges_write(&ranges, &octets, &err));
		MUST(backup_ranges_read(str_bytes(&octets), &back, &err));
		assert_int_equal(count_in(&scene, names[i], &back), LARGE);
		MUST(backup_ranges_write(&back, &again, &err));
		assert_true(bytes_equal(str_bytes(&octets), str_bytes(&again)));
		backup_ranges_release(&back);
		backup_ranges_release(&ranges);
		/* One that is asked for in one piece, and one that is small. */
		MUST(backup_ranges_make(scene.mongo, names[i], 500 << 20, 0, &ranges, &err));
		assert_int_equal(ranges.count, 1);
		assert_int_equal(count_in(&scene, names[i], &ranges), LARGE);
		backup_ranges_release(&ranges);
	}
	end(&scene);
}

/* A number behind NaN is greater for the index, and not for a comparison. */
static void a_range_goes_on_behind_nan(void **state)
{
	(void)state;
	CLEANUP_STR struct str doc = STR_INIT, filter = STR_INIT;
	struct backup_range range = {.class = "number", .ordered = true};
	struct scene scene;
	struct doc_writer writer;
	int64_t count = 0;
	struct err err;

	begin_large(&scene);
	run_command(scene.mongo,
		"{\"insert\":\"n\",\"documents\":[{\"_id\":{\"$numberDouble\":"
		"\"NaN\"}},{\"_id\":{\"$numberDouble\":\"-Infinity\"}},{\"_id\":1},"
		"{\"_id\":\"text\"}]}");
	doc_write_begin(&writer, &doc);
	doc_write_double(&writer, "_id", 0.0 / 0.0);
	doc_write_end(&writer);
	MUST(backup_range_advance(&range, str_bytes(&doc), &err));
	MUST(backup_range_filter(&range, &filter, &err));
	MUST(mongo_count(scene.mongo, "n", str_bytes(&filter), &count, &err));
	assert_int_equal(count, 2);
	run_command(scene.mongo, "{\"drop\":\"n\"}");
	str_release(&range.last);
	end(&scene);
}

/* It has its place among the strings, and is none for $type. */
static void a_symbol_among_strings_is_read(void **state)
{
	(void)state;
	struct backup_ranges ranges;
	struct scene scene;
	struct err err;

	begin_large(&scene);
	run_command(scene.mongo, "{\"insert\":\"n\",\"documents\":[{\"_id\":\"a\"},{\"_id\":"
				 "{\"$symbol\":\"m\"}},{\"_id\":\"z\"}]}");
	MUST(backup_ranges_make(scene.mongo, "n", 500 << 20, 16 << 20, &ranges, &err));
	assert_int_equal(count_in(&scene, "n", &ranges), 3);
	backup_ranges_release(&ranges);
	run_command(scene.mongo, "{\"drop\":\"n\"}");
	end(&scene);
}

static void ranges_are_read_strictly(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"{}",
		"{\"ranges\":[]}",
		"{\"ranges\":1}",
		"{\"ranges\":[1]}",
		"{\"ranges\":[{\"class\":\"javascript\"}]}",
		"{\"ranges\":[{\"class\":\"number\",\"lower\":1}]}",
		"{\"ranges\":[{\"class\":\"number\",\"last\":{}}]}",
	};
	struct backup_ranges ranges;
	struct err err;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		CLEANUP_STR struct str doc = STR_INIT;
		MUST(doc_from_json_text(bytes_of_string(wrong[i]), &doc, &err));
		if (backup_ranges_read(str_bytes(&doc), &ranges, &err) != -ERR_SYNTAX)
			fail_msg("%s", wrong[i]);
	}
	assert_int_equal(
		backup_ranges_read(bytes_of_string("no BSON"), &ranges, &err), -ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_read_strictly),
		cmocka_unit_test(ranges_have_every_document_once),
		cmocka_unit_test(a_range_goes_on_behind_nan),
		cmocka_unit_test(a_symbol_among_strings_is_read),
		cmocka_unit_test(what_was_kept_is_not_read_again),
		cmocka_unit_test(a_file_that_is_not_what_it_was_is_read_again),
		cmocka_unit_test(what_stands_behind_the_checkpoint_goes),
	};

	mongo_library_begin();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	mongo_library_end();
	return failed;
}
