#include "compress/stream.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { IN_SIZE = 128 * 1024, GZIP_FORMAT = 16 };

struct stream_reader {
	enum compression compression;
	struct stream_source source;
	struct err failed; /* code 0: none */
	bool gzip_begun;
	bool source_ended;
	bool within; /* a gzip member or zstd frame is begun and not ended */
	bool any;    /* one was seen: nothing at all is no stream */
	z_stream gzip;
	ZSTD_DCtx *zstd;
	size_t at, filled; /* of in */
	uint8_t in[IN_SIZE];
};

int stream_reader_new(enum compression compression, struct stream_source source,
	struct stream_reader **ret_reader, struct err *err)
{
	struct stream_reader *reader = malloc(sizeof *reader);

	if (reader == NULL)
		return err_no_memory(err);
	memset(reader, 0, offsetof(struct stream_reader, in));
	reader->compression = compression;
	reader->source = source;
	bool begun = true;
	if (compression == COMPRESSION_GZIP)
		begun = reader->gzip_begun =
			inflateInit2(&reader->gzip, MAX_WBITS + GZIP_FORMAT) == Z_OK;
	if (compression == COMPRESSION_ZSTD) {
		reader->zstd = ZSTD_createDCtx();
		begun = reader->zstd != NULL &&
			!ZSTD_isError(ZSTD_DCtx_setParameter(
				reader->zstd, ZSTD_d_windowLogMax, STREAM_WINDOW_LOG_MAX));
	}
	if (!begun) {
		stream_reader_free(reader);
		return err_no_memory(err);
	}
	*ret_reader = reader;
	return 0;
}

static int fill(struct stream_reader *reader, struct err *err)
{
	if (reader->at < reader->filled || reader->source_ended)
		return 0;
	size_t got = 0;
	int result =
		reader->source.read(reader->source.self, reader->in, sizeof reader->in, &got, err);
	if (result != 0)
		return result;
	reader->at = 0;
	reader->filled = got;
	reader->source_ended = got == 0;
	return 0;
}

static int gzip_step(
	struct stream_reader *reader, void *buffer, size_t size, size_t *ret_got, struct err *err)
{
	z_stream *gzip = &reader->gzip;

	if (!reader->within && inflateReset(gzip) != Z_OK)
		return err_set(err, ERR_INTERNAL, "gzip: the stream's state is wrong");
	reader->within = reader->any = true;
	gzip->next_in = reader->in + reader->at;
	gzip->avail_in = (uInt)(reader->filled - reader->at);
	gzip->next_out = buffer;
	gzip->avail_out = (uInt)(size > UINT32_MAX / 2 ? UINT32_MAX / 2 : size);
	uInt room = gzip->avail_out;
	int state = inflate(gzip, Z_NO_FLUSH);
	reader->at = reader->filled - gzip->avail_in;
	*ret_got = room - gzip->avail_out;
	if (state == Z_MEM_ERROR)
		return err_no_memory(err);
	if (state == Z_STREAM_END)
		reader->within = false;
	else if (state != Z_OK && state != Z_BUF_ERROR)
		return err_set(err, ERR_TRUNCATED, "gzip: %s",
			gzip->msg != NULL ? gzip->msg : "the stream is damaged");
	return 0;
}

static int zstd_step(
	struct stream_reader *reader, void *buffer, size_t size, size_t *ret_got, struct err *err)
{
	ZSTD_inBuffer in = {reader->in, reader->filled, reader->at};
	ZSTD_outBuffer out = {buffer, size, 0};

	reader->any = true;
	size_t state = ZSTD_decompressStream(reader->zstd, &out, &in);
	reader->at = in.pos;
	*ret_got = out.pos;
	if (!ZSTD_isError(state)) {
		reader->within = state != 0;
		return 0;
	}
	/* Told apart by the name: the codes are not in the library's stable interface. */
	if (strcmp(ZSTD_getErrorName(state), "Frame requires too much memory for decoding") == 0)
		return err_set(err, ERR_LIMIT, "zstd: the window is over %d MiB",
			STREAM_WINDOW_MAX / 1024 / 1024);
	return err_set(err, ERR_TRUNCATED, "zstd: %s", ZSTD_getErrorName(state));
}

static int plain_step(
	struct stream_reader *reader, void *buffer, size_t size, size_t *ret_got, struct err *err)
{
	(void)err;
	size_t left = reader->filled - reader->at;
	size_t got = left < size ? left : size;

	if (got > 0)
		memcpy(buffer, reader->in + reader->at, got);
	reader->at += got;
	*ret_got = got;
	return 0;
}

static int step(
	struct stream_reader *reader, void *buffer, size_t size, size_t *ret_got, struct err *err)
{
	switch (reader->compression) {
	case COMPRESSION_GZIP:
		return gzip_step(reader, buffer, size, ret_got, err);
	case COMPRESSION_ZSTD:
		return zstd_step(reader, buffer, size, ret_got, err);
	default:
		return plain_step(reader, buffer, size, ret_got, err);
	}
}

static int check_end(const struct stream_reader *reader, struct err *err)
{
	if (reader->within || (!reader->any && reader->compression != COMPRESSION_NONE))
		return err_set(err, ERR_TRUNCATED, "%s: the stream is cut off",
			compression_name(reader->compression));
	return 0;
}

static int read_all(struct stream_reader *reader, uint8_t *buffer, size_t size, size_t *ret_got,
	struct err *err)
{
	size_t filled = 0;

	while (filled < size) {
		size_t got = 0;
		int result = fill(reader, err);
		if (result != 0)
			return result;
		/* The decoder may still hold octets after the source's end. */
		bool drained = reader->source_ended && reader->at == reader->filled;
		if (drained && !reader->within)
			break;
		size_t before = reader->at;
		result = step(reader, buffer + filled, size - filled, &got, err);
		if (result != 0)
			return result;
		filled += got;
		if (drained && got == 0 && reader->at == before)
			break;
	}
	if (filled < size) {
		int result = check_end(reader, err);
		if (result != 0)
			return result;
	}
	*ret_got = filled;
	return 0;
}

int stream_read(
	struct stream_reader *reader, void *buffer, size_t size, size_t *ret_got, struct err *err)
{
	if (reader->failed.code != ERR_NONE) {
		*err = reader->failed;
		return -(int)err->code;
	}
	int result = read_all(reader, buffer, size, ret_got, err);
	if (result != 0)
		reader->failed = *err;
	return result;
}

void stream_reader_free(struct stream_reader *reader)
{
	if (reader == NULL)
		return;
	if (reader->gzip_begun)
		(void)inflateEnd(&reader->gzip);
	(void)ZSTD_freeDCtx(reader->zstd);
	free(reader);
}

void stream_reader_cleanup(struct stream_reader **reader)
{
	stream_reader_free(*reader);
}
