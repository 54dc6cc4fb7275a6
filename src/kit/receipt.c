#include "kit/receipt.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "kit/envelope.h"
#include "kit/manifest.h"
#include "kit/receipt_internal.h"
#include "kit/statement.h"

#define NUMBER_MAX (((int64_t)1 << 53) - 1)

/* ---- members, by their tables */

static void put(void *row, size_t offset, const void *value, size_t size)
{
	memcpy((char *)row + offset, value, size);
}

static int read_text(const struct json *object, const struct receipt_member *member,
	struct arena *arena, void *row, struct err *err)
{
	bool hex = member->kind == RECEIPT_HEX;
	size_t max = hex ? SHA256_HEX_SIZE - 1 : RECEIPT_TEXT_MAX;
	const char *text = "";
	struct sha256 ignored;
	int rc = 0;

	if (!member->optional || json_member(object, member->name) != NULL)
		rc = json_need_string(object, member->name, max, &text, err);
	if (rc < 0)
		return rc;
	if (hex && *text != '\0' && !sha256_from_hex(bytes_of_string(text), &ignored))
		return err_set(err, ERR_SYNTAX, "\"%s\" must be 64 lower-case hexadecimal digits",
			member->name);
	text = arena_string(arena, text);
	if (text == NULL)
		return err_no_memory(err);
	put(row, member->offset, &text, sizeof text);
	return 0;
}

static int read_time(
	const struct json *object, const struct receipt_member *member, void *row, struct err *err)
{
	char again[RFC3339_SIZE];
	const char *text;
	int64_t time;
	int rc = json_need_string(object, member->name, RFC3339_SIZE - 1, &text, err);

	if (rc == 0)
		rc = time_parse(text, &time, err);
	if (rc < 0)
		return err_context(err, "\"%s\"", member->name);
	/* As offkit writes it: one text for a time. */
	time_format(time, again);
	if (strcmp(text, again) != 0)
		return err_set(err, ERR_SYNTAX, "\"%s\" is not in UTC or has more digits than %s",
			member->name, again);
	put(row, member->offset, &time, sizeof time);
	return 0;
}

static int read_member(const struct json *object, const struct receipt_member *member,
	struct arena *arena, void *row, struct err *err)
{
	int64_t number;
	int rc = 0;

	switch (member->kind) {
	case RECEIPT_TEXT:
	case RECEIPT_HEX:
		return read_text(object, member, arena, row, err);
	case RECEIPT_TIME:
		return read_time(object, member, row, err);
	case RECEIPT_NUMBER:
		rc = json_need_integer(object, member->name, 0, NUMBER_MAX, &number, err);
		if (rc == 0)
			put(row, member->offset, &number, sizeof number);
		break;
	}
	return rc;
}

static int read_members(const struct json *object, const struct receipt_member *members,
	struct arena *arena, void *row, struct err *err)
{
	int rc = 0;

	for (; rc == 0 && members->name != NULL; members++)
		rc = read_member(object, members, arena, row, err);
	return rc;
}

static size_t name_members(const struct receipt_member *members, const char **names)
{
	size_t count = 0;

	for (; members->name != NULL; members++)
		names[count++] = members->name;
	names[count] = NULL;
	return count;
}

/* ---- objects and lists */

static int check_closed(const struct json *object, const char *const *names, struct err *err)
{
	/* json_closed passes comments over; what is signed has none. */
	for (const struct json *value = json_first(object); value != NULL; value = json_next(value))
		if (*json_name(value) == '_')
			return err_set(err, ERR_SYNTAX, "it has a comment");
	return json_closed(object, names, err);
}

/* Those of an object that is optional and absent. */
static void read_nothing(const struct receipt_member *members, void *row)
{
	static const char *const nothing = "";

	for (; members->name != NULL; members++)
		put(row, members->offset, &nothing, sizeof nothing);
}

static int read_object(const struct json *predicate, const struct receipt_object *part,
	struct arena *arena, struct receipt *receipt, struct err *err)
{
	const char *names[RECEIPT_MEMBERS_MAX];
	const struct json *object = predicate;
	int rc = 0;

	if (part->name == NULL)
		return read_members(predicate, part->members, arena, receipt, err);
	if (part->optional && json_member(predicate, part->name) == NULL) {
		read_nothing(part->members, receipt);
		return 0;
	}
	rc = json_need(predicate, part->name, JSON_OBJECT, &object, err);
	if (rc < 0)
		return rc;
	if (part->optional && json_count(object) == 0)
		return err_set(err, ERR_SYNTAX, "\"%s\" is empty", part->name);
	(void)name_members(part->members, names);
	rc = check_closed(object, names, err);
	if (rc == 0)
		rc = read_members(object, part->members, arena, receipt, err);
	return rc < 0 ? err_context(err, "\"%s\"", part->name) : 0;
}

static int read_rows(const struct json *array, const struct receipt_list *list, struct arena *arena,
	char *rows, struct err *err)
{
	const char *names[RECEIPT_MEMBERS_MAX];
	size_t count = 0;

	(void)name_members(list->members, names);
	for (const struct json *value = json_first(array); value != NULL;
		value = json_next(value), count++) {
		int rc = json_type(value) == JSON_OBJECT
				 ? check_closed(value, names, err)
				 : err_set(err, ERR_SYNTAX, "it is no object");
		if (rc == 0)
			rc = read_members(
				value, list->members, arena, rows + count * list->row_size, err);
		if (rc < 0)
			return err_context(err, "\"%s\" %zu", list->name, count + 1);
	}
	return 0;
}

static int read_list(const struct json *predicate, const struct receipt_list *list,
	struct arena *arena, struct receipt *receipt, struct err *err)
{
	const struct json *array;
	int rc = json_need(predicate, list->name, JSON_ARRAY, &array, err);

	if (rc < 0)
		return rc;
	size_t count = json_count(array);
	if (count > list->max)
		return err_set(
			err, ERR_LIMIT, "\"%s\" has more than %zu entries", list->name, list->max);
	char *rows = arena_array(arena, count + 1, list->row_size);
	if (rows == NULL)
		return err_no_memory(err);
	put(receipt, list->rows, &rows, sizeof rows);
	put(receipt, list->count, &count, sizeof count);
	return read_rows(array, list, arena, rows, err);
}

static int check_predicate(const struct json *predicate, struct err *err)
{
	const char *names[RECEIPT_MEMBERS_MAX];
	size_t count = name_members(receipt_objects[0].members, names);

	for (size_t i = 1; i < RECEIPT_OBJECTS; i++)
		names[count++] = receipt_objects[i].name;
	for (size_t i = 0; i < RECEIPT_LISTS; i++)
		names[count++] = receipt_lists[i].name;
	names[count] = NULL;
	return check_closed(predicate, names, err);
}

static int one_of(const char *name, const char *text, const char *const *words, struct err *err)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, text) == 0)
			return 0;
	return err_set(err, ERR_SYNTAX, "\"%s\" has a value that is not known", name);
}

static int check_words(const struct receipt *receipt, struct err *err)
{
	static const char *const outcomes[] = {
		"done", "failed", "stopped", "undone", "cancelled", NULL};
	static const char *const validations[] = {"passed", "failed", "skipped", "none", NULL};
	static const char *const environments[] = {"demo", "staging", "production", NULL};
	int rc = one_of("outcome", receipt->outcome, outcomes, err);

	if (rc == 0)
		rc = one_of("validation", receipt->validation, validations, err);
	return rc < 0 ? rc : one_of("environment", receipt->environment, environments, err);
}

static int read_predicate(
	const struct json *root, struct arena *arena, struct receipt *receipt, struct err *err)
{
	const struct json *predicate;
	const char *type = NULL;
	int rc = json_need_string(root, "_type", RECEIPT_TEXT_MAX, &type, err);

	if (rc == 0 && strcmp(type, STATEMENT_TYPE) != 0)
		rc = err_set(err, ERR_SYNTAX, "\"_type\" is not %s", STATEMENT_TYPE);
	if (rc == 0)
		rc = json_need(root, "predicate", JSON_OBJECT, &predicate, err);

	if (rc == 0)
		rc = check_predicate(predicate, err);
	for (size_t i = 0; rc == 0 && i < RECEIPT_OBJECTS; i++)
		rc = read_object(predicate, &receipt_objects[i], arena, receipt, err);
	for (size_t i = 0; rc == 0 && i < RECEIPT_LISTS; i++)
		rc = read_list(predicate, &receipt_lists[i], arena, receipt, err);
	return rc < 0 ? rc : check_words(receipt, err);
}

static int take_files(const struct statement *statement, struct arena *arena,
	struct receipt *receipt, struct err *err)
{
	size_t count = statement->subject_count;

	if (strcmp(statement->predicate_type, RECEIPT_TYPE) != 0)
		return err_set(err, ERR_SYNTAX, "its predicate type is not %s", RECEIPT_TYPE);
	if (count > RECEIPT_FILES_MAX)
		return err_set(err, ERR_LIMIT, "it is about more than %d files", RECEIPT_FILES_MAX);
	receipt->files = arena_array(arena, count, sizeof *receipt->files);
	if (receipt->files == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		const struct statement_subject *subject = &statement->subjects[i];
		if (!subject->has_sha256 || *subject->name == '\0')
			return err_set(
				err, ERR_SYNTAX, "subject %zu is no file with its SHA-256", i + 1);
		receipt->files[i] = (struct receipt_file){subject->name, subject->digest};
	}
	receipt->file_count = count;
	return 0;
}

int receipt_parse(struct bytes untrusted_payload, struct arena *arena, struct receipt *ret_receipt,
	struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct receipt receipt = {0};
	struct statement statement;
	int rc = statement_parse(untrusted_payload, arena, &statement, err);

	if (rc == 0)
		rc = take_files(&statement, arena, &receipt, err);
	if (rc == 0)
		rc = json_parse(untrusted_payload, JSON_LIMITS(STATEMENT_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = read_predicate(json_root(doc), arena, &receipt, err);
	if (rc == 0)
		*ret_receipt = receipt;
	return rc;
}

/* ---- the envelope */

static int verify(const struct envelope *envelope, const struct public_key *key, struct err *err)
{
	CLEANUP_STR struct str pae = STR_INIT;
	char hex[SHA256_HEX_SIZE];
	struct err tried = {0};
	int rc = envelope_pae(envelope->payload_type, envelope->untrusted_payload, &pae, err);

	if (rc < 0)
		return rc;
	struct signed_message message = signed_message_make(KEY_USE_ENVELOPE, str_bytes(&pae));
	for (size_t i = 0; i < envelope->signature_count; i++) {
		if (public_key_verify(key, KEY_ED25519, &message, envelope->signatures[i].signature,
			    &tried) == 0)
			return 0;
		if (tried.code != ERR_MANIFEST_SIGNATURE) {
			*err = tried;
			return -(int)tried.code;
		}
	}
	sha256_to_hex(public_key_fingerprint(key), hex);
	return err_set(err, ERR_RECEIPT,
		"it is not signed by the site key %s, or was changed afterwards", hex);
}

int receipt_key_check(const struct public_key *key, struct err *err)
{
	if (public_key_supports(key, KEY_ED25519))
		return 0;
	return err_set(err, ERR_RECEIPT, "a site's key is an Ed25519 key, and this is %s",
		public_key_description(key));
}

static int open_envelope(struct bytes untrusted_text, const struct public_key *key,
	struct arena *arena, struct receipt *ret_receipt, struct err *err)
{
	struct envelope envelope;
	int rc;

	if (untrusted_text.size > RECEIPT_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "it is over %d octets", RECEIPT_SIZE_MAX);
	rc = receipt_key_check(key, err);
	if (rc == 0)
		rc = envelope_parse(untrusted_text, arena, &envelope, err);
	if (rc == 0 && strcmp(envelope.payload_type, ENVELOPE_TYPE_IN_TOTO) != 0)
		rc = err_set(err, ERR_SYNTAX, "its payload type is not %s", ENVELOPE_TYPE_IN_TOTO);
	if (rc == 0)
		rc = verify(&envelope, key, err);
	return rc < 0 ? rc : receipt_parse(envelope.untrusted_payload, arena, ret_receipt, err);
}

int receipt_open(struct bytes untrusted_text, const struct public_key *key, struct arena *arena,
	struct receipt *ret_receipt, struct err *err)
{
	int rc = open_envelope(untrusted_text, key, arena, ret_receipt, err);

	return rc < 0 && err->code != ERR_NO_MEMORY && err->code != ERR_INTERNAL
		       ? err_recode(err, ERR_RECEIPT)
		       : rc;
}
