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

static void write_digest(struct json_writer *writer, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	json_member_string(writer, "sha256", hex);
}

static void write_manifest(const struct image_manifest *manifest, struct json_writer *writer)
{
	const struct oci_platform *platform = &manifest->platform;

	json_write_object(writer);
	write_digest(writer, &manifest->digest);
	if (*platform->os != '\0') {
		json_member_object(writer, "platform");
		json_member_string(writer, "os", platform->os);
		json_member_string(writer, "architecture", platform->architecture);
		if (*platform->variant != '\0')
			json_member_string(writer, "variant", platform->variant);
		json_write_end(writer);
	}
	json_member_integer(writer, "layers", (int64_t)manifest->layer_count);
	json_member_integer(writer, "octets", manifest->octets);
	json_write_end(writer);
}

void kit_images_write(const struct trusted_kit *kit, struct json_writer *writer)
{
	json_member_array(writer, "images");
	for (size_t i = 0; i < kit->evidence.image_count; i++) {
		const struct image *image = &kit->evidence.images[i];
		json_write_object(writer);
		json_member_string(writer, "file", image->file);
		write_digest(writer, &image->digest);
		if (*image->reference != '\0')
			json_member_string(writer, "reference", image->reference);
		json_member_array(writer, "manifests");
		for (size_t k = 0; k < image->manifest_count; k++)
			write_manifest(&image->manifests[k], writer);
		json_write_end(writer);
		json_member_integer(writer, "unpinned", (int64_t)image->unpinned_count);
		json_member_integer(writer, "unreferenced", (int64_t)image->unreferenced_count);
		json_write_end(writer);
	}
	json_write_end(writer);
}
