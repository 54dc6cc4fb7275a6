/* Where octets are cut: alike however they come, within bounds, and unmoved by what changed before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/chunker.h"
#include "base/cleanup.h"

enum { OCTETS = 4 * 1024 * 1024, CUTS_MAX = OCTETS / CHUNK_MIN };

struct cuts {
	size_t count;
	size_t at[CUTS_MAX];
};

static void fill(uint8_t *octets, size_t size, uint32_t state)
{
	for (size_t i = 0; i < size; i++) {
		state = state * 1664525 + 1013904223;
		octets[i] = (uint8_t)(state >> 24);
	}
}

/* In pieces of at most so many octets. */
static void cut(const uint8_t *octets, size_t size, size_t most, struct cuts *cuts)
{
	struct chunker chunker;
	size_t at = 0;

	*cuts = (struct cuts){0};
	chunker_init(&chunker);
	while (at < size) {
		bool end;
		size_t given = size - at < most ? size - at : most;
		size_t taken = chunker_take(&chunker, bytes_make(octets + at, given), &end);
		assert_in_range(taken, 1, given);
		at += taken;
		assert_true(end || taken == given);
		if (end)
			cuts->at[cuts->count++] = at;
	}
}

static void test_alike_however_they_come(void **state)
{
	static const size_t pieces[] = {1, 7, 63, 4096, 65536, 1000003};
	CLEANUP_FREE uint8_t *octets = malloc(OCTETS);
	CLEANUP_FREE struct cuts *whole = malloc(sizeof *whole), *parts = malloc(sizeof *parts);

	(void)state;
	fill(octets, OCTETS, 1);
	cut(octets, OCTETS, OCTETS, whole);
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		cut(octets, OCTETS, pieces[i], parts);
		assert_int_equal(parts->count, whole->count);
		assert_memory_equal(parts->at, whole->at, whole->count * sizeof whole->at[0]);
	}
}

static void test_bounds(void **state)
{
	CLEANUP_FREE uint8_t *octets = calloc(1, OCTETS);
	CLEANUP_FREE struct cuts *cuts = malloc(sizeof *cuts);
	size_t least = OCTETS, most = 0;

	(void)state;
	/* Zeros have one hash, which says nothing: the bound does. */
	cut(octets, OCTETS, OCTETS, cuts);
	assert_int_equal(cuts->count, OCTETS / CHUNK_MAX);
	assert_int_equal(cuts->at[0], CHUNK_MAX);
	fill(octets, OCTETS, 2);
	cut(octets, OCTETS, OCTETS, cuts);
	for (size_t i = 0; i < cuts->count; i++) {
		size_t size = cuts->at[i] - (i > 0 ? cuts->at[i - 1] : 0);
		least = size < least ? size : least;
		most = size > most ? size : most;
	}
	assert_in_range(least, CHUNK_MIN + 1, CHUNK_AVERAGE);
	assert_in_range(most, CHUNK_AVERAGE, CHUNK_MAX);
	assert_in_range(OCTETS / cuts->count, CHUNK_AVERAGE * 3 / 4, CHUNK_AVERAGE * 3 / 2);
}

/* The documented function, octet by octet. */
static void test_as_documented(void **state)
{
	CLEANUP_FREE uint8_t *octets = malloc(OCTETS);
	CLEANUP_FREE struct cuts *cuts = malloc(sizeof *cuts);
	struct chunker chunker;
	size_t begin = 0, count = 0;
	uint64_t hash = 0;

	(void)state;
	chunker_init(&chunker);
	assert_true(chunker.gear[0] == 0xe220a8397b1dcdaf); /* SplitMix64 from seed 0 */
	assert_true(chunker.gear[1] == 0x6e789e6aa1b965f4);
	fill(octets, OCTETS, 3);
	cut(octets, OCTETS, OCTETS, cuts);
	for (size_t at = 0; at < OCTETS; at++) {
		size_t size = at + 1 - begin;
		if (size > CHUNK_MIN - 64)
			hash = 2 * hash + chunker.gear[octets[at]];
		if (size <= CHUNK_MIN)
			continue;
		if (hash >> (size <= CHUNK_AVERAGE ? 48 : 52) != 0 && size < CHUNK_MAX)
			continue;
		assert_true(count < cuts->count);
		assert_int_equal(cuts->at[count++], at + 1);
		begin = at + 1;
		hash = 0;
	}
	assert_int_equal(count, cuts->count);
}

/* After an insertion most cuts are where they were. */
static void test_an_insertion_moves_few(void **state)
{
	CLEANUP_FREE uint8_t *octets = malloc(OCTETS + 100);
	CLEANUP_FREE struct cuts *before = malloc(sizeof *before), *after = malloc(sizeof *after);
	size_t same = 0;

	(void)state;
	fill(octets, OCTETS, 4);
	cut(octets, OCTETS, OCTETS, before);
	memmove(octets + 1000100, octets + 1000000, OCTETS - 1000000);
	fill(octets + 1000000, 100, 5);
	cut(octets, OCTETS + 100, OCTETS, after);
	for (size_t i = 0, k = 0; i < before->count; i++) {
		size_t at = before->at[i] + (before->at[i] > 1000000 ? 100 : 0);
		while (k < after->count && after->at[k] < at)
			k++;
		same += k < after->count && after->at[k] == at;
	}
	assert_true(same + 4 >= before->count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alike_however_they_come),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_as_documented),
		cmocka_unit_test(test_an_insertion_moves_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
