/*
 * image_layer: one layer of an image (OCI image-spec 1.1, layer.md): a tar archive, gzipped, that
 * has the same octets whenever and wherever it is made of the same files.
 *
 * Every member has the image's time. Folders belong to root and have mode 0755, files 0644, unless
 * the caller says otherwise.
 */
#ifndef OFFKIT_PACK_IMAGE_LAYER_H
#define OFFKIT_PACK_IMAGE_LAYER_H

#include "base/arena.h"
#include "pack/file_digests.h"
#include "pack/image_blob.h"

struct image_layer {
	struct image_blob blob;
	struct sha256 diff_id; /* of the archive before it was compressed */
	const char *made_by;   /* for the history */
	size_t file_count;
	struct file_digests *files; /* in the arena */
};

struct layer_writer;

/* dirfd: where its temporary files may be. time: ms. The arena outlives the layer. */
MUST_CHECK int layer_writer_new(int dirfd, int64_t time, struct arena *arena,
	struct layer_writer **ret_writer, struct err *err);

/* The folders on the way to a name come by themselves, once each. */
MUST_CHECK int layer_folder(struct layer_writer *writer, const char *name, unsigned mode,
	unsigned owner, struct err *err);
MUST_CHECK int layer_text(
	struct layer_writer *writer, const char *name, const char *text, struct err *err);
/* All of the file, from octet 0 on; one that changes meanwhile is ERR_CHECKSUM. */
MUST_CHECK int layer_file(
	struct layer_writer *writer, const char *name, int fd, unsigned mode, struct err *err);

/* Ends the layer; afterwards the writer is only to be freed. */
MUST_CHECK int layer_writer_finish(struct layer_writer *writer, const char *made_by,
	struct image_layer *ret_layer, struct err *err);

void layer_writer_free(struct layer_writer *writer); /* NULL is allowed */
void layer_writer_cleanup(struct layer_writer **writer);

#endif
