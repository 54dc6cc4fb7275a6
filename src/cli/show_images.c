#include "cli/show_images.h"

#include <string.h>

#include "text/text.h"
#include "verify/evidence_text.h"

enum { NAME_COLUMNS = 60 };

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

void describe_images(struct face *face, const struct trusted_kit *kit)
{
	const struct kit_evidence *evidence = trusted_kit_evidence(kit);

	for (size_t i = 0; i < evidence->image_count; i++) {
		str_append_format(&face->result, "%s Image         ", face_sign(face, SIGN_GOOD));
		append_name(&face->result, &evidence->images[i]);
		str_append_text(&face->result, ": ");
		image_text(&evidence->images[i], &face->result);
		str_append_char(&face->result, '\n');
	}
}

static void list_image(struct str *out, const struct image *image)
{
	char hex[SHA256_HEX_SIZE], size[TEXT_SIZE_SIZE];

	str_append_text(out, "  ");
	append_name(out, image);
	sha256_to_hex(&image->digest, hex);
	str_append_format(out, "\n    sha256:%s\n", hex);
	for (size_t i = 0; i < image->manifest_count; i++) {
		const struct image_manifest *manifest = &image->manifests[i];
		str_append_text(out, "    ");
		platform_text(&manifest->platform, out);
		str_append_text(out, ": ");
		text_plural(out, (int64_t)manifest->layer_count, "layer", "layers");
		str_append_format(out, ", %s\n", text_size((uint64_t)manifest->octets, size));
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
