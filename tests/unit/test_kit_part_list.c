/* Lists of a kit's parts: what is written is read, and every rule on both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kit/manifest.h"
#include "kit/part_list.h"

#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "2222222222222222222222222222222222222222222222222222222222222222"

#define PART(index, name, size)                                                                    \
	"{\"index\":" index ",\"name\":\"" name "\",\"sha256\":\"" D2 "\",\"size\":" size "}"
#define LIST_OF(type, archive, size, parts)                                                        \
	"{\"_type\":\"" STATEMENT_TYPE "\",\"predicate\":{\"parts\":[" parts "],\"size\":" size    \
	"},\"predicateType\":\"" type "\",\"subject\":[{\"digest\":{\"sha256\":\"" D1              \
	"\"},\"name\":\"" archive "\"}]}"
#define LIST(size, parts) LIST_OF(PART_LIST_TYPE, "kit.tar", size, parts)

static struct err err;

static void test_reads_what_it_writes(void **state)
{
	static const char text[] =
		LIST("12", PART("1", "kit.tar.001", "10") "," PART("2", "kit.tar.002", "2"));
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str again = STR_INIT;
	struct part_list list;

	(void)state;
	assert_int_equal(part_list_parse(bytes_of_string(text), &arena, &list, &err), 0);
	assert_string_equal(list.archive, "kit.tar");
	assert_int_equal(list.size, 12);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.parts[1].name, "kit.tar.002");
	assert_int_equal(list.parts[1].size, 2);
	assert_int_equal(list.parts[0].digest.octets[0], 0x22);
	assert_int_equal(list.digest.octets[0], 0x11);
	assert_int_equal(part_list_write(&list, &again, &err), 0);
	assert_string_equal(str_text(&again), text);
}

static const struct {
	const char *text;
	int code; /* 0: it is read */
	const char *message;
} cases[] = {
	{LIST("1", PART("1", "a", "1")), 0, ""},
	{LIST("2", PART("1", "a", "1")), ERR_SYNTAX, "smaller than the archive"},
	{LIST("1", PART("1", "a", "2")), ERR_SYNTAX, "larger than the archive"},
	{LIST("9007199254740991", PART("1", "a", "9007199254740991")), 0, ""},
	{LIST("9007199254740991",
		 PART("1", "a", "9007199254740991") "," PART("2", "b", "9007199254740991")),
		ERR_SYNTAX, "larger"},
	{LIST("9007199254740992", PART("1", "a", "1")), ERR_SYNTAX, ""},
	{LIST("1", PART("1", "a", "0")), ERR_SYNTAX, "\"size\""},
	{LIST("1", ""), ERR_SYNTAX, "\"parts\" is empty"},
	{LIST("1", PART("0", "a", "1")), ERR_SYNTAX, "part 1: \"index\""},
	{LIST("1", PART("2", "a", "1")), ERR_SYNTAX, "part 1: \"index\" is 2"},
	{LIST("2", PART("2", "a", "1") "," PART("1", "b", "1")), ERR_SYNTAX, "\"index\" is 2"},
	{LIST("2", PART("1", "a", "1") "," PART("2", "a", "1")), ERR_UNSAFE_ARCHIVE, "part 2"},
	{LIST("2", PART("1", "a", "1") "," PART("2", "A", "1")), ERR_UNSAFE_ARCHIVE, "part 2"},
	{LIST("1", PART("1", "../a", "1")), ERR_UNSAFE_ARCHIVE, ""},
	{LIST("1", PART("1", "..", "1")), ERR_UNSAFE_ARCHIVE, ""},
	{LIST("1", PART("1", "/a", "1")), ERR_UNSAFE_ARCHIVE, ""},
	{LIST("1", PART("1", "b/a", "1")), ERR_UNSAFE_ARCHIVE, "is in a folder"},
	{LIST("1", PART("1", "", "1")), ERR_SYNTAX, "\"name\""},
	{LIST_OF(PART_LIST_TYPE, "a/b", "1", PART("1", "a", "1")), ERR_UNSAFE_ARCHIVE, "folder"},
	{LIST_OF(PART_LIST_TYPE, "", "1", PART("1", "a", "1")), ERR_UNSAFE_ARCHIVE, ""},
	{LIST_OF("urn:offkit:kit:v1", "a", "1", PART("1", "a", "1")), ERR_SYNTAX, "predicate type"},
	{LIST("1", "{\"index\":1,\"name\":\"a\",\"sha256\":\"22\",\"size\":1}"), ERR_SYNTAX,
		"64 lower-case"},
	{LIST("1", "{\"index\":1,\"name\":\"a\",\"size\":1}"), ERR_SYNTAX, "\"sha256\""},
	{LIST("1", "{\"index\":1,\"name\":\"a\",\"sha256\":\"" D2 "\",\"size\":1,\"x\":1}"),
		ERR_SYNTAX, "\"x\" is not known"},
	{LIST("1", "1"), ERR_SYNTAX, "part 1"},
	{"{}", ERR_SYNTAX, ""},
	{"", ERR_SYNTAX, ""},
};

static void test_both_sides_of_each_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		struct part_list list;
		int rc = part_list_parse(bytes_of_string(cases[i].text), &arena, &list, &err);
		if (rc != -cases[i].code)
			fail_msg("%s: %d, %s", cases[i].text, rc, err.message);
		if (rc < 0 && strstr(err.message, cases[i].message) == NULL)
			fail_msg("%s: %s", cases[i].text, err.message);
	}
}

/* As many parts, with names of a length that they can have. */
static int parse_many(size_t count, size_t name_size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str parts = STR_INIT, text = STR_INIT;
	struct part_list list;

	for (size_t i = 0; i < count; i++) {
		str_append_format(&parts,
			"%s{\"index\":%zu,\"name\":\"%0*zu\",\"sha256\":\"" D2 "\",\"size\":1}",
			i > 0 ? "," : "", i + 1, (int)name_size, i);
	}
	str_append_format(&text, LIST("%zu", "%s"), str_text(&parts), count);
	assert_int_equal(str_check(&text, &err), 0);
	return part_list_parse(str_bytes(&text), &arena, &list, &err);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(parse_many(PARTS_MAX, 3), 0);
	assert_int_equal(parse_many(PARTS_MAX + 1, 3), -ERR_LIMIT);
	assert_int_equal(parse_many(2, 255), 0);
	assert_int_equal(parse_many(2, 256), -ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_it_writes),
		cmocka_unit_test(test_both_sides_of_each_rule),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
