/* A store in a folder: what is put is there whole or not at all, however many put at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object/folder.h"

struct scene {
	char path[64];
	int fd; /* of the store's sha256/ */
	struct object_store *store;
};

static int make_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	char inside[80];
	struct err err = {0};

	assert_non_null(scene);
	(void)snprintf(scene->path, sizeof scene->path, "/tmp/offkit-object-XXXXXX");
	assert_non_null(mkdtemp(scene->path));
	if (object_folder_open(scene->path, &scene->store, &err) != 0)
		fail_msg("%s", err.message);
	(void)snprintf(inside, sizeof inside, "%s/sha256", scene->path);
	scene->fd = open(inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(scene->fd >= 0);
	*state = scene;
	return 0;
}

static int remove_scene(void **state)
{
	struct scene *scene = *state;
	struct err err;

	object_store_close(scene->store);
	(void)close(scene->fd);
	assert_int_equal(tree_remove_at(AT_FDCWD, scene->path, &err), 0);
	free(scene);
	return 0;
}

/* ---- octets to put: a text, in pieces of three */

struct text {
	const char *octets;
	size_t size, at, fails_at;
	unsigned rewound;
};

static int text_next(void *self, struct bytes *ret_piece, struct err *err)
{
	struct text *text = self;
	size_t left = text->size - text->at, size = left < 3 ? left : 3;

	if (text->fails_at > 0 && text->at >= text->fails_at)
		return err_set(err, ERR_STOPPED, "asked to");
	*ret_piece = bytes_make((const uint8_t *)text->octets + text->at, size);
	text->at += size;
	return 0;
}

static int text_rewind(void *self, struct err *err)
{
	struct text *text = self;

	(void)err;
	text->at = 0;
	text->rewound++;
	return 0;
}

static struct object_source source_of(struct text *text)
{
	return (struct object_source){.self = text, .next = text_next, .rewind = text_rewind};
}

static struct sha256 digest_of(const char *text)
{
	struct sha256 digest;
	struct err err;

	assert_int_equal(sha256_of(bytes_of_string(text), &digest, &err), 0);
	return digest;
}

static int put(struct object_store *store, const char *octets, struct err *err)
{
	struct text text = {.octets = octets, .size = strlen(octets)};
	const struct object_source source = source_of(&text);
	const struct sha256 digest = digest_of(octets);

	return object_store_put(store, &digest, (int64_t)text.size, &source, err);
}

static void must_put(struct scene *scene, const char *octets)
{
	struct err err = {0};

	if (put(scene->store, octets, &err) != 0)
		fail_msg("%s", err.message);
}

static bool is_there(struct scene *scene, const char *octets)
{
	const struct sha256 digest = digest_of(octets);
	struct err err = {0};
	int64_t size = -1;
	bool there = false;

	if (object_store_stat(scene->store, &digest, &there, &size, &err) != 0)
		fail_msg("%s", err.message);
	if (there)
		assert_int_equal(size, strlen(octets));
	return there;
}

static int check(struct scene *scene, const char *octets, struct err *err)
{
	const struct sha256 digest = digest_of(octets);

	return object_store_check(scene->store, &digest, (int64_t)strlen(octets), err);
}

/* ---- what is listed, one line each */

static int list_one(void *self, const struct object_entry *entry, struct err *err)
{
	struct str *list = self;
	struct sha256 digest;

	(void)err;
	str_append_format(list, "%d %d %lld %s\n", object_name_of(entry->key, &digest),
		entry->is_octets, (long long)entry->size, entry->key);
	return 0;
}

static void expect_list(struct scene *scene, const char *expected)
{
	CLEANUP_STR struct str list = STR_INIT;
	struct err err = {0};

	if (object_store_each(scene->store, list_one, &list, &err) != 0)
		fail_msg("%s", err.message);
	assert_string_equal(str_text(&list), expected);
}

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* ---- tests */

static void put_and_get(void **state)
{
	struct scene *scene = *state;
	struct err err;

	assert_false(is_there(scene, "abc"));
	assert_int_equal(check(scene, "abc", &err), -ERR_NOT_FOUND);
	must_put(scene, "abc");
	must_put(scene, "");
	must_put(scene, "abc");
	assert_true(is_there(scene, "abc"));
	assert_true(is_there(scene, ""));
	assert_int_equal(check(scene, "abc", &err), 0);
	assert_int_equal(check(scene, "", &err), 0);
	expect_list(scene, "0 1 3 sha256/ba/" ABC "\n0 1 0 sha256/e3/" EMPTY "\n");
}

static void remove_it(void **state)
{
	struct scene *scene = *state;
	const struct sha256 digest = digest_of("abc");
	struct err err;

	assert_int_equal(object_store_remove(scene->store, &digest, &err), 0);
	must_put(scene, "abc");
	assert_int_equal(object_store_remove(scene->store, &digest, &err), 0);
	assert_int_equal(object_store_remove(scene->store, &digest, &err), 0);
	assert_false(is_there(scene, "abc"));
}

static void other_octets_are_refused(void **state)
{
	struct scene *scene = *state;
	struct text text = {.octets = "abd", .size = 3};
	const struct object_source source = source_of(&text);
	const struct sha256 digest = digest_of("abc");
	struct err err;

	assert_int_equal(object_store_put(scene->store, &digest, 3, &source, &err), -ERR_CHECKSUM);
	assert_non_null(strstr(err.message, "object " ABC));
	text.octets = "abc";
	text.at = 0;
	assert_int_equal(object_store_put(scene->store, &digest, 4, &source, &err), -ERR_CHECKSUM);
	expect_list(scene, "");
}

static void broken_off_leaves_nothing(void **state)
{
	struct scene *scene = *state;
	struct text text = {.octets = "abcdefghi", .size = 9, .fails_at = 6};
	const struct object_source source = source_of(&text);
	struct object_staged *staged = NULL;
	struct err err;

	assert_int_equal(object_store_stage(scene->store, &source, 9, &staged, &err), -ERR_STOPPED);
	assert_null(staged);
	expect_list(scene, "");
}

static void staged_is_no_object(void **state)
{
	struct scene *scene = *state;
	struct text text = {.octets = "abc", .size = 3};
	const struct object_source source = source_of(&text);
	struct object_staged *staged = NULL;
	const struct sha256 digest = digest_of("abc");
	struct err err;

	assert_int_equal(object_store_stage(scene->store, &source, 3, &staged, &err), 0);
	assert_true(sha256_equal(&staged->digest, &digest));
	assert_false(is_there(scene, "abc"));
	/* Nobody's sweep takes it away from a living writer. */
	assert_int_equal(object_store_sweep(scene->store, &err), 0);
	assert_int_equal(object_store_place(staged, &err), 0);
	object_store_discard(staged);
	assert_int_equal(text.rewound, 0);
	expect_list(scene, "0 1 3 sha256/ba/" ABC "\n");
	text.at = 0;
	assert_int_equal(object_store_stage(scene->store, &source, 3, &staged, &err), 0);
	object_store_discard(staged);
	expect_list(scene, "0 1 3 sha256/ba/" ABC "\n");
}

static void damage_is_found_and_mended(void **state)
{
	struct scene *scene = *state;
	struct err err;

	must_put(scene, "abc");
	int fd = openat(scene->fd, "ba/" ABC, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "x", 1, 1), 1);
	assert_int_equal(check(scene, "abc", &err), -ERR_CHECKSUM);
	assert_non_null(strstr(err.message, ABC));
	assert_int_equal(ftruncate(fd, 2), 0);
	assert_int_equal(check(scene, "abc", &err), -ERR_CHECKSUM);
	(void)close(fd);
	must_put(scene, "abc");
	assert_int_equal(check(scene, "abc", &err), 0);
}

static void link_is_no_object(void **state)
{
	struct scene *scene = *state;
	const struct sha256 digest = digest_of("abc");
	struct err err;
	int64_t size;
	bool there;

	must_put(scene, "abc");
	assert_int_equal(renameat(scene->fd, "ba/" ABC, scene->fd, "elsewhere"), 0);
	assert_int_equal(symlinkat("../elsewhere", scene->fd, "ba/" ABC), 0);
	assert_int_equal(
		object_store_stat(scene->store, &digest, &there, &size, &err), -ERR_UNREADABLE);
	assert_int_equal(check(scene, "abc", &err), -ERR_UNREADABLE);
	expect_list(scene, "0 0 0 sha256/ba/" ABC "\n3 1 3 sha256/elsewhere\n");
}

/* The names of a store, and what they are taken for. */
static void names(void **state)
{
	static const struct {
		const char *key;
		enum object_name name;
	} rows[] = {
		{"sha256/ba/" ABC, OBJECT_NAME_OBJECT},
		{"sha256/e3/" EMPTY, OBJECT_NAME_OBJECT},
		{"sha256/bb/" ABC, OBJECT_NAME_MISPLACED},
		{"sha256/" ABC, OBJECT_NAME_MISPLACED},
		{"sha256/ba/ba/" ABC, OBJECT_NAME_MISPLACED},
		{ABC, OBJECT_NAME_MISPLACED},
		{"sha512/ba/" ABC, OBJECT_NAME_MISPLACED},
		{"sha256/.new-0123456789abcdef", OBJECT_NAME_LEFTOVER},
		{"sha256/ba/." ABC ".new", OBJECT_NAME_LEFTOVER},
		{".new-0123456789abcdef", OBJECT_NAME_FOREIGN},
		{"sha256/ba/" ABC "0", OBJECT_NAME_FOREIGN},
		{"sha256/BA/BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
			OBJECT_NAME_FOREIGN},
		{"sha256/ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
			OBJECT_NAME_FOREIGN},
		{"sha256/ba/readme", OBJECT_NAME_FOREIGN},
		{"", OBJECT_NAME_FOREIGN},
		{"sha256/ba/", OBJECT_NAME_FOREIGN},
	};
	struct sha256 digest;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (object_name_of(rows[i].key, &digest) != rows[i].name)
			fail_msg("%s", rows[i].key);
}

static void leftovers_are_swept(void **state)
{
	struct scene *scene = *state;
	struct err err;
	int held = openat(scene->fd, ".new-00000000000000aa", O_RDWR | O_CREAT, 0600);
	int left = openat(scene->fd, ".new-00000000000000bb", O_RDWR | O_CREAT, 0600);
	int other = openat(scene->fd, "note", O_RDWR | O_CREAT, 0600);

	assert_true(held >= 0 && left >= 0 && other >= 0);
	assert_int_equal(flock(held, LOCK_EX), 0);
	assert_int_equal(object_store_sweep(scene->store, &err), 0);
	expect_list(scene, "2 1 0 sha256/.new-00000000000000aa\n3 1 0 sha256/note\n");
	(void)close(held);
	assert_int_equal(object_store_sweep(scene->store, &err), 0);
	expect_list(scene, "3 1 0 sha256/note\n");
	(void)close(left);
	(void)close(other);
}

/* ---- many at once */

enum { WRITERS = 6, OBJECTS = 40 };

static void write_them(struct object_store *store)
{
	char octets[32];
	struct err err = {0};

	for (int i = 0; i < OBJECTS; i++) {
		(void)snprintf(octets, sizeof octets, "object number %d", i);
		if (put(store, octets, &err) != 0 || object_store_sweep(store, &err) != 0) {
			(void)fprintf(stderr, "%s\n", err.message);
			_exit(1);
		}
	}
}

static void *writer(void *argument)
{
	write_them(argument);
	return NULL;
}

static mode_t mode_of(int dirfd, const char *path)
{
	struct stat status;

	assert_int_equal(fstatat(dirfd, path, &status, AT_SYMLINK_NOFOLLOW), 0);
	return status.st_mode & 07777;
}

/* Whoever may read the site's folder, and nobody else; nobody else writes. */
static void readers_of_the_folder_read_objects(void **state)
{
	static const struct {
		mode_t folder, shelf, object;
	} CASES[] = {{0700, 0700, 0600}, {0750, 0750, 0640}, {0755, 0755, 0644}, {0775, 0755, 0644},
		{0770, 0750, 0640}};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
		struct object_store *store;
		struct err err = {0};
		assert_int_equal(chmod(scene->path, CASES[i].folder), 0);
		assert_int_equal(object_folder_open(scene->path, &store, &err), 0);
		object_store_close(scene->store);
		scene->store = store;
		must_put(scene, "abc");
		assert_int_equal(mode_of(AT_FDCWD, scene->path), CASES[i].folder);
		assert_int_equal(mode_of(scene->fd, "."), CASES[i].shelf);
		assert_int_equal(mode_of(scene->fd, "ba"), CASES[i].shelf);
		assert_int_equal(mode_of(scene->fd, "ba/" ABC), CASES[i].object);
		assert_int_equal(unlinkat(scene->fd, "ba/" ABC, 0), 0);
	}
}

static void many_writers(void **state)
{
	struct scene *scene = *state;
	pthread_t threads[WRITERS];
	char octets[32];
	struct err err = {0};
	int status = -1;

	/* Another process, and threads of this one, all put the same and sweep besides. */
	pid_t child = fork();
	if (child == 0) {
		struct object_store *store = NULL;
		if (object_folder_open(scene->path, &store, &err) != 0)
			_exit(2);
		write_them(store);
		_exit(0);
	}
	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, writer, scene->store), 0);
	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (int i = 0; i < OBJECTS; i++) {
		(void)snprintf(octets, sizeof octets, "object number %d", i);
		if (check(scene, octets, &err) != 0)
			fail_msg("%s", err.message);
	}
	CLEANUP_STR struct str list = STR_INIT;
	assert_int_equal(object_store_each(scene->store, list_one, &list, &err), 0);
	int lines = 0;
	for (const char *at = str_text(&list); *at != '\0'; at++)
		lines += *at == '\n';
	assert_int_equal(lines, OBJECTS);
	assert_null(strstr(str_text(&list), ".new-"));
}

static void only_what_is_there_is_opened(void **state)
{
	struct scene *scene = *state;
	struct object_store *store = NULL;
	char path[80];
	struct err err;

	(void)snprintf(path, sizeof path, "%s/none", scene->path);
	assert_int_equal(object_folder_open_there(path, &store, &err), -ERR_NOT_FOUND);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(object_folder_open_there(scene->path, &store, &err), 0);
	assert_string_equal(object_store_name(store), scene->path);
	object_store_close(store);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, make_scene, remove_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(put_and_get),
		SCENE_TEST(remove_it),
		SCENE_TEST(other_octets_are_refused),
		SCENE_TEST(broken_off_leaves_nothing),
		SCENE_TEST(staged_is_no_object),
		SCENE_TEST(damage_is_found_and_mended),
		SCENE_TEST(link_is_no_object),
		cmocka_unit_test(names),
		SCENE_TEST(leftovers_are_swept),
		SCENE_TEST(readers_of_the_folder_read_objects),
		SCENE_TEST(many_writers),
		SCENE_TEST(only_what_is_there_is_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
