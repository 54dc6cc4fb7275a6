#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/base64.h"
#include "steps/backup_files.h"

static const char format[] = "offkit-backup/1";

enum { NAME_MAX_OCTETS = 1024, DEFINITION_MAX = 32 * 1024 * 1024 };
static const int64_t COUNT_MAX = INT64_C(1) << 52;

/* ---- writing */

static void write_digest(struct json_writer *writer, const char *name, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	json_member_string(writer, name, hex);
}

static void write_file(struct json_writer *writer, const char *name, const struct backup_file *file)
{
	if (file->name == NULL)
		return;
	json_member_object(writer, name);
	json_member_string(writer, "name", file->name);
	json_member_integer(writer, "size", (int64_t)file->size);
	write_digest(writer, "sha256", &file->sha256);
	json_write_end(writer);
}

static void write_collection(
	struct json_writer *writer, const struct backup_collection *collection, struct str *scratch)
{
	str_truncate(scratch, 0);
	base64_encode(collection->definition, scratch);
	json_write_object(writer);
	json_member_string(writer, "name", collection->name);
	json_member_string(writer, "type", collection->type);
	json_member_integer(writer, "count", (int64_t)collection->count);
	json_member_integer(writer, "octets", (int64_t)collection->octets);
	write_digest(writer, "digest", &collection->digest);
	json_member_bool(writer, "confirmed", collection->confirmed);
	json_member_string(writer, "definition", str_text(scratch));
	write_file(writer, "documents", &collection->documents);
	write_file(writer, "metadata", &collection->metadata);
	json_write_end(writer);
}

int backup_index_write(const struct backup_index *index, struct str *out, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT, scratch = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	json_member_string(&writer, "format", format);
	json_member_string(&writer, "database", index->database);
	json_member_string(&writer, "run", index->run_id);
	json_member_string(&writer, "server", index->server);
	json_member_time(&writer, "created", index->created);
	json_member_string(&writer, "compression", compression_name(index->compression));
	json_member_array(&writer, "collections");
	for (size_t i = 0; i < index->count; i++)
		write_collection(&writer, &index->collections[i], &scratch);
	json_write_end(&writer);
	json_write_end(&writer);
	int result = str_check(&scratch, err);
	if (result == 0)
		result = str_check(&text, err);
	return result != 0 ? result : json_canonical_text(str_bytes(&text), out, err);
}

/* ---- reading */

struct reader {
	struct backup_index *index;
	struct err *err;
};

static int take_text(
	struct reader *reader, const struct json *object, const char *name, const char **ret)
{
	const char *text;
	int result = json_need_string(object, name, NAME_MAX_OCTETS, &text, reader->err);

	if (result != 0)
		return result;
	*ret = arena_string(&reader->index->arena, text);
	return *ret == NULL ? err_no_memory(reader->err) : 0;
}

static int take_digest(
	struct reader *reader, const struct json *object, const char *name, struct sha256 *ret)
{
	const char *text;
	int result = json_need_string(object, name, SHA256_HEX_SIZE, &text, reader->err);

	if (result == 0 && !sha256_from_hex(bytes_of_string(text), ret))
		result = err_set(reader->err, ERR_SYNTAX, "%s is no SHA-256", name);
	return result;
}

static int take_count(
	struct reader *reader, const struct json *object, const char *name, uint64_t *ret)
{
	int64_t number = 0;
	int result = json_need_integer(object, name, 0, COUNT_MAX, &number, reader->err);

	if (result == 0)
		*ret = (uint64_t)number;
	return result;
}

/* A name in the database's folder, nothing else. */
static bool is_file_name(const char *name)
{
	return strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       strlen(name) < BACKUP_NAME_SIZE;
}

static int take_file(struct reader *reader, const struct json *collection, const char *name,
	struct backup_file *file)
{
	static const char *const members[] = {"name", "size", "sha256", NULL};
	const struct json *object = NULL;
	int result = json_optional(collection, name, JSON_OBJECT, &object, reader->err);

	if (result != 0 || object == NULL)
		return result;
	result = json_closed(object, members, reader->err);
	if (result == 0)
		result = take_text(reader, object, "name", &file->name);
	if (result == 0 && !is_file_name(file->name))
		result = err_set(reader->err, ERR_SYNTAX, "%s: name is no file name", name);
	if (result == 0)
		result = take_count(reader, object, "size", &file->size);
	if (result == 0)
		result = take_digest(reader, object, "sha256", &file->sha256);
	return result;
}

static int take_definition(
	struct reader *reader, const struct json *object, struct backup_collection *collection)
{
	CLEANUP_STR struct str octets = STR_INIT;
	const char *text;
	int result = json_need_string(object, "definition", DEFINITION_MAX, &text, reader->err);

	if (result == 0)
		result = base64_decode(bytes_of_string(text), &octets, reader->err);
	if (result == 0)
		result = doc_check(str_bytes(&octets), reader->err);
	if (result != 0)
		return result;
	collection->definition = arena_bytes(&reader->index->arena, str_bytes(&octets));
	return collection->definition.data == NULL ? err_no_memory(reader->err) : 0;
}

static int take_collection(
	struct reader *reader, const struct json *object, struct backup_collection *collection)
{
	static const char *const members[] = {"name", "type", "count", "octets", "digest",
		"confirmed", "definition", "documents", "metadata", NULL};
	struct err *err = reader->err;

	if (json_type(object) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "a collection is no object");
	int result = json_closed(object, members, err);
	if (result == 0)
		result = take_text(reader, object, "name", &collection->name);
	if (result == 0)
		result = take_text(reader, object, "type", &collection->type);
	if (result == 0)
		result = take_count(reader, object, "count", &collection->count);
	if (result == 0)
		result = take_count(reader, object, "octets", &collection->octets);
	if (result == 0)
		result = take_digest(reader, object, "digest", &collection->digest);
	if (result == 0)
		result = json_need_bool(object, "confirmed", &collection->confirmed, err);
	if (result == 0)
		result = take_definition(reader, object, collection);
	if (result == 0)
		result = take_file(reader, object, "documents", &collection->documents);
	if (result == 0)
		result = take_file(reader, object, "metadata", &collection->metadata);
	if (result == 0 && collection->metadata.name == NULL)
		result = err_set(err, ERR_SYNTAX, "metadata is missing");
	return result;
}

static int take_collections(struct reader *reader, const struct json *root)
{
	struct backup_index *index = reader->index;
	const struct json *list = NULL;
	int result = json_need(root, "collections", JSON_ARRAY, &list, reader->err);

	if (result != 0)
		return result;
	if (json_count(list) > BACKUP_COLLECTIONS_MAX)
		return err_set(reader->err, ERR_LIMIT, "there are more than %d collections",
			BACKUP_COLLECTIONS_MAX);
	index->collections =
		arena_array(&index->arena, json_count(list), sizeof *index->collections);
	if (index->collections == NULL)
		return err_no_memory(reader->err);
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		struct backup_collection *collection = &index->collections[index->count];
		result = take_collection(reader, item, collection);
		if (result != 0)
			return err_context(reader->err, "collection %zu", index->count + 1);
		/* By name and without doubles: backup_find relies on it. */
		if (index->count > 0 && strcmp(collection[-1].name, collection->name) >= 0)
			return err_set(reader->err, ERR_SYNTAX,
				"the collections are not in the order of their names");
		index->count++;
	}
	return 0;
}

static int take_compression(struct reader *reader, const struct json *root)
{
	const char *name;
	int result = json_need_string(root, "compression", 16, &name, reader->err);

	if (result == 0 && !compression_by_name(name, &reader->index->compression))
		result = err_set(reader->err, ERR_SYNTAX, "compression %s is not known here", name);
	return result;
}

static int take_index(struct reader *reader, const struct json *root)
{
	static const char *const members[] = {"format", "database", "run", "server", "created",
		"compression", "collections", NULL};
	struct backup_index *index = reader->index;
	const char *text = NULL;

	if (json_type(root) != JSON_OBJECT)
		return err_set(reader->err, ERR_SYNTAX, "not an object");
	int result = json_need_string(root, "format", 64, &text, reader->err);
	if (result == 0 && strcmp(text, format) != 0)
		result = err_set(reader->err, ERR_SYNTAX, "format %s is not known here", text);
	if (result == 0)
		result = json_closed(root, members, reader->err);
	if (result == 0)
		result = take_text(reader, root, "database", &index->database);
	if (result == 0 && !is_file_name(index->database))
		result = err_set(reader->err, ERR_SYNTAX, "database is no name of a folder");
	if (result == 0)
		result = take_text(reader, root, "run", &index->run_id);
	if (result == 0)
		result = take_text(reader, root, "server", &index->server);
	if (result == 0)
		result = json_need_string(root, "created", RFC3339_SIZE, &text, reader->err);
	if (result == 0)
		result = time_parse(text, &index->created, reader->err);
	if (result == 0)
		result = take_compression(reader, root);
	return result != 0 ? result : take_collections(reader, root);
}

int backup_index_read(
	const struct json *untrusted_root, struct backup_index *ret_index, struct err *err)
{
	struct backup_index index = {.arena = ARENA_INIT};
	struct reader reader = {.index = &index, .err = err};
	int result = take_index(&reader, untrusted_root);

	if (result != 0) {
		backup_index_release(&index);
		return result;
	}
	*ret_index = index;
	return 0;
}

static int read_index(
	int dirfd, const struct sha256 *expected, struct backup_index *ret_index, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct sha256 sha256;

	int result = file_read_at(dirfd, BACKUP_INDEX_NAME, BACKUP_INDEX_SIZE_MAX, &text, err);
	if (result == 0)
		result = sha256_of(str_bytes(&text), &sha256, err);
	if (result != 0)
		return result;
	if (expected != NULL && !sha256_equal(expected, &sha256))
		return err_set(err, ERR_RESTORE,
			"the backup's index is not the one that the journal names");
	const struct json_limits *limits = JSON_LIMITS_OWN(BACKUP_INDEX_SIZE_MAX);
	result = json_parse(str_bytes(&text), limits, &doc, err);
	if (result == 0)
		result = backup_index_read(json_root(doc), ret_index, err);
	if (result == 0)
		ret_index->sha256 = sha256;
	return result;
}

int backup_index_load(int backup_dirfd, const struct sha256 *expected,
	struct backup_index *ret_index, struct err *err)
{
	int result = read_index(backup_dirfd, expected, ret_index, err);

	if (result == 0)
		return 0;
	(void)err_context(err, "%s", BACKUP_INDEX_NAME);
	return err->code == ERR_NO_MEMORY ? result : err_recode(err, ERR_RESTORE);
}

void backup_index_release(struct backup_index *index)
{
	arena_release(&index->arena);
	*index = (struct backup_index){.arena = ARENA_INIT};
}

const struct backup_collection *backup_find(const struct backup_index *index, const char *name)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, index->collections[middle].name);
		if (order == 0)
			return &index->collections[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
