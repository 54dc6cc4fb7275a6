#include "pack/kit_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "json/json.h"
#include "kit/migration.h"
#include "kit/name.h"
#include "pack/input.h"
#include "text/text.h"

static int copy(struct arena *arena, const char *text, const char **ret, struct err *err)
{
	const char *result = arena_string(arena, text);

	if (result == NULL)
		return err_no_memory(err);
	*ret = result;
	return 0;
}

static int need_text(const struct json *object, const char *name, size_t max, struct arena *arena,
	const char **ret, struct err *err)
{
	const char *text;
	int rc = json_need_string(object, name, max, &text, err);

	return rc < 0 ? rc : copy(arena, text, ret, err);
}

static int optional_text(const struct json *object, const char *name, size_t max,
	struct arena *arena, const char **ret, struct err *err)
{
	if (json_member(object, name) == NULL)
		return 0;
	return need_text(object, name, max, arena, ret, err);
}

static int optional_time(
	const struct json *object, const char *name, bool *ret_has, int64_t *ret, struct err *err)
{
	const char *text = NULL;
	int rc = json_optional_string(object, name, RFC3339_SIZE + 16, &text, err);

	if (rc < 0 || text == NULL)
		return rc;
	rc = time_parse(text, ret, err);
	if (rc < 0)
		return err_context(err, "\"%s\"", name);
	*ret_has = true;
	return 0;
}

static int read_requires(
	const struct json *root, struct arena *arena, struct manifest *manifest, struct err *err)
{
	static const char *const names[] = {"offkit", "mongodb", "previous", NULL};
	static const char *const mongodb_names[] = {"min", "max", NULL};
	const struct json *requires = NULL;
	const struct json *mongodb = NULL;

	int rc = json_optional(root, "requires", JSON_OBJECT, &requires, err);
	if (rc < 0 || requires == NULL)
		return rc;
	rc = json_closed(requires, names, err);
	if (rc == 0)
		rc = optional_text(requires, "offkit", MANIFEST_VERSION_MAX, arena,
			&manifest->requires_offkit, err);
	if (rc == 0)
		rc = optional_text(requires, "previous", MANIFEST_VERSION_MAX, arena,
			&manifest->requires_previous, err);
	if (rc == 0)
		rc = json_optional(requires, "mongodb", JSON_OBJECT, &mongodb, err);
	if (rc < 0 || mongodb == NULL)
		return rc;
	rc = json_closed(mongodb, mongodb_names, err);
	if (rc == 0)
		rc = optional_text(mongodb, "min", MANIFEST_VERSION_MAX, arena,
			&manifest->requires_mongodb_min, err);
	if (rc == 0)
		rc = optional_text(mongodb, "max", MANIFEST_VERSION_MAX, arena,
			&manifest->requires_mongodb_max, err);
	return rc;
}

static int read_component(const struct json *object, struct arena *arena,
	struct manifest_component *component, struct err *err)
{
	static const char *const names[] = {"name", "version", "sha256", NULL};
	const char *hex = NULL;

	if (json_type(object) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "a component is not an object");
	int rc = json_closed(object, names, err);
	if (rc == 0)
		rc = need_text(object, "name", MANIFEST_TEXT_MAX, arena, &component->name, err);
	if (rc == 0)
		rc = need_text(
			object, "version", MANIFEST_TEXT_MAX, arena, &component->version, err);
	if (rc == 0)
		rc = json_optional_string(object, "sha256", SHA256_HEX_SIZE, &hex, err);
	if (rc < 0 || hex == NULL)
		return rc;
	if (!sha256_from_hex(bytes_of_string(hex), &component->digest))
		return err_set(
			err, ERR_SYNTAX, "\"sha256\" must be 64 lower-case hexadecimal digits");
	component->has_digest = true;
	return 0;
}

static int read_components(
	const struct json *root, struct arena *arena, struct manifest *manifest, struct err *err)
{
	const struct json *list = NULL;

	int rc = json_optional(root, "components", JSON_ARRAY, &list, err);
	if (rc < 0 || list == NULL)
		return rc;
	if (json_count(list) > MANIFEST_COMPONENTS_MAX)
		return err_set(
			err, ERR_LIMIT, "a kit has at most %d components", MANIFEST_COMPONENTS_MAX);
	manifest->components =
		arena_array(arena, json_count(list) + 1, sizeof(*manifest->components));
	if (manifest->components == NULL)
		return err_no_memory(err);
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		rc = read_component(
			item, arena, &manifest->components[manifest->component_count], err);
		if (rc < 0)
			return err_context(err, "component %zu", manifest->component_count + 1);
		manifest->component_count++;
	}
	return 0;
}

static int read_migrations(
	const struct json *root, struct arena *arena, struct manifest *manifest, struct err *err)
{
	const struct json *list;

	int rc = json_need(root, "migrations", JSON_ARRAY, &list, err);
	if (rc < 0)
		return rc;
	if (json_count(list) > MANIFEST_MIGRATIONS_MAX)
		return err_set(
			err, ERR_LIMIT, "a kit has at most %d migrations", MANIFEST_MIGRATIONS_MAX);
	manifest->migrations =
		arena_array(arena, json_count(list) + 1, sizeof(*manifest->migrations));
	if (manifest->migrations == NULL)
		return err_no_memory(err);
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		if (json_type(item) != JSON_STRING)
			return err_set(err, ERR_SYNTAX, "a migration's id is not a string");
		rc = copy(arena, json_string(item),
			&manifest->migrations[manifest->migration_count], err);
		if (rc < 0)
			return rc;
		manifest->migration_count++;
	}
	return 0;
}

static int read_image(const struct json *object, struct arena *arena, struct manifest_image *image,
	struct err *err)
{
	static const char *const names[] = {"file", "sha256", NULL};
	const char *hex;

	if (json_type(object) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "it is not an object");
	int rc = json_closed(object, names, err);
	if (rc == 0)
		rc = need_text(object, "file", NAME_SIZE_MAX, arena, &image->file, err);
	if (rc == 0)
		rc = json_need_string(object, "sha256", SHA256_HEX_SIZE, &hex, err);
	if (rc == 0 && !sha256_from_hex(bytes_of_string(hex), &image->digest))
		rc = err_set(
			err, ERR_SYNTAX, "\"sha256\" must be 64 lower-case hexadecimal digits");
	return rc;
}

static int read_images(
	const struct json *root, struct arena *arena, struct manifest *manifest, struct err *err)
{
	const struct json *list = NULL;

	int rc = json_optional(root, "images", JSON_ARRAY, &list, err);
	if (rc < 0 || list == NULL)
		return rc;
	if (json_count(list) > MANIFEST_IMAGES_MAX)
		return err_set(err, ERR_LIMIT, "a kit has at most %d images", MANIFEST_IMAGES_MAX);
	manifest->images = arena_array(arena, json_count(list) + 1, sizeof *manifest->images);
	if (manifest->images == NULL)
		return err_no_memory(err);
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		rc = read_image(item, arena, &manifest->images[manifest->image_count], err);
		if (rc < 0)
			return err_context(err, "image %zu", manifest->image_count + 1);
		manifest->image_count++;
	}
	return 0;
}

/* A key is called by its id, or by the name that people give it; the root says whose it is. */
static int find_key(
	const struct trust_root *root, const char *called, const char **ret_id, struct err *err)
{
	CLEANUP_STR struct str shown = STR_INIT;
	const struct trust_key *found = trust_root_key(root, called);
	size_t count, named = 0;
	const struct trust_key *keys = trust_root_keys(root, &count);

	for (size_t i = 0; i < count && found == NULL; i++)
		named += strcmp(keys[i].name, called) == 0;
	for (size_t i = 0; i < count && named == 1; i++)
		if (strcmp(keys[i].name, called) == 0)
			found = &keys[i];
	if (found != NULL) {
		*ret_id = found->id;
		return 0;
	}
	text_escape(&shown, bytes_of_string(called), 80);
	return err_set(err, ERR_SYNTAX, "the trust root has %s key called %s%s",
		named > 1 ? "more than one" : "no", str_text(&shown),
		named > 1 ? ": name it by its id" : ", by id or name");
}

static int compare_keys(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int read_keys(const struct json *object, const struct trust_root *root, struct arena *arena,
	struct manifest_attestation *attestation, struct err *err)
{
	const struct json *list;

	int rc = json_need(object, "keys", JSON_ARRAY, &list, err);
	if (rc < 0)
		return rc;
	if (json_count(list) > MANIFEST_ATTESTATION_KEYS_MAX)
		return err_set(err, ERR_LIMIT, "\"keys\" has more than %d elements",
			MANIFEST_ATTESTATION_KEYS_MAX);
	attestation->keys = arena_array(arena, json_count(list) + 1, sizeof *attestation->keys);
	if (attestation->keys == NULL)
		return err_no_memory(err);
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		const char *id = NULL;
		if (json_type(item) != JSON_STRING)
			return err_set(err, ERR_SYNTAX, "a key is not a string");
		rc = find_key(root, json_string(item), &id, err);
		if (rc == 0)
			rc = copy(arena, id, &attestation->keys[attestation->key_count], err);
		if (rc < 0)
			return rc;
		attestation->key_count++;
	}
	qsort(attestation->keys, attestation->key_count, sizeof *attestation->keys, compare_keys);
	return 0;
}

static int read_attestation(const struct json *object, const struct trust_root *root,
	struct arena *arena, struct manifest_attestation *attestation, struct err *err)
{
	static const char *const names[] = {"predicateType", "keys", NULL};

	if (json_type(object) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "it is not an object");
	int rc = json_closed(object, names, err);
	if (rc == 0)
		rc = need_text(object, "predicateType", MANIFEST_TEXT_MAX, arena,
			&attestation->predicate_type, err);
	return rc < 0 ? rc : read_keys(object, root, arena, attestation, err);
}

static int compare_attestations(const void *left, const void *right)
{
	return strcmp(((const struct manifest_attestation *)left)->predicate_type,
		((const struct manifest_attestation *)right)->predicate_type);
}

static int read_attestations(const struct json *root, const struct trust_root *trust,
	struct arena *arena, struct manifest *manifest, struct err *err)
{
	const struct json *list = NULL;

	int rc = json_optional(root, "attestations", JSON_ARRAY, &list, err);
	if (rc < 0 || list == NULL)
		return rc;
	if (json_count(list) > MANIFEST_ATTESTATIONS_MAX)
		return err_set(err, ERR_LIMIT, "a kit has at most %d types of attestations",
			MANIFEST_ATTESTATIONS_MAX);
	manifest->attestations =
		arena_array(arena, json_count(list) + 1, sizeof *manifest->attestations);
	if (manifest->attestations == NULL)
		return err_no_memory(err);
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		rc = read_attestation(item, trust, arena,
			&manifest->attestations[manifest->attestation_count], err);
		if (rc < 0)
			return err_context(
				err, "attestations: element %zu", manifest->attestation_count + 1);
		manifest->attestation_count++;
	}
	qsort(manifest->attestations, manifest->attestation_count, sizeof *manifest->attestations,
		compare_attestations);
	return 0;
}

static int read_root(const struct json *root, const struct trust_root *trust, struct arena *arena,
	struct manifest *manifest, bool *has_created, struct err *err)
{
	static const char *const names[] = {"name", "version", "sequence", "title", "created",
		"expires", "requires", "components", "images", "attestations", "migrations", NULL};

	if (json_type(root) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "it is not an object");
	manifest->title = "";
	int rc = json_closed(root, names, err);
	if (rc == 0)
		rc = need_text(root, "name", MANIFEST_NAME_MAX, arena, &manifest->name, err);
	if (rc == 0)
		rc = need_text(
			root, "version", MANIFEST_VERSION_MAX, arena, &manifest->version, err);
	if (rc == 0)
		rc = optional_text(root, "title", MANIFEST_TEXT_MAX, arena, &manifest->title, err);
	if (rc == 0)
		rc = json_need_integer(
			root, "sequence", 1, MANIFEST_SEQUENCE_MAX, &manifest->sequence, err);
	if (rc == 0)
		rc = optional_time(root, "created", has_created, &manifest->created, err);
	if (rc == 0)
		rc = optional_time(root, "expires", &manifest->has_expiry, &manifest->expires, err);
	if (rc == 0)
		rc = read_requires(root, arena, manifest, err);
	if (rc == 0)
		rc = read_components(root, arena, manifest, err);
	if (rc == 0)
		rc = read_images(root, arena, manifest, err);
	if (rc == 0)
		rc = read_attestations(root, trust, arena, manifest, err);
	return rc < 0 ? rc : read_migrations(root, arena, manifest, err);
}

int kit_json_read(int dirfd, const struct trust_root *root, struct arena *arena,
	struct manifest *manifest, bool *ret_has_created, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	bool has_created = false;

	int rc = file_read_at(dirfd, KIT_JSON_NAME, KIT_JSON_SIZE_MAX, &text, err);
	if (rc < 0)
		return rc;
	rc = json_parse(str_bytes(&text), JSON_LIMITS(KIT_JSON_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = read_root(json_root(doc), root, arena, manifest, &has_created, err);
	if (rc < 0)
		return err_context(err, "%s", KIT_JSON_NAME);
	*ret_has_created = has_created;
	return 0;
}
