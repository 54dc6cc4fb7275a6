#include "kit/statement.h"

#include <string.h>

#include "base/cleanup.h"
#include "kit/json_digest.h"
#include "kit/manifest.h"

enum { DIGESTS_MAX = 32 /* algorithms of one subject */ };

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

void statement_write_subject(
	struct json_writer *json, const char *name, const struct sha256 *digest)
{
	json_write_object(json);
	json_member_object(json, "digest");
	json_digest_member(json, digest);
	json_write_end(json);
	json_member_string(json, "name", name);
	json_write_end(json);
}

bool uri_valid(const char *text)
{
	size_t scheme = strspn(text, LETTERS DIGITS "+-.");
	size_t rest = strspn(text + scheme, LETTERS DIGITS "-._~:/?#[]@!$&'()*+,;=%");

	return strspn(text, LETTERS) > 0 && text[scheme] == ':' && rest > 1 &&
	       text[scheme + rest] == '\0';
}

static const struct {
	const char *type, *title, *word;
} predicate_types[] = {
	{"https://spdx.dev/Document", "SPDX document", "SBOM"},
	{"https://spdx.dev/Document/v2.3", "SPDX 2.3 document", "SBOM"},
	{"https://cyclonedx.org/bom", "CycloneDX document", "SBOM"},
	{"https://slsa.dev/provenance/v0.2", "SLSA provenance v0.2", "provenance"},
	{"https://slsa.dev/provenance/v1", "SLSA provenance v1", "provenance"},
	{"https://cosign.sigstore.dev/attestation/vuln/v1", "vulnerability scan",
		"vulnerabilities"},
	{"https://cosign.sigstore.dev/attestation/v1", "custom attestation", "custom"},
};
enum { PREDICATE_TYPES = sizeof predicate_types / sizeof predicate_types[0] };

const char *predicate_type_title(const char *predicate_type)
{
	for (size_t i = 0; i < PREDICATE_TYPES; i++)
		if (strcmp(predicate_types[i].type, predicate_type) == 0)
			return predicate_types[i].title;
	return NULL;
}

const char *predicate_type_word(const char *predicate_type)
{
	for (size_t i = 0; i < PREDICATE_TYPES; i++)
		if (strcmp(predicate_types[i].type, predicate_type) == 0)
			return predicate_types[i].word;
	return NULL;
}

static int copy(struct arena *arena, const char *text, const char **ret, struct err *err)
{
	const char *result = arena_string(arena, text);

	if (result == NULL)
		return err_no_memory(err);
	*ret = result;
	return 0;
}

/* A DigestSet: algorithms by name. Those that are no SHA-256 may be anything that is a text. */
static int parse_digests(
	const struct json *digests, struct statement_subject *subject, struct err *err)
{
	size_t count = json_count(digests);

	if (count == 0)
		return err_set(err, ERR_SYNTAX, "\"digest\" is empty");
	if (count > DIGESTS_MAX)
		return err_set(
			err, ERR_LIMIT, "\"digest\" has more than %d algorithms", DIGESTS_MAX);
	for (const struct json *value = json_first(digests); value != NULL;
		value = json_next(value)) {
		if (json_type(value) != JSON_STRING)
			return err_set(err, ERR_SYNTAX, "a value of \"digest\" is not a string");
		if (strcmp(json_name(value), "sha256") != 0)
			continue;
		if (!sha256_from_hex(bytes_of_string(json_string(value)), &subject->digest))
			return err_set(err, ERR_SYNTAX,
				"\"sha256\" must be 64 lower-case hexadecimal digits");
		subject->has_sha256 = true;
	}
	return 0;
}

/* v0.1 asks for a name; in v1 it is optional. Both match subjects by their digests. */
static int parse_subject(const struct json *value, bool needs_name, struct arena *arena,
	struct statement_subject *subject, struct err *err)
{
	const struct json *digests;
	const char *name = "";
	int rc = json_need(value, "digest", JSON_OBJECT, &digests, err);

	if (rc == 0 && needs_name)
		rc = json_need_string(value, "name", STATEMENT_TEXT_MAX, &name, err);
	else if (rc == 0)
		rc = json_optional_string(value, "name", STATEMENT_TEXT_MAX, &name, err);
	if (rc == 0)
		rc = copy(arena, name, &subject->name, err);
	return rc < 0 ? rc : parse_digests(digests, subject, err);
}

static int parse_subjects(const struct json *root, bool needs_name, struct arena *arena,
	struct statement *statement, struct err *err)
{
	const struct json *list;
	int rc = json_need(root, "subject", JSON_ARRAY, &list, err);

	if (rc < 0)
		return rc;
	if (json_count(list) == 0)
		return err_set(err, ERR_SYNTAX, "it has no subject");
	if (json_count(list) > STATEMENT_SUBJECTS_MAX)
		return err_set(
			err, ERR_LIMIT, "it has more than %d subjects", STATEMENT_SUBJECTS_MAX);
	statement->subjects = arena_array(arena, json_count(list), sizeof *statement->subjects);
	if (statement->subjects == NULL)
		return err_no_memory(err);
	for (const struct json *value = json_first(list); value != NULL; value = json_next(value)) {
		rc = parse_subject(value, needs_name, arena,
			&statement->subjects[statement->subject_count++], err);
		if (rc < 0)
			return err_context(err, "subject %zu", statement->subject_count);
	}
	return 0;
}

static int parse_root(
	const struct json *root, struct arena *arena, struct statement *statement, struct err *err)
{
	const struct json *predicate = NULL;
	const char *type, *predicate_type;
	int rc = json_need_string(root, "_type", STATEMENT_TEXT_MAX, &type, err);

	if (rc < 0)
		return rc;
	bool is_0_1 = strcmp(type, STATEMENT_TYPE_0_1) == 0;
	if (!is_0_1 && strcmp(type, STATEMENT_TYPE) != 0)
		return err_set(err, ERR_SYNTAX, "\"_type\" is no in-toto statement, v0.1 or v1");
	rc = json_need_string(root, "predicateType", STATEMENT_TEXT_MAX, &predicate_type, err);
	if (rc == 0)
		rc = json_optional(root, "predicate", JSON_OBJECT, &predicate, err);
	if (rc == 0)
		rc = copy(arena, predicate_type, &statement->predicate_type, err);
	return rc < 0 ? rc : parse_subjects(root, is_0_1, arena, statement, err);
}

int statement_parse(
	struct bytes payload, struct arena *arena, struct statement *ret_statement, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct statement statement = {0};
	int rc = json_parse(payload, JSON_LIMITS(STATEMENT_SIZE_MAX), &doc, err);

	if (rc == 0)
		rc = parse_root(json_root(doc), arena, &statement, err);
	if (rc < 0)
		return err_context(err, "in-toto statement");
	*ret_statement = statement;
	return 0;
}
