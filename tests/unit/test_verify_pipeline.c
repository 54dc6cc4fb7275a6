/* The ring between decoding, hashing and writing: all arrives, and the first failure counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "verify/pipeline.h"

enum { FILES = 5, FILE_SIZE = 3 * PIPELINE_SLOT_SIZE + 17 };

static struct manifest_file files[FILES];
static uint8_t content[FILE_SIZE];

struct recorder {
	size_t opened, closed, octets;
	size_t fail_open; /* number of the file that cannot be opened, from 1 */
};

static int rec_open(void *self, const struct manifest_file *file, struct err *err)
{
	struct recorder *recorder = self;

	if (++recorder->opened == recorder->fail_open)
		return err_set(err, ERR_DISK, "%s", file->name);
	return 0;
}

static int rec_write(void *self, struct bytes data, struct err *err)
{
	struct recorder *recorder = self;

	(void)err;
	recorder->octets += data.size;
	return 0;
}

static int rec_close(void *self, struct err *err)
{
	struct recorder *recorder = self;

	(void)err;
	recorder->closed++;
	return 0;
}

static int put_some(
	struct pipeline *pipeline, const struct manifest_file *file, size_t *at, struct err *err)
{
	size_t left = (size_t)file->size - *at;
	size_t part = left < 9973 ? left : 9973;
	uint8_t *into;
	size_t room;

	int rc = pipeline_room(pipeline, &into, &room, err);
	if (rc < 0)
		return rc;
	part = part < room ? part : room;
	memcpy(into, content + *at, part);
	pipeline_filled(pipeline, part);
	*at += part;
	return 0;
}

/* All files through the ring, in parts of an odd size; the producer's own failure is not looked at.
 */
static int run(struct recorder *recorder, struct err *err)
{
	const struct pipeline_sink sink = {recorder, rec_open, rec_write, rec_close};
	struct pipeline *pipeline;
	struct err early;
	int rc = pipeline_start(recorder != NULL ? &sink : NULL, &pipeline, err);

	assert_int_equal(rc, 0);
	for (size_t i = 0; i < FILES && rc == 0; i++) {
		rc = pipeline_begin_file(pipeline, &files[i], &early);
		for (size_t at = 0; at < (size_t)files[i].size && rc == 0;)
			rc = put_some(pipeline, &files[i], &at, &early);
		if (rc == 0)
			rc = pipeline_end_file(pipeline, &early);
	}
	return pipeline_finish(pipeline, err);
}

static int set_up(void **state)
{
	static const char *const names[FILES] = {"a", "b", "c", "d", "e"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * 31 >> 3);
	for (size_t i = 0; i < FILES; i++) {
		files[i].name = names[i];
		files[i].size = i == 2 ? 0 : FILE_SIZE - (int64_t)i; /* one is empty */
		if (sha256_of(bytes_make(content, (size_t)files[i].size), &files[i].digest, &err) <
			0)
			return -1;
	}
	return 0;
}

static void all_arrives(void **state)
{
	struct recorder recorder = {0};
	struct err err;

	(void)state;
	assert_int_equal(run(&recorder, &err), 0);
	assert_int_equal(recorder.opened, FILES);
	assert_int_equal(recorder.closed, FILES);
	assert_int_equal(recorder.octets, 4 * FILE_SIZE - 0 - 1 - 3 - 4);
	assert_int_equal(run(NULL, &err), 0);
}

static void a_wrong_digest_is_found(void **state)
{
	struct err err;

	(void)state;
	for (size_t i = 0; i < FILES; i++) {
		files[i].digest.octets[31] ^= 1;
		assert_int_equal(run(NULL, &err), -ERR_CHECKSUM);
		assert_int_equal(err.message[0], files[i].name[0]);
		files[i].digest.octets[31] ^= 1;
	}
}

/* Whichever thread runs first: what stands first in the stream is the failure. */
static void the_first_in_the_stream_counts(void **state)
{
	struct err err;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct recorder recorder = {.fail_open = 4};
		files[1].digest.octets[0] ^= 1;
		assert_int_equal(run(&recorder, &err), -ERR_CHECKSUM);
		files[1].digest.octets[0] ^= 1;
		recorder = (struct recorder){.fail_open = 1};
		files[4].digest.octets[0] ^= 1;
		assert_int_equal(run(&recorder, &err), -ERR_DISK);
		files[4].digest.octets[0] ^= 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_arrives),
		cmocka_unit_test(a_wrong_digest_is_found),
		cmocka_unit_test(the_first_in_the_stream_counts),
	};

	return cmocka_run_group_tests_name("verify: pipeline", tests, set_up, NULL);
}
