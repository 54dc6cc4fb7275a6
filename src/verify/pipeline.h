/*
 * pipeline: the contents of a kit's files, hashed and written while the next are decoded.
 *
 * The caller puts octets into a ring of buffers; one thread hashes them there, another hands them
 * to the sink from there: what is written is what was hashed. A buffer has a part of a large file,
 * or many small ones. Memory is the ring's whatever the kit's size. The failure that counts is the
 * one that stands first in the stream, however the threads came to run.
 *
 * ERR_CHECKSUM: a file's digest is not the manifest's; else what the sink returned.
 */
#ifndef OFFKIT_VERIFY_PIPELINE_H
#define OFFKIT_VERIFY_PIPELINE_H

#include "kit/manifest.h"

enum {
	PIPELINE_SLOTS = 12,
	PIPELINE_SLOT_SIZE = 256 * 1024, /* octets */
	PIPELINE_SLOT_FILES = 128,	 /* parts of files in one, at most */
};

/* Called by one thread alone, which is not the caller's; every file is opened, and closed unless
 * something failed. */
struct pipeline_sink {
	void *self;
	int (*open)(void *self, const struct manifest_file *file, struct err *err);
	int (*write)(void *self, struct bytes data, struct err *err);
	int (*close)(void *self, struct err *err);
};

struct pipeline;

/* sink NULL: the files are hashed only. */
MUST_CHECK int pipeline_start(
	const struct pipeline_sink *sink, struct pipeline **ret_pipeline, struct err *err);

/* A failure of these may be a thread's; pipeline_finish has the one that counts. */
MUST_CHECK int pipeline_begin_file(
	struct pipeline *pipeline, const struct manifest_file *file, struct err *err);
/* Where the file's next octets go, at least one; valid until the next call. */
MUST_CHECK int pipeline_room(
	struct pipeline *pipeline, uint8_t **ret_into, size_t *ret_room, struct err *err);
/* So many octets of that room were filled, and are not touched any more. */
void pipeline_filled(struct pipeline *pipeline, size_t size);
MUST_CHECK int pipeline_end_file(struct pipeline *pipeline, struct err *err);

/* Waits until all is hashed and written, and frees the pipeline. */
MUST_CHECK int pipeline_finish(struct pipeline *pipeline, struct err *err);

#endif
