#include "archive/tar_stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "compress/decoder.h"

enum { BLOCK_SIZE = 256 * 1024 };

struct tar_stream {
	int fd;
	off_t offset; /* of the next octet to be read from the file */
	bool at_end;  /* of the file */
	enum archive_form form;
	struct decoder *decoder; /* gzip, zstd, xz */
	struct archive *filter;	 /* bzip2, lz4: the library's filter with its raw format */
	struct bytes input;	 /* what is left in in[] */
	struct err failure;	 /* of reading, inside the library's callback */
	uint8_t in[BLOCK_SIZE];
	uint8_t out[BLOCK_SIZE];
};

/* Reads until in[] is full or the file ends. */
static int fill(struct tar_stream *stream, struct err *err)
{
	size_t size = 0;

	while (size < sizeof stream->in && !stream->at_end) {
		ssize_t got = pread(
			stream->fd, stream->in + size, sizeof stream->in - size, stream->offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_UNREADABLE, errno,
				"reading the kit at octet %lld", (long long)stream->offset);
		stream->at_end = got == 0;
		stream->offset += got;
		size += (size_t)got;
	}
	stream->input = bytes_make(stream->in, size);
	return 0;
}

static la_ssize_t filter_read(struct archive *archive, void *argument, const void **ret_block)
{
	struct tar_stream *stream = argument;

	(void)archive;
	if (stream->input.size == 0 && fill(stream, &stream->failure) < 0)
		return -1;
	size_t size = stream->input.size;
	*ret_block = stream->input.data;
	stream->input.size = 0;
	return (la_ssize_t)size;
}

static int filter_failed(struct tar_stream *stream, struct err *err)
{
	if (stream->failure.code != ERR_NONE) {
		*err = stream->failure;
		return -(int)err->code;
	}
	const char *what = archive_error_string(stream->filter);
	return err_set(err, ERR_TRUNCATED, "the %s stream is damaged: %s",
		archive_form_name(stream->form), what != NULL ? what : "bad data");
}

static int open_filter(struct tar_stream *stream, int code, struct err *err)
{
	struct archive_entry *entry;

	stream->filter = archive_read_new();
	if (stream->filter == NULL)
		return err_no_memory(err);
	if (archive_read_append_filter(stream->filter, code) != ARCHIVE_OK ||
		archive_read_support_format_raw(stream->filter) != ARCHIVE_OK ||
		archive_read_open(stream->filter, stream, NULL, filter_read, NULL) != ARCHIVE_OK ||
		archive_read_next_header(stream->filter, &entry) != ARCHIVE_OK)
		return filter_failed(stream, err);
	return 0;
}

static int open_form(struct tar_stream *stream, struct err *err)
{
	switch (stream->form) {
	case ARCHIVE_FORM_GZIP:
		return decoder_new(DECODER_GZIP, &stream->decoder, err);
	case ARCHIVE_FORM_ZSTD:
		return decoder_new(DECODER_ZSTD, &stream->decoder, err);
	case ARCHIVE_FORM_XZ:
		return decoder_new(DECODER_XZ, &stream->decoder, err);
	case ARCHIVE_FORM_BZIP2:
		return open_filter(stream, ARCHIVE_FILTER_BZIP2, err);
	case ARCHIVE_FORM_LZ4:
		return open_filter(stream, ARCHIVE_FILTER_LZ4, err);
	default:
		return 0;
	}
}

int tar_stream_open(int fd, struct tar_stream **ret_stream, struct err *err)
{
	struct tar_stream *stream = calloc(1, sizeof *stream);

	if (stream == NULL)
		return err_no_memory(err);
	stream->fd = fd;
	int rc = fill(stream, err);
	if (rc == 0) {
		stream->form = archive_form_of(stream->input);
		rc = open_form(stream, err);
	}
	if (rc < 0) {
		tar_stream_free(stream);
		return rc;
	}
	*ret_stream = stream;
	return 0;
}

static int next_plain(struct tar_stream *stream, struct bytes *ret_block, struct err *err)
{
	if (stream->input.size == 0) {
		int rc = fill(stream, err);
		if (rc < 0)
			return rc;
	}
	*ret_block = stream->input;
	stream->input.size = 0;
	return 0;
}

static int next_decoded(struct tar_stream *stream, struct bytes *ret_block, struct err *err)
{
	size_t made = 0;

	for (;;) {
		bool was_complete = decoder_complete(stream->decoder);
		if (stream->input.size == 0) {
			int rc = fill(stream, err);
			if (rc < 0)
				return rc;
		}
		bool over = stream->at_end && stream->input.size == 0;
		if (over && was_complete)
			break;
		size_t before = stream->input.size;
		int rc = decoder_step(stream->decoder, &stream->input, stream->at_end, stream->out,
			sizeof stream->out, &made, err);
		if (rc < 0)
			return rc;
		if (made > 0)
			break;
		if (stream->input.size != before ||
			(decoder_complete(stream->decoder) && !was_complete))
			continue;
		if (over)
			return err_set(err, ERR_TRUNCATED, "the %s stream ends too early",
				archive_form_name(stream->form));
		return err_set(err, ERR_TRUNCATED, "the %s stream is damaged",
			archive_form_name(stream->form));
	}
	*ret_block = bytes_make(stream->out, made);
	return 0;
}

/* The library takes what follows the last bzip2 or lz4 frame for nothing; here it is an error. */
static int filter_end(struct tar_stream *stream, struct err *err)
{
	int64_t used = archive_filter_bytes(stream->filter, -1);

	while (!stream->at_end) {
		int rc = fill(stream, err);
		if (rc < 0)
			return rc;
	}
	if (used != (int64_t)stream->offset)
		return err_set(err, ERR_TRUNCATED, "something follows the end of the %s stream",
			archive_form_name(stream->form));
	return 0;
}

static int next_filtered(struct tar_stream *stream, struct bytes *ret_block, struct err *err)
{
	const void *data = NULL;
	size_t size = 0;
	la_int64_t offset;

	int code = archive_read_data_block(stream->filter, &data, &size, &offset);
	if (code == ARCHIVE_EOF) {
		int rc = filter_end(stream, err);
		if (rc == 0)
			*ret_block = bytes_make(NULL, 0);
		return rc;
	}
	if (code != ARCHIVE_OK || size == 0)
		return filter_failed(stream, err);
	*ret_block = bytes_make(data, size);
	return 0;
}

int tar_stream_next(struct tar_stream *stream, struct bytes *ret_block, struct err *err)
{
	if (stream->decoder != NULL)
		return next_decoded(stream, ret_block, err);
	if (stream->filter != NULL)
		return next_filtered(stream, ret_block, err);
	return next_plain(stream, ret_block, err);
}

enum archive_form tar_stream_form(const struct tar_stream *stream)
{
	return stream->form;
}

uint64_t tar_stream_octets_read(const struct tar_stream *stream)
{
	return (uint64_t)stream->offset;
}

void tar_stream_free(struct tar_stream *stream)
{
	if (stream == NULL)
		return;
	decoder_free(stream->decoder);
	if (stream->filter != NULL)
		(void)archive_read_free(stream->filter);
	free(stream);
}
