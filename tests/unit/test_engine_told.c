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
#include "engine/journal.h"
#include "engine/told.h"

static const char NOTE[] = "{\"event\":\"note\",\"text\":\"a\"}";
static const char OTHER[] = "{\"event\":\"note\",\"text\":\"b\"}";
static const char PROGRESS[] = "{\"event\":\"progress\",\"done\":1}";
static const char LATER[] = "{\"event\":\"progress\",\"done\":2}";
static const char PAUSED[] = "{\"event\":\"paused\",\"paused\":true}";
static const char STEP_END[] = "{\"event\":\"step.end\"}";
#define BEGIN "{\"event\":\"feed.begin\"}\n"

static void tell(struct told *told, const char *line)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct err err;

	assert_int_equal(json_parse(bytes_of_string(line), JSON_LIMITS(1 << 20), &doc, &err), 0);
	assert_int_equal(told_event(told, bytes_of_string(line), json_root(doc), &err), 0);
}

/* Everything that is due for the cursor. */
static const char *all(struct told *told, struct told_cursor *cursor, struct str *out)
{
	struct err err;
	int rc;

	str_truncate(out, 0);
	while ((rc = told_next(told, cursor, out, &err)) > 0)
		continue;
	assert_int_equal(rc, 0);
	return str_text(out);
}

static int folder(char path[static 64], const char *journal)
{
	struct err err;
	int fd = -1;

	(void)strcpy(path, "/tmp/offkit-told-XXXXXX");
	assert_non_null(mkdtemp(path));
	assert_int_equal(folder_open(path, &fd, &err), 0);
	assert_int_equal(
		file_write_durable_at(fd, JOURNAL_NAME, bytes_of_string(journal), 0600, &err), 0);
	return fd;
}

static void remove_folder(const char *path, int fd)
{
	assert_int_equal(unlinkat(fd, JOURNAL_NAME, 0), 0);
	(void)close(fd);
	assert_int_equal(rmdir(path), 0);
}

static void what_was_told_is_read_at_each_pace(void **state)
{
	(void)state;
	CLEANUP_STR struct str out = STR_INIT;
	struct told told = TOLD_INIT;
	struct told_cursor early = {0}, late = {0};

	assert_string_equal(all(&told, &early, &out), "");
	tell(&told, NOTE);
	assert_string_equal(
		all(&told, &early, &out), BEGIN "{\"event\":\"note\",\"text\":\"a\"}\n");
	tell(&told, OTHER);
	assert_string_equal(all(&told, &early, &out), "{\"event\":\"note\",\"text\":\"b\"}\n");
	assert_string_equal(all(&told, &late, &out),
		BEGIN "{\"event\":\"note\",\"text\":\"a\"}\n{\"event\":\"note\",\"text\":\"b\"}\n");
	told_release(&told);
}

/* When the lines are on the disk, nobody misses one or gets one twice. */
static void the_journal_takes_over_from_memory(void **state)
{
	(void)state;
	CLEANUP_STR struct str out = STR_INIT;
	struct told told = TOLD_INIT;
	struct told_cursor early = {0}, late = {0};
	struct err err;
	char path[64];

	tell(&told, NOTE);
	(void)all(&told, &early, &out);
	int fd = folder(path, "{\"event\":\"note\",\"text\":\"a\"}\n");
	assert_int_equal(told_journal(&told, fd, &err), 0);
	assert_string_equal(all(&told, &early, &out), "");
	assert_string_equal(all(&told, &late, &out), BEGIN "{\"event\":\"note\",\"text\":\"a\"}\n");
	int journal = openat(fd, JOURNAL_NAME, O_WRONLY | O_APPEND | O_CLOEXEC);
	/* A line that was written but not told (its sync failed) is nobody's. */
	assert_true(write(journal, "{\"event\":\"note\",\"text\":\"b\"}\nmore\n", 32) == 32);
	assert_string_equal(all(&told, &early, &out), "");
	tell(&told, OTHER);
	assert_string_equal(all(&told, &early, &out), "{\"event\":\"note\",\"text\":\"b\"}\n");
	(void)close(journal);
	told_release(&told);
	remove_folder(path, fd);
}

static void history_comes_before_the_beginning(void **state)
{
	(void)state;
	CLEANUP_STR struct str out = STR_INIT;
	struct told told = TOLD_INIT;
	struct told_cursor cursor = {0};
	struct err err;
	char path[64];
	int fd = folder(path, "{\"event\":\"note\",\"text\":\"a\"}\n");

	assert_int_equal(told_journal(&told, fd, &err), 0);
	assert_string_equal(
		all(&told, &cursor, &out), "{\"event\":\"note\",\"text\":\"a\"}\n" BEGIN);
	told_release(&told);
	remove_folder(path, fd);
}

static void of_states_only_the_newest_is_told(void **state)
{
	(void)state;
	CLEANUP_STR struct str out = STR_INIT;
	struct told told = TOLD_INIT;
	struct told_cursor cursor = {0}, late = {0};

	tell(&told, PROGRESS);
	assert_string_equal(all(&told, &cursor, &out), "{\"event\":\"progress\",\"done\":1}\n");
	tell(&told, PROGRESS);
	tell(&told, PAUSED);
	tell(&told, LATER);
	tell(&told, NOTE);
	assert_string_equal(all(&told, &cursor, &out),
		BEGIN "{\"event\":\"note\",\"text\":\"a\"}\n"
		      "{\"event\":\"paused\",\"paused\":true}\n"
		      "{\"event\":\"progress\",\"done\":2}\n");
	assert_string_equal(all(&told, &cursor, &out), "");
	/* What the step told of its progress is not true any more; the pause is. */
	tell(&told, STEP_END);
	assert_string_equal(all(&told, &late, &out),
		BEGIN "{\"event\":\"note\",\"text\":\"a\"}\n{\"event\":\"step.end\"}\n"
		      "{\"event\":\"paused\",\"paused\":true}\n");
	told_release(&told);
}

static void a_long_line_comes_in_pieces(void **state)
{
	(void)state;
	enum { SIZE = 200000 };
	CLEANUP_STR struct str line = STR_INIT;
	CLEANUP_STR struct str out = STR_INIT;
	struct told told = TOLD_INIT;
	struct told_cursor cursor = {0};
	struct err err;
	size_t most = 0;

	str_append_format(&line, "{\"event\":\"note\",\"text\":\"%0*d\"}", SIZE, 7);
	tell(&told, str_text(&line));
	str_append_char(&line, '\n');
	for (size_t before = 0; told_next(&told, &cursor, &out, &err) > 0; before = out.size)
		if (out.size - before > most)
			most = out.size - before;
	assert_true(most <= 64 * 1024);
	assert_string_equal(str_text(&out) + sizeof BEGIN - 1, str_text(&line));
	told_release(&told);
}

static void a_journal_that_is_cut_off_is_an_error(void **state)
{
	(void)state;
	CLEANUP_STR struct str out = STR_INIT;
	struct told told = TOLD_INIT;
	struct told_cursor cursor = {.begun = true};
	struct err err;
	char path[64];
	int fd = folder(path, "{\"event\":\"note\",\"text\":\"a\"}\n");

	assert_int_equal(told_journal(&told, fd, &err), 0);
	int journal = openat(fd, JOURNAL_NAME, O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(journal, 0), 0);
	assert_int_equal(told_next(&told, &cursor, &out, &err), -ERR_JOURNAL);
	(void)close(journal);
	told_release(&told);
	remove_folder(path, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_told_is_read_at_each_pace),
		cmocka_unit_test(the_journal_takes_over_from_memory),
		cmocka_unit_test(history_comes_before_the_beginning),
		cmocka_unit_test(of_states_only_the_newest_is_told),
		cmocka_unit_test(a_long_line_comes_in_pieces),
		cmocka_unit_test(a_journal_that_is_cut_off_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
