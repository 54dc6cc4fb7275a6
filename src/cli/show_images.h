/*
 * show_images: the images of a verified kit as text.
 */
#ifndef OFFKIT_CLI_SHOW_IMAGES_H
#define OFFKIT_CLI_SHOW_IMAGES_H

#include "cli/face.h"
#include "verify/verify.h"

/* A line each, among the checks; nothing for a kit without images. */
void describe_images(struct face *face, const struct trusted_kit *kit);

/* With whole digests, and every platform by itself. */
void list_images(struct face *face, const struct trusted_kit *kit);

#endif
