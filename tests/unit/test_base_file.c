/* Files by directory descriptor: links, limits, and writes that break off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"

/* A folder for each test, opened; everything stands in it. */
struct scratch {
	char path[64];
	int fd;
};

static int make_scratch(void **state)
{
	struct scratch *scratch = calloc(1, sizeof *scratch);

	assert_non_null(scratch);
	(void)snprintf(scratch->path, sizeof scratch->path, "/tmp/offkit-file-XXXXXX");
	assert_non_null(mkdtemp(scratch->path));
	scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(scratch->fd >= 0);
	*state = scratch;
	return 0;
}

static int remove_scratch(void **state)
{
	struct scratch *scratch = *state;
	struct err err;

	assert_int_equal(tree_remove_at(AT_FDCWD, scratch->path, &err), 0);
	(void)close(scratch->fd);
	free(scratch);
	return 0;
}

static int scratch_fd(void **state)
{
	return ((struct scratch *)*state)->fd;
}

static void write_file(int dirfd, const char *name, const char *text)
{
	struct err err = {0};

	if (file_write_durable_at(dirfd, name, bytes_of_string(text), 0600, &err) != 0)
		fail_msg("%s", err.message);
}

static void assert_content(int dirfd, const char *name, const char *text)
{
	CLEANUP_STR struct str content = STR_INIT;
	struct err err = {0};

	if (file_read_at(dirfd, name, 1 << 20, &content, &err) != 0)
		fail_msg("%s", err.message);
	assert_string_equal(str_text(&content), text);
}

static size_t count_entries(int dirfd)
{
	CLEANUP_DIR DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY));
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	return count - 2;
}

static void reading_has_a_limit(void **state)
{
	CLEANUP_STR struct str content = STR_INIT;
	int fd = scratch_fd(state);
	struct err err;

	write_file(fd, "five", "12345");
	write_file(fd, "none", "");
	str_append_text(&content, "before ");
	assert_int_equal(file_read_at(fd, "five", 5, &content, &err), 0);
	assert_string_equal(str_text(&content), "before 12345");
	assert_int_equal(file_read_at(fd, "five", 4, &content, &err), -ERR_LIMIT);
	assert_string_equal(err.message, "five: larger than 4 octets");
	assert_string_equal(str_text(&content), "before 12345");
	assert_int_equal(file_read_at(fd, "none", 0, &content, &err), 0);
	assert_int_equal(file_read_at(fd, "absent", 5, &content, &err), -ERR_NOT_FOUND);
	assert_string_equal(err.message, "absent: No such file or directory");
	assert_string_equal(str_text(&content), "before 12345");
}

static void large_files_are_read_whole(void **state)
{
	CLEANUP_STR struct str large = STR_INIT;
	CLEANUP_STR struct str content = STR_INIT;
	int fd = scratch_fd(state);
	struct err err;

	for (int i = 0; i < 50000; i++)
		str_append_format(&large, "%d,", i);
	assert_int_equal(file_write_durable_at(fd, "large", str_bytes(&large), 0600, &err), 0);
	assert_int_equal(file_read_at(fd, "large", large.size, &content, &err), 0);
	assert_true(bytes_equal(str_bytes(&large), str_bytes(&content)));
	assert_int_equal(file_read_at(fd, "large", large.size - 1, &content, &err), -ERR_LIMIT);
}

static void only_regular_files_are_opened(void **state)
{
	CLEANUP_STR struct str content = STR_INIT;
	char path[128];
	int fd = scratch_fd(state);
	int opened = -1;
	struct err err;

	write_file(fd, "file", "x");
	assert_int_equal(symlinkat("file", fd, "link"), 0);
	assert_int_equal(mkdirat(fd, "folder", 0700), 0);
	assert_int_equal(mkfifoat(fd, "fifo", 0600), 0);
	assert_int_equal(file_open_at(fd, "link", &opened, &err), -ERR_UNREADABLE);
	assert_int_equal(file_open_at(fd, "folder", &opened, &err), -ERR_UNREADABLE);
	assert_int_equal(file_open_at(fd, "fifo", &opened, &err), -ERR_UNREADABLE);
	assert_string_equal(err.message, "fifo: not a regular file");
	assert_int_equal(opened, -1);
	assert_int_equal(file_open_at(fd, "file", &opened, &err), 0);
	(void)close(opened);

	/* a path that a user named may lead over a link */
	(void)snprintf(path, sizeof path, "%s/link", ((struct scratch *)*state)->path);
	assert_int_equal(file_read_path(path, 1, &content, &err), 0);
	assert_string_equal(str_text(&content), "x");
	(void)snprintf(path, sizeof path, "%s/fifo", ((struct scratch *)*state)->path);
	assert_int_equal(file_read_path(path, 1, &content, &err), -ERR_UNREADABLE);
}

static void folders_are_opened_without_links(void **state)
{
	int fd = scratch_fd(state);
	int opened = -1;
	char path[128];
	struct err err;

	write_file(fd, "file", "x");
	assert_int_equal(mkdirat(fd, "folder", 0700), 0);
	assert_int_equal(symlinkat("folder", fd, "link"), 0);
	assert_int_equal(folder_open_at(fd, "link", &opened, &err), -ERR_UNREADABLE);
	assert_int_equal(folder_open_at(fd, "file", &opened, &err), -ERR_UNREADABLE);
	assert_int_equal(folder_open_at(fd, "absent", &opened, &err), -ERR_NOT_FOUND);
	assert_int_equal(opened, -1);
	assert_int_equal(folder_open_at(fd, "folder", &opened, &err), 0);
	(void)close(opened);
	(void)snprintf(path, sizeof path, "%s/link", ((struct scratch *)*state)->path);
	assert_int_equal(folder_open(path, &opened, &err), 0);
	(void)close(opened);
}

static void a_folder_that_cannot_be_listed_is_not_short(void **state)
{
	int fd = scratch_fd(state);
	CLEANUP_DIR DIR *dir = NULL;
	const char *name = "none yet";
	struct err err;

	assert_int_equal(folder_names(fd, &dir, &err), 0);
	assert_int_equal(folder_next_name(dir, &name, &err), 0);
	assert_null(name);
	(void)closedir(STEAL(dir));
	write_file(fd, "file", "x");
	assert_int_equal(folder_names(fd, &dir, &err), 0);
	assert_int_equal(folder_next_name(dir, &name, &err), 0);
	assert_string_equal(name, "file");
	assert_int_equal(folder_next_name(dir, &name, &err), 0);
	assert_null(name);
	(void)closedir(STEAL(dir));
	assert_int_equal(folder_names(fd, &dir, &err), 0);
	int other = openat(fd, "file", O_RDONLY | O_CLOEXEC);
	assert_true(dup2(other, dirfd(dir)) >= 0);
	(void)close(other);
	assert_int_equal(folder_next_name(dir, &name, &err), -ERR_UNREADABLE);
}

static void folders_are_made_private(void **state)
{
	int fd = scratch_fd(state);
	int made = -1;
	struct stat st;
	struct err err;

	assert_int_equal(folder_make_at(fd, "new", &made, &err), 0);
	assert_int_equal(fstat(made, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	(void)close(made);
	assert_int_equal(folder_make_at(fd, "new", &made, &err), 0);
	(void)close(made);
	made = -1;
	assert_int_equal(symlinkat("new", fd, "link"), 0);
	assert_int_equal(mkdirat(fd, "open", 0700), 0);
	assert_int_equal(fchmodat(fd, "open", 0707, 0), 0);
	assert_int_equal(folder_make_at(fd, "open", &made, &err), -ERR_UNREADABLE);
	assert_int_equal(fchmodat(fd, "open", 0775, 0), 0);
	assert_int_equal(folder_make_at(fd, "open", &made, &err), 0);
	(void)close(made);
	made = -1;
	assert_int_equal(folder_make_at(fd, "link", &made, &err), -ERR_UNREADABLE);
	write_file(fd, "file", "");
	assert_int_equal(folder_make_at(fd, "file", &made, &err), -ERR_UNREADABLE);
	if (geteuid() == 0) {
		assert_int_equal(mkdirat(fd, "foreign", 0700), 0);
		assert_int_equal(fchownat(fd, "foreign", 65534, 65534, 0), 0);
		assert_int_equal(folder_make_at(fd, "foreign", &made, &err), -ERR_UNREADABLE);
		assert_string_equal(err.message, "foreign: the folder belongs to another user");
	}
	assert_int_equal(made, -1);
}

static void two_levels_are_made(void **state)
{
	const char *base = ((struct scratch *)*state)->path;
	char path[128];
	int made = -1;
	struct err err;

	(void)snprintf(path, sizeof path, "%s/a/b/c", base);
	assert_int_equal(folder_make(path, &made, &err), -ERR_NOT_FOUND);
	assert_int_equal(count_entries(scratch_fd(state)), 0);
	(void)snprintf(path, sizeof path, "%s/a/b//", base);
	assert_int_equal(folder_make(path, &made, &err), 0);
	(void)close(made);
	(void)snprintf(path, sizeof path, "%s/a/b/c", base);
	assert_int_equal(folder_make(path, &made, &err), 0);
	(void)close(made);
	assert_int_equal(folder_make("/", &made, &err), geteuid() == 0 ? 0 : -ERR_UNREADABLE);
	if (geteuid() == 0)
		(void)close(made);
	made = -1;
	assert_int_equal(folder_make("", &made, &err), -ERR_NOT_FOUND);
	assert_int_equal(made, -1);
}

static void durable_writes_replace(void **state)
{
	int fd = scratch_fd(state);
	struct stat st;
	struct err err;

	write_file(fd, "file", "old");
	mode_t umask_before = umask(077);
	assert_int_equal(file_write_durable_at(fd, "file", bytes_make("new", 3), 0644, &err), 0);
	(void)umask(umask_before);
	assert_content(fd, "file", "new");
	assert_int_equal(fstatat(fd, "file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(mkdirat(fd, "folder", 0700), 0);
	write_file(fd, "folder/inner", "deep");
	assert_content(fd, "folder/inner", "deep");
	/* a link is replaced, not followed */
	assert_int_equal(symlinkat("file", fd, "link"), 0);
	write_file(fd, "link", "mine");
	assert_content(fd, "file", "new");
	assert_content(fd, "link", "mine");
	assert_int_equal(count_entries(fd), 3);
}

static void a_failed_write_leaves_the_old_file(void **state)
{
	int fd = scratch_fd(state);
	char large[8192];
	struct rlimit before;
	struct rlimit small;
	struct err err;

	memset(large, 'n', sizeof large);
	write_file(fd, "file", "old");
	/* The first 4096 octets are written, the rest is not. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 4096;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int rc = file_write_durable_at(fd, "file", bytes_make(large, sizeof large), 0600, &err);
	int rc_exact = file_write_durable_at(fd, "exact", bytes_make(large, 4096), 0600, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	(void)signal(SIGXFSZ, handler);
	assert_int_equal(rc, -ERR_DISK);
	assert_int_equal(rc_exact, 0);
	assert_content(fd, "file", "old");
	assert_int_equal(count_entries(fd), 2);

	/* what cannot be renamed over leaves no temporary either */
	assert_int_equal(mkdirat(fd, "folder", 0700), 0);
	assert_int_equal(
		file_write_durable_at(fd, "folder", bytes_make("x", 1), 0600, &err), -ERR_DISK);
	assert_string_equal(err.message, "folder: rename: Is a directory");
	assert_int_equal(count_entries(fd), 3);
	assert_int_equal(file_write_durable_at(fd, "no/file", bytes_make("x", 1), 0600, &err),
		-ERR_NOT_FOUND);
}

/* Two writers of one name: whatever a reader sees is whole. */
static void writers_do_not_mix(void **state)
{
	int fd = scratch_fd(state);
	pid_t children[2];
	char text[2][20000];

	for (int i = 0; i < 2; i++) {
		memset(text[i], 'a' + i, sizeof text[i] - 1);
		text[i][sizeof text[i] - 1] = '\0';
	}
	write_file(fd, "file", text[0]);
	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			for (int j = 0; j < 20; j++) {
				struct err err;
				if (file_write_durable_at(
					    fd, "file", bytes_of_string(text[i]), 0600, &err) != 0)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int j = 0; j < 100; j++) {
		CLEANUP_STR struct str content = STR_INIT;
		struct err err;
		assert_int_equal(file_read_at(fd, "file", 1 << 20, &content, &err), 0);
		assert_string_equal(str_text(&content), text[str_text(&content)[0] - 'a']);
	}
	for (int i = 0; i < 2; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count_entries(fd), 1);
}

static void renames_never_replace(void **state)
{
	int fd = scratch_fd(state);
	struct err err;

	write_file(fd, "a", "a");
	write_file(fd, "b", "b");
	assert_int_equal(mkdirat(fd, "folder", 0700), 0);
	assert_int_equal(mkdirat(fd, "empty", 0700), 0);
	assert_int_equal(file_rename_durable(fd, "a", fd, "b", &err), -ERR_DISK);
	assert_string_equal(err.message, "a to b: File exists");
	assert_int_equal(file_rename_durable(fd, "folder", fd, "empty", &err), -ERR_DISK);
	assert_int_equal(file_rename_durable(fd, "absent", fd, "c", &err), -ERR_NOT_FOUND);
	assert_int_equal(file_rename_durable(fd, "a", fd, "folder/a", &err), 0);
	assert_content(fd, "folder/a", "a");
	assert_content(fd, "b", "b");
	assert_int_equal(file_rename_durable(fd, "folder", fd, "c", &err), 0);
	assert_content(fd, "c/a", "a");
}

static void temporaries_that_nobody_holds_are_removed(void **state)
{
	int fd = scratch_fd(state);
	char file[PLACE_TEMPORARY_SIZE], folder[PLACE_TEMPORARY_SIZE], next[PLACE_TEMPORARY_SIZE];
	int file_fd, folder_fd, next_fd;
	struct err err;

	assert_int_equal(mkdirat(fd, ".offkit-pack-0123456789abcdef", 0755), 0);
	write_file(fd, ".offkit-pack-0123456789abcdef/a.001", "a");
	write_file(fd, ".offkit-pack-0123456789abcdee", "a");
	write_file(fd, ".offkit-pack-notes", "a");
	assert_int_equal(place_temporary(fd, false, file, &file_fd, &err), 0);
	assert_int_equal(count_entries(fd), 2);
	assert_int_equal(place_temporary(fd, true, folder, &folder_fd, &err), 0);
	assert_int_equal(count_entries(fd), 3);
	close(file_fd);
	assert_int_equal(place_temporary(fd, false, next, &next_fd, &err), 0);
	assert_int_equal(faccessat(fd, file, F_OK, 0), -1);
	assert_int_equal(faccessat(fd, folder, F_OK, 0), 0);
	close(folder_fd);
	close(next_fd);
}

static void a_name_that_is_taken_meanwhile_is_left_alone(void **state)
{
	int fd = scratch_fd(state);
	struct err err;

	write_file(fd, "a", "a");
	write_file(fd, "b", "b");
	assert_int_equal(place_rename(fd, "a", "b", &err), -ERR_USAGE);
	assert_string_equal(err.message, "b is there already and is left alone");
	assert_content(fd, "b", "b");
	assert_int_equal(place_rename(fd, "absent", "b", &err), -ERR_NOT_FOUND);
	assert_int_equal(place_rename(fd, "a", "c", &err), 0);
	assert_content(fd, "c", "a");
}

static void trees_are_removed_without_following(void **state)
{
	int fd = scratch_fd(state);
	struct err err;

	write_file(fd, "precious", "p");
	assert_int_equal(mkdirat(fd, "outside", 0700), 0);
	write_file(fd, "outside/precious", "p");
	assert_int_equal(mkdirat(fd, "tree", 0700), 0);
	assert_int_equal(mkdirat(fd, "tree/inner", 0700), 0);
	assert_int_equal(mkdirat(fd, "tree/inner/empty", 0700), 0);
	write_file(fd, "tree/inner/file", "x");
	assert_int_equal(symlinkat("../outside", fd, "tree/link"), 0);
	assert_int_equal(symlinkat("../../precious", fd, "tree/inner/link"), 0);
	assert_int_equal(symlinkat("outside", fd, "link"), 0);
	assert_int_equal(tree_remove_at(fd, "tree", &err), 0);
	assert_int_equal(tree_remove_at(fd, "tree", &err), 0);
	assert_int_equal(tree_remove_at(fd, "link", &err), 0);
	assert_content(fd, "precious", "p");
	assert_content(fd, "outside/precious", "p");
	assert_int_equal(count_entries(fd), 2);
	assert_int_equal(tree_remove_at(fd, "precious", &err), 0);
	assert_int_equal(count_entries(fd), 1);
}

static void many_files_are_removed(void **state)
{
	int fd = scratch_fd(state);
	char name[32];
	struct err err;

	assert_int_equal(mkdirat(fd, "tree", 0700), 0);
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof name, "tree/%d", i);
		int file = openat(fd, name, O_CREAT | O_WRONLY, 0600);
		assert_true(file >= 0);
		(void)close(file);
	}
	assert_int_equal(tree_remove_at(fd, "tree", &err), 0);
	assert_int_equal(count_entries(fd), 0);
}

static void trees_have_a_depth(void **state)
{
	int fd = scratch_fd(state);
	int folder = dup(fd);
	struct err err;

	for (int i = 0; i < 601; i++) {
		assert_int_equal(mkdirat(folder, "d", 0700), 0);
		int next = openat(folder, "d", O_RDONLY | O_DIRECTORY);
		assert_true(next >= 0);
		(void)close(folder);
		folder = next;
	}
	(void)close(folder);
	/* one level over the limit; then from inside, where it is one less */
	assert_int_equal(tree_remove_at(fd, "d", &err), -ERR_DISK);
	assert_int_equal(tree_remove_at(fd, "d/d", &err), 0);
	assert_int_equal(tree_remove_at(fd, "d", &err), 0);
}

static void space_is_measured(void **state)
{
	uint64_t octets = 0;
	struct err err;

	assert_int_equal(free_space(scratch_fd(state), &octets, &err), 0);
	assert_true(octets > 0);
	assert_int_equal(free_space(-1, &octets, &err), -ERR_UNREADABLE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_scratch, remove_scratch)
	static const struct CMUnitTest tests[] = {
		TEST(reading_has_a_limit),
		TEST(large_files_are_read_whole),
		TEST(only_regular_files_are_opened),
		TEST(folders_are_opened_without_links),
		TEST(a_folder_that_cannot_be_listed_is_not_short),
		TEST(folders_are_made_private),
		TEST(two_levels_are_made),
		TEST(durable_writes_replace),
		TEST(a_failed_write_leaves_the_old_file),
		TEST(writers_do_not_mix),
		TEST(renames_never_replace),
		TEST(temporaries_that_nobody_holds_are_removed),
		TEST(a_name_that_is_taken_meanwhile_is_left_alone),
		TEST(trees_are_removed_without_following),
		TEST(many_files_are_removed),
		TEST(trees_have_a_depth),
		TEST(space_is_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
