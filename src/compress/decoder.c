#include "compress/decoder.h"

#include <bzlib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/* What liblzma needs for a window of 8 MiB and its tables; the next window it knows is 12 MiB. */
enum { XZ_MEMORY_MAX = DECODER_WINDOW_MAX + 2 * 1024 * 1024 };

struct decoder {
	enum decoder_kind kind;
	bool open;     /* the library's state below is initialised */
	bool complete; /* at the end of a member, frame or stream */
	z_stream zlib;
	ZSTD_DCtx *zstd;
	lzma_stream lzma;
	bz_stream bzip2;
	LZ4F_dctx *lz4;
};

static int open_gzip(struct decoder *decoder)
{
	return inflateInit2(&decoder->zlib, 15 + 16) == Z_OK ? 0 : -1;
}

static int open_zstd(struct decoder *decoder)
{
	decoder->zstd = ZSTD_createDCtx();
	if (decoder->zstd == NULL)
		return -1;
	size_t code =
		ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax, DECODER_WINDOW_LOG_MAX);
	return ZSTD_isError(code) ? -1 : 0;
}

static int open_xz(struct decoder *decoder)
{
	decoder->lzma = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_stream_decoder(&decoder->lzma, XZ_MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK
		       ? 0
		       : -1;
}

static int open_bzip2(struct decoder *decoder)
{
	return BZ2_bzDecompressInit(&decoder->bzip2, 0, 0) == BZ_OK ? 0 : -1;
}

static int open_lz4(struct decoder *decoder)
{
	return LZ4F_isError(LZ4F_createDecompressionContext(&decoder->lz4, LZ4F_VERSION)) ? -1 : 0;
}

static int damaged(struct err *err, const char *format, const char *what)
{
	return err_set(err, ERR_TRUNCATED, "the %s stream is damaged: %s", format, what);
}

static int step_gzip(struct decoder *decoder, struct bytes *input, bool last, uint8_t *out,
	size_t room, size_t *ret_made, struct err *err)
{
	z_stream *z = &decoder->zlib;

	(void)last;
	if (decoder->complete && input->size > 0) {
		if (inflateReset(z) != Z_OK)
			return err_set(err, ERR_INTERNAL, "zlib cannot begin again");
		decoder->complete = false;
	}
	z->next_in = (Bytef *)(uintptr_t)input->data;
	z->avail_in = (uInt)input->size;
	z->next_out = out;
	z->avail_out = (uInt)room;
	int code = inflate(z, Z_NO_FLUSH);
	if (code == Z_MEM_ERROR)
		return err_no_memory(err);
	if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
		return damaged(err, "gzip", z->msg != NULL ? z->msg : "bad data");
	decoder->complete = code == Z_STREAM_END;
	*input = bytes_make(z->next_in, z->avail_in);
	*ret_made = room - z->avail_out;
	return 0;
}

static int step_zstd(struct decoder *decoder, struct bytes *input, bool last, uint8_t *out,
	size_t room, size_t *ret_made, struct err *err)
{
	ZSTD_inBuffer from = {input->data, input->size, 0};
	ZSTD_outBuffer to = {out, room, 0};

	(void)last;
	if (decoder->complete && input->size == 0) {
		*ret_made = 0;
		return 0;
	}
	size_t code = ZSTD_decompressStream(decoder->zstd, &to, &from);
	if (ZSTD_isError(code)) {
		switch (ZSTD_getErrorCode(code)) {
		case ZSTD_error_frameParameter_windowTooLarge:
			return err_set(
				err, ERR_LIMIT, "the zstd stream asks for a window over 8 MiB");
		case ZSTD_error_memory_allocation:
			return err_no_memory(err);
		default:
			return damaged(err, "zstd", ZSTD_getErrorName(code));
		}
	}
	decoder->complete = code == 0;
	*input = bytes_make(input->data + from.pos, input->size - from.pos);
	*ret_made = to.pos;
	return 0;
}

static int step_xz(struct decoder *decoder, struct bytes *input, bool last, uint8_t *out,
	size_t room, size_t *ret_made, struct err *err)
{
	lzma_stream *xz = &decoder->lzma;

	if (decoder->complete) {
		*ret_made = 0;
		return 0;
	}
	xz->next_in = input->data;
	xz->avail_in = input->size;
	xz->next_out = out;
	xz->avail_out = room;
	lzma_ret code = lzma_code(xz, last ? LZMA_FINISH : LZMA_RUN);
	switch (code) {
	case LZMA_OK:
		break;
	case LZMA_STREAM_END:
		decoder->complete = true;
		break;
	case LZMA_BUF_ERROR: /* no progress: only an error if nothing more will come */
		if (last)
			return damaged(err, "xz", "it ends too early");
		break;
	case LZMA_MEM_ERROR:
		return err_no_memory(err);
	case LZMA_MEMLIMIT_ERROR:
		return err_set(err, ERR_LIMIT, "the xz stream asks for a window over 8 MiB");
	case LZMA_OPTIONS_ERROR:
		return damaged(err, "xz", "options that this program does not know");
	default:
		return damaged(err, "xz", "bad data");
	}
	*input = bytes_make(xz->next_in, xz->avail_in);
	*ret_made = room - xz->avail_out;
	return 0;
}

static int step_bzip2(struct decoder *decoder, struct bytes *input, bool last, uint8_t *out,
	size_t room, size_t *ret_made, struct err *err)
{
	bz_stream *bz = &decoder->bzip2;

	(void)last;
	if (decoder->complete && input->size > 0) {
		(void)BZ2_bzDecompressEnd(bz);
		*bz = (bz_stream){0};
		if (open_bzip2(decoder) != 0)
			return err_no_memory(err);
		decoder->complete = false;
	}
	bz->next_in = (char *)(uintptr_t)input->data;
	bz->avail_in = (unsigned)input->size;
	bz->next_out = (char *)out;
	bz->avail_out = (unsigned)room;
	int code = decoder->complete ? BZ_STREAM_END : BZ2_bzDecompress(bz);
	if (code == BZ_MEM_ERROR)
		return err_no_memory(err);
	if (code != BZ_OK && code != BZ_STREAM_END)
		return damaged(err, "bzip2", "bad data");
	decoder->complete = code == BZ_STREAM_END;
	*input = bytes_make(bz->next_in, bz->avail_in);
	*ret_made = room - bz->avail_out;
	return 0;
}

static int step_lz4(struct decoder *decoder, struct bytes *input, bool last, uint8_t *out,
	size_t room, size_t *ret_made, struct err *err)
{
	size_t taken = input->size;
	size_t made = room;

	(void)last;
	if (decoder->complete && input->size == 0) {
		*ret_made = 0;
		return 0;
	}
	size_t code = LZ4F_decompress(decoder->lz4, out, &made, input->data, &taken, NULL);
	if (LZ4F_isError(code))
		return damaged(err, "lz4", LZ4F_getErrorName(code));
	decoder->complete = code == 0;
	*input = bytes_make(input->data + taken, input->size - taken);
	*ret_made = made;
	return 0;
}

static const struct {
	int (*open)(struct decoder *decoder);
	int (*step)(struct decoder *decoder, struct bytes *input, bool last, uint8_t *out,
		size_t room, size_t *ret_made, struct err *err);
} kinds[] = {
	[DECODER_GZIP] = {open_gzip, step_gzip},
	[DECODER_ZSTD] = {open_zstd, step_zstd},
	[DECODER_XZ] = {open_xz, step_xz},
	[DECODER_BZIP2] = {open_bzip2, step_bzip2},
	[DECODER_LZ4] = {open_lz4, step_lz4},
};

int decoder_new(enum decoder_kind kind, struct decoder **ret_decoder, struct err *err)
{
	struct decoder *decoder = calloc(1, sizeof *decoder);

	if (decoder == NULL)
		return err_no_memory(err);
	decoder->kind = kind;
	if (kinds[kind].open(decoder) != 0) {
		decoder_free(decoder);
		return err_no_memory(err);
	}
	decoder->open = true;
	*ret_decoder = decoder;
	return 0;
}

int decoder_step(struct decoder *decoder, struct bytes *untrusted_input, bool last, uint8_t *out,
	size_t room, size_t *ret_made, struct err *err)
{
	/* zlib's and bzip2's counters have 32 bits. */
	const size_t most = (size_t)1 << 30;
	struct bytes part = bytes_make(
		untrusted_input->data, untrusted_input->size < most ? untrusted_input->size : most);
	size_t given = part.size;
	int rc = kinds[decoder->kind].step(decoder, &part, last && given == untrusted_input->size,
		out, room < most ? room : most, ret_made, err);

	if (rc == 0) {
		size_t taken = given - part.size;
		*untrusted_input = bytes_make(
			taken > 0 ? untrusted_input->data + taken : untrusted_input->data,
			untrusted_input->size - taken);
	}
	return rc;
}

bool decoder_complete(const struct decoder *decoder)
{
	return decoder->complete;
}

void decoder_free(struct decoder *decoder)
{
	if (decoder == NULL)
		return;
	if (decoder->kind == DECODER_GZIP && decoder->open)
		(void)inflateEnd(&decoder->zlib);
	if (decoder->kind == DECODER_XZ)
		lzma_end(&decoder->lzma);
	if (decoder->kind == DECODER_BZIP2)
		(void)BZ2_bzDecompressEnd(&decoder->bzip2);
	(void)ZSTD_freeDCtx(decoder->zstd);
	(void)LZ4F_freeDecompressionContext(decoder->lz4);
	free(decoder);
}

void decoder_cleanup(struct decoder **decoder)
{
	decoder_free(*decoder);
}
