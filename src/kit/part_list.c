#include "kit/part_list.h"

#include <string.h>

#include "base/cleanup.h"
#include "kit/json_digest.h"
#include "kit/manifest.h"
#include "kit/name.h"
#include "kit/statement.h"

/* ---- reading */

static int read_name(
	const char *untrusted_name, struct arena *arena, const char **ret_name, struct err *err)
{
	int rc = name_check(bytes_of_string(untrusted_name), err);

	if (rc < 0)
		return rc;
	if (strchr(untrusted_name, '/') != NULL)
		return err_set(err, ERR_UNSAFE_ARCHIVE, "%s is in a folder", untrusted_name);
	const char *name = arena_string(arena, untrusted_name);
	if (name == NULL)
		return err_no_memory(err);
	*ret_name = name;
	return 0;
}

static int read_part(const struct json *value, int64_t index, struct arena *arena,
	struct part *part, struct err *err)
{
	static const char *const members[] = {"index", "name", "sha256", "size", NULL};
	const char *name;
	int64_t given;
	int rc = json_closed(value, members, err);

	if (rc == 0)
		rc = json_need_integer(value, "index", 1, PARTS_MAX, &given, err);
	if (rc == 0 && given != index)
		rc = err_set(err, ERR_SYNTAX, "\"index\" is %lld", (long long)given);
	if (rc == 0)
		rc = json_need_string(value, "name", NAME_COMPONENT_MAX, &name, err);
	if (rc == 0)
		rc = read_name(name, arena, &part->name, err);
	if (rc == 0)
		rc = json_need_integer(value, "size", 1, PARTS_OCTETS_MAX, &part->size, err);
	return rc < 0 ? rc : json_digest_need(value, &part->digest, err);
}

static int read_parts(
	const struct json *array, struct arena *arena, struct part_list *list, struct err *err)
{
	CLEANUP(name_set_cleanup) struct name_set *names = NULL;
	int64_t left = list->size;
	int rc = name_set_new(&names, err);

	if (rc < 0)
		return rc;
	if (json_count(array) == 0)
		return err_set(err, ERR_SYNTAX, "\"parts\" is empty");
	if (json_count(array) > PARTS_MAX)
		return err_set(err, ERR_LIMIT, "it has more than %d parts", PARTS_MAX);
	list->parts = arena_array(arena, json_count(array), sizeof *list->parts);
	if (list->parts == NULL)
		return err_no_memory(err);
	for (const struct json *value = json_first(array); value != NULL;
		value = json_next(value)) {
		struct part *part = &list->parts[list->count++];
		rc = read_part(value, (int64_t)list->count, arena, part, err);
		if (rc == 0)
			rc = name_set_add(names, part->name, err);
		if (rc < 0)
			return err_context(err, "part %zu", list->count);
		if (part->size > left)
			return err_set(err, ERR_SYNTAX, "the parts are larger than the archive");
		left -= part->size;
	}
	if (left > 0)
		return err_set(err, ERR_SYNTAX, "the parts are smaller than the archive");
	return 0;
}

static int read_predicate(
	const struct json *root, struct arena *arena, struct part_list *list, struct err *err)
{
	static const char *const members[] = {"parts", "size", NULL};
	const struct json *predicate, *parts;
	int rc = json_need(root, "predicate", JSON_OBJECT, &predicate, err);

	if (rc == 0)
		rc = json_closed(predicate, members, err);
	if (rc == 0)
		rc = json_need_integer(predicate, "size", 1, PARTS_OCTETS_MAX, &list->size, err);
	if (rc == 0)
		rc = json_need(predicate, "parts", JSON_ARRAY, &parts, err);
	return rc < 0 ? rc : read_parts(parts, arena, list, err);
}

static int check_statement(const struct statement *statement, struct arena *arena,
	struct part_list *list, struct err *err)
{
	if (strcmp(statement->predicate_type, PART_LIST_TYPE) != 0)
		return err_set(err, ERR_SYNTAX, "its predicate type is not %s", PART_LIST_TYPE);
	if (statement->subject_count != 1 || !statement->subjects[0].has_sha256)
		return err_set(err, ERR_SYNTAX, "its subject is not one archive with its SHA-256");
	list->digest = statement->subjects[0].digest;
	return read_name(statement->subjects[0].name, arena, &list->archive, err);
}

int part_list_parse(struct bytes untrusted_payload, struct arena *arena, struct part_list *ret_list,
	struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct part_list list = {0};
	struct statement statement;
	int rc = statement_parse(untrusted_payload, arena, &statement, err);

	if (rc == 0)
		rc = check_statement(&statement, arena, &list, err);
	if (rc == 0)
		rc = json_parse(untrusted_payload, JSON_LIMITS(PART_LIST_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = read_predicate(json_root(doc), arena, &list, err);
	if (rc == 0)
		*ret_list = list;
	return rc;
}

/* ---- writing */

static void write_parts(struct json_writer *json, const struct part_list *list)
{
	json_member_array(json, "parts");
	for (size_t i = 0; i < list->count; i++) {
		json_write_object(json);
		json_member_integer(json, "index", (int64_t)i + 1);
		json_member_string(json, "name", list->parts[i].name);
		json_digest_member(json, &list->parts[i].digest);
		json_member_integer(json, "size", list->parts[i].size);
		json_write_end(json);
	}
	json_write_end(json);
}

int part_list_write(const struct part_list *list, struct str *out, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer json;

	json_write_begin(&json, &text);
	json_write_object(&json);
	json_member_string(&json, "_type", STATEMENT_TYPE);
	json_member_object(&json, "predicate");
	write_parts(&json, list);
	json_member_integer(&json, "size", list->size);
	json_write_end(&json);
	json_member_string(&json, "predicateType", PART_LIST_TYPE);
	json_member_array(&json, "subject");
	statement_write_subject(&json, list->archive, &list->digest);
	json_write_end(&json);
	json_write_end(&json);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : json_canonical_text(str_bytes(&text), out, err);
}
