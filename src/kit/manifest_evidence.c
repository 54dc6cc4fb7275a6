/* What the manifest declares of a kit's evidence: its images, pinned, and who may attest what. */
#include <string.h>

#include "base/cleanup.h"
#include "kit/manifest_internal.h"
#include "kit/name.h"
#include "kit/statement.h"
#include "text/text.h"

/* The file of role ROLE_IMAGE at or after *at; NULL if there is none. */
static const struct manifest_file *next_image(const struct manifest *manifest, size_t *at)
{
	while (*at < manifest->file_count && manifest->files[*at].role != ROLE_IMAGE)
		(*at)++;
	return *at < manifest->file_count ? &manifest->files[(*at)++] : NULL;
}

static int refuse_unpinned(const struct manifest_file *file, struct err *err)
{
	CLEANUP_STR struct str shown = STR_INIT;

	text_escape(&shown, bytes_of_string(file->name), 120);
	return err_set(err, ERR_SYNTAX, "\"images\" does not pin %s", str_text(&shown));
}

static int parse_image(const struct json *value, const struct manifest_file *file,
	struct manifest_image *image, struct err *err)
{
	static const char *const names[] = {"digest", "file", NULL};
	const struct json *digest;
	const char *name;
	int status;

	if ((status = json_closed(value, names, err)) < 0 ||
		(status = json_need_string(value, "file", NAME_SIZE_MAX, &name, err)) < 0 ||
		(status = json_need(value, "digest", JSON_OBJECT, &digest, err)) < 0)
		return status;
	if (file == NULL || strcmp(file->name, name) != 0)
		return err_set(err, ERR_SYNTAX,
			"the images are not the files in %s, one by one, in their order",
			file_role_folder(ROLE_IMAGE));
	image->file = file->name;
	return manifest_parse_digest(digest, &image->digest, err);
}

/* One image a file of role ROLE_IMAGE, in the same order. */
int manifest_parse_images(
	struct manifest_reader *reader, const struct json *predicate, struct err *err)
{
	struct manifest *manifest = reader->manifest;
	const struct json *list = NULL;
	size_t at = 0, i = 0;
	int status = 0;

	if (json_member(predicate, "images") != NULL)
		status = manifest_need_list(predicate, "images", MANIFEST_IMAGES_MAX, &list,
			&manifest->image_count, err);
	if (status < 0)
		return status;
	manifest->images =
		arena_array(reader->arena, manifest->image_count, sizeof *manifest->images);
	if (manifest->images == NULL)
		return err_no_memory(err);
	for (const struct json *value = list == NULL ? NULL : json_first(list); value != NULL;
		value = json_next(value)) {
		const struct manifest_file *file = next_image(manifest, &at);
		if (parse_image(value, file, &manifest->images[i++], err) < 0)
			return err_context(err, "image %zu", i);
	}
	const struct manifest_file *unpinned = next_image(manifest, &at);
	return unpinned == NULL ? 0 : refuse_unpinned(unpinned, err);
}

static int parse_keys(struct manifest_reader *reader, const struct json *value,
	struct manifest_attestation *attestation, struct err *err)
{
	const struct json *list;
	struct sha256 ignored;
	size_t i = 0;
	int status = manifest_need_list(
		value, "keys", MANIFEST_ATTESTATION_KEYS_MAX, &list, &attestation->key_count, err);

	if (status < 0)
		return status;
	if (attestation->key_count == 0)
		return err_set(err, ERR_SYNTAX, "\"keys\" names nobody who may sign");
	attestation->keys =
		arena_array(reader->arena, attestation->key_count, sizeof *attestation->keys);
	if (attestation->keys == NULL)
		return err_no_memory(err);
	for (const struct json *key = json_first(list); key != NULL; key = json_next(key)) {
		if (json_type(key) != JSON_STRING ||
			!sha256_from_hex(bytes_of_string(json_string(key)), &ignored))
			return err_set(err, ERR_SYNTAX,
				"key %zu is no key id: 64 lower-case hexadecimal digits", i + 1);
		status = manifest_copy(reader, json_string(key), &attestation->keys[i++], err);
		if (status < 0)
			return status;
		if (i > 1 && strcmp(attestation->keys[i - 2], attestation->keys[i - 1]) >= 0)
			return err_set(err, ERR_SYNTAX, "key %zu is not in order", i);
	}
	return 0;
}

static int parse_attestation(struct manifest_reader *reader, const struct json *value,
	struct manifest_attestation *attestation, struct err *err)
{
	static const char *const names[] = {"keys", "predicateType", NULL};
	int status;

	if ((status = json_closed(value, names, err)) < 0 ||
		(status = manifest_copy_string(reader, value, "predicateType", MANIFEST_TEXT_MAX,
			 &attestation->predicate_type, err)) < 0)
		return status;
	if (!uri_valid(attestation->predicate_type))
		return err_set(err, ERR_SYNTAX, "\"predicateType\" is no URI");
	return parse_keys(reader, value, attestation, err);
}

static bool has_role(const struct manifest *manifest, enum file_role role)
{
	for (size_t i = 0; i < manifest->file_count; i++)
		if (manifest->files[i].role == role)
			return true;
	return false;
}

int manifest_parse_attestations(
	struct manifest_reader *reader, const struct json *predicate, struct err *err)
{
	struct manifest *manifest = reader->manifest;
	const struct json *list = NULL;
	size_t i = 0;
	int status = 0;

	if (json_member(predicate, "attestations") != NULL)
		status = manifest_need_list(predicate, "attestations", MANIFEST_ATTESTATIONS_MAX,
			&list, &manifest->attestation_count, err);
	if (status < 0)
		return status;
	manifest->attestations = arena_array(
		reader->arena, manifest->attestation_count, sizeof *manifest->attestations);
	if (manifest->attestations == NULL)
		return err_no_memory(err);
	for (const struct json *value = list == NULL ? NULL : json_first(list); value != NULL;
		value = json_next(value)) {
		struct manifest_attestation *attestation = &manifest->attestations[i++];
		if (parse_attestation(reader, value, attestation, err) < 0)
			return err_context(err, "attestations: element %zu", i);
		if (i > 1 &&
			strcmp(attestation[-1].predicate_type, attestation->predicate_type) >= 0)
			return err_set(err, ERR_SYNTAX,
				"attestations: element %zu: the predicate types are not in order",
				i);
	}
	if (manifest->attestation_count == 0 && has_role(manifest, ROLE_ATTESTATION))
		return err_set(err, ERR_SYNTAX,
			"it has files in %s, and \"attestations\" does not say who may sign them",
			file_role_folder(ROLE_ATTESTATION));
	return 0;
}
