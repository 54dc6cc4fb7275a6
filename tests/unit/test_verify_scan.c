/* What is passed over before the documents of a kit are found: members and octets, both bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "verify/heads_read.h"

enum { BLOCK = 512 };

/* A tar of so many empty files, made while it is read. */
struct generator {
	uint8_t header[BLOCK];
	uint64_t left, zeros; /* octets */
};

static void begin(struct generator *generator, uint64_t members)
{
	unsigned sum = 0;

	*generator = (struct generator){.left = members * BLOCK, .zeros = 2 * (uint64_t)BLOCK};
	memcpy(generator->header, "a", 1);
	memcpy(generator->header + 100,
		"0000644\0000000000\0000000000\00000000000000\00000000000000", 48);
	memcpy(generator->header + 257, "ustar\00000", 8);
	generator->header[156] = '0';
	memset(generator->header + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += generator->header[i];
	(void)snprintf((char *)generator->header + 148, 7, "%06o", sum);
}

static int generate(void *self, uint8_t *into, size_t room, size_t *ret_size, struct err *err)
{
	struct generator *generator = self;
	size_t size = 0;

	(void)err;
	for (; room - size >= BLOCK && generator->left > 0; size += BLOCK) {
		memcpy(into + size, generator->header, BLOCK);
		generator->left -= BLOCK;
	}
	for (; room - size >= BLOCK && generator->zeros > 0; size += BLOCK) {
		memset(into + size, 0, BLOCK);
		generator->zeros -= BLOCK;
	}
	*ret_size = size;
	return 0;
}

static enum err_code scan(uint64_t count)
{
	struct generator generator;
	const struct octet_source source = {&generator, generate};
	struct heads_reader reader = {.root_in_force = 1};
	struct members *members;
	struct err err = {0};

	begin(&generator, count);
	assert_int_equal(members_open_source(&source, &members, &err), 0);
	int rc = heads_read(&reader, members, INT64_MAX, &err);
	assert_true(rc < 0);
	heads_release(&reader);
	members_free(members);
	return err.code;
}

static void members_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(scan(1), ERR_NOT_A_KIT);
	assert_int_equal(scan(SCANNED_MEMBERS_MAX), ERR_NOT_A_KIT);
	assert_int_equal(scan(SCANNED_MEMBERS_MAX + 1), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(members_are_bounded)};

	return cmocka_run_group_tests_name("verify: scan", tests, NULL, NULL);
}
