#include <stdio.h>

#include "base/cleanup.h"
#include "steps/object_store.h"

enum { CHUNKS_A_READ = 8 /* of 255 KiB, as drivers make them */ };

static int wrong(const char *bucket, const struct value *id, const char *what, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	value_to_text(id, &text);
	return err_set(err, ERR_MIGRATION, "file %s of GridFS bucket %s: %s", str_text(&text),
		bucket, what);
}

static int wrong_chunk(
	const struct gridfs_reader *reader, int64_t n, const char *what, struct err *err)
{
	char text[96];

	(void)snprintf(text, sizeof text, "chunk %lld %s", (long long)n, what);
	return wrong(reader->bucket, &reader->file->id, text, err);
}

int gridfs_file_read(
	const char *bucket, struct bytes doc, struct gridfs_file *ret_file, struct err *err)
{
	struct gridfs_file file = {.id = doc_get(doc, "_id"), .doc = doc};

	if (!doc_get_integer(doc, "length", &file.length) || file.length < 0 ||
		file.length >> OBJECT_FILE_OCTETS_MAX_BITS > 0 ||
		!doc_get_integer(doc, "chunkSize", &file.chunk_size) || file.chunk_size < 1)
		return wrong(bucket, &file.id, "it has no length or chunkSize that can be", err);
	*ret_file = file;
	return 0;
}

int gridfs_open(const struct step_context *context, const char *bucket,
	const struct gridfs_file *file, struct gridfs_reader *ret_reader, struct err *err)
{
	CLEANUP_STR struct str collection = STR_INIT, filter = STR_INIT, order = STR_INIT;
	struct gridfs_reader reader = {.context = context, .bucket = bucket, .file = file};
	struct doc_writer writer;

	str_append_format(&collection, "%s.chunks", bucket);
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
		rc = mongo_find(context->mongo, &find, &reader.cursor, err);
	if (rc == 0)
		*ret_reader = reader;
	return rc;
}

void gridfs_close(struct gridfs_reader *reader)
{
	mongo_cursor_close(reader->cursor);
	reader->cursor = NULL;
}

static int take(
	struct gridfs_reader *reader, struct bytes chunk, struct bytes *ret_piece, struct err *err)
{
	int64_t n = -1, left = reader->file->length - reader->octets;
	int64_t size = left < reader->file->chunk_size ? left : reader->file->chunk_size;
	struct value data = doc_get(chunk, "data");

	if (!doc_get_integer(chunk, "n", &n) || n < 0)
		return wrong(reader->bucket, &reader->file->id, "a chunk has no number", err);
	if (n < reader->expected)
		return wrong_chunk(reader, n, "is there twice", err);
	if (left == 0)
		return wrong_chunk(reader, n, "is behind its end", err);
	if (n > reader->expected)
		return wrong_chunk(reader, reader->expected, "is missing", err);
	/* The octets of a binary value: length, subtype, data. */
	if (data.type != VALUE_BINARY || data.bytes.size < 5)
		return wrong_chunk(reader, n, "has no data", err);
	if ((int64_t)data.bytes.size - 5 != size)
		return wrong_chunk(reader, n, "is not of its size", err);
	reader->expected++;
	reader->octets += size;
	*ret_piece = bytes_make(data.bytes.data + 5, (size_t)size);
	return 0;
}

int gridfs_next(void *self, struct bytes *ret_piece, struct err *err)
{
	struct gridfs_reader *reader = self;
	const struct step_host *host = reader->context->host;
	struct bytes chunk;

	if (host->stop_requested(host->self))
		return err_set(err, ERR_STOPPED, "the operator asked for it");
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
