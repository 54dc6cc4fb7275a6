#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "compress/decoder.h"
#include "compress/stream.h"

static int append(void *self, struct bytes data, struct err *err)
{
	str_append(self, data.data, data.size);
	return str_check(self, err);
}

struct source {
	struct bytes data;
	size_t at;
	size_t piece;
};

static int take(void *self, void *buffer, size_t size, size_t *ret_got, struct err *err)
{
	struct source *source = self;
	size_t got = source->data.size - source->at;

	(void)err;
	if (got > size)
		got = size;
	if (got > source->piece)
		got = source->piece;
	if (got > 0)
		memcpy(buffer, source->data.data + source->at, got);
	source->at += got;
	*ret_got = got;
	return 0;
}

static void fill(struct str *out, size_t size)
{
	uint32_t state = 1;

	for (size_t i = 0; i < size; i++) {
		state = state * 1103515245 + 12345;
		str_append_char(out, (char)((state >> 16) % 23));
	}
}

static void pack(enum compression kind, struct bytes data, struct str *packed)
{
	CLEANUP(stream_writer_cleanup) struct stream_writer *writer = NULL;
	struct err err;

	assert_int_equal(
		stream_writer_new(kind, (struct stream_sink){packed, append}, &writer, &err), 0);
	for (size_t at = 0; at < data.size;) {
		size_t piece = data.size - at < 7001 ? data.size - at : 7001;
		assert_int_equal(stream_write(writer, bytes_make(data.data + at, piece), &err), 0);
		at += piece;
	}
	assert_int_equal(stream_writer_finish(writer, &err), 0);
}

static int unpack(enum compression kind, struct bytes packed, size_t piece, size_t chunk,
	struct str *out, struct err *err)
{
	CLEANUP(stream_reader_cleanup) struct stream_reader *reader = NULL;
	struct source source = {.data = packed, .piece = piece};
	CLEANUP_FREE char *buffer = malloc(chunk);
	size_t got;
	int result;

	assert_non_null(buffer);
	assert_int_equal(
		stream_reader_new(kind, (struct stream_source){&source, take}, &reader, err), 0);
	while ((result = stream_read(reader, buffer, chunk, &got, err)) == 0 && got > 0)
		str_append(out, buffer, got);
	if (result != 0) {
		struct err again;
		assert_int_equal(stream_read(reader, buffer, chunk, &got, &again), result);
		assert_string_equal(again.message, err->message);
	}
	return result;
}

static void what_goes_in_comes_out(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 5000, 131072, 700001};
	static const size_t pieces[] = {1, 4096, 1 << 20};

	for (int kind = COMPRESSION_NONE; kind <= COMPRESSION_ZSTD; kind++)
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			CLEANUP_STR struct str data = STR_INIT, packed = STR_INIT;
			fill(&data, sizes[i]);
			pack((enum compression)kind, str_bytes(&data), &packed);
			for (size_t j = 0; j < sizeof pieces / sizeof pieces[0]; j++) {
				CLEANUP_STR struct str out = STR_INIT;
				struct err err;
				assert_int_equal(unpack((enum compression)kind, str_bytes(&packed),
							 pieces[j], 10007, &out, &err),
					0);
				assert_true(bytes_equal(str_bytes(&data), str_bytes(&out)));
			}
		}
}

static void members_one_after_another_are_one_stream(void **state)
{
	(void)state;
	for (int kind = COMPRESSION_GZIP; kind <= COMPRESSION_ZSTD; kind++) {
		CLEANUP_STR struct str packed = STR_INIT, out = STR_INIT;
		struct err err;
		pack((enum compression)kind, bytes_of_string("one"), &packed);
		pack((enum compression)kind, bytes_of_string("two"), &packed);
		assert_int_equal(
			unpack((enum compression)kind, str_bytes(&packed), 100, 100, &out, &err),
			0);
		assert_string_equal(str_text(&out), "onetwo");
	}
}

static void every_cut_and_every_damage_is_seen(void **state)
{
	(void)state;
	for (int kind = COMPRESSION_GZIP; kind <= COMPRESSION_ZSTD; kind++) {
		CLEANUP_STR struct str data = STR_INIT, packed = STR_INIT;
		struct err err;
		fill(&data, 900);
		pack((enum compression)kind, str_bytes(&data), &packed);
		for (size_t size = 0; size < packed.size; size++) {
			CLEANUP_STR struct str out = STR_INIT;
			assert_int_equal(
				unpack((enum compression)kind, bytes_make(packed.text, size), 64,
					333, &out, &err),
				-ERR_TRUNCATED);
		}
		/* not the header: there are octets in gzip's that nothing depends on */
		for (size_t at = 20; at < packed.size; at++) {
			CLEANUP_STR struct str copy = STR_INIT, out = STR_INIT;
			str_append(&copy, packed.text, packed.size);
			copy.text[at] = (char)(copy.text[at] ^ 0x10);
			assert_int_not_equal(unpack((enum compression)kind, str_bytes(&copy), 64,
						     333, &out, &err),
				0);
		}
		str_append_text(&packed, "trailing");
		CLEANUP_STR struct str out = STR_INIT;
		assert_int_equal(
			unpack((enum compression)kind, str_bytes(&packed), 64, 333, &out, &err),
			-ERR_TRUNCATED);
	}
}

static int unpack_window(int log)
{
	static char data[1 << 16];
	static char packed[1 << 17];
	CLEANUP_STR struct str out = STR_INIT;
	ZSTD_CCtx *context = ZSTD_createCCtx();
	ZSTD_inBuffer in = {data, sizeof data, 0};
	ZSTD_outBuffer to = {packed, sizeof packed, 0};
	struct err err;

	/* A stream of unknown size has the window that was asked for. */
	(void)ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, log);
	while (ZSTD_compressStream2(context, &to, &in, ZSTD_e_flush) != 0)
		;
	while (ZSTD_compressStream2(context, &to, &in, ZSTD_e_end) != 0)
		;
	(void)ZSTD_freeCCtx(context);
	return unpack(
		COMPRESSION_ZSTD, bytes_make(packed, to.pos), sizeof packed, 4096, &out, &err);
}

static void the_window_is_limited(void **state)
{
	(void)state;
	assert_int_equal(unpack_window(STREAM_WINDOW_LOG_MAX), 0);
	assert_int_equal(unpack_window(STREAM_WINDOW_LOG_MAX + 1), -ERR_LIMIT);
}

static int full(void *self, struct bytes data, struct err *err)
{
	(void)self;
	(void)data;
	return err_set(err, ERR_DISK, "full");
}

static void a_sinks_error_sticks(void **state)
{
	(void)state;
	for (int kind = COMPRESSION_NONE; kind <= COMPRESSION_ZSTD; kind++) {
		CLEANUP(stream_writer_cleanup) struct stream_writer *writer = NULL;
		struct err err;
		assert_int_equal(stream_writer_new((enum compression)kind,
					 (struct stream_sink){NULL, full}, &writer, &err),
			0);
		int result = stream_write(writer, bytes_of_string("x"), &err);
		if (result == 0)
			result = stream_writer_finish(writer, &err);
		assert_int_equal(result, -ERR_DISK);
		assert_int_equal(stream_write(writer, bytes_of_string("x"), &err), -ERR_DISK);
		assert_int_equal(stream_writer_finish(writer, &err), -ERR_DISK);
	}
}

/* Octets behind the 32 bits that some libraries count with are not lost. */
static void input_may_be_larger_than_4_gib(void **state)
{
	static const uint8_t empty_gzip[] = {
		0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	CLEANUP(decoder_cleanup) struct decoder *decoder = NULL;
	size_t size = ((size_t)1 << 32) + sizeof empty_gzip;
	uint8_t *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct bytes input = bytes_make(map, size);
	uint8_t out[16];
	size_t made = 1;
	struct err err;

	(void)state;
	assert_ptr_not_equal(map, MAP_FAILED);
	memcpy(map, empty_gzip, sizeof empty_gzip);
	assert_int_equal(decoder_new(DECODER_GZIP, &decoder, &err), 0);
	assert_int_equal(decoder_step(decoder, &input, true, out, sizeof out, &made, &err), 0);
	assert_int_equal(made, 0);
	assert_true(decoder_complete(decoder));
	assert_true(input.size == (size_t)1 << 32);
	assert_int_equal(
		decoder_step(decoder, &input, true, out, sizeof out, &made, &err), -ERR_TRUNCATED);
	(void)munmap(map, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(members_one_after_another_are_one_stream),
		cmocka_unit_test(every_cut_and_every_damage_is_seen),
		cmocka_unit_test(the_window_is_limited),
		cmocka_unit_test(a_sinks_error_sticks),
		cmocka_unit_test(input_may_be_larger_than_4_gib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
