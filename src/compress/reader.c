#include "compress/stream.h"

#include <stdlib.h>
#include <string.h>

#include "compress/decoder.h"

enum { IN_SIZE = 128 * 1024 };

_Static_assert((int)STREAM_WINDOW_MAX == (int)DECODER_WINDOW_MAX, "one decoder, one window");

struct stream_reader {
	enum compression compression;
	struct stream_source source;
	struct err failed;	 /* code 0: none */
	struct decoder *decoder; /* NULL: nothing is compressed */
	bool source_ended;
	struct bytes input; /* what is left of in */
	uint8_t in[IN_SIZE];
};

int stream_reader_new(enum compression compression, struct stream_source source,
	struct stream_reader **ret_reader, struct err *err)
{
	struct stream_reader *reader = malloc(sizeof *reader);
	int rc = 0;

	if (reader == NULL)
		return err_no_memory(err);
	memset(reader, 0, offsetof(struct stream_reader, in));
	reader->compression = compression;
	reader->source = source;
	if (compression != COMPRESSION_NONE)
		rc = decoder_new(compression == COMPRESSION_GZIP ? DECODER_GZIP : DECODER_ZSTD,
			&reader->decoder, err);
	if (rc < 0)
		stream_reader_free(reader);
	else
		*ret_reader = reader;
	return rc;
}

static int fill(struct stream_reader *reader, struct err *err)
{
	size_t got = 0;

	if (reader->input.size > 0 || reader->source_ended)
		return 0;
	int rc = reader->source.read(reader->source.self, reader->in, sizeof reader->in, &got, err);
	if (rc < 0)
		return rc;
	reader->input = bytes_make(reader->in, got);
	reader->source_ended = got == 0;
	return 0;
}

static size_t copy(struct stream_reader *reader, uint8_t *out, size_t room)
{
	size_t part = reader->input.size < room ? reader->input.size : room;

	if (part > 0)
		memcpy(out, reader->input.data, part);
	reader->input = bytes_make(reader->input.data + part, reader->input.size - part);
	return part;
}

/* The next octets, made 0 with something left to do; ret_end: the stream is whole, and over. */
static int step(struct stream_reader *reader, uint8_t *out, size_t room, size_t *ret_made,
	bool *ret_end, struct err *err)
{
	int rc = fill(reader, err);

	if (rc < 0)
		return rc;
	bool over = reader->source_ended && reader->input.size == 0;
	bool complete = reader->decoder == NULL || decoder_complete(reader->decoder);
	*ret_made = 0;
	*ret_end = over && complete;
	if (*ret_end)
		return 0;
	if (reader->decoder == NULL) {
		*ret_made = copy(reader, out, room);
		return 0;
	}
	rc = decoder_step(reader->decoder, &reader->input, over, out, room, ret_made, err);
	if (rc == 0 && over && *ret_made == 0 && !decoder_complete(reader->decoder))
		rc = err_set(err, ERR_TRUNCATED, "%s: the stream is cut off",
			compression_name(reader->compression));
	return rc;
}

static int read_all(struct stream_reader *reader, uint8_t *buffer, size_t size, size_t *ret_got,
	struct err *err)
{
	size_t filled = 0;
	bool end = false;

	while (filled < size && !end) {
		size_t made;
		int rc = step(reader, buffer + filled, size - filled, &made, &end, err);
		if (rc < 0)
			return rc;
		filled += made;
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
	int rc = read_all(reader, buffer, size, ret_got, err);
	if (rc != 0)
		reader->failed = *err;
	return rc;
}

void stream_reader_free(struct stream_reader *reader)
{
	if (reader == NULL)
		return;
	decoder_free(reader->decoder);
	free(reader);
}

void stream_reader_cleanup(struct stream_reader **reader)
{
	stream_reader_free(*reader);
}
