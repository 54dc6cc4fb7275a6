/*
 * image_pins: the digests to which a kit's images are pinned: found by the walk that a verifier
 * does, so that what it would refuse is refused before it is signed.
 *
 * What kit.json pins is checked, and must all be there: ERR_IMAGE, ERR_MISSING_FILE. Errors of the
 * walk are those of verify/image.h.
 */
#ifndef OFFKIT_PACK_IMAGE_PINS_H
#define OFFKIT_PACK_IMAGE_PINS_H

#include "kit/manifest.h"
#include "pack/face.h"
#include "verify/evidence.h"

struct image_pins;

/* given are the pins of kit.json; they, face and arena must live longer. */
MUST_CHECK int image_pins_new(struct face *face, const struct manifest_image *given, size_t count,
	struct arena *arena, struct image_pins **ret_pins, struct err *err);

/* One image after the other; the name must live longer. */
MUST_CHECK int image_pins_begin(
	struct image_pins *pins, const char *name, int64_t size, struct err *err);
MUST_CHECK int image_pins_data(struct image_pins *pins, struct bytes data, struct err *err);
MUST_CHECK int image_pins_end(struct image_pins *pins, struct err *err);

/*
 * Gives the manifest its images, in the order of the names, and what each of them is in the same
 * order; they live in the arena.
 */
MUST_CHECK int image_pins_finish(struct image_pins *pins, struct manifest *manifest,
	struct image **ret_images, struct err *err);

void image_pins_free(struct image_pins *pins); /* NULL is allowed */
void image_pins_cleanup(struct image_pins **pins);

#endif
