/*
 * kit_images: the images of one kit, as its files come by; for src/verify alone.
 *
 * An image counts only if its file's digest held: whoever hashes the file speaks first.
 */
#ifndef OFFKIT_VERIFY_KIT_IMAGES_H
#define OFFKIT_VERIFY_KIT_IMAGES_H

#include "verify/image.h"
#include "verify/kit_private.h"

struct kit_images;

/*
 * The kit must live longer; its manifest is verified, and its evidence gets the images. Starts a
 * process if the kit has one: before any thread (image.h).
 */
MUST_CHECK int kit_images_start(
	struct trusted_kit *kit, struct kit_images **ret_images, struct err *err);

/* For every file of the kit: those that are no image are let by. */
MUST_CHECK int kit_images_begin(
	struct kit_images *images, const struct manifest_file *file, struct err *err);
MUST_CHECK int kit_images_data(struct kit_images *images, struct bytes data, struct err *err);
MUST_CHECK int kit_images_end(struct kit_images *images, struct err *err);

void kit_images_free(struct kit_images *images); /* NULL is allowed */

/* The images of a trusted kit, as the member "images" of an open object (verify.schema.json). */
void kit_images_write(const struct trusted_kit *kit, struct json_writer *writer);

#endif
