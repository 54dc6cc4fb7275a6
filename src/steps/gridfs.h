/*
 * gridfs: the octets of one file of a GridFS bucket (the specification's names: BUCKET.chunks with
 * files_id, n and data), a chunk at a time.
 *
 * A file is read whole or not at all: a chunk that is missing, there twice, of another size,
 * without data or behind the end is ERR_MIGRATION, and is named.
 */
#ifndef OFFKIT_STEPS_GRIDFS_H
#define OFFKIT_STEPS_GRIDFS_H

#include "mongo/mongo.h"

struct gridfs_file {
	const char *bucket;
	const char *noun; /* what it is called when something is wrong: "payload" */
	struct value id;
	int64_t length, chunk_size; /* octets */
};

struct gridfs_reader {
	const struct gridfs_file *file; /* lives as long as the reader */
	struct mongo_cursor *cursor;
	int64_t expected; /* the next chunk's number */
	int64_t octets;	  /* that were read */
};

/* ERR_MIGRATION: "payload 7 of GridFS bucket documents: WHAT". */
MUST_CHECK int gridfs_wrong(const struct gridfs_file *file, const char *what, struct err *err);

MUST_CHECK int gridfs_open(struct mongo *mongo, const struct gridfs_file *file,
	struct gridfs_reader *ret_reader, struct err *err);
/* *ret_piece is a view until the next call; of size 0 at the end, when all of it was read. */
MUST_CHECK int gridfs_next(struct gridfs_reader *reader, struct bytes *ret_piece, struct err *err);
void gridfs_close(struct gridfs_reader *reader);

#endif
