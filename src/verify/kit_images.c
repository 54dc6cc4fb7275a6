#include "verify/kit_images.h"

#include <stdlib.h>
#include <string.h>

struct kit_images {
	struct trusted_kit *kit;
	struct image_reader *reader; /* NULL: the kit has no image */
	struct image *current;	     /* NULL: the current file is none */
};

int kit_images_start(struct trusted_kit *kit, struct kit_images **ret_images, struct err *err)
{
	const struct manifest *manifest = &kit->manifest;
	struct kit_evidence *evidence = &kit->evidence;

	struct kit_images *images = calloc(1, sizeof *images);
	if (images == NULL)
		return err_no_memory(err);
	images->kit = kit;
	evidence->images =
		arena_array(&kit->arena, manifest->image_count, sizeof *evidence->images);
	int rc = evidence->images == NULL ? err_no_memory(err) : 0;
	if (rc == 0 && manifest->image_count > 0)
		rc = image_reader_start(&images->reader, err);
	if (rc < 0) {
		kit_images_free(images);
		return rc;
	}
	evidence->image_count = manifest->image_count;
	*ret_images = images;
	return 0;
}

int kit_images_begin(struct kit_images *images, const struct manifest_file *file, struct err *err)
{
	const struct manifest *manifest = &images->kit->manifest;

	images->current = NULL;
	for (size_t i = 0; file->role == ROLE_IMAGE && i < manifest->image_count; i++) {
		if (strcmp(manifest->images[i].file, file->name) != 0)
			continue;
		images->current = &images->kit->evidence.images[i];
		images->current->file = file->name;
		return image_begin(images->reader, file->size, &manifest->images[i].digest, err);
	}
	return 0;
}

int kit_images_data(struct kit_images *images, struct bytes data, struct err *err)
{
	return images->current == NULL ? 0 : image_data(images->reader, data, err);
}

int kit_images_end(struct kit_images *images, struct err *err)
{
	struct image image;

	if (images->current == NULL)
		return 0;
	int rc = image_end(images->reader, &images->kit->arena, &image, err);
	if (rc < 0)
		return err_context(err, "%s", images->current->file);
	image.file = images->current->file;
	*images->current = image;
	return 0;
}

void kit_images_free(struct kit_images *images)
{
	if (images == NULL)
		return;
	image_reader_free(images->reader);
	free(images);
}
