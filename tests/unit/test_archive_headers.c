/* The blocks in front of a member's content: what one reader of tar takes otherwise than another
 * is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "archive/tar_headers.h"

enum { BLOCKS = 8 };

struct blocks {
	uint8_t octets[BLOCKS * TAR_BLOCK];
	size_t count;
};

static void add_header(struct blocks *blocks, char type, const char *size)
{
	uint8_t *header = blocks->octets + TAR_BLOCK * blocks->count++;

	memcpy(header, "name", 4);
	memcpy(header + 124, size, strlen(size));
	header[156] = (uint8_t)type;
}

static void add_records(struct blocks *blocks, char type, const char *records)
{
	char size[32];

	(void)snprintf(size, sizeof size, "%011zo", strlen(records));
	add_header(blocks, type, size);
	memcpy(blocks->octets + TAR_BLOCK * blocks->count, records, strlen(records));
	blocks->count += (strlen(records) + TAR_BLOCK - 1) / TAR_BLOCK;
}

static bool accepted(const struct blocks *blocks)
{
	struct err err = {0};
	int rc = tar_headers_check(bytes_make(blocks->octets, blocks->count * TAR_BLOCK), &err);

	assert_true(rc == 0 || err.code == ERR_UNSAFE_ARCHIVE);
	return rc == 0;
}

static void test_own_types(void **state)
{
	static const char good[] = "057";
	static const char bad[] = "8DMNVXAg xL";

	(void)state;
	for (size_t i = 0; i < sizeof good; i++) { /* and NUL: the oldest archives' files */
		struct blocks blocks = {0};
		add_header(&blocks, good[i], "00000000005");
		assert_true(accepted(&blocks));
	}
	for (size_t i = 0; i < sizeof bad - 1; i++) {
		struct blocks blocks = {0};
		add_header(&blocks, bad[i], "00000000005");
		assert_false(accepted(&blocks));
	}
}

static bool accepted_after(char type, const char *records)
{
	struct blocks blocks = {0};

	add_records(&blocks, type, records);
	add_header(&blocks, '0', "00000000005");
	return accepted(&blocks);
}

static void test_one_extended_header(void **state)
{
	struct blocks twice = {0};

	(void)state;
	assert_true(accepted_after('x', "9 path=a\n"));
	assert_true(accepted_after('L', "a-long-name"));
	assert_false(accepted_after('g', "9 path=a\n"));
	assert_false(accepted_after('X', "9 path=a\n"));
	add_records(&twice, 'x', "9 path=a\n");
	add_records(&twice, 'x', "9 path=b\n");
	add_header(&twice, '0', "00000000005");
	assert_false(accepted(&twice));
}

static void test_records(void **state)
{
	static const char *const bad[] = {"8 path=a\n", "11 path=a\n", "9 path=a ", "09 path=a\n",
		"9path=a\nx", "5 =ab\n", "7 path\n", "-9 path=a\n", "0 a=b\n", "9 path=a\n3",
		"9 path=a\n9 path=b\n", "99999999999999999999 a=b\n"};

	(void)state;
	assert_true(accepted_after('x', "9 path=a\n6 b=c\n"));
	assert_true(accepted_after('x', "5 b=\n"));
	assert_true(accepted_after('x', "9 a=b=c\n\n"));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(accepted_after('x', bad[i]));
}

static void test_sizes(void **state)
{
	static const char *const good[] = {"00000000011", "      11 ", "11"};
	static const char *const bad[] = {
		"", "00000000019", "-1", "\x80\0\0\0\0\0\0\0\0\0\0\x09", "77777777777", "1 1x"};
	struct blocks blocks = {0};

	(void)state;
	add_records(&blocks, 'x', "9 path=a\n");
	add_header(&blocks, '0', "00000000005");
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		memset(blocks.octets + 124, 0, 12);
		memcpy(blocks.octets + 124, good[i], strlen(good[i]));
		assert_true(accepted(&blocks));
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(blocks.octets + 124, 0, 12);
		memcpy(blocks.octets + 124, bad[i], strlen(bad[i]));
		assert_false(accepted(&blocks));
	}
}

static void test_whole_blocks(void **state)
{
	struct blocks blocks = {0};
	struct err err;

	(void)state;
	add_header(&blocks, '0', "00000000005");
	for (size_t size = 0; size < TAR_BLOCK; size++)
		assert_int_equal(tar_headers_check(bytes_make(blocks.octets, size), &err),
			-ERR_UNSAFE_ARCHIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_types),
		cmocka_unit_test(test_one_extended_header),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_whole_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
