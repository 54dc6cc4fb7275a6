#include "compress/stream.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
	OUT_SIZE = 128 * 1024,
	/* The site is frozen while a backup is written: speed counts more than the last percents.
	 */
	GZIP_LEVEL = 1,
	ZSTD_LEVEL = 1,
	MEMORY_LEVEL = 8,
};

struct stream_writer {
	enum compression compression;
	struct stream_sink sink;
	struct err failed; /* code 0: none */
	bool gzip_begun;
	z_stream gzip;	 /* deflate alone: the member around it is ours */
	bool in_member;	 /* its header is written */
	uint32_t crc;	 /* of what the member holds; by liblzma, which is four times as fast */
	uint32_t length; /* the same modulo 2^32 */
	ZSTD_CCtx *zstd;
	uint8_t out[OUT_SIZE];
};

static int fail(struct stream_writer *writer, struct err *err)
{
	writer->failed = *err;
	return -(int)err->code;
}

int stream_writer_new(enum compression compression, struct stream_sink sink,
	struct stream_writer **ret_writer, struct err *err)
{
	struct stream_writer *writer = malloc(sizeof *writer);

	if (writer == NULL)
		return err_no_memory(err);
	writer->compression = compression;
	writer->sink = sink;
	writer->failed.code = ERR_NONE;
	writer->gzip_begun = writer->in_member = false;
	writer->zstd = NULL;
	memset(&writer->gzip, 0, sizeof writer->gzip);
	bool begun = true;
	if (compression == COMPRESSION_GZIP)
		begun = writer->gzip_begun =
			deflateInit2(&writer->gzip, GZIP_LEVEL, Z_DEFLATED, -MAX_WBITS,
				MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
	if (compression == COMPRESSION_ZSTD) {
		writer->zstd = ZSTD_createCCtx();
		begun = writer->zstd != NULL &&
			!ZSTD_isError(ZSTD_CCtx_setParameter(
				writer->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
			!ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1));
	}
	if (!begun) {
		stream_writer_free(writer);
		return err_no_memory(err);
	}
	*ret_writer = writer;
	return 0;
}

static int pass_on(struct stream_writer *writer, size_t size, struct err *err)
{
	if (size == 0)
		return 0;
	return writer->sink.write(writer->sink.self, bytes_make(writer->out, size), err);
}

/* RFC 1952, 2.3: no name, no time, made for speed, on Unix. */
static int begin_member(struct stream_writer *writer, struct err *err)
{
	static const uint8_t header[] = {0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 3};

	if (writer->in_member)
		return 0;
	writer->in_member = true;
	writer->crc = writer->length = 0;
	return writer->sink.write(writer->sink.self, bytes_make(header, sizeof header), err);
}

static int end_member(struct stream_writer *writer, struct err *err)
{
	uint8_t trailer[8];

	for (size_t i = 0; i < 4; i++) {
		trailer[i] = (uint8_t)(writer->crc >> (8 * i));
		trailer[4 + i] = (uint8_t)(writer->length >> (8 * i));
	}
	writer->in_member = false;
	if (deflateReset(&writer->gzip) != Z_OK)
		return err_set(err, ERR_INTERNAL, "gzip: the stream's state is wrong");
	return writer->sink.write(writer->sink.self, bytes_make(trailer, sizeof trailer), err);
}

/* zlib's counters have 32 bits: what is longer goes in pieces. */
static int deflate_all(struct stream_writer *writer, struct bytes data, int flush, struct err *err)
{
	z_stream *gzip = &writer->gzip;
	int state;

	do {
		size_t piece = data.size > UINT32_MAX / 2 ? UINT32_MAX / 2 : data.size;
		gzip->next_in = (z_const Bytef *)(uintptr_t)data.data;
		gzip->avail_in = (uInt)piece;
		do {
			gzip->next_out = writer->out;
			gzip->avail_out = sizeof writer->out;
			state = deflate(gzip, flush);
			if (state == Z_STREAM_ERROR)
				return err_set(
					err, ERR_INTERNAL, "gzip: the stream's state is wrong");
			int result = pass_on(writer, sizeof writer->out - gzip->avail_out, err);
			if (result != 0)
				return result;
		} while (gzip->avail_out == 0 || (flush == Z_FINISH && state != Z_STREAM_END));
		data = bytes_make(data.data + piece, data.size - piece);
	} while (data.size > 0);
	return 0;
}

static int gzip_write(struct stream_writer *writer, struct bytes data, bool end, struct err *err)
{
	int result = begin_member(writer, err);

	if (result != 0)
		return result;
	writer->crc = lzma_crc32(data.data, data.size, writer->crc);
	writer->length += (uint32_t)data.size;
	result = deflate_all(writer, data, end ? Z_FINISH : Z_NO_FLUSH, err);
	return result == 0 && end ? end_member(writer, err) : result;
}

static int zstd_write(struct stream_writer *writer, struct bytes data, ZSTD_EndDirective directive,
	struct err *err)
{
	ZSTD_inBuffer in = {data.data, data.size, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {writer->out, sizeof writer->out, 0};
		left = ZSTD_compressStream2(writer->zstd, &out, &in, directive);
		if (ZSTD_isError(left))
			return err_set(err, ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(left));
		int result = pass_on(writer, out.pos, err);
		if (result != 0)
			return result;
	} while (in.pos < in.size || (directive == ZSTD_e_end && left > 0));
	return 0;
}

static int run(struct stream_writer *writer, struct bytes data, bool end, struct err *err)
{
	if (writer->failed.code != ERR_NONE) {
		*err = writer->failed;
		return -(int)err->code;
	}
	int result;
	switch (writer->compression) {
	case COMPRESSION_GZIP:
		result = gzip_write(writer, data, end, err);
		break;
	case COMPRESSION_ZSTD:
		result = zstd_write(writer, data, end ? ZSTD_e_end : ZSTD_e_continue, err);
		break;
	default:
		result = data.size == 0 ? 0 : writer->sink.write(writer->sink.self, data, err);
	}
	return result != 0 ? fail(writer, err) : 0;
}

int stream_write(struct stream_writer *writer, struct bytes data, struct err *err)
{
	return data.size == 0 ? 0 : run(writer, data, false, err);
}

int stream_writer_finish(struct stream_writer *writer, struct err *err)
{
	return run(writer, bytes_make(NULL, 0), true, err);
}

/* Both formats begin anew by themselves. */
int stream_writer_cut(struct stream_writer *writer, struct err *err)
{
	return run(writer, bytes_make(NULL, 0), true, err);
}

void stream_writer_free(struct stream_writer *writer)
{
	if (writer == NULL)
		return;
	if (writer->gzip_begun)
		(void)deflateEnd(&writer->gzip);
	(void)ZSTD_freeCCtx(writer->zstd);
	free(writer);
}

void stream_writer_cleanup(struct stream_writer **writer)
{
	stream_writer_free(*writer);
}

static const struct {
	const char *name, *suffix;
} compressions[] = {
	[COMPRESSION_NONE] = {"none", ""},
	[COMPRESSION_GZIP] = {"gzip", ".gz"},
	[COMPRESSION_ZSTD] = {"zstd", ".zst"},
};

const char *compression_name(enum compression compression)
{
	return compressions[compression].name;
}

bool compression_by_name(const char *name, enum compression *ret)
{
	for (size_t i = 0; i < sizeof compressions / sizeof compressions[0]; i++)
		if (strcmp(compressions[i].name, name) == 0) {
			*ret = (enum compression)i;
			return true;
		}
	return false;
}

const char *compression_suffix(enum compression compression)
{
	return compressions[compression].suffix;
}
