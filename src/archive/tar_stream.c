#include "archive/tar_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "compress/decoder.h"

enum { BLOCK_SIZE = 256 * 1024 };

struct tar_stream {
	struct octet_source source;
	int fd;		 /* of a source that is a file */
	uint64_t offset; /* of the next octet to be read */
	bool at_end;	 /* of the source */
	enum archive_form form;
	struct decoder *decoder; /* NULL: plain */
	struct bytes input;	 /* what is left in in[] */
	uint8_t in[BLOCK_SIZE];
	uint8_t out[BLOCK_SIZE];
};

static int read_file(void *self, uint8_t *into, size_t room, size_t *ret_size, struct err *err)
{
	const struct tar_stream *stream = self;
	ssize_t got;

	do
		got = pread(stream->fd, into, room, (off_t)stream->offset);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "reading the kit at octet %llu",
			(unsigned long long)stream->offset);
	*ret_size = (size_t)got;
	return 0;
}

/* Reads until in[] is full or the source ends. */
static int fill(struct tar_stream *stream, struct err *err)
{
	size_t size = 0;
	size_t got;

	while (size < sizeof stream->in && !stream->at_end) {
		int rc = stream->source.read(stream->source.self, stream->in + size,
			sizeof stream->in - size, &got, err);
		if (rc < 0)
			return rc;
		stream->at_end = got == 0;
		stream->offset += got;
		size += got;
	}
	stream->input = bytes_make(stream->in, size);
	return 0;
}

static const enum decoder_kind decoders[ARCHIVE_FORM_COUNT] = {
	[ARCHIVE_FORM_GZIP] = DECODER_GZIP,
	[ARCHIVE_FORM_ZSTD] = DECODER_ZSTD,
	[ARCHIVE_FORM_XZ] = DECODER_XZ,
	[ARCHIVE_FORM_BZIP2] = DECODER_BZIP2,
	[ARCHIVE_FORM_LZ4] = DECODER_LZ4,
};

/* Takes over the stream, whose source is set. */
static int open_stream(struct tar_stream *stream, struct tar_stream **ret_stream, struct err *err)
{
	int rc = fill(stream, err);

	if (rc == 0) {
		stream->form = archive_form_of(stream->input);
		if (stream->form != ARCHIVE_FORM_PLAIN)
			rc = decoder_new(decoders[stream->form], &stream->decoder, err);
	}
	if (rc < 0) {
		tar_stream_free(stream);
		return rc;
	}
	*ret_stream = stream;
	return 0;
}

int tar_stream_open(int fd, struct tar_stream **ret_stream, struct err *err)
{
	struct tar_stream *stream = calloc(1, sizeof *stream);

	if (stream == NULL)
		return err_no_memory(err);
	stream->fd = fd;
	stream->source = (struct octet_source){stream, read_file};
	return open_stream(stream, ret_stream, err);
}

int tar_stream_open_source(
	const struct octet_source *source, struct tar_stream **ret_stream, struct err *err)
{
	struct tar_stream *stream = calloc(1, sizeof *stream);

	if (stream == NULL)
		return err_no_memory(err);
	stream->source = *source;
	return open_stream(stream, ret_stream, err);
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

int tar_stream_next(struct tar_stream *stream, struct bytes *ret_block, struct err *err)
{
	if (stream->decoder != NULL)
		return next_decoded(stream, ret_block, err);
	return next_plain(stream, ret_block, err);
}

enum archive_form tar_stream_form(const struct tar_stream *stream)
{
	return stream->form;
}

uint64_t tar_stream_octets_read(const struct tar_stream *stream)
{
	return stream->offset;
}

void tar_stream_free(struct tar_stream *stream)
{
	if (stream == NULL)
		return;
	decoder_free(stream->decoder);
	free(stream);
}
