/*
 * Every decoder, however its input is cut: the same octets, the same verdict, and never more than
 * there is room for. The stream reader of backups agrees with the decoder of kits.
 *
 * Octet 0: the kind, octet 1: how much is given at once, octet 2: how much room there is; then the
 * stream.
 */
#include <string.h>

#include "base/cleanup.h"
#include "compress/decoder.h"
#include "compress/stream.h"
#include "tests/fuzz/aid.h"

enum { HEAD = 3, KINDS = 5, OUT_MAX = 1 << 20, ROOM = 64 * 1024, STEPS_MAX = 1 << 22 };

/* As tar_stream does: until the input is used up and the decoder is at an end. */
static int decode(enum decoder_kind kind, struct bytes input, size_t piece, size_t room,
	struct str *out, struct err *err)
{
	CLEANUP(decoder_cleanup) struct decoder *decoder = NULL;
	static uint8_t block[ROOM];
	size_t given = 0;

	HOLDS(decoder_new(kind, &decoder, err) == 0);
	for (int step = 0; step < STEPS_MAX; step++) {
		size_t left = input.size - given;
		struct bytes part = bytes_make(input.data + given, left < piece ? left : piece);
		bool was_complete = decoder_complete(decoder);
		size_t before = part.size, made = room;
		if (left == 0 && was_complete)
			return 0;
		memset(block + room, 0x5a, room < sizeof block ? 1 : 0);
		int rc = decoder_step(decoder, &part, part.size == left, block, room, &made, err);
		HOLDS(room == sizeof block || block[room] == 0x5a);
		if (rc < 0) {
			HOLDS(rc == -ERR_TRUNCATED || rc == -ERR_LIMIT);
			return rc;
		}
		HOLDS(made <= room && part.size <= before);
		HOLDS(part.data == input.data + given + (before - part.size));
		given += before - part.size;
		str_append(out, block, made);
		if (out->size > OUT_MAX)
			return -ERR_LIMIT;
		if (made == 0 && part.size == before && decoder_complete(decoder) == was_complete)
			return -ERR_TRUNCATED;
	}
	return -ERR_LIMIT;
}

/*
 * libzstd compares a frame's content with the size that its header says, unless the last block is
 * empty and the frame came in parts: then a wrong size is passed over, as by the zstd program.
 */
static bool same_verdict(enum decoder_kind kind, int rc, int other)
{
	return rc == other || (kind == DECODER_ZSTD && (rc == 0 || rc == -ERR_TRUNCATED) &&
				      (other == 0 || other == -ERR_TRUNCATED));
}

struct from {
	struct bytes rest;
	size_t piece;
};

static int give(void *self, void *buffer, size_t size, size_t *ret_got, struct err *err)
{
	struct from *from = self;
	size_t got = from->rest.size < size ? from->rest.size : size;

	(void)err;
	if (got > from->piece)
		got = from->piece;
	if (got > 0)
		memcpy(buffer, from->rest.data, got);
	from->rest = bytes_make(from->rest.data + got, from->rest.size - got);
	*ret_got = got;
	return 0;
}

static int read_stream(enum compression compression, struct bytes input, size_t piece, size_t room,
	struct str *out, struct err *err)
{
	CLEANUP(stream_reader_cleanup) struct stream_reader *reader = NULL;
	struct from from = {input, piece};
	const struct stream_source source = {&from, give};
	static uint8_t block[ROOM];

	HOLDS(stream_reader_new(compression, source, &reader, err) == 0);
	for (;;) {
		size_t got = 0;
		int rc = stream_read(reader, block, room, &got, err);
		if (rc < 0) {
			HOLDS(rc == -ERR_TRUNCATED || rc == -ERR_LIMIT);
			HOLDS(stream_read(reader, block, room, &got, err) == rc);
			return rc;
		}
		str_append(out, block, got);
		if (out->size > OUT_MAX)
			return -ERR_LIMIT;
		if (got == 0)
			return 0;
	}
}

static int collect(void *self, struct bytes data, struct err *err)
{
	(void)err;
	str_append(self, data.data, data.size);
	return 0;
}

static void octets_come_back(enum compression compression, struct bytes octets)
{
	CLEANUP(stream_writer_cleanup) struct stream_writer *writer = NULL;
	CLEANUP_STR struct str stream = STR_INIT, again = STR_INIT;
	struct err err;

	HOLDS(stream_writer_new(
		      compression, (struct stream_sink){&stream, collect}, &writer, &err) == 0);
	HOLDS(stream_write(writer, octets, &err) == 0 && stream_writer_finish(writer, &err) == 0);
	if (octets.size <= OUT_MAX) {
		HOLDS(read_stream(compression, str_bytes(&stream), 100, 1000, &again, &err) == 0);
		HOLDS(bytes_equal(str_bytes(&again), octets));
	}
}

static void both_readers_agree(enum decoder_kind kind, enum compression compression,
	struct bytes stream, size_t piece, size_t room)
{
	CLEANUP_STR struct str ours = STR_INIT, others = STR_INIT;
	struct err err;
	int rc = decode(kind, stream, ROOM, ROOM, &ours, &err);
	int other = read_stream(compression, stream, piece, room, &others, &err);

	HOLDS(same_verdict(kind, rc, other) || ours.size > OUT_MAX || others.size > OUT_MAX ||
		stream.size == 0);
	HOLDS(rc < 0 || other < 0 || bytes_equal(str_bytes(&ours), str_bytes(&others)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_STR struct str whole = STR_INIT, parts = STR_INIT;
	struct bytes input = bytes_make(data, size);
	enum decoder_kind kind = (enum decoder_kind)(octet_of(input, 0) % KINDS);
	size_t piece = 1 + octet_of(input, 1) * 7, room = 1 + octet_of(input, 2) * 13;
	struct err err;

	if (size < HEAD)
		return 0;
	struct bytes stream = bytes_make(data + HEAD, size - HEAD);
	int rc = decode(kind, stream, ROOM, ROOM, &whole, &err);
	int other = decode(kind, stream, piece, room, &parts, &err);
	HOLDS(same_verdict(kind, rc, other) || whole.size > OUT_MAX || parts.size > OUT_MAX);
	HOLDS(rc < 0 || other < 0 || bytes_equal(str_bytes(&whole), str_bytes(&parts)));
	if (kind == DECODER_GZIP)
		both_readers_agree(kind, COMPRESSION_GZIP, stream, piece, room);
	if (kind == DECODER_ZSTD)
		both_readers_agree(kind, COMPRESSION_ZSTD, stream, piece, room);
	if (size < 4096)
		octets_come_back(
			octet_of(input, 0) % 2 == 0 ? COMPRESSION_GZIP : COMPRESSION_ZSTD, stream);
	return 0;
}
