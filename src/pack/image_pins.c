#include "pack/image_pins.h"

#include <stdlib.h>
#include <string.h>

#include "verify/image.h"

struct image_pins {
	struct face *face;
	struct arena *arena;
	const struct manifest_image *given;
	size_t given_count, used;
	struct image_reader *reader; /* NULL: no image has come yet */
	size_t count;
	struct image *found; /* MANIFEST_IMAGES_MAX; the last one is the current */
};

int image_pins_new(struct face *face, const struct manifest_image *given, size_t count,
	struct arena *arena, struct image_pins **ret_pins, struct err *err)
{
	struct image_pins *pins = calloc(1, sizeof *pins);

	if (pins == NULL)
		return err_no_memory(err);
	*pins = (struct image_pins){
		.face = face, .arena = arena, .given = given, .given_count = count};
	pins->found = arena_array(arena, MANIFEST_IMAGES_MAX, sizeof *pins->found);
	if (pins->found == NULL) {
		image_pins_free(pins);
		return err_no_memory(err);
	}
	*ret_pins = pins;
	return 0;
}

static const struct sha256 *given_digest(const struct image_pins *pins, const char *name)
{
	for (size_t i = 0; i < pins->given_count; i++)
		if (strcmp(pins->given[i].file, name) == 0)
			return &pins->given[i].digest;
	return NULL;
}

int image_pins_begin(struct image_pins *pins, const char *name, int64_t size, struct err *err)
{
	const struct sha256 *given = given_digest(pins, name);

	if (pins->count == MANIFEST_IMAGES_MAX)
		return err_set(err, ERR_LIMIT, "a kit has at most %d images", MANIFEST_IMAGES_MAX);
	int rc = pins->reader == NULL ? image_reader_start(&pins->reader, err) : 0;
	if (rc < 0)
		return rc;
	pins->found[pins->count++].file = name;
	pins->used += given != NULL;
	return image_begin(pins->reader, size, given, err);
}

int image_pins_data(struct image_pins *pins, struct bytes data, struct err *err)
{
	return image_data(pins->reader, data, err);
}

static void say(struct face *face, const struct image *image, bool was_given)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(&image->digest, hex);
	if (!was_given)
		face_note(face, "%s is pinned to sha256:%s", image->file, hex);
	if (image->unpinned_count > 0)
		face_note(face, "%s has manifests that its pinned digest does not lead to: %zu",
			image->file, image->unpinned_count);
	if (image->unreferenced_count > 0)
		face_note(face, "%s has blobs that nothing in it leads to: %zu", image->file,
			image->unreferenced_count);
}

int image_pins_end(struct image_pins *pins, struct err *err)
{
	struct image *found = &pins->found[pins->count - 1];
	const char *file = found->file;

	int rc = image_end(pins->reader, pins->arena, found, err);
	if (rc < 0)
		return err_context(err, "%s", file);
	found->file = file;
	say(pins->face, found, given_digest(pins, file) != NULL);
	return 0;
}

static int compare(const void *left, const void *right)
{
	return strcmp(((const struct image *)left)->file, ((const struct image *)right)->file);
}

int image_pins_finish(struct image_pins *pins, struct manifest *manifest, struct image **ret_images,
	struct err *err)
{
	if (pins->used != pins->given_count)
		return err_set(err, ERR_MISSING_FILE,
			"kit.json pins %zu images, and %zu of them are there", pins->given_count,
			pins->used);
	qsort(pins->found, pins->count, sizeof *pins->found, compare);
	manifest->images = arena_array(pins->arena, pins->count, sizeof *manifest->images);
	if (manifest->images == NULL)
		return err_no_memory(err);
	manifest->image_count = pins->count;
	for (size_t i = 0; i < pins->count; i++)
		manifest->images[i] =
			(struct manifest_image){pins->found[i].file, pins->found[i].digest};
	*ret_images = pins->found;
	return 0;
}

void image_pins_free(struct image_pins *pins)
{
	if (pins == NULL)
		return;
	image_reader_free(pins->reader);
	free(pins);
}

void image_pins_cleanup(struct image_pins **pins)
{
	image_pins_free(*pins);
}
