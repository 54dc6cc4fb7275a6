/*
 * manifest_internal: what the files that read a manifest share.
 */
#ifndef OFFKIT_KIT_MANIFEST_INTERNAL_H
#define OFFKIT_KIT_MANIFEST_INTERNAL_H

#include "json/json.h"
#include "json/slice.h"
#include "kit/manifest.h"

/* Texts are copied into arena, and equal media types only once. */
struct manifest_reader {
	struct bytes files_text,
		subjects_text; /* arrays, checked; their places have [] in the tree */
	struct arena *arena;
	struct manifest *manifest;
	size_t media_type_count;
	const char *media_types[16];
};

MUST_CHECK int manifest_copy(
	struct manifest_reader *reader, const char *text, const char **ret, struct err *err);
MUST_CHECK int manifest_copy_string(struct manifest_reader *reader, const struct json *object,
	const char *name, size_t max, const char **ret, struct err *err);

/* An object {"sha256": HEX} with nothing else in it. */
MUST_CHECK int manifest_parse_digest(
	const struct json *digest, struct sha256 *ret, struct err *err);

/* The array of that name, of at most max elements. */
MUST_CHECK int manifest_need_list(const struct json *object, const char *name, size_t max,
	const struct json **ret_list, size_t *ret_count, struct err *err);

/* Both lists are read from their text, element by element: they are most of a large manifest. */
MUST_CHECK int manifest_parse_files(
	struct manifest_reader *reader, struct bytes list_text, struct err *err);
MUST_CHECK int manifest_parse_subjects(
	struct manifest_reader *reader, struct bytes list_text, struct err *err);

/* Both need the files. */
MUST_CHECK int manifest_parse_images(
	struct manifest_reader *reader, const struct json *predicate, struct err *err);
MUST_CHECK int manifest_parse_attestations(
	struct manifest_reader *reader, const struct json *predicate, struct err *err);

MUST_CHECK int manifest_parse_migrations(
	struct manifest_reader *reader, const struct json *predicate, struct err *err);

#endif
