#include "cli/show_images.h"

#include <string.h>

#include "text/text.h"
#include "verify/evidence_text.h"

enum { NAME_COLUMNS = 60, LABEL_COLUMNS = 14 };

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
		str_append_format(&face->result, "%s ", face_sign(face, SIGN_GOOD));
		message_append_label(&face->result, face->language, MSG_IMAGE, LABEL_COLUMNS);
		append_name(&face->result, &evidence->images[i]);
		str_append_text(&face->result, ": ");
		image_text(&evidence->images[i], &face->result);
		str_append_char(&face->result, '\n');
	}
}

/* What came along and is no part of the image that was signed. */
static void list_others(struct face *face, size_t count, enum message one, enum message many)
{
	if (count == 0)
		return;
	str_append_text(&face->result, "    ");
	message_append_counted(&face->result, face->language, (int64_t)count, one, many);
	str_append_char(&face->result, '\n');
}

static void list_image(struct face *face, const struct image *image)
{
	struct str *out = &face->result;
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
		message_append_count(out, face->language, (int64_t)manifest->layer_count,
			MSG_ONE_LAYER, MSG_SOME_LAYERS);
		str_append_format(out, ", %s\n", text_size((uint64_t)manifest->octets, size));
	}
	list_others(face, image->unpinned_count, MSG_ONE_UNPINNED, MSG_SOME_UNPINNED);
	list_others(face, image->unreferenced_count, MSG_ONE_UNREFERENCED, MSG_SOME_UNREFERENCED);
}

void list_images(struct face *face, const struct trusted_kit *kit)
{
	const struct kit_evidence *evidence = trusted_kit_evidence(kit);

	if (evidence->image_count > 0)
		str_append_format(&face->result, "\n%s\n", face_text(face, MSG_IMAGES));
	for (size_t i = 0; i < evidence->image_count; i++)
		list_image(face, &evidence->images[i]);
}
