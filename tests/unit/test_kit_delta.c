/* What changed in a differential kit's files: what is written is read, and every rule on both
 * sides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kit/delta.h"
#include "kit/manifest.h"

#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "2222222222222222222222222222222222222222222222222222222222222222"

#define NEW(size)	 "{\"sha256\":\"" D2 "\",\"size\":" size "}"
#define FROM(from, size) "{\"from\":" from ",\"sha256\":\"" D2 "\",\"size\":" size "}"
#define FILE_OF(size, base, base_size, pieces)                                                     \
	"{\"base\":{\"name\":\"" base "\",\"size\":" base_size "},\"pieces\":[" pieces             \
	"],\"size\":" size "}"
#define SUBJECT(name) "{\"digest\":{\"sha256\":\"" D1 "\"},\"name\":\"" name "\"}"
#define DELTA_OF(type, files, subjects)                                                            \
	"{\"_type\":\"" STATEMENT_TYPE "\",\"predicate\":{\"files\":[" files                       \
	"],\"manifest\":{\"sha256\":\"" D2 "\"}},\"predicateType\":\"" type                        \
	"\",\"subject\":[" subjects "]}"
#define DELTA(size, base_size, pieces)                                                             \
	DELTA_OF(DELTA_TYPE, FILE_OF(size, "seeds/b", base_size, pieces), SUBJECT("seeds/a"))

static struct err err;

static void test_reads_what_it_writes(void **state)
{
	static const char text[] = DELTA_OF(DELTA_TYPE,
		FILE_OF("12", "seeds/b", "20",
			FROM("2", "5") "," NEW("4") "," FROM("17", "3")) "," FILE_OF("1", "seeds/b",
			"20", FROM("0", "1")),
		SUBJECT("seeds/a") "," SUBJECT("seeds/c"));
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str again = STR_INIT;
	struct delta delta;

	(void)state;
	assert_int_equal(delta_parse(bytes_of_string(text), &arena, &delta, &err), 0);
	assert_int_equal(delta.count, 2);
	assert_int_equal(delta.manifest.octets[0], 0x22);
	const struct delta_file *file = &delta.files[0];
	assert_string_equal(file->name, "seeds/a");
	assert_string_equal(file->source, "seeds/b");
	assert_int_equal(file->digest.octets[0], 0x11);
	assert_int_equal(file->size, 12);
	assert_int_equal(file->new_size, 4);
	assert_int_equal(file->piece_count, 3);
	assert_false(file->pieces[0].is_new);
	assert_int_equal(file->pieces[0].from, 2);
	assert_true(file->pieces[1].is_new);
	assert_int_equal(delta_write(&delta, &again, &err), 0);
	assert_string_equal(str_text(&again), text);
}

static const struct {
	const char *text;
	int code; /* 0: it is read */
	const char *message;
} cases[] = {
	{DELTA("1", "1", FROM("0", "1")), 0, ""},
	{DELTA("1", "1", NEW("1")), 0, ""},
	{DELTA("1", "1", ""), ERR_SYNTAX, "smaller than the file"},
	{DELTA("2", "2", FROM("0", "1")), ERR_SYNTAX, "file 1: the pieces are smaller"},
	{DELTA("1", "2", FROM("0", "2")), ERR_SYNTAX, "piece 1: the pieces are larger"},
	{DELTA("1", "1", NEW("2")), ERR_SYNTAX, "larger"},
	{DELTA("2", "5", FROM("3", "2")), 0, ""},
	{DELTA("2", "5", FROM("4", "2")), ERR_SYNTAX, "beyond the end of seeds/b"},
	{DELTA("2", "5", FROM("5", "2")), ERR_SYNTAX, "beyond the end"},
	{DELTA("2", "5", FROM("9007199254740991", "2")), ERR_SYNTAX, "beyond the end"},
	{DELTA("2", "5", FROM("9007199254740992", "2")), ERR_SYNTAX, ""},
	{DELTA("2", "5", FROM("-1", "2")), ERR_SYNTAX, "\"from\""},
	{DELTA("4", "5", FROM("1", "2") "," FROM("3", "2")), 0, ""},
	{DELTA("4", "5", FROM("1", "2") "," FROM("2", "2")), ERR_SYNTAX,
		"piece 2: it begins before the end"},
	{DELTA("4", "5", FROM("3", "2") "," FROM("0", "2")), ERR_SYNTAX, "piece 2: it begins"},
	{DELTA("5", "5", FROM("1", "2") "," NEW("1") "," FROM("2", "2")), ERR_SYNTAX, "piece 3"},
	{DELTA("9007199254740991", "1", NEW("9007199254740991")), 0, ""},
	{DELTA("9007199254740991", "1", NEW("9007199254740991") "," NEW("9007199254740991")),
		ERR_SYNTAX, "larger"},
	{DELTA("9007199254740992", "1", NEW("1")), ERR_SYNTAX, ""},
	{DELTA("1", "1", FROM("0", "0")), ERR_SYNTAX, "\"size\""},
	{DELTA("0", "1", ""), ERR_SYNTAX, "\"size\""},
	{DELTA("1", "0", NEW("1")), ERR_SYNTAX, "\"size\""},
	{DELTA("1", "1", "1"), ERR_SYNTAX, "piece 1"},
	{DELTA("1", "1", "{\"sha256\":\"22\",\"size\":1}"), ERR_SYNTAX, "64 lower-case"},
	{DELTA("1", "1", "{\"sha256\":\"" D2 "\",\"size\":1,\"at\":0}"), ERR_SYNTAX,
		"\"at\" is not known"},
	{DELTA_OF(DELTA_TYPE, FILE_OF("1", "../b", "1", NEW("1")), SUBJECT("seeds/a")),
		ERR_UNSAFE_ARCHIVE, ""},
	{DELTA_OF(DELTA_TYPE, FILE_OF("1", "b", "1", NEW("1")), SUBJECT("/a")), ERR_UNSAFE_ARCHIVE,
		""},
	{DELTA_OF(DELTA_TYPE, FILE_OF("1", "b", "1", NEW("1")) "," FILE_OF("1", "b", "1", NEW("1")),
		 SUBJECT("a") "," SUBJECT("a")),
		ERR_UNSAFE_ARCHIVE, "file 2"},
	{DELTA_OF(DELTA_TYPE, FILE_OF("1", "b", "1", NEW("1")), SUBJECT("a") "," SUBJECT("c")),
		ERR_SYNTAX, "2 subjects and 1 files"},
	{DELTA_OF(DELTA_TYPE, "", SUBJECT("a")), ERR_SYNTAX, "1 subjects and 0 files"},
	{DELTA_OF("urn:offkit:slice:v1", FILE_OF("1", "b", "1", NEW("1")), SUBJECT("a")),
		ERR_SYNTAX, "predicate type"},
	{"{}", ERR_SYNTAX, ""},
	{"", ERR_SYNTAX, ""},
};

static void test_both_sides_of_each_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		struct delta delta;
		int rc = delta_parse(bytes_of_string(cases[i].text), &arena, &delta, &err);
		if (rc != -cases[i].code)
			fail_msg("%s: %d, %s", cases[i].text, rc, err.message);
		if (rc < 0 && strstr(err.message, cases[i].message) == NULL)
			fail_msg("%s: %s", cases[i].text, err.message);
	}
}

/* So many files, of so many pieces each. */
static int parse_many(size_t files, size_t pieces)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str all = STR_INIT, one = STR_INIT, subjects = STR_INIT, text = STR_INIT;
	struct delta delta;

	for (size_t i = 0; i < pieces; i++)
		str_append_format(&one, "%s" NEW("1"), i > 0 ? "," : "");
	for (size_t i = 0; i < files; i++) {
		const char *comma = i > 0 ? "," : "";
		str_append_format(
			&all, "%s{\"base\":{\"name\":\"b\",\"size\":1},\"pieces\":[", comma);
		str_append(&all, str_text(&one), one.size);
		str_append_format(&all, "],\"size\":%zu}", pieces);
		str_append_format(&subjects,
			"%s{\"digest\":{\"sha256\":\"" D1 "\"},\"name\":\"%zu\"}", comma, i);
	}
	str_append_text(&text, "{\"_type\":\"" STATEMENT_TYPE "\",\"predicate\":{\"files\":[");
	str_append(&text, str_text(&all), all.size);
	str_append_text(&text, "],\"manifest\":{\"sha256\":\"" D2
			       "\"}},\"predicateType\":\"" DELTA_TYPE "\",\"subject\":[");
	str_append(&text, str_text(&subjects), subjects.size);
	str_append_text(&text, "]}");
	assert_int_equal(str_check(&text, &err), 0);
	return delta_parse(str_bytes(&text), &arena, &delta, &err);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(parse_many(DELTA_FILES_MAX, 1), 0);
	assert_int_equal(parse_many(DELTA_FILES_MAX + 1, 1), -ERR_LIMIT);
	assert_int_equal(parse_many(1, DELTA_PIECES_MAX), 0);
	assert_int_equal(parse_many(1, DELTA_PIECES_MAX + 1), -ERR_LIMIT);
	assert_int_equal(parse_many(2, DELTA_PIECES_MAX / 2), 0);
	assert_int_equal(parse_many(2, DELTA_PIECES_MAX / 2 + 1), -ERR_LIMIT);
}

static void test_names_of_members(void **state)
{
	static const struct {
		const char *name;
		size_t number;
	} names[] = {{"delta/1", 1}, {"delta/500", 500}, {"delta/501", 0}, {"delta/0", 0},
		{"delta/01", 0}, {"delta/", 0}, {"delta", 0}, {"delta/1/2", 0}, {"delta/1x", 0},
		{"delta/18446744073709551617", 0}, {"deltas/1", 0}, {"", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_int_equal(delta_member_number(names[i].name), names[i].number);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_it_writes),
		cmocka_unit_test(test_both_sides_of_each_rule),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_names_of_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
