/* A receipt's tables, and writing by them. */
#include <string.h>

#include "base/cleanup.h"
#include "kit/manifest.h"
#include "kit/receipt_internal.h"
#include "kit/statement.h"

#define MEMBER(type, name, kind, field)                                                            \
	{                                                                                          \
		name, RECEIPT_##kind, false, offsetof(type, field)                                 \
	}
#define MAYBE(type, name, kind, field)                                                             \
	{                                                                                          \
		name, RECEIPT_##kind, true, offsetof(type, field)                                  \
	}
#define OF(name, kind, field)	    MEMBER(struct receipt, name, kind, field)
#define MAYBE_OF(name, kind, field) MAYBE(struct receipt, name, kind, field)
#define END                                                                                        \
	{                                                                                          \
		.name = NULL                                                                       \
	}

static const struct receipt_member OWN[] = {OF("run", TEXT, run), OF("outcome", TEXT, outcome),
	OF("exit", NUMBER, exit), OF("begun", TIME, begun), OF("ended", TIME, ended),
	OF("duration", NUMBER, duration), OF("validation", TEXT, validation), END};
static const struct receipt_member OFFKIT[] = {
	OF("version", TEXT, offkit_version), OF("commit", TIME, offkit_commit), END};
static const struct receipt_member KIT[] = {OF("name", TEXT, kit_name),
	OF("version", TEXT, kit_version), OF("sequence", NUMBER, kit_sequence),
	OF("digest", HEX, kit_digest), END};
static const struct receipt_member ROOT[] = {
	OF("version", NUMBER, root_version), OF("digest", HEX, root_digest), END};
static const struct receipt_member SITE[] = {OF("name", TEXT, site),
	OF("environment", TEXT, environment), OF("database", TEXT, database), END};
static const struct receipt_member HOST[] = {
	OF("name", TEXT, host), MAYBE_OF("machine", HEX, machine), END};
static const struct receipt_member JOURNAL[] = {
	OF("events", NUMBER, events), OF("head", HEX, head), END};
static const struct receipt_member FORCE[] = {MAYBE_OF("reason", TEXT, force_reason), END};
static const struct receipt_member STAGING[] = {MAYBE_OF("receipt", HEX, staging.receipt),
	MAYBE_OF("key", HEX, staging.key), MAYBE_OF("run", TEXT, staging.run),
	MAYBE_OF("site", TEXT, staging.site), MAYBE_OF("reason", TEXT, staging.reason), END};

const struct receipt_object receipt_objects[RECEIPT_OBJECTS] = {
	{NULL, false, OWN},
	{"offkit", false, OFFKIT},
	{"kit", false, KIT},
	{"root", false, ROOT},
	{"site", false, SITE},
	{"host", false, HOST},
	{"journal", false, JOURNAL},
	{"force", true, FORCE},
	{"staging", true, STAGING},
};

static const struct receipt_member STEP[] = {MEMBER(struct receipt_step, "name", TEXT, name),
	MEMBER(struct receipt_step, "kind", TEXT, kind),
	MEMBER(struct receipt_step, "outcome", TEXT, outcome),
	MEMBER(struct receipt_step, "duration", NUMBER, duration), END};
static const struct receipt_member ANSWER[] = {MEMBER(struct receipt_answer, "time", TIME, time),
	MAYBE(struct receipt_answer, "kind", TEXT, kind),
	MAYBE(struct receipt_answer, "step", TEXT, step),
	MAYBE(struct receipt_answer, "text", TEXT, text),
	MEMBER(struct receipt_answer, "choice", TEXT, choice),
	MEMBER(struct receipt_answer, "by", TEXT, by),
	MAYBE(struct receipt_answer, "reason", TEXT, reason), END};
static const struct receipt_member HASH[] = {MEMBER(struct receipt_hash, "step", TEXT, step),
	MEMBER(struct receipt_hash, "sha256", HEX, sha256), END};

#define LIST(name, members, type, field, count_field, max)                                         \
	{                                                                                          \
		name, members, sizeof(type), offsetof(struct receipt, field),                      \
			offsetof(struct receipt, count_field), max                                 \
	}

const struct receipt_list receipt_lists[RECEIPT_LISTS] = {
	LIST("steps", STEP, struct receipt_step, steps, step_count, RECEIPT_STEPS_MAX),
	LIST("answers", ANSWER, struct receipt_answer, answers, answer_count, RECEIPT_ANSWERS_MAX),
	LIST("backfillReports", HASH, struct receipt_hash, hashes, hash_count, RECEIPT_HASHES_MAX),
};

/* ---- writing */

static const char *text_at(const void *row, const struct receipt_member *member)
{
	const char *text;

	memcpy(&text, (const char *)row + member->offset, sizeof text);
	return text;
}

static int64_t number_at(const void *row, const struct receipt_member *member)
{
	int64_t number;

	memcpy(&number, (const char *)row + member->offset, sizeof number);
	return number;
}

/* At a character's border. */
static size_t cut(const char *text)
{
	size_t size = strlen(text);

	if (size <= RECEIPT_TEXT_MAX)
		return size;
	for (size = RECEIPT_TEXT_MAX; size > 0 && ((unsigned char)text[size] & 0xC0U) == 0x80U;)
		size--;
	return size;
}

static bool is_absent(const void *row, const struct receipt_member *member)
{
	return member->optional && *text_at(row, member) == '\0';
}

static void write_members(
	struct json_writer *json, const void *row, const struct receipt_member *members)
{
	for (const struct receipt_member *member = members; member->name != NULL; member++) {
		if (is_absent(row, member))
			continue;
		switch (member->kind) {
		case RECEIPT_TEXT:
		case RECEIPT_HEX:
			json_write_name(json, member->name);
			json_write_string_n(json, text_at(row, member), cut(text_at(row, member)));
			break;
		case RECEIPT_NUMBER:
			json_member_integer(json, member->name, number_at(row, member));
			break;
		case RECEIPT_TIME:
			json_member_time(json, member->name, number_at(row, member));
			break;
		}
	}
}

static bool all_absent(const struct receipt *receipt, const struct receipt_object *object)
{
	const struct receipt_member *member = object->members;

	while (member->name != NULL && is_absent(receipt, member))
		member++;
	return object->optional && member->name == NULL;
}

static void write_list(
	struct json_writer *json, const struct receipt *receipt, const struct receipt_list *list)
{
	const char *rows;
	size_t count;

	memcpy(&rows, (const char *)receipt + list->rows, sizeof rows);
	memcpy(&count, (const char *)receipt + list->count, sizeof count);
	json_member_array(json, list->name);
	for (size_t i = 0; i < count; i++) {
		json_write_object(json);
		write_members(json, rows + i * list->row_size, list->members);
		json_write_end(json);
	}
	json_write_end(json);
}

void receipt_write_members(const struct receipt *receipt, struct json_writer *json)
{
	for (size_t i = 0; i < RECEIPT_OBJECTS; i++) {
		const struct receipt_object *object = &receipt_objects[i];
		if (all_absent(receipt, object))
			continue;
		if (object->name != NULL)
			json_member_object(json, object->name);
		write_members(json, receipt, object->members);
		if (object->name != NULL)
			json_write_end(json);
	}
	for (size_t i = 0; i < RECEIPT_LISTS; i++)
		write_list(json, receipt, &receipt_lists[i]);
}

static void write_subjects(struct json_writer *json, const struct receipt *receipt)
{
	json_member_array(json, "subject");
	for (size_t i = 0; i < receipt->file_count; i++)
		statement_write_subject(json, receipt->files[i].name, &receipt->files[i].digest);
	json_write_end(json);
}

int receipt_write(const struct receipt *receipt, struct str *out, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer json;

	json_write_begin(&json, &text);
	json_write_object(&json);
	json_member_string(&json, "_type", STATEMENT_TYPE);
	json_member_string(&json, "predicateType", RECEIPT_TYPE);
	write_subjects(&json, receipt);
	json_member_object(&json, "predicate");
	receipt_write_members(receipt, &json);
	json_write_end(&json);
	json_write_end(&json);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : json_canonical_text(str_bytes(&text), out, err);
}
