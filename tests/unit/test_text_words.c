#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "text/words.h"

/* The words, with "|" behind each. */
static void assert_words(const char *text, const char *wanted)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str got = STR_INIT;
	const char *const *words;
	struct err err;

	assert_int_equal(words_split(text, &arena, &words, &err), 0);
	for (size_t i = 0; words[i] != NULL; i++)
		str_append_format(&got, "%s|", words[i]);
	assert_string_equal(str_text(&got), wanted);
}

static void assert_refused(const char *text, const char *why)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	const char *const *words;
	struct err err;

	assert_int_equal(words_split(text, &arena, &words, &err), -ERR_USAGE);
	assert_non_null(strstr(err.message, why));
}

static void blanks_separate(void **state)
{
	(void)state;
	assert_words("a", "a|");
	assert_words("  a\tbc \n d  ", "a|bc|d|");
}

static void quotes_keep_together(void **state)
{
	(void)state;
	assert_words("sh -c 'a b; \"c\" \\d'", "sh|-c|a b; \"c\" \\d|");
	assert_words("\"a \\\" \\\\ \\n 'b\"", "a \" \\ \\n 'b|");
	assert_words("a\\ b\\'c", "a b'c|");
	assert_words("a'b'\"c\"d '' \"\"", "abcd|||");
}

static void nothing_is_expanded(void **state)
{
	(void)state;
	assert_words("$HOME * ~ `id` $(id) a=b #c; | > &", "$HOME|*|~|`id`|$(id)|a=b|#c;|||>|&|");
}

static void what_has_no_end_is_refused(void **state)
{
	(void)state;
	assert_refused("a 'b", "not closed");
	assert_refused("a \"b'", "not closed");
	assert_refused("a \"b\\", "not closed");
	assert_refused("a\\", "not closed");
	assert_refused("", "no word");
	assert_refused(" \t", "no word");
}

static void there_is_a_limit(void **state)
{
	(void)state;
	CLEANUP_STR struct str text = STR_INIT, wanted = STR_INIT;

	for (size_t i = 0; i < WORDS_MAX; i++) {
		str_append_text(&text, "a ");
		str_append_text(&wanted, "a|");
	}
	assert_words(str_text(&text), str_text(&wanted));
	str_append_text(&text, "a");
	assert_refused(str_text(&text), "more than 256 words");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blanks_separate),
		cmocka_unit_test(quotes_keep_together),
		cmocka_unit_test(nothing_is_expanded),
		cmocka_unit_test(what_has_no_end_is_refused),
		cmocka_unit_test(there_is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
