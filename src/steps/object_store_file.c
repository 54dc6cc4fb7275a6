#include "steps/object_store.h"

int object_file_read(
	const char *bucket, struct bytes doc, struct object_file *ret_file, struct err *err)
{
	struct gridfs_file grid = {.bucket = bucket, .noun = "file", .id = doc_get(doc, "_id")};

	if (!doc_get_integer(doc, "length", &grid.length) || grid.length < 0 ||
		grid.length >> OBJECT_FILE_OCTETS_MAX_BITS > 0 ||
		!doc_get_integer(doc, "chunkSize", &grid.chunk_size) || grid.chunk_size < 1)
		return gridfs_wrong(&grid, "it has no length or chunkSize that can be", err);
	*ret_file = (struct object_file){.grid = grid, .doc = doc};
	return 0;
}

int object_file_open(struct object_batch *batch, const struct object_file *file,
	struct object_file_reader *ret_reader, struct err *err)
{
	struct object_file_reader reader = {.batch = batch, .file = file};
	int rc = gridfs_open(batch->context.mongo, &file->grid, &reader.grid, err);

	if (rc == 0)
		*ret_reader = reader;
	return rc;
}

int object_file_next(void *self, struct bytes *ret_piece, struct err *err)
{
	struct object_file_reader *reader = self;
	struct bytes piece;
	int rc = crew_cancelled(reader->batch->tally, err);

	if (rc == 0)
		rc = gridfs_next(&reader->grid, &piece, err);
	if (rc < 0)
		return rc;
	reader->at += (int64_t)piece.size;
	object_count(reader->batch, reader->at, &reader->counted);
	*ret_piece = piece;
	return 0;
}

int object_file_rewind(void *self, struct err *err)
{
	struct object_file_reader *reader = self;

	gridfs_close(&reader->grid);
	reader->at = 0;
	return gridfs_open(reader->batch->context.mongo, &reader->file->grid, &reader->grid, err);
}

void object_file_close(struct object_file_reader *reader)
{
	gridfs_close(&reader->grid);
}
