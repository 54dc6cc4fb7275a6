#include "steps/gridfs.h"

#include <stdio.h>

#include "base/cleanup.h"

enum { CHUNKS_A_READ = 8 /* of 255 KiB, as drivers make them */ };

int gridfs_wrong(const struct gridfs_file *file, const char *what, struct err *err)
{
	CLEANUP_STR struct str id = STR_INIT;

	value_to_text(&file->id, &id);
	return err_set(err, ERR_MIGRATION, "%s %s of GridFS bucket %s: %s", file->noun,
		str_text(&id), file->bucket, what);
}

static int wrong_chunk(
	const struct gridfs_reader *reader, int64_t n, const char *what, struct err *err)
{
	char text[96];

	(void)snprintf(text, sizeof text, "chunk %lld %s", (long long)n, what);
	return gridfs_wrong(reader->file, text, err);
}

int gridfs_open(struct mongo *mongo, const struct gridfs_file *file,
	struct gridfs_reader *ret_reader, struct err *err)
{
	CLEANUP_STR struct str collection = STR_INIT, filter = STR_INIT, order = STR_INIT;
	struct gridfs_reader reader = {.file = file};
	struct doc_writer writer;

	str_append_format(&collection, "%s.chunks", file->bucket);
	doc_write_begin(&writer, &filter);
	doc_write_document(&writer, "files_id");
	doc_write_value(&writer, "$eq", &file->id);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_begin(&writer, &order);
	doc_write_int32(&writer, "n", 1);
	doc_write_end(&writer);
	int rc = str_check(&collection, err);
	if (rc == 0)
		rc = str_check(&filter, err);
	if (rc == 0)
		rc = str_check(&order, err);
	const struct mongo_find find = {
		.collection = str_text(&collection),
		.filter = str_bytes(&filter),
		.sort = str_bytes(&order),
		.batch_size = CHUNKS_A_READ,
	};
	if (rc == 0)
		rc = mongo_find(mongo, &find, &reader.cursor, err);
	if (rc == 0)
		*ret_reader = reader;
	return rc;
}

void gridfs_close(struct gridfs_reader *reader)
{
	mongo_cursor_close(reader->cursor);
	reader->cursor = NULL;
}

/* The octets of a binary value: length, subtype, data. */
static bool binary_data(struct bytes chunk, struct bytes *ret_data)
{
	struct value data = doc_get(chunk, "data");

	if (data.type != VALUE_BINARY || data.bytes.size < 5)
		return false;
	*ret_data = bytes_make(data.bytes.data + 5, data.bytes.size - 5);
	return true;
}

static int take(
	struct gridfs_reader *reader, struct bytes chunk, struct bytes *ret_piece, struct err *err)
{
	int64_t n = -1, left = reader->file->length - reader->octets;
	int64_t size = left < reader->file->chunk_size ? left : reader->file->chunk_size;
	struct bytes data;

	if (!doc_get_integer(chunk, "n", &n) || n < 0)
		return gridfs_wrong(reader->file, "a chunk has no number", err);
	if (n < reader->expected)
		return wrong_chunk(reader, n, "is there twice", err);
	if (left == 0)
		return wrong_chunk(reader, n, "is behind its end", err);
	if (n > reader->expected)
		return wrong_chunk(reader, reader->expected, "is missing", err);
	if (!binary_data(chunk, &data))
		return wrong_chunk(reader, n, "has no data", err);
	if ((int64_t)data.size != size)
		return wrong_chunk(
			reader, n, (int64_t)data.size < size ? "is too short" : "is too long", err);
	reader->expected++;
	reader->octets += size;
	*ret_piece = data;
	return 0;
}

int gridfs_next(struct gridfs_reader *reader, struct bytes *ret_piece, struct err *err)
{
	struct bytes chunk;
	int more = mongo_cursor_next(reader->cursor, &chunk, err);

	if (more < 0)
		return more;
	if (more > 0)
		return take(reader, chunk, ret_piece, err);
	if (reader->octets < reader->file->length)
		return wrong_chunk(reader, reader->expected, "is missing", err);
	*ret_piece = bytes_make(NULL, 0);
	return 0;
}
