/* Strings that grow, arenas, and errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/version.h"

static void strings_grow(void **state)
{
	CLEANUP_STR struct str str = STR_INIT;
	struct err err;

	(void)state;
	assert_string_equal(str_text(&str), "");
	assert_int_equal(str_check(&str, &err), 0);
	for (int i = 0; i < 1000; i++)
		str_append_format(&str, "%03d", i);
	assert_int_equal(str.size, 3000);
	assert_int_equal(strlen(str_text(&str)), 3000);
	str_truncate(&str, 4000);
	assert_int_equal(str.size, 3000);
	str_truncate(&str, 5);
	assert_string_equal(str_text(&str), "00000");
	str_append(&str, "a\0b", 3);
	str_append_char(&str, 'c');
	str_append_text(&str, "");
	assert_true(bytes_equal(str_bytes(&str), bytes_make("00000a\0bc", 9)));
}

static void failures_stick(void **state)
{
	CLEANUP_STR struct str str = STR_INIT;
	struct err err;

	(void)state;
	str_append_text(&str, "kept");
	str_append(&str, "", SIZE_MAX / 2);
	str_append_text(&str, "lost");
	assert_string_equal(str_text(&str), "kept");
	assert_int_equal(str_check(&str, &err), -ERR_NO_MEMORY);
	assert_string_equal(err.message, "out of memory");
}

static void bytes_compare(void **state)
{
	(void)state;
	assert_true(bytes_equal(bytes_make(NULL, 0), bytes_of_string("")));
	assert_true(bytes_equal(bytes_of_string("ab"), bytes_of_string("ab")));
	assert_false(bytes_equal(bytes_of_string("ab"), bytes_of_string("abc")));
	assert_false(bytes_equal(bytes_of_string("ab"), bytes_of_string("aB")));
}

static void arenas_keep_what_they_gave(void **state)
{
	struct arena arena = ARENA_INIT;
	char *texts[2000];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		texts[i] = arena_format(&arena, "text %d", i);
		unsigned char *zeros = arena_alloc(&arena, (size_t)i % 100);
		for (int j = 0; j < i % 100; j++)
			assert_int_equal(zeros[j], 0);
		memset(zeros, 0xFF, (size_t)i % 100);
		assert_int_equal((uintptr_t)zeros % _Alignof(max_align_t), 0);
	}
	for (int i = 0; i < 2000; i++) {
		char expected[32];
		(void)snprintf(expected, sizeof expected, "text %d", i);
		assert_string_equal(texts[i], expected);
	}
	assert_non_null(arena_alloc(&arena, 1 << 20));
	assert_string_equal(arena_string(&arena, "copy"), "copy");
	assert_string_equal(arena_string_n(&arena, "copy", 2), "co");
	struct bytes bytes = arena_bytes(&arena, bytes_make("a\0b", 3));
	assert_true(bytes_equal(bytes, bytes_make("a\0b", 3)));
	arena_reset(&arena, 64 * 1024);
	const unsigned char *again = arena_alloc(&arena, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(again[i], 0);
	arena_release(&arena);
	arena_release(&arena);
}

/* The blocks that are there are filled before others are asked for, and are zeroed anew. */
static void arenas_use_what_they_kept_again(void **state)
{
	enum { PIECE = 1000, PIECES = 300, KEPT = 100 * PIECE };
	struct arena arena = ARENA_INIT;
	const unsigned char *first[PIECES];
	size_t again = 0;

	(void)state;
	for (size_t i = 0; i < PIECES; i++)
		first[i] = memset(arena_alloc(&arena, PIECE), 0xFF, PIECE);
	arena_reset(&arena, SIZE_MAX);
	for (size_t i = 0; i < PIECES; i++) {
		const unsigned char *piece = arena_alloc(&arena, PIECE);
		for (size_t j = 0; j < PIECE; j++)
			assert_int_equal(piece[j], 0);
		for (size_t j = 0; j < PIECES; j++)
			again += piece == first[j];
	}
	assert_int_equal(again, PIECES);
	arena_reset(&arena, KEPT);
	assert_non_null(arena_alloc(&arena, (size_t)10 * KEPT)); /* large ones are not kept */
	arena_reset(&arena, KEPT);
	size_t kept = 0;
	for (; arena.spare != NULL; kept += PIECE)
		assert_non_null(arena_alloc(&arena, PIECE));
	assert_in_range(kept, KEPT / 2, KEPT);
	arena_reset(&arena, 0);
	assert_null(arena.spare);
	arena_release(&arena);
}

static void sizes_do_not_wrap(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, SIZE_MAX - 16));
	assert_null(arena_array(&arena, SIZE_MAX / 2, 3));
	assert_null(arena_string_n(&arena, "", SIZE_MAX));
	assert_non_null(arena_array(&arena, 0, 8));
	arena_release(&arena);
}

static void errors_carry_context(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, ERR_SYNTAX, "line %d", 3), -ERR_SYNTAX);
	assert_int_equal(err_context(&err, "%s", "manifest"), -ERR_SYNTAX);
	assert_string_equal(err.message, "manifest: line 3");
	assert_int_equal(err_recode(&err, ERR_SITE), -ERR_SITE);
	assert_int_equal(err_context(&err, "site"), -ERR_SITE);
	assert_string_equal(err.message, "site: manifest: line 3");
	assert_int_equal(err_set_errno(&err, ERR_DISK, ENOSPC, "a"), -ERR_DISK);
	assert_string_equal(err.message, "a: No space left on device");
}

static void long_messages_are_cut_between_characters(void **state)
{
	struct err err;
	char text[2 * ERR_MESSAGE_MAX];

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 4 < sizeof text; i += 4)
			memcpy(text + i, "\U0001F600", 5);
		(void)err_set(&err, ERR_SYNTAX, "%s", text);
		size_t size = strlen(err.message);
		assert_true(size >= ERR_MESSAGE_MAX - 4 && size < ERR_MESSAGE_MAX);
		assert_int_equal((size - shift) % 4, 0);
		(void)err_context(&err, "in front");
		assert_memory_equal(err.message, "in front: ", 10);
		assert_true(strlen(err.message) < ERR_MESSAGE_MAX);
	}
}

static void every_error_has_its_row(void **state)
{
	(void)state;
	for (int code = 1; code < ERR_COUNT; code++) {
		assert_true(err_exit_code((enum err_code)code) > 0);
		assert_true(err_exit_code((enum err_code)code) < 256);
		assert_int_equal(err_by_name(err_name((enum err_code)code)), code);
		assert_true(*err_sentence((enum err_code)code) != '\0');
		assert_true(*err_next((enum err_code)code) != '\0');
	}
	assert_int_equal(err_exit_code(ERR_NONE), 0);
	assert_int_equal(err_by_name("NONSENSE"), ERR_NONE);
	assert_true(*version_text() != '\0');
	assert_true(version_commit_time() >= 0);
}

/* Small ones are copied, large ones change hands; either lives as long as the arena. */
static void arenas_take_what_a_string_holds(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT;

	for (size_t size = 0; size < 100000; size = 3 * size + 1) {
		CLEANUP_STR struct str str = STR_INIT;
		for (size_t i = 0; i < size; i++)
			str_append_char(&str, (char)('a' + i % 26));
		struct bytes taken = arena_take(&arena, &str);
		assert_int_equal(str.size, 0);
		str_append_text(&str, "something else");
		assert_int_equal(taken.size, size);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(taken.data[i], 'a' + i % 26);
	}
	arena_reset(&arena, 64 * 1024);
	assert_string_equal(arena_string(&arena, "again"), "again");
	arena_release(&arena);
}

static void a_string_grows_out_of_what_it_borrowed(void **state)
{
	(void)state;
	for (size_t room = 1; room < 70; room++) {
		char memory[70];
		struct str str = STR_BORROW(memory, room);
		char expected[80] = "";
		for (size_t i = 0; i < 79; i++) {
			str_append(&str, &"0123456789"[i % 10], 1);
			expected[i] = (char)('0' + i % 10);
			assert_string_equal(str_text(&str), expected);
			assert_true(i + 1 >= room ? str.text != memory : str.text == memory);
		}
		str_fit(&str);
		assert_string_equal(str_text(&str), expected);
		str_release(&str);
	}
}

static void strings_append_any_size(void **state)
{
	(void)state;
	char from[300];

	for (size_t i = 0; i < sizeof from; i++)
		from[i] = (char)(i % 251 + 1);
	for (size_t size = 0; size <= sizeof from; size++) {
		CLEANUP_STR struct str str = STR_INIT;
		str_append_char(&str, 'x');
		str_append(&str, from, size);
		assert_int_equal(str.size, size + 1);
		assert_memory_equal(str.text + 1, from, size);
		assert_int_equal(str.text[size + 1], 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_grow),
		cmocka_unit_test(failures_stick),
		cmocka_unit_test(bytes_compare),
		cmocka_unit_test(arenas_take_what_a_string_holds),
		cmocka_unit_test(a_string_grows_out_of_what_it_borrowed),
		cmocka_unit_test(strings_append_any_size),
		cmocka_unit_test(arenas_keep_what_they_gave),
		cmocka_unit_test(arenas_use_what_they_kept_again),
		cmocka_unit_test(sizes_do_not_wrap),
		cmocka_unit_test(errors_carry_context),
		cmocka_unit_test(long_messages_are_cut_between_characters),
		cmocka_unit_test(every_error_has_its_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
