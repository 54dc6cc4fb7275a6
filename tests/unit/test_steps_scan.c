/* A folder that mongodump wrote, or something that is like one, read without an index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/backup.h"

static const char metadata[] = "{\"indexes\":[],\"type\":\"collection\"}";

struct folder {
	char path[64];
	int fd, database_fd;
};

static void begin(struct folder *folder)
{
	strcpy(folder->path, "/tmp/offkit-test-scan-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder->fd >= 0);
	assert_int_equal(mkdirat(folder->fd, "db", 0700), 0);
	folder->database_fd = openat(folder->fd, "db", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder->database_fd >= 0);
}

static void end(struct folder *folder)
{
	struct err err;

	(void)close(folder->database_fd);
	(void)close(folder->fd);
	assert_int_equal(tree_remove_at(AT_FDCWD, folder->path, &err), 0);
}

static void put(const struct folder *folder, const char *name, const char *text)
{
	struct err err;

	assert_int_equal(
		file_write_durable_at(folder->database_fd, name, bytes_of_string(text), 0600, &err),
		0);
}

static void what_mongodump_writes_is_found(void **state)
{
	(void)state;
	struct folder folder;
	struct backup_index index;
	struct err err;

	begin(&folder);
	put(&folder, "b.metadata.json", metadata);
	put(&folder, "b.bson", "");
	put(&folder, "a.metadata.json", metadata);
	put(&folder, "a.bson", "");
	put(&folder, "system.js.bson", "");
	put(&folder, "README", "whatever an operator leaves in it");
	assert_int_equal(backup_index_scan(folder.fd, &index, &err), 0);
	assert_int_equal(index.count, 2);
	assert_string_equal(index.collections[0].name, "a");
	assert_true(index.foreign);
	backup_index_release(&index);
	end(&folder);
}

/* Each of these once was a backup without collections, for which everything was dropped. */
static void what_would_be_passed_over_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *file, *also, *says;
	} cases[] = {
		{NULL, NULL, "no collection is in"},
		{"README", NULL, "no collection is in"},
		{"a.bson", NULL, "a.bson has no a.metadata.json"},
		{"a.bson.gz", NULL, "a.bson.gz has no a.metadata.json.gz"},
		/* Which of the two is seen first depends on the file system. */
		{"a.bson.gz", "a.metadata.json", "a.bson"},
		{"a.bson.zst", "a.metadata.json.zst", "its backup.json is missing"},
		{"a.metadata.json", NULL, "a.bson"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct folder folder;
		struct backup_index index;
		struct err err;
		begin(&folder);
		if (cases[i].file != NULL)
			put(&folder, cases[i].file, metadata);
		if (cases[i].also != NULL)
			put(&folder, cases[i].also, metadata);
		assert_int_equal(backup_index_scan(folder.fd, &index, &err), -ERR_RESTORE);
		assert_non_null(strstr(err.message, cases[i].says));
		end(&folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_mongodump_writes_is_found),
		cmocka_unit_test(what_would_be_passed_over_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
