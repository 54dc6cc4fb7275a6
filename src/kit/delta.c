#include "kit/delta.h"

#include <string.h>

#include "base/cleanup.h"
#include "kit/json_digest.h"
#include "kit/manifest.h"
#include "kit/name.h"
#include "kit/statement.h"

#define OCTETS_MAX (((int64_t)1 << 53) - 1)

size_t delta_member_number(const char *name)
{
	size_t number = 0;

	if (strncmp(name, DELTA_FOLDER "/", sizeof DELTA_FOLDER) != 0)
		return 0;
	name += sizeof DELTA_FOLDER;
	if (*name == '0')
		return 0;
	for (; *name >= '0' && *name <= '9' && number <= DELTA_FILES_MAX; name++)
		number = number * 10 + (size_t)(*name - '0');
	return *name == '\0' && number <= DELTA_FILES_MAX ? number : 0;
}

/* ---- reading */

struct reader {
	struct arena *arena;
	struct name_set *names;
	struct delta *delta;
	size_t pieces_left;
};

static int read_name(
	struct arena *arena, const char *untrusted_name, const char **ret_name, struct err *err)
{
	int rc = name_check(bytes_of_string(untrusted_name), err);

	if (rc < 0)
		return rc;
	const char *name = arena_string(arena, untrusted_name);
	if (name == NULL)
		return err_no_memory(err);
	*ret_name = name;
	return 0;
}

/* Where a piece lies: of the source's octets from *source_at on, and file->new_size ones before. */
static int place_piece(struct delta_file *file, const struct delta_piece *piece, int64_t *left,
	int64_t *source_at, struct err *err)
{
	if (piece->size > *left)
		return err_set(err, ERR_SYNTAX, "the pieces are larger than the file");
	*left -= piece->size;
	if (piece->is_new) {
		file->new_size += piece->size;
		return 0;
	}
	if (piece->from < *source_at)
		return err_set(err, ERR_SYNTAX, "it begins before the end of the one before");
	if (piece->from > file->source_size || piece->size > file->source_size - piece->from)
		return err_set(err, ERR_SYNTAX, "it reaches beyond the end of %s", file->source);
	*source_at = piece->from + piece->size;
	return 0;
}

static int read_piece(const struct json *value, struct delta_piece *piece, struct err *err)
{
	static const char *const members[] = {"from", "sha256", "size", NULL};
	int rc = json_closed(value, members, err);

	piece->from = -1;
	if (rc == 0)
		rc = json_optional_integer(value, "from", 0, OCTETS_MAX, &piece->from, err);
	if (rc == 0)
		rc = json_need_integer(value, "size", 1, OCTETS_MAX, &piece->size, err);
	if (rc == 0)
		rc = json_digest_need(value, &piece->digest, err);
	piece->is_new = piece->from < 0;
	if (piece->is_new)
		piece->from = 0;
	return rc;
}

static int read_pieces(
	struct reader *reader, const struct json *array, struct delta_file *file, struct err *err)
{
	int64_t left = file->size, source_at = 0;

	if (json_count(array) > reader->pieces_left)
		return err_set(err, ERR_LIMIT, "there are more than %d pieces", DELTA_PIECES_MAX);
	reader->pieces_left -= json_count(array);
	file->pieces = arena_array(reader->arena, json_count(array) + 1, sizeof *file->pieces);
	if (file->pieces == NULL)
		return err_no_memory(err);
	for (const struct json *value = json_first(array); value != NULL;
		value = json_next(value)) {
		struct delta_piece *piece = &file->pieces[file->piece_count++];
		int rc = read_piece(value, piece, err);
		if (rc == 0)
			rc = place_piece(file, piece, &left, &source_at, err);
		if (rc < 0)
			return err_context(err, "piece %zu", file->piece_count);
	}
	return left == 0 ? 0 : err_set(err, ERR_SYNTAX, "the pieces are smaller than the file");
}

static int read_source(
	struct reader *reader, const struct json *value, struct delta_file *file, struct err *err)
{
	static const char *const members[] = {"name", "size", NULL};
	const struct json *source;
	const char *name;
	int rc = json_need(value, "base", JSON_OBJECT, &source, err);

	if (rc == 0)
		rc = json_closed(source, members, err);
	if (rc == 0)
		rc = json_need_string(source, "name", NAME_SIZE_MAX, &name, err);
	if (rc == 0)
		rc = read_name(reader->arena, name, &file->source, err);
	return rc < 0 ? rc
		      : json_need_integer(source, "size", 1, OCTETS_MAX, &file->source_size, err);
}

static int read_subject(struct reader *reader, const struct statement_subject *subject,
	struct delta_file *file, struct err *err)
{
	int rc = read_name(reader->arena, subject->name, &file->name, err);

	if (rc == 0)
		rc = name_set_add(reader->names, file->name, err);
	if (rc == 0 && !subject->has_sha256)
		rc = err_set(err, ERR_SYNTAX, "its subject has no SHA-256");
	file->digest = subject->digest;
	return rc;
}

static int read_file(struct reader *reader, const struct json *value,
	const struct statement_subject *subject, struct delta_file *file, struct err *err)
{
	static const char *const members[] = {"base", "pieces", "size", NULL};
	const struct json *pieces;
	int rc = read_subject(reader, subject, file, err);

	if (rc == 0)
		rc = json_closed(value, members, err);
	if (rc == 0)
		rc = json_need_integer(value, "size", 1, OCTETS_MAX, &file->size, err);
	if (rc == 0)
		rc = read_source(reader, value, file, err);
	if (rc == 0)
		rc = json_need(value, "pieces", JSON_ARRAY, &pieces, err);
	return rc < 0 ? rc : read_pieces(reader, pieces, file, err);
}

static int read_files(struct reader *reader, const struct json *array,
	const struct statement *statement, struct err *err)
{
	struct delta *delta = reader->delta;

	if (json_count(array) != statement->subject_count)
		return err_set(err, ERR_SYNTAX, "it has %zu subjects and %zu files",
			statement->subject_count, json_count(array));
	if (json_count(array) > DELTA_FILES_MAX)
		return err_set(err, ERR_LIMIT, "it has more than %d files", DELTA_FILES_MAX);
	delta->files = arena_array(reader->arena, json_count(array), sizeof *delta->files);
	if (delta->files == NULL)
		return err_no_memory(err);
	for (const struct json *value = json_first(array); value != NULL;
		value = json_next(value)) {
		size_t i = delta->count++;
		if (read_file(reader, value, &statement->subjects[i], &delta->files[i], err) < 0)
			return err_context(err, "file %zu", i + 1);
	}
	return 0;
}

static int read_predicate(struct reader *reader, const struct json *root,
	const struct statement *statement, struct err *err)
{
	static const char *const members[] = {"files", "manifest", NULL};
	const struct json *predicate, *manifest, *files;
	int rc = json_need(root, "predicate", JSON_OBJECT, &predicate, err);

	if (rc == 0)
		rc = json_closed(predicate, members, err);
	if (rc == 0)
		rc = json_need(predicate, "manifest", JSON_OBJECT, &manifest, err);
	if (rc == 0)
		rc = json_digest_need(manifest, &reader->delta->manifest, err);
	if (rc == 0)
		rc = json_need(predicate, "files", JSON_ARRAY, &files, err);
	return rc < 0 ? rc : read_files(reader, files, statement, err);
}

int delta_parse(struct bytes untrusted_payload, struct arena *arena, struct delta *ret_delta,
	struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP(name_set_cleanup) struct name_set *names = NULL;
	struct delta delta = {0};
	struct statement statement;
	int rc = statement_parse(untrusted_payload, arena, &statement, err);

	if (rc == 0 && strcmp(statement.predicate_type, DELTA_TYPE) != 0)
		rc = err_set(err, ERR_SYNTAX, "its predicate type is not %s", DELTA_TYPE);
	if (rc == 0)
		rc = name_set_new(&names, err);
	if (rc == 0)
		rc = json_parse(untrusted_payload, JSON_LIMITS(DELTA_SIZE_MAX), &doc, err);
	if (rc < 0)
		return rc;
	struct reader reader = {arena, names, &delta, DELTA_PIECES_MAX};
	rc = read_predicate(&reader, json_root(doc), &statement, err);
	if (rc == 0)
		*ret_delta = delta;
	return rc;
}

/* ---- writing */

static void write_file(struct json_writer *json, const struct delta_file *file)
{
	json_write_object(json);
	json_member_object(json, "base");
	json_member_string(json, "name", file->source);
	json_member_integer(json, "size", file->source_size);
	json_write_end(json);
	json_member_array(json, "pieces");
	for (size_t i = 0; i < file->piece_count; i++) {
		const struct delta_piece *piece = &file->pieces[i];
		json_write_object(json);
		if (!piece->is_new)
			json_member_integer(json, "from", piece->from);
		json_digest_member(json, &piece->digest);
		json_member_integer(json, "size", piece->size);
		json_write_end(json);
	}
	json_write_end(json);
	json_member_integer(json, "size", file->size);
	json_write_end(json);
}

int delta_write(const struct delta *delta, struct str *out, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer json;

	json_write_begin(&json, &text);
	json_write_object(&json);
	json_member_string(&json, "_type", STATEMENT_TYPE);
	json_member_object(&json, "predicate");
	json_member_array(&json, "files");
	for (size_t i = 0; i < delta->count; i++)
		write_file(&json, &delta->files[i]);
	json_write_end(&json);
	json_member_object(&json, "manifest");
	json_digest_member(&json, &delta->manifest);
	json_write_end(&json);
	json_write_end(&json);
	json_member_string(&json, "predicateType", DELTA_TYPE);
	json_member_array(&json, "subject");
	for (size_t i = 0; i < delta->count; i++)
		statement_write_subject(&json, delta->files[i].name, &delta->files[i].digest);
	json_write_end(&json);
	json_write_end(&json);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : json_canonical_text(str_bytes(&text), out, err);
}
