
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "kit/manifest_internal.h"

int manifest_copy(
	struct manifest_reader *reader, const char *text, const char **ret, struct err *err)
{
	const char *result = arena_string(reader->arena, text);

	if (result == NULL)
		return err_no_memory(err);
	*ret = result;
	return 0;
}

int manifest_copy_string(struct manifest_reader *reader, const struct json *object,
	const char *name, size_t max, const char **ret, struct err *err)
{
	const char *text;
	int status = json_need_string(object, name, max, &text, err);

	return status < 0 ? status : manifest_copy(reader, text, ret, err);
}

/* {"sha256": "..."} and nothing else. */
int manifest_parse_digest(const struct json *digest, struct sha256 *ret, struct err *err)
{
	static const char *const names[] = {"sha256", NULL};
	const char *hex;
	int status;

	if ((status = json_closed(digest, names, err)) < 0 ||
		(status = json_need_string(digest, "sha256", SHA256_HEX_SIZE, &hex, err)) < 0)
		return status;
	if (!sha256_from_hex(bytes_of_string(hex), ret))
		return err_set(
			err, ERR_SYNTAX, "\"sha256\" must be 64 lower-case hexadecimal digits");
	return 0;
}

static int need_time(const struct json *object, const char *name, int64_t *ret, struct err *err)
{
	const char *text;
	int status = json_need_string(object, name, MANIFEST_TEXT_MAX, &text, err);

	if (status < 0)
		return status;
	if (time_parse(text, ret, err) < 0)
		return err_context(err, "\"%s\"", name);
	return 0;
}

static int optional_version(struct manifest_reader *reader, const struct json *object,
	const char *name, bool (*valid)(const char *), const char **ret, struct err *err)
{
	if (json_member(object, name) == NULL)
		return 0;
	int status = manifest_copy_string(reader, object, name, MANIFEST_VERSION_MAX, ret, err);
	if (status == 0 && !valid(*ret))
		return err_set(err, ERR_SYNTAX, "\"%s\" is no version", name);
	return status;
}

/* "5", "5.0", "5.0.14" */
static bool server_version_valid(const char *version)
{
	for (int parts = 0; parts < 3; parts++) {
		size_t size = strspn(version, "0123456789");
		if (size == 0 || size > 6)
			return false;
		version += size;
		if (*version == '\0')
			return true;
		if (*version++ != '.')
			return false;
	}
	return false;
}

/* The kit's name becomes part of folder names: lower-case letters, digits, "-", "_", ".". */
bool kit_name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t size = strlen(name);

	return size > 0 && size <= MANIFEST_NAME_MAX && strspn(name, allowed) == size &&
	       strchr("-_.", name[0]) == NULL;
}

static int parse_kit(struct manifest_reader *reader, const struct json *kit, struct err *err)
{
	static const char *const names[] = {"name", "sequence", "title", "version", NULL};
	struct manifest *manifest = reader->manifest;
	const char *title = "";
	int status;

	if ((status = json_closed(kit, names, err)) < 0 ||
		(status = manifest_copy_string(
			 reader, kit, "name", MANIFEST_NAME_MAX, &manifest->name, err)) < 0 ||
		(status = manifest_copy_string(reader, kit, "version", MANIFEST_VERSION_MAX,
			 &manifest->version, err)) < 0 ||
		(status = json_optional_string(kit, "title", MANIFEST_TEXT_MAX, &title, err)) < 0 ||
		(status = json_need_integer(
			 kit, "sequence", 1, MANIFEST_SEQUENCE_MAX, &manifest->sequence, err)) < 0)
		return status;
	if (!kit_name_valid(manifest->name))
		return err_set(err, ERR_SYNTAX,
			"\"name\" must be lower-case letters, digits, \"-\", \"_\", \".\"");
	if (!version_valid(manifest->version))
		return err_set(err, ERR_SYNTAX, "\"version\" is no semantic version");
	return manifest_copy(reader, title, &manifest->title, err);
}

static int parse_requires(
	struct manifest_reader *reader, const struct json *predicate, struct err *err)
{
	static const char *const names[] = {"mongodb", "offkit", "previous", NULL};
	static const char *const mongodb_names[] = {"max", "min", NULL};
	struct manifest *manifest = reader->manifest;
	const struct json *requires = NULL, *mongodb = NULL;
	int status = json_optional(predicate, "requires", JSON_OBJECT, &requires, err);

	if (status < 0 || requires == NULL)
		return status;
	if (json_closed(requires, names, err) < 0 ||
		optional_version(reader, requires, "offkit", version_valid,
			&manifest->requires_offkit, err) < 0 ||
		optional_version(reader, requires, "previous", version_valid,
			&manifest->requires_previous, err) < 0 ||
		json_optional(requires, "mongodb", JSON_OBJECT, &mongodb, err) < 0)
		return err_context(err, "requires");
	if (mongodb == NULL)
		return 0;
	if (json_closed(mongodb, mongodb_names, err) < 0 ||
		optional_version(reader, mongodb, "min", server_version_valid,
			&manifest->requires_mongodb_min, err) < 0 ||
		optional_version(reader, mongodb, "max", server_version_valid,
			&manifest->requires_mongodb_max, err) < 0)
		return err_context(err, "requires: mongodb");
	return 0;
}

static int parse_component(struct manifest_reader *reader, const struct json *value,
	struct manifest_component *component, struct err *err)
{
	static const char *const names[] = {"digest", "name", "version", NULL};
	const struct json *digest = NULL;
	int status;

	if ((status = json_closed(value, names, err)) < 0 ||
		(status = manifest_copy_string(
			 reader, value, "name", MANIFEST_TEXT_MAX, &component->name, err)) < 0 ||
		(status = manifest_copy_string(reader, value, "version", MANIFEST_TEXT_MAX,
			 &component->version, err)) < 0 ||
		(status = json_optional(value, "digest", JSON_OBJECT, &digest, err)) < 0)
		return status;
	component->has_digest = digest != NULL;
	return digest == NULL ? 0 : manifest_parse_digest(digest, &component->digest, err);
}

/* The array of that name, of at most max elements. */
int manifest_need_list(const struct json *object, const char *name, size_t max,
	const struct json **ret_list, size_t *ret_count, struct err *err)
{
	const struct json *list;
	int status = json_need(object, name, JSON_ARRAY, &list, err);

	if (status < 0)
		return status;
	size_t count = json_count(list);
	if (count > max)
		return err_set(err, ERR_LIMIT, "\"%s\" has more than %zu elements", name, max);
	*ret_list = list;
	*ret_count = count;
	return 0;
}

static int parse_components(
	struct manifest_reader *reader, const struct json *predicate, struct err *err)
{
	struct manifest *manifest = reader->manifest;
	const struct json *list;
	size_t i = 0;
	int status = manifest_need_list(predicate, "components", MANIFEST_COMPONENTS_MAX, &list,
		&manifest->component_count, err);

	if (status < 0)
		return status;
	manifest->components =
		arena_array(reader->arena, manifest->component_count, sizeof *manifest->components);
	if (manifest->components == NULL)
		return err_no_memory(err);
	for (const struct json *value = json_first(list); value != NULL; value = json_next(value)) {
		if (parse_component(reader, value, &manifest->components[i++], err) < 0)
			return err_context(err, "component %zu", i);
	}
	return 0;
}

static int parse_times(
	struct manifest_reader *reader, const struct json *predicate, struct err *err)
{
	struct manifest *manifest = reader->manifest;
	int status = need_time(predicate, "created", &manifest->created, err);

	if (status < 0)
		return status;
	manifest->has_expiry = json_member(predicate, "expires") != NULL;
	if (!manifest->has_expiry)
		return 0;
	if ((status = need_time(predicate, "expires", &manifest->expires, err)) < 0)
		return status;
	if (manifest->expires <= manifest->created)
		return err_set(err, ERR_SYNTAX, "it expires before it was created");
	return 0;
}

static int parse_predicate(
	struct manifest_reader *reader, const struct json *predicate, struct err *err)
{
	static const char *const names[] = {"attestations", "components", "created", "expires",
		"files", "images", "kit", "migrations", "requires", "sumsDigest", NULL};
	const struct json *kit, *sums_digest;
	int status;

	if ((status = json_closed(predicate, names, err)) < 0 ||
		(status = json_need(predicate, "kit", JSON_OBJECT, &kit, err)) < 0 ||
		(status = json_need(predicate, "sumsDigest", JSON_OBJECT, &sums_digest, err)) < 0)
		return status;
	if (parse_kit(reader, kit, err) < 0)
		return err_context(err, "kit");
	if (manifest_parse_digest(sums_digest, &reader->manifest->sums_digest, err) < 0)
		return err_context(err, "sumsDigest");
	if ((status = parse_times(reader, predicate, err)) < 0 ||
		(status = parse_requires(reader, predicate, err)) < 0 ||
		(status = parse_components(reader, predicate, err)) < 0 ||
		(status = manifest_parse_files(reader, reader->files_text, err)) < 0 ||
		(status = manifest_parse_images(reader, predicate, err)) < 0 ||
		(status = manifest_parse_attestations(reader, predicate, err)) < 0)
		return status;
	return manifest_parse_migrations(reader, predicate, err);
}

static int need_constant(
	const struct json *object, const char *name, const char *wanted, struct err *err)
{
	const char *text;
	int status = json_need_string(object, name, MANIFEST_TEXT_MAX, &text, err);

	if (status == 0 && strcmp(text, wanted) != 0)
		return err_set(err, ERR_SYNTAX, "\"%s\" is not %s", name, wanted);
	return status;
}

static int parse_statement(
	struct manifest_reader *reader, const struct json *statement, struct err *err)
{
	static const char *const names[] = {"_type", "predicate", "predicateType", "subject", NULL};
	const struct json *predicate;
	int status;

	if ((status = json_closed(statement, names, err)) < 0 ||
		(status = need_constant(statement, "_type", STATEMENT_TYPE, err)) < 0 ||
		(status = need_constant(statement, "predicateType", MANIFEST_PREDICATE_TYPE, err)) <
			0 ||
		(status = json_need(statement, "predicate", JSON_OBJECT, &predicate, err)) < 0 ||
		(status = parse_predicate(reader, predicate, err)) < 0)
		return status;
	return manifest_parse_subjects(reader, reader->subjects_text, err);
}

/* The array that a member of an object is; where it is none, the tree says so. */
static int find_list(struct bytes object, const char *name, struct bytes *ret_list, struct err *err)
{
	struct bytes value = bytes_make(NULL, 0);
	int status = object.data == NULL ? 0 : json_slice_member(object, name, &value, err);

	*ret_list = value.size > 0 && *value.data == '[' ? value : bytes_make(NULL, 0);
	return status;
}

static void append_between(struct str *out, const uint8_t **at, const uint8_t *end)
{
	str_append(out, *at, (size_t)(end - *at));
	*at = end;
}

/* The text without the elements of the two long lists, of which a tree would be too large. */
static int write_rest(
	struct manifest_reader *reader, struct bytes payload, struct str *out, struct err *err)
{
	struct bytes lists[] = {reader->files_text, reader->subjects_text};
	const uint8_t *at = payload.data;

	if (lists[0].data > lists[1].data) {
		lists[0] = reader->subjects_text;
		lists[1] = reader->files_text;
	}
	for (size_t i = 0; i < 2; i++) {
		if (lists[i].data == NULL)
			continue;
		append_between(out, &at, lists[i].data);
		str_append_text(out, "[]");
		at += lists[i].size;
	}
	append_between(out, &at, payload.data + payload.size);
	return str_check(out, err);
}

static int parse_payload(struct manifest_reader *reader, struct bytes payload, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str rest = STR_INIT;
	struct bytes predicate;
	int status;

	if ((status = json_check(payload, JSON_LIMITS(MANIFEST_SIZE_MAX), err)) < 0 ||
		(status = json_slice_member(payload, "predicate", &predicate, err)) < 0 ||
		(status = find_list(predicate, "files", &reader->files_text, err)) < 0 ||
		(status = find_list(payload, "subject", &reader->subjects_text, err)) < 0 ||
		(status = write_rest(reader, payload, &rest, err)) < 0 ||
		(status = json_parse_checked(str_bytes(&rest), &doc, err)) < 0)
		return status;
	return parse_statement(reader, json_root(doc), err);
}

int manifest_parse(
	struct bytes payload, struct arena *arena, struct manifest *ret_manifest, struct err *err)
{
	struct manifest manifest = {0};
	struct manifest_reader reader = {.arena = arena, .manifest = &manifest};

	if (parse_payload(&reader, payload, err) < 0)
		return err_context(err, "manifest");
	*ret_manifest = manifest;
	return 0;
}
