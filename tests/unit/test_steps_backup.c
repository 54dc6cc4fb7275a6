/* The backup step against a real server (OFFKIT_TEST_URI), interrupted and disturbed at will. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#define SCENE "backup"
#include "backup_scene.h"
#include "steps/backup_files.h"
#include "steps/restore.h"

static const char target[] = "offkit_test_backup_into";

static void assert_whole(struct scene *scene)
{
	struct backup_index index;
	struct err err;
	bool done = false;

	MUST(step_backup.check(context(scene), &done, &err));
	assert_true(done);
	MUST(step_backup.verify(context(scene), &err));
	MUST(backup_of_run(context(scene), &index, &err));
	assert_int_equal(index.count, COLLECTIONS);
	for (size_t i = 0; i < index.count; i++) {
		assert_true(index.collections[i].count >= DOCUMENTS);
		assert_true(index.collections[i].confirmed);
	}
	backup_index_release(&index);
}

static void a_backup_is_made_and_verified(void **state)
{
	(void)state;
	struct scene scene;
	struct err err;
	bool done = true;

	begin(&scene);
	MUST(step_backup.check(context(&scene), &done, &err));
	assert_false(done);
	MUST(step_backup.apply(context(&scene), &err));
	assert_int_equal(scene.checkpoints, COLLECTIONS + 1);
	assert_whole(&scene);
	end(&scene);
}

static void an_interrupted_backup_goes_on(void **state)
{
	(void)state;
	for (int fail_at = 1; fail_at <= COLLECTIONS + 1; fail_at++) {
		struct scene scene;
		struct err err;
		begin(&scene);
		scene.fail_at = fail_at;
		assert_int_equal(step_backup.apply(context(&scene), &err), -ERR_DISK);
		scene.checkpoints = 0;
		scene.fail_at = 0;
		MUST(step_backup.apply(context(&scene), &err));
		/* What was journaled as finished is not read again. */
		assert_int_equal(scene.checkpoints, COLLECTIONS + 1 - (fail_at - 1));
		assert_whole(&scene);
		end(&scene);
	}
}

static void a_stop_is_heeded(void **state)
{
	(void)state;
	struct scene scene;
	struct err err;

	begin(&scene);
	scene.stop_after = 0;
	int result = step_backup.apply(context(&scene), &err);
	/* Small collections may all be read before the first look. */
	if (result != 0)
		assert_int_equal(result, -ERR_STOPPED);
	scene.stop_after = -1;
	MUST(step_backup.apply(context(&scene), &err));
	assert_whole(&scene);
	end(&scene);
}

static void a_write_during_the_backup_is_seen(void **state)
{
	(void)state;
	static const char *frozen[] = {"c0", NULL};
	struct scene scene;
	struct err err;

	begin(&scene);
	scene.write_at = COLLECTIONS;
	scene.write_to = "c0";
	assert_int_equal(step_backup.apply(context(&scene), &err), -ERR_NOT_SILENT);
	assert_non_null(strstr(err.message, "c0"));
	scene.write_at = scene.checkpoints = 0;
	MUST(step_backup.apply(context(&scene), &err));
	assert_int_equal(scene.checkpoints, 2); /* c0 again, and the end */
	assert_whole(&scene);

	/* A collection in which nobody promised silence is a note, and not confirmed. */
	scene.site.frozen = frozen;
	scene.site.frozen_count = 1;
	scene.write_at = COLLECTIONS;
	scene.write_to = "c1";
	scene.checkpoints = 0;
	json_release(scene.checkpoint);
	scene.checkpoint = NULL;
	MUST(step_backup.apply(context(&scene), &err));
	assert_int_equal(scene.notes, 1);
	end(&scene);
}

/* Without an oplog that says so again, what the freeze once found is no proof. */
static void the_freeze_alone_proves_nothing(void **state)
{
	(void)state;
	struct scene scene;
	struct err err;

	begin(&scene);
	MUST(json_parse(bytes_of_string("{\"silence\":\"proved\"}"), JSON_LIMITS(4096),
		&scene.freeze_doc, &err));
	scene.write_at = COLLECTIONS; /* after the last was read */
	scene.write_to = "c0";
	assert_int_equal(step_backup.apply(context(&scene), &err), -ERR_NOT_SILENT);
	end(&scene);
}

/* Where the operator asks for one reading, the index says that nothing was confirmed. */
static void one_reading_confirms_nothing(void **state)
{
	(void)state;
	struct scene scene;
	struct backup_index index;
	struct err err;

	begin(&scene);
	scene.options.once = true;
	scene.write_at = COLLECTIONS;
	scene.write_to = "c0";
	MUST(step_backup.apply(context(&scene), &err));
	MUST(backup_of_run(context(&scene), &index, &err));
	for (size_t i = 0; i < index.count; i++)
		assert_false(index.collections[i].confirmed);
	backup_index_release(&index);
	end(&scene);
}

/* The freeze disarmed a TTL index: the backup has the expiry that the site gave it. */
static void an_expiry_is_kept_as_the_site_set_it(void **state)
{
	(void)state;
	struct scene scene;
	struct backup_index index;
	struct backup_metadata metadata;
	struct err err;
	bool found = false;

	begin(&scene);
	run_command(scene.mongo, "{\"createIndexes\":\"c0\",\"indexes\":[{\"key\":{\"at\":1},"
				 "\"name\":\"ttl\",\"expireAfterSeconds\":2147483647}]}");
	MUST(json_parse(bytes_of_string("{\"silence\":\"observed\",\"ttl\":[{\"collection\":"
					"\"c0\",\"index\":\"ttl\",\"seconds\":3600}]}"),
		JSON_LIMITS(4096), &scene.freeze_doc, &err));
	MUST(step_backup.apply(context(&scene), &err));
	MUST(backup_of_run(context(&scene), &index, &err));
	const struct backup_collection *collection = backup_find(&index, "c0");
	assert_non_null(collection);
	MUST(backup_metadata_read(collection->definition, &scene.arena, &metadata, &err));
	for (size_t i = 0; i < metadata.index_count; i++) {
		int64_t seconds = 0;
		if (!doc_get_integer(metadata.indexes[i], "expireAfterSeconds", &seconds))
			continue;
		assert_int_equal(seconds, 3600);
		found = true;
	}
	assert_true(found);
	backup_index_release(&index);
	end(&scene);
}

static void an_undo_is_proved_by_digest(void **state)
{
	(void)state;
	static const char *const names[] = {"c0", "c1", "made_later"};
	struct scene scene;
	struct err err;

	begin(&scene);
	MUST(step_backup.apply(context(&scene), &err));
	MUST(backup_prove(context(&scene), names, 3, ERR_ROLLBACK, &err));
	insert(scene.mongo, "made_later", 0, 1);
	assert_int_equal(
		backup_prove(context(&scene), names, 3, ERR_ROLLBACK, &err), -ERR_ROLLBACK);
	run_command(
		scene.mongo, "{\"delete\":\"made_later\",\"deletes\":[{\"q\":{},\"limit\":0}]}");
	MUST(backup_prove(context(&scene), names, 3, ERR_ROLLBACK, &err));
	/* The same number of documents, one of them another. */
	run_command(scene.mongo,
		"{\"update\":\"c1\",\"updates\":[{\"q\":{\"_id\":5},\"u\":{\"$set\":"
		"{\"of\":\"c2\"}}}]}");
	assert_int_equal(
		backup_prove(context(&scene), names, 3, ERR_ROLLBACK, &err), -ERR_ROLLBACK);
	assert_non_null(strstr(err.message, "c1"));
	run_command(scene.mongo,
		"{\"update\":\"c1\",\"updates\":[{\"q\":{\"_id\":5},\"u\":{\"$set\":"
		"{\"of\":\"c1\"}}}]}");
	MUST(backup_prove(context(&scene), names, 3, ERR_ROLLBACK, &err));
	end(&scene);
}

/* ---- restoring */

static int restore_divided(struct scene *scene, bool drop, int64_t divide_octets,
	struct restore_result *done, struct err *err)
{
	struct sha256 sha256;
	const char *dir;
	struct restore restore = {.mongo = scene->mongo,
		.into = target,
		.drop = drop,
		.workers = 2,
		.divide_octets = divide_octets,
		.host = &scene->host};

	assert_int_equal(backup_of_checkpoint(json_root(scene->checkpoint), &dir, &sha256, err), 0);
	restore.dir = dir;
	restore.index_sha256 = &sha256;
	return restore_backup(&restore, done, err);
}

static int restore_into(
	struct scene *scene, bool drop, struct restore_result *done, struct err *err)
{
	return restore_divided(scene, drop, 0, done, err);
}

static int64_t count_in_target(struct scene *scene, const char *collection)
{
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	struct err err;
	int64_t count = -1;

	MUST(mongo_connect_again(scene->mongo, target, &mongo, &err));
	MUST(mongo_count(mongo, collection, bytes_make(NULL, 0), &count, &err));
	return count;
}

static void a_backup_is_restored(void **state)
{
	(void)state;
	struct restore_result done;
	struct scene scene;
	struct err err;

	begin(&scene);
	MUST(step_backup.apply(context(&scene), &err));
	MUST(restore_into(&scene, true, &done, &err));
	assert_int_equal(done.collections, COLLECTIONS);
	assert_int_equal(done.documents, COLLECTIONS * DOCUMENTS);
	assert_int_equal(count_in_target(&scene, "c3"), DOCUMENTS);
	assert_int_equal(restore_into(&scene, false, &done, &err), -ERR_RESTORE);
	assert_int_equal(count_in_target(&scene, "c3"), DOCUMENTS);
	end(&scene);
}

/* A backup confirmed, what is there already, and what was written; however small they are. */
static void what_is_only_digested_is_read_by_ranges(void **state)
{
	(void)state;
	enum { ALL_DIVIDED = 8 };
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	struct restore_result done;
	struct scene scene;
	struct err err;

	begin(&scene);
	scene.site.backup_divide_octets = ALL_DIVIDED;
	MUST(step_backup.apply(context(&scene), &err));
	MUST(restore_into(&scene, true, &done, &err));
	MUST(mongo_connect_again(scene.mongo, target, &mongo, &err));
	run_command(mongo, "{\"delete\":\"c3\",\"deletes\":[{\"q\":{\"_id\":5},\"limit\":1}]}");
	run_command(mongo, "{\"update\":\"c1\",\"updates\":[{\"q\":{\"_id\":5},"
			   "\"u\":{\"$set\":{\"of\":\"other\"}}}]}");
	MUST(restore_divided(&scene, true, ALL_DIVIDED, &done, &err));
	assert_int_equal(done.kept, COLLECTIONS - 2);
	assert_int_equal(count_in_target(&scene, "c3"), DOCUMENTS);
	MUST(restore_divided(&scene, true, ALL_DIVIDED, &done, &err));
	assert_int_equal(done.kept, COLLECTIONS);
	end(&scene);
}

static void flip(const char *path, off_t at)
{
	CLEANUP_FD int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char octet;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &octet, 1, at), 1);
	octet ^= 1;
	assert_int_equal(pwrite(fd, &octet, 1, at), 1);
}

static void nothing_is_dropped_for_a_damaged_backup(void **state)
{
	(void)state;
	static const char *const files[] = {
		"backup.json", SCENE_DATABASE "/c2.bson.gz", SCENE_DATABASE "/c1.metadata.json.gz"};
	struct restore_result done;
	struct scene scene;
	struct err err;

	begin(&scene);
	MUST(step_backup.apply(context(&scene), &err));
	MUST(restore_into(&scene, true, &done, &err));
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char path[256];
		(void)snprintf(
			path, sizeof path, "%s/20251220T091207Z-3f9a/%s", scene.folder, files[i]);
		flip(path, 40);
		assert_int_equal(restore_into(&scene, true, &done, &err), -ERR_RESTORE);
		assert_int_equal(count_in_target(&scene, "c0"), DOCUMENTS);
		flip(path, 40);
		CLEANUP_STR struct str away = STR_INIT;
		str_append_format(&away, "%s.away", path);
		assert_int_equal(rename(path, str_text(&away)), 0);
		assert_int_equal(restore_into(&scene, true, &done, &err), -ERR_RESTORE);
		assert_int_equal(count_in_target(&scene, "c0"), DOCUMENTS);
		assert_int_equal(rename(str_text(&away), path), 0);
	}
	MUST(restore_into(&scene, true, &done, &err));
	end(&scene);
}

static void write_file(const char *folder, const char *name, struct bytes octets)
{
	CLEANUP_FD int dirfd = -1;
	struct err err;

	MUST(folder_make(folder, &dirfd, &err));
	MUST(file_write_durable_at(dirfd, name, octets, 0600, &err));
}

/* Its lengths are right, and the server would refuse it: but only when all else is gone. */
static void nothing_is_dropped_for_a_foreign_file_of_no_bson(void **state)
{
	(void)state;
	static const char metadata[] = "{\"indexes\":[],\"collectionName\":\"x\"}";
	CLEANUP_STR struct str folder = STR_INIT, database_folder = STR_INIT, doc = STR_INIT;
	struct restore_result done;
	struct scene scene;
	struct err err;

	begin(&scene);
	MUST(step_backup.apply(context(&scene), &err));
	MUST(restore_into(&scene, true, &done, &err));
	MUST(doc_from_json_text(bytes_of_string("{\"_id\":1,\"a\":1}"), &doc, &err));
	str_append_format(&folder, "%s/dump", scene.folder);
	str_append_format(&database_folder, "%s/dump/any", scene.folder);
	write_file(str_text(&folder), "prelude.json", bytes_of_string("{}"));
	write_file(str_text(&database_folder), "x.metadata.json", bytes_of_string(metadata));
	const struct restore restore = {.dir = str_text(&folder),
		.mongo = scene.mongo,
		.into = target,
		.drop = true,
		.workers = 2,
		.host = &scene.host};
	for (int round = 0; round < 2; round++) {
		doc.text[4] = round == 0 ? 0x60 : 0x10; /* the type of _id */
		write_file(str_text(&database_folder), "x.bson", str_bytes(&doc));
		int result = restore_backup(&restore, &done, &err);
		assert_int_equal(result, round == 0 ? -ERR_RESTORE : 0);
		assert_int_equal(count_in_target(&scene, "c0"), round == 0 ? DOCUMENTS : 0);
	}
	end(&scene);
}

/* ---- without a server */

static void names_are_escaped_as_mongodump_does(void **state)
{
	(void)state;
	static const struct {
		const char *collection, *file;
	} names[] = {
		{"advisory_raw", "advisory_raw.bson.gz"},
		{"fs.files", "fs.files.bson.gz"},
		{"a b/c", "a+b%2Fc.bson.gz"},
		{"\303\251%+", "%C3%A9%25%2B.bson.gz"},
		{"..", "...bson.gz"},
	};
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	char name[BACKUP_NAME_SIZE], long_name[256];
	struct err err;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		MUST(backup_file_name(names[i].collection, ".bson", COMPRESSION_GZIP, name, &err));
		assert_string_equal(name, names[i].file);
		const char *back = backup_collection_name(name, strlen(name) - 8, &arena);
		assert_string_equal(back, names[i].collection);
	}
	assert_null(backup_collection_name("a%2", 3, &arena));
	assert_null(backup_collection_name("a%00", 4, &arena));
	memset(long_name, '/', 250);
	long_name[250] = '\0';
	MUST(backup_file_name(long_name, ".metadata.json", COMPRESSION_GZIP, name, &err));
	assert_int_equal(strlen(name), 238 + strlen(".metadata.json.gz"));
	assert_non_null(strstr(name, "%24"));
	long_name[249] = 'x';
	char other[BACKUP_NAME_SIZE];
	MUST(backup_file_name(long_name, ".metadata.json", COMPRESSION_GZIP, other, &err));
	assert_string_not_equal(name, other);
}

static int load_index(const char *text, struct err *err)
{
	char folder[] = "/tmp/offkit-test-index-XXXXXX";
	struct backup_index index;
	struct err removing;
	CLEANUP_FD int dirfd = -1;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(folder_open(folder, &dirfd, err), 0);
	assert_int_equal(
		file_write_durable_at(dirfd, BACKUP_INDEX_NAME, bytes_of_string(text), 0600, err),
		0);
	int result = backup_index_load(dirfd, NULL, &index, err);
	if (result == 0)
		backup_index_release(&index);
	assert_int_equal(tree_remove_at(AT_FDCWD, folder, &removing), 0);
	return result;
}

#define ZEROS	      "0000000000000000000000000000000000000000000000000000000000000000"
#define FILE_OF(name) "{\"name\":\"" name "\",\"sha256\":\"" ZEROS "\",\"size\":1}"
#define COLLECTION(name, file)                                                                     \
	"{\"confirmed\":true,\"count\":1,\"definition\":\"BQAAAAA=\",\"digest\":\"" ZEROS          \
	"\",\"documents\":" FILE_OF(file) ",\"metadata\":" FILE_OF(                                \
		"m.json") ",\"name\":\"" name "\",\"octets\":5,\"type\":\"collection\"}"
#define INDEX(collections)                                                                         \
	"{\"collections\":[" collections "],\"compression\":\"gzip\",\"created\":"                 \
	"\"2025-12-20T09:15:02Z\",\"database\":\"d\",\"format\":\"offkit-backup/1\",\"run\":"      \
	"\"r\",\"server\":\"7\"}"

static void an_index_is_read_strictly(void **state)
{
	(void)state;
	struct err err;

	assert_int_equal(load_index(INDEX(""), &err), 0);
	assert_int_equal(
		load_index(
			INDEX(COLLECTION("a", "a.bson.gz") "," COLLECTION("b", "b.bson.gz")), &err),
		0);
	static const char *const wrong[] = {
		"",
		"[]",
		"{}",
		INDEX(COLLECTION("b", "b") "," COLLECTION("a", "a")),
		INDEX(COLLECTION("a", "a") "," COLLECTION("a", "b")),
		INDEX(COLLECTION("a", "../a")),
		INDEX(COLLECTION("a", ".")),
		INDEX(COLLECTION("a", "x/y")),
		INDEX("{}"),
		INDEX("1"),
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (load_index(wrong[i], &err) != -ERR_RESTORE)
			fail_msg("%s", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_escaped_as_mongodump_does),
		cmocka_unit_test(an_index_is_read_strictly),
		cmocka_unit_test(a_backup_is_made_and_verified),
		cmocka_unit_test(an_interrupted_backup_goes_on),
		cmocka_unit_test(a_stop_is_heeded),
		cmocka_unit_test(a_write_during_the_backup_is_seen),
		cmocka_unit_test(the_freeze_alone_proves_nothing),
		cmocka_unit_test(one_reading_confirms_nothing),
		cmocka_unit_test(an_expiry_is_kept_as_the_site_set_it),
		cmocka_unit_test(an_undo_is_proved_by_digest),
		cmocka_unit_test(a_backup_is_restored),
		cmocka_unit_test(what_is_only_digested_is_read_by_ranges),
		cmocka_unit_test(nothing_is_dropped_for_a_damaged_backup),
		cmocka_unit_test(nothing_is_dropped_for_a_foreign_file_of_no_bson),
	};

	mongo_library_begin();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	mongo_library_end();
	return failed;
}
