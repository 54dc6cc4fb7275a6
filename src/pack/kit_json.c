#include "pack/kit_json.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "json/json.h"
#include "kit/migration.h"
#include "pack/input.h"

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

static int read_root(const struct json *root, struct arena *arena, struct manifest *manifest,
	bool *has_created, struct err *err)
{
	static const char *const names[] = {"name", "version", "sequence", "title", "created",
		"expires", "requires", "components", "migrations", NULL};

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
	return rc < 0 ? rc : read_migrations(root, arena, manifest, err);
}

int kit_json_read(int dirfd, struct arena *arena, struct manifest *manifest, bool *ret_has_created,
	struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	bool has_created = false;

	int rc = file_read_at(dirfd, KIT_JSON_NAME, KIT_JSON_SIZE_MAX, &text, err);
	if (rc < 0)
		return rc;
	rc = json_parse(str_bytes(&text), JSON_LIMITS(KIT_JSON_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = read_root(json_root(doc), arena, manifest, &has_created, err);
	if (rc < 0)
		return err_context(err, "%s", KIT_JSON_NAME);
	*ret_has_created = has_created;
	return 0;
}
