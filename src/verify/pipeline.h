/*
 * pipeline: the contents of a kit's files, hashed and written while the next are decoded.
 *
 * The caller decodes and puts octets into a ring of buffers; one thread hashes them, another hands
 * them to the sink. Memory is the ring's whatever the kit's size. The failure that counts is the
 * one that stands first in the stream, however the threads came to run.
 *
 * ERR_CHECKSUM: a file's digest is not the manifest's; else what the sink returned.
 */
#ifndef OFFKIT_VERIFY_PIPELINE_H
#define OFFKIT_VERIFY_PIPELINE_H

#include "kit/manifest.h"

enum { PIPELINE_SLOTS = 16, PIPELINE_SLOT_SIZE = 256 * 1024 };

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
MUST_CHECK int pipeline_data(struct pipeline *pipeline, struct bytes data, struct err *err);
MUST_CHECK int pipeline_end_file(struct pipeline *pipeline, struct err *err);

/* Waits until all is hashed and written, and frees the pipeline. */
MUST_CHECK int pipeline_finish(struct pipeline *pipeline, struct err *err);

#endif
