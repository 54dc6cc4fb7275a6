#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "engine/journal.h"

static char folder[64];
static int run_fd = -1;

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/offkit-test-journal-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	run_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return run_fd < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlinkat(run_fd, JOURNAL_NAME, 0);
	(void)close(run_fd);
	return rmdir(folder);
}

static void add(struct journal *journal, const char *text)
{
	struct bytes line;
	struct err err;

	json_member_string(journal_begin(journal, "note", true), "text", text);
	assert_int_equal(journal_end(journal, &line, &err), 0);
}

/* Three lines, on the disk. */
static void put_three(void)
{
	CLEANUP(journal_cleanup) struct journal *journal = NULL;
	struct err err;

	assert_int_equal(journal_new(&journal, &err), 0);
	add(journal, "one");
	assert_int_equal(journal_persist(journal, run_fd, &err), 0);
	add(journal, "two");
	add(journal, "three");
}

static void read_text(struct str *text)
{
	struct err err;

	assert_int_equal(file_read_at(run_fd, JOURNAL_NAME, 1 << 20, text, &err), 0);
}

static void write_text(const char *text, size_t size)
{
	int fd = openat(run_fd, JOURNAL_NAME, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), (ssize_t)size);
	(void)close(fd);
}

static int count_line(
	void *argument, struct bytes line, struct json_doc *doc, bool *keep, struct err *err)
{
	(void)line;
	(void)doc;
	(void)keep;
	(void)err;
	++*(int *)argument;
	return 0;
}

static int read_back(struct journal_head *head, int *count, size_t *torn, struct err *err)
{
	*count = 0;
	return journal_read(run_fd, count_line, count, head, torn, err);
}

static void what_was_written_is_read_in_order(void **state)
{
	(void)state;
	struct journal_head head;
	struct err err;
	size_t torn = 1;
	int count;

	put_three();
	assert_int_equal(read_back(&head, &count, &torn, &err), 0);
	assert_int_equal(count, 3);
	assert_int_equal(head.seq, 3);
	assert_int_equal(torn, 0);
}

static void nothing_is_written_before_it_is_persisted(void **state)
{
	(void)state;
	CLEANUP(journal_cleanup) struct journal *journal = NULL;
	struct err err;

	assert_int_equal(journal_new(&journal, &err), 0);
	add(journal, "one");
	assert_false(journal_persisted(journal));
	assert_int_equal(faccessat(run_fd, JOURNAL_NAME, F_OK, 0), -1);
}

/* Whichever octet is changed, its line is named (the line feeds apart: they join lines). */
static void every_changed_octet_is_found(void **state)
{
	(void)state;
	CLEANUP_STR struct str text = STR_INIT;
	struct journal_head head;
	struct err err;
	size_t torn = 0;
	int count, line = 1;

	put_three();
	read_text(&text);
	for (size_t i = 0; i < text.size; i++) {
		if (text.text[i] == '\n') {
			line++;
			continue;
		}
		char expected[32];
		text.text[i] ^= 1;
		write_text(text.text, text.size);
		text.text[i] ^= 1;
		assert_int_equal(read_back(&head, &count, &torn, &err), -ERR_JOURNAL);
		(void)snprintf(expected, sizeof expected, "line %d ", line);
		assert_non_null(strstr(err.message, expected));
	}
}

static void a_removed_line_is_found(void **state)
{
	(void)state;
	CLEANUP_STR struct str text = STR_INIT;
	struct journal_head head;
	struct err err;
	size_t torn = 0;
	int count;

	put_three();
	read_text(&text);
	const char *second = strchr(text.text, '\n') + 1;
	write_text(second, text.size - (size_t)(second - text.text));
	assert_int_equal(read_back(&head, &count, &torn, &err), -ERR_JOURNAL);
	assert_non_null(strstr(err.message, "line 1 "));
}

/* At every place where a crash can cut the file. */
static void a_torn_last_line_is_cut_off(void **state)
{
	(void)state;
	CLEANUP_STR struct str text = STR_INIT;

	put_three();
	read_text(&text);
	size_t whole = text.size - 1;
	while (text.text[whole - 1] != '\n')
		whole--;
	for (size_t size = whole + 1; size < text.size; size++) {
		CLEANUP(journal_cleanup) struct journal *journal = NULL;
		struct journal_head head;
		struct err err;
		size_t torn = 0;
		int count = 0;
		write_text(text.text, size);
		assert_int_equal(
			journal_open(run_fd, count_line, &count, &journal, &torn, &err), 0);
		assert_int_equal(count, 2);
		assert_int_equal(torn, size - whole);
		add(journal, "another three");
		assert_int_equal(read_back(&head, &count, &torn, &err), 0);
		assert_int_equal(head.seq, 3);
		assert_int_equal(torn, 0);
	}
}

static void it_goes_on_where_it_ended(void **state)
{
	(void)state;
	CLEANUP(journal_cleanup) struct journal *journal = NULL;
	struct journal_head head;
	struct err err;
	size_t torn = 0;
	int count = 0;

	put_three();
	assert_int_equal(journal_open(run_fd, count_line, &count, &journal, &torn, &err), 0);
	add(journal, "four");
	assert_int_equal(read_back(&head, &count, &torn, &err), 0);
	assert_int_equal(count, 4);
	assert_string_equal(head.hash, journal_head(journal)->hash);
}

/* A line that found no room is not half there, and does not count. */
static void a_full_disk_leaves_no_half_line(void **state)
{
	(void)state;
	CLEANUP(journal_cleanup) struct journal *journal = NULL;
	struct journal_head head;
	struct rlimit before, limit;
	struct bytes line;
	struct err err;
	size_t torn = 0;
	int count = 0;

	put_three();
	assert_int_equal(journal_open(run_fd, count_line, &count, &journal, &torn, &err), 0);
	struct journal_head was = *journal_head(journal);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	CLEANUP_STR struct str text = STR_INIT;
	read_text(&text);
	limit.rlim_cur = text.size + 20;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	json_member_string(journal_begin(journal, "note", true), "text", "four");
	int rc = journal_end(journal, &line, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(rc, -ERR_DISK);
	assert_string_equal(journal_head(journal)->hash, was.hash);
	add(journal, "four after all");
	assert_int_equal(read_back(&head, &count, &torn, &err), 0);
	assert_int_equal(head.seq, 4);
}

static void progress_is_no_link_of_the_chain(void **state)
{
	(void)state;
	CLEANUP(journal_cleanup) struct journal *journal = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct bytes line;
	struct err err;

	assert_int_equal(journal_new(&journal, &err), 0);
	json_member_integer(journal_begin(journal, "progress", false), "done", 1);
	assert_int_equal(journal_end(journal, &line, &err), 0);
	str_append(&text, line.data, line.size);
	assert_null(strstr(str_text(&text), "\"hash\""));
	assert_int_equal(journal_head(journal)->seq, 0);
}

#define JOURNAL_TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		JOURNAL_TEST(what_was_written_is_read_in_order),
		JOURNAL_TEST(nothing_is_written_before_it_is_persisted),
		JOURNAL_TEST(every_changed_octet_is_found),
		JOURNAL_TEST(a_removed_line_is_found),
		JOURNAL_TEST(a_torn_last_line_is_cut_off),
		JOURNAL_TEST(it_goes_on_where_it_ended),
		JOURNAL_TEST(a_full_disk_leaves_no_half_line),
		JOURNAL_TEST(progress_is_no_link_of_the_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
