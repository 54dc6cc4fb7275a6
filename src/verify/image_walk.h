/*
 * image_walk: from a layout's index.json through every index, manifest and config to every layer,
 * each by its digest and its size; for src/verify alone, and for a process without rights.
 *
 * All that index.json leads to is walked, not only what is pinned. That a layer, once it is
 * unpacked, has the digest that the config calls its diff_id is not looked at: their number is.
 *
 * ERR_IMAGE: a blob is missing or has another size, or index.json does not lead to the pinned
 * digest; ERR_SYNTAX, ERR_LIMIT: a document.
 */
#ifndef OFFKIT_VERIFY_IMAGE_WALK_H
#define OFFKIT_VERIFY_IMAGE_WALK_H

#include "verify/evidence.h"
#include "verify/image_blobs.h"

enum {
	IMAGE_INDEX_DEPTH_MAX = 4,  /* indexes within each other, below index.json */
	IMAGE_MANIFESTS_MAX = 1024, /* of one layout */
};

/*
 * pinned NULL: index.json must lead to one digest alone, and that is taken. Everything lives in
 * arena; file is "".
 */
MUST_CHECK int image_walk(struct image_blobs *blobs, const struct sha256 *pinned,
	struct arena *arena, struct image *ret_image, struct err *err);

#endif
