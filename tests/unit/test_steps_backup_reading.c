/* What several threads have in common while they read a collection: who ends it, and that what has
 * failed has moved nothing that a checkpoint would keep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/backup_files.h"
#include "steps/backup_packer.h"

#define MUST(call)                                                                                 \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, err.message);                                    \
	} while (0)

/* The end of a range is in the file before its reader is out: he must not find it freed. */
static void the_last_that_is_in_it_makes_the_end(void **state)
{
	struct backup_range list[2] = {{.ordered = true}, {.ordered = true}};
	struct backup_ranges ranges = {.count = 2, .ranges = list};
	struct backup_open *open = NULL;
	struct err err;

	(void)state;
	MUST(backup_open_new(&open, &err));
	backup_open_enter(open);
	backup_open_enter(open);
	list[0].done = true; /* by the packer, with the last octets of the range */
	assert_false(backup_open_leave(open, &ranges, &list[1]));
	assert_true(backup_open_leave(open, &ranges, &list[0]));
	backup_open_free(open);
}

static void nobody_makes_the_end_before_all_is_read(void **state)
{
	struct backup_range list[2] = {{.ordered = true}, {.ordered = true}};
	struct backup_ranges ranges = {.count = 2, .ranges = list};
	struct backup_open *open = NULL;
	struct err err;

	(void)state;
	MUST(backup_open_new(&open, &err));
	for (size_t i = 0; i < 2; i++) {
		backup_open_enter(open);
		assert_int_equal(backup_open_leave(open, &ranges, &list[i]), i == 1);
	}
	backup_open_free(open);
}

/* ---- a piece that fails */

/* One that fills a piece; broken: an element of a type that there is not. */
static void make_document(int32_t id, bool broken, struct str *out)
{
	CLEANUP_STR struct str filling = STR_INIT;
	struct doc_writer writer;

	for (size_t i = 0; i < BACKUP_PIECE_OCTETS; i++)
		str_append_char(&filling, 'x');
	doc_write_begin(&writer, out);
	doc_write_int32(&writer, "_id", id);
	doc_write_string(&writer, "filling", str_text(&filling));
	doc_write_end(&writer);
	assert_false(out->failed);
	if (broken)
		out->text[4] = 0x60; /* the type of _id */
}

static int read_two(
	struct backup_open *open, struct backup_range *range, bool broken, struct err *err)
{
	CLEANUP(backup_packer_cleanup) struct backup_packer *packer = NULL;
	struct err ignored;
	size_t piece;
	int result = backup_packer_new(COMPRESSION_NONE, range, open, &packer, err);

	for (int32_t i = 0; result == 0 && i < 2; i++) {
		CLEANUP_STR struct str doc = STR_INIT;
		make_document(i, broken && i == 1, &doc);
		result = backup_packer_add(packer, str_bytes(&doc), &piece, err);
		assert_int_equal(piece, 1);
	}
	return result != 0 ? backup_packer_end(packer, &ignored) : backup_packer_end(packer, err);
}

static void begin(char *folder, int *ret_dirfd, struct backup_open **ret_open)
{
	struct err err;

	assert_non_null(mkdtemp(folder));
	MUST(folder_open(folder, ret_dirfd, &err));
	MUST(backup_open_new(ret_open, &err));
	MUST(backup_joint_new(*ret_dirfd, "x.bson", &(*ret_open)->joint, &err));
}

static void end(const char *folder, int dirfd, struct backup_open *open)
{
	backup_joint_remove(open->joint);
	open->joint = NULL;
	backup_open_free(open);
	assert_int_equal(close(dirfd), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void what_fails_has_moved_nothing(void **state)
{
	char folder[] = "/tmp/offkit-test-reading-XXXXXX";
	struct backup_range range = {.ordered = true};
	CLEANUP_STR struct str first = STR_INIT;
	struct backup_open *open = NULL;
	struct backup_file file;
	struct err err;
	int dirfd = -1;

	(void)state;
	begin(folder, &dirfd, &open);
	make_document(0, false, &first);
	assert_int_equal(read_two(open, &range, true, &err), -ERR_SYNTAX);
	MUST(backup_joint_state(open->joint, &file, &err));
	assert_int_equal(file.size, first.size);
	assert_int_equal(open->sum.count, 1);
	assert_int_equal(open->sum.octets, first.size);
	assert_int_equal(doc_get(str_bytes(&range.last), "_id").int32, 0);
	assert_false(range.done);
	str_release(&range.last);
	end(folder, dirfd, open);
}

static void what_does_not_fail_moves_together(void **state)
{
	char folder[] = "/tmp/offkit-test-reading-XXXXXX";
	struct backup_range range = {.ordered = true};
	struct backup_open *open = NULL;
	struct backup_file file;
	struct err err;
	int dirfd = -1;

	(void)state;
	begin(folder, &dirfd, &open);
	MUST(read_two(open, &range, false, &err));
	MUST(backup_joint_state(open->joint, &file, &err));
	assert_int_equal(file.size, open->sum.octets);
	assert_int_equal(open->sum.count, 2);
	assert_true(range.done);
	str_release(&range.last);
	end(folder, dirfd, open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_that_is_in_it_makes_the_end),
		cmocka_unit_test(nobody_makes_the_end_before_all_is_read),
		cmocka_unit_test(what_fails_has_moved_nothing),
		cmocka_unit_test(what_does_not_fail_moves_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
