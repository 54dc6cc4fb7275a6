/* The files of a manifest: their list, the subjects with their digests, the migrations. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kit/manifest_internal.h"
#include "kit/migration.h"
#include "kit/name.h"
#include "kit/sums.h"
#include "text/text.h"

/* RFC 6838 section 4.2: a type and a subtype, no parameters. */
bool media_type_valid(const char *text)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+";
	size_t type = strspn(text, allowed);

	if (type == 0 || type > 127 || text[type] != '/')
		return false;
	size_t subtype = strspn(text + type + 1, allowed);
	return subtype > 0 && subtype <= 127 && text[type + 1 + subtype] == '\0';
}

static int copy_media_type(
	struct manifest_reader *reader, const char *text, const char **ret, struct err *err)
{
	for (size_t i = 0; i < reader->media_type_count; i++) {
		if (strcmp(reader->media_types[i], text) == 0) {
			*ret = reader->media_types[i];
			return 0;
		}
	}
	if (!media_type_valid(text))
		return err_set(err, ERR_SYNTAX, "\"mediaType\" is no media type");
	int status = manifest_copy(reader, text, ret, err);
	if (status == 0 && reader->media_type_count <
				   sizeof reader->media_types / sizeof reader->media_types[0])
		reader->media_types[reader->media_type_count++] = *ret;
	return status;
}

static int parse_file(struct manifest_reader *reader, const struct json *value,
	struct manifest_file *file, struct err *err)
{
	static const char *const names[] = {"mediaType", "name", "role", "size", NULL};
	const char *name, *role, *media_type;
	enum file_role folder_role;
	int status;

	if ((status = json_closed(value, names, err)) < 0 ||
		(status = json_need_string(value, "name", NAME_SIZE_MAX, &name, err)) < 0 ||
		(status = json_need_string(value, "role", MANIFEST_TEXT_MAX, &role, err)) < 0 ||
		(status = json_need_string(
			 value, "mediaType", MANIFEST_TEXT_MAX, &media_type, err)) < 0 ||
		(status = json_need_integer(
			 value, "size", 0, MANIFEST_FILE_SIZE_MAX, &file->size, err)) < 0 ||
		(status = name_check(bytes_of_string(name), err)) < 0)
		return status;
	if (!file_role_by_name(role, &file->role))
		return err_set(err, ERR_SYNTAX, "\"role\" is not known");
	if (!file_role_of(name, &folder_role) || folder_role != file->role)
		return err_set(err, ERR_SYNTAX, "its role is %s, and it is not in %s",
			file_role_name(file->role), file_role_folder(file->role));
	if ((status = copy_media_type(reader, media_type, &file->media_type, err)) < 0)
		return status;
	return manifest_copy(reader, name, &file->name, err);
}

static int count_elements(
	struct bytes list_text, const char *name, size_t *ret_count, struct err *err)
{
	struct bytes element;
	size_t count = 0;

	if (list_text.data == NULL)
		return err_set(err, ERR_SYNTAX, "\"%s\" is missing or no array", name);
	while (json_slice_element(&list_text, &element))
		count++;
	if (count > MANIFEST_FILES_MAX)
		return err_set(err, ERR_LIMIT, "\"%s\" has more than %d elements", name,
			MANIFEST_FILES_MAX);
	*ret_count = count;
	return 0;
}

static int read_file(struct manifest_reader *reader, struct bytes element, struct name_set *names,
	struct manifest_file *file, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	int status;

	if ((status = json_parse_checked(element, &doc, err)) < 0 ||
		(status = parse_file(reader, json_root(doc), file, err)) < 0)
		return status;
	return name_set_add(names, file->name, err);
}

int manifest_parse_files(struct manifest_reader *reader, struct bytes list_text, struct err *err)
{
	CLEANUP(name_set_cleanup) struct name_set *names = NULL;
	struct manifest *manifest = reader->manifest;
	struct bytes element;
	int64_t total = 0;
	size_t i = 0;
	int status = count_elements(list_text, "files", &manifest->file_count, err);

	if (status < 0 || (status = name_set_new(&names, err)) < 0)
		return status;
	if (manifest->file_count == 0)
		return err_set(err, ERR_SYNTAX, "the kit has no files");
	manifest->files = arena_array(reader->arena, manifest->file_count, sizeof *manifest->files);
	if (manifest->files == NULL)
		return err_no_memory(err);
	while (json_slice_element(&list_text, &element)) {
		struct manifest_file *file = &manifest->files[i++];
		if (read_file(reader, element, names, file, err) < 0)
			return err_context(err, "file %zu", i);
		if (i > 1 && strcmp(file[-1].name, file->name) >= 0)
			return err_set(err, ERR_SYNTAX, "file %zu: the names are not in order", i);
		total += file->size;
		if (total > MANIFEST_TOTAL_SIZE_MAX)
			return err_set(err, ERR_LIMIT, "the files are too large together");
	}
	return 0;
}

static int read_subject(
	struct bytes element, struct manifest_file *file, bool *ret_same, struct err *err)
{
	static const char *const names[] = {"digest", "name", NULL};
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const struct json *digest;
	const char *name;
	int status;

	if ((status = json_parse_checked(element, &doc, err)) < 0 ||
		(status = json_closed(json_root(doc), names, err)) < 0 ||
		(status = json_need_string(json_root(doc), "name", NAME_SIZE_MAX, &name, err)) <
			0 ||
		(status = json_need(json_root(doc), "digest", JSON_OBJECT, &digest, err)) < 0 ||
		(status = manifest_parse_digest(digest, &file->digest, err)) < 0)
		return status;
	*ret_same = strcmp(name, file->name) == 0;
	return 0;
}

/* The subjects carry the digests; they are the files, one by one, in the same order. */
int manifest_parse_subjects(struct manifest_reader *reader, struct bytes list_text, struct err *err)
{
	struct manifest *manifest = reader->manifest;
	struct bytes element;
	size_t count, i = 0;
	int status = count_elements(list_text, "subject", &count, err);

	if (status < 0)
		return status;
	if (count != manifest->file_count)
		return err_set(err, ERR_SYNTAX, "there are %zu subjects and %zu files", count,
			manifest->file_count);
	while (json_slice_element(&list_text, &element)) {
		bool same = false;
		if (read_subject(element, &manifest->files[i++], &same, err) < 0)
			return err_context(err, "subject %zu", i);
		if (!same)
			return err_set(err, ERR_SYNTAX, "subject %zu is not file %zu", i, i);
	}
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool id_listed(const char *const *sorted_ids, size_t count, const char *id)
{
	return bsearch(&id, sorted_ids, count, sizeof *sorted_ids, compare_ids) != NULL;
}

/* Every file below migrations/ belongs to a migration that is listed. */
static int check_migration_files(
	const struct manifest *manifest, const char *const *sorted_ids, struct err *err)
{
	size_t skip = strlen(file_role_folder(ROLE_MIGRATION));

	for (size_t i = 0; i < manifest->file_count; i++) {
		const struct manifest_file *file = &manifest->files[i];
		char id[MIGRATION_ID_MAX + 1];
		if (file->role != ROLE_MIGRATION)
			continue;
		size_t size = strcspn(file->name + skip, "/");
		if (size <= MIGRATION_ID_MAX && file->name[skip + size] == '/') {
			memcpy(id, file->name + skip, size);
			id[size] = '\0';
			if (id_listed(sorted_ids, manifest->migration_count, id))
				continue;
		}
		return err_set(
			err, ERR_SYNTAX, "file %zu belongs to no migration of the manifest", i + 1);
	}
	return 0;
}

static int check_migrations(const struct manifest *manifest, struct err *err)
{
	const char *sorted[MANIFEST_MIGRATIONS_MAX];
	size_t count = manifest->migration_count;

	for (size_t i = 0; i < count; i++) {
		char name[MIGRATION_ID_MAX + sizeof "migrations//migration.json"];
		sorted[i] = manifest->migrations[i];
		(void)strcat(strcat(strcpy(name, "migrations/"), sorted[i]), "/migration.json");
		if (manifest_find(manifest, name) == NULL)
			return err_set(err, ERR_SYNTAX, "the kit has no %s", name);
	}
	qsort(sorted, count, sizeof sorted[0], compare_ids);
	for (size_t i = 1; i < count; i++)
		if (strcmp(sorted[i - 1], sorted[i]) == 0)
			return err_set(
				err, ERR_SYNTAX, "the migration %s is listed twice", sorted[i]);
	return check_migration_files(manifest, sorted, err);
}

int manifest_parse_migrations(
	struct manifest_reader *reader, const struct json *predicate, struct err *err)
{
	struct manifest *manifest = reader->manifest;
	const struct json *list;
	size_t i = 0;
	int status = manifest_need_list(predicate, "migrations", MANIFEST_MIGRATIONS_MAX, &list,
		&manifest->migration_count, err);

	if (status < 0)
		return status;
	manifest->migrations =
		arena_array(reader->arena, manifest->migration_count, sizeof *manifest->migrations);
	if (manifest->migrations == NULL)
		return err_no_memory(err);
	for (const struct json *value = json_first(list); value != NULL; value = json_next(value)) {
		if (json_type(value) != JSON_STRING || !migration_id_valid(json_string(value)))
			return err_set(err, ERR_SYNTAX, "migration %zu is no id", i + 1);
		status = manifest_copy(reader, json_string(value), &manifest->migrations[i++], err);
		if (status < 0)
			return status;
	}
	return check_migrations(manifest, err);
}

static int compare_file(const void *name, const void *file)
{
	return strcmp(name, ((const struct manifest_file *)file)->name);
}

const struct manifest_file *manifest_find(const struct manifest *manifest, const char *name)
{
	return bsearch(
		name, manifest->files, manifest->file_count, sizeof *manifest->files, compare_file);
}

/* Takes part from the front of text if it stands there. */
static bool take(struct bytes *text, const void *part, size_t size)
{
	if (text->size < size || memcmp(text->data, part, size) != 0)
		return false;
	*text = bytes_make(text->data + size, text->size - size);
	return true;
}

bool manifest_is_sums(const struct manifest *manifest, struct bytes untrusted_text)
{
	for (size_t i = 0; i < manifest->file_count; i++) {
		const struct manifest_file *file = &manifest->files[i];
		char hex[SHA256_HEX_SIZE];
		sha256_to_hex(&file->digest, hex);
		if (!take(&untrusted_text, hex, SHA256_HEX_SIZE - 1) ||
			!take(&untrusted_text, "  ", 2) ||
			!take(&untrusted_text, file->name, strlen(file->name)) ||
			!take(&untrusted_text, "\n", 1))
			return false;
	}
	return untrusted_text.size == 0;
}

int manifest_agrees_with_sums(
	const struct manifest *manifest, const struct sums *sums, struct err *err)
{
	for (size_t i = 0; i < manifest->file_count && i < sums->count; i++) {
		const struct manifest_file *file = &manifest->files[i];
		const struct sums_entry *entry = &sums->entries[i];
		CLEANUP_STR struct str shown = STR_INIT;
		int order = strcmp(file->name, entry->name);
		if (order == 0 && sha256_equal(&file->digest, &entry->digest))
			continue;
		text_escape(&shown, bytes_of_string(order <= 0 ? file->name : entry->name), 120);
		return err_set(err, ERR_MANIFEST_SUMS, "%s: %s", str_text(&shown),
			order == 0  ? "the manifest and SHA256SUMS have different digests"
			: order < 0 ? "SHA256SUMS does not list it"
				    : "the manifest does not list it");
	}
	if (manifest->file_count != sums->count)
		return err_set(err, ERR_MANIFEST_SUMS,
			"the manifest lists %zu files, SHA256SUMS %zu", manifest->file_count,
			sums->count);
	return 0;
}
