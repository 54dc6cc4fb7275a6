/*
 * image_documents: what an OCI image says of itself (image-spec 1.1: config.md, manifest.md,
 * image-index.md, annotations.md), as compact JSON.
 */
#ifndef OFFKIT_PACK_IMAGE_DOCUMENTS_H
#define OFFKIT_PACK_IMAGE_DOCUMENTS_H

#include "pack/image_layer.h"

enum { IMAGE_OWNER = 65532, IMAGE_LAYERS_MAX = 2 };

#define IMAGE_HOME    "var/lib/offkit"
#define IMAGE_PROGRAM "usr/bin/offkit"

struct image_label {
	const char *name, *value;
};

struct image_labels {
	size_t count;
	struct image_label *items; /* sorted by name, unique */
};

struct image_platform {
	const char *architecture; /* "amd64" */
	size_t layer_count;
	const struct image_layer *layers[IMAGE_LAYERS_MAX];
	struct image_blob config, manifest;
};

/* Each appends to out. time: ms, of whole seconds. */
void image_config_write(const struct image_platform *platform, const struct image_labels *labels,
	int64_t time, struct str *out);
void image_manifest_write(
	const struct image_platform *platform, const struct image_labels *labels, struct str *out);
/* The index of all platforms. */
void image_index_write(const struct image_platform *platforms, size_t count,
	const struct image_labels *labels, struct str *out);

/*
 * index.json of a layout: it leads to the one manifest or index that top is, under a name.
 * platform: of a manifest; NULL if it is an index.
 */
void image_layout_write(const struct image_blob *top, const struct image_platform *platform,
	const char *tag, struct str *out);

#endif
