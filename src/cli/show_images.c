#include "cli/show_images.h"

#include <string.h>

#include "text/text.h"
#include "verify/evidence.h"

enum { NAME_COLUMNS = 60, PLATFORM_COLUMNS = 40, PLATFORMS_SHOWN = 4 };

static void append_platform(struct str *out, const struct oci_platform *platform)
{
	if (*platform->os == '\0') {
		str_append_text(out, "no platform");
		return;
	}
	text_escape(out, bytes_of_string(platform->os), PLATFORM_COLUMNS);
	str_append_char(out, '/');
	text_escape(out, bytes_of_string(platform->architecture), PLATFORM_COLUMNS);
	if (*platform->variant == '\0')
		return;
	str_append_char(out, '/');
	text_escape(out, bytes_of_string(platform->variant), PLATFORM_COLUMNS);
}

static void append_name(struct str *out, const struct image *image)
{
	text_escape(out, bytes_of_string(image->file + strlen(file_role_folder(ROLE_IMAGE))),
		NAME_COLUMNS);
	if (*image->reference == '\0')
		return;
	str_append_text(out, " (");
	text_escape(out, bytes_of_string(image->reference), NAME_COLUMNS);
	str_append_char(out, ')');
}

static void append_content(struct str *out, size_t layers, int64_t octets)
{
	char size[TEXT_SIZE_SIZE];

	text_plural(out, (int64_t)layers, "layer", "layers");
	str_append_format(out, ", %s", text_size((uint64_t)octets, size));
}

static void describe_image(struct str *out, const struct image *image)
{
	size_t layers = 0;
	int64_t octets = 0;

	append_name(out, image);
	str_append_text(out, ": ");
	for (size_t i = 0; i < image->manifest_count; i++) {
		layers += image->manifests[i].layer_count;
		octets += image->manifests[i].octets;
		if (i >= PLATFORMS_SHOWN)
			continue;
		str_append_text(out, i > 0 ? ", " : "");
		append_platform(out, &image->manifests[i].platform);
	}
	if (image->manifest_count > PLATFORMS_SHOWN)
		str_append_format(out, " and %zu more", image->manifest_count - PLATFORMS_SHOWN);
	str_append_text(out, "; ");
	append_content(out, layers, octets);
	str_append_char(out, '\n');
}

void describe_images(struct face *face, const struct trusted_kit *kit)
{
	const struct kit_evidence *evidence = trusted_kit_evidence(kit);

	for (size_t i = 0; i < evidence->image_count; i++) {
		str_append_format(&face->result, "%s Image         ", face_sign(face, SIGN_GOOD));
		describe_image(&face->result, &evidence->images[i]);
	}
}

static void list_image(struct str *out, const struct image *image)
{
	char hex[SHA256_HEX_SIZE];

	str_append_text(out, "  ");
	append_name(out, image);
	sha256_to_hex(&image->digest, hex);
	str_append_format(out, "\n    sha256:%s\n", hex);
	for (size_t i = 0; i < image->manifest_count; i++) {
		const struct image_manifest *manifest = &image->manifests[i];
		str_append_text(out, "    ");
		append_platform(out, &manifest->platform);
		str_append_text(out, ": ");
		append_content(out, manifest->layer_count, manifest->octets);
		str_append_char(out, '\n');
	}
	if (image->unpinned_count > 0) {
		str_append_text(out, "    and ");
		text_plural(out, (int64_t)image->unpinned_count, "manifest", "manifests");
		str_append_text(out, " that the kit does not pin\n");
	}
	if (image->unreferenced_count > 0) {
		str_append_text(out, "    and ");
		text_plural(out, (int64_t)image->unreferenced_count, "blob", "blobs");
		str_append_text(out, " that nothing leads to\n");
	}
}

void list_images(struct face *face, const struct trusted_kit *kit)
{
	const struct kit_evidence *evidence = trusted_kit_evidence(kit);

	if (evidence->image_count > 0)
		str_append_text(&face->result, "\nImages\n");
	for (size_t i = 0; i < evidence->image_count; i++)
		list_image(&face->result, &evidence->images[i]);
}
