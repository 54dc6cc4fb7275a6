/*
 * SPDX 2.3: clause 6 (the document), 7 (packages), 11 (relationships), in the names of the JSON
 * schema that comes with it.
 */
#include "kit/spdx.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "json/json.h"
#include "kit/statement.h"
#include "text/text.h"

#define DOCUMENT_ID  "SPDXRef-DOCUMENT"
#define NO_ASSERTION "NOASSERTION"

/* Whatever has an identifier in the document; the texts are the document's. */
struct element {
	const char *id;
	struct spdx_package *package; /* NULL: it is none */
};

struct reading {
	struct arena *arena;
	struct spdx *spdx;
	size_t element_count;
	struct element *elements; /* sorted by id (strcmp) once all are known */
	size_t described_others;  /* files and snippets that the document describes */
};

/* Clause 7.2: "SPDXRef-", then letters, digits, "." and "-". */
static bool id_valid(const char *id)
{
	static const char prefix[] = "SPDXRef-";
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
	size_t size = strlen(id), skip = sizeof prefix - 1;

	return size > skip && strncmp(id, prefix, skip) == 0 &&
	       skip + strspn(id + skip, allowed) == size;
}

static int need_id(const struct json *object, const char *name, const char **ret, struct err *err)
{
	const char *id;
	int rc = json_need_string(object, name, SPDX_TEXT_MAX, &id, err);

	if (rc == 0 && !id_valid(id))
		return err_set(err, ERR_SYNTAX, "\"%s\" is no SPDX identifier", name);
	if (rc == 0)
		*ret = id;
	return rc;
}

static int copy(struct arena *arena, const char *text, const char **ret, struct err *err)
{
	const char *result = arena_string(arena, text);

	if (result == NULL)
		return err_no_memory(err);
	*ret = result;
	return 0;
}

static int need_constant(
	const struct json *object, const char *name, const char *wanted, struct err *err)
{
	const char *text;
	int rc = json_need_string(object, name, SPDX_TEXT_MAX, &text, err);

	if (rc == 0 && strcmp(text, wanted) != 0)
		return err_set(err, ERR_SYNTAX, "\"%s\" is not %s", name, wanted);
	return rc;
}

/* Clause 6.9: "YYYY-MM-DDThh:mm:ssZ" and nothing else that RFC 3339 has. */
static int parse_creation(const struct json *root, struct spdx *spdx, struct err *err)
{
	const struct json *info, *creators;
	const char *created;
	int rc = json_need(root, "creationInfo", JSON_OBJECT, &info, err);

	if (rc == 0)
		rc = json_need(info, "creators", JSON_ARRAY, &creators, err);
	if (rc == 0)
		rc = json_need_string(info, "created", RFC3339_SIZE, &created, err);
	if (rc < 0)
		return rc;
	if (json_count(creators) == 0)
		return err_set(err, ERR_SYNTAX, "\"creators\" names nobody");
	if (strlen(created) != sizeof "YYYY-MM-DDThh:mm:ssZ" - 1)
		return err_set(err, ERR_SYNTAX, "\"created\" is no time of SPDX");
	return time_parse(created, &spdx->created, err);
}

static int parse_head(const struct json *root, struct reading *reading, struct err *err)
{
	struct spdx *spdx = reading->spdx;
	const char *name, *space;
	int rc = need_constant(root, "spdxVersion", "SPDX-2.3", err);

	if (rc == 0)
		rc = need_constant(root, "dataLicense", "CC0-1.0", err);
	if (rc == 0)
		rc = need_constant(root, "SPDXID", DOCUMENT_ID, err);
	if (rc == 0)
		rc = json_need_string(root, "name", SPDX_TEXT_MAX, &name, err);
	if (rc == 0)
		rc = json_need_string(root, "documentNamespace", SPDX_TEXT_MAX, &space, err);
	if (rc == 0)
		rc = parse_creation(root, spdx, err);
	if (rc < 0)
		return rc;
	if (!uri_valid(space) || strchr(space, '#') != NULL)
		return err_set(err, ERR_SYNTAX, "\"documentNamespace\" is no URI without \"#\"");
	rc = copy(reading->arena, name, &spdx->name, err);
	return rc < 0 ? rc : copy(reading->arena, space, &spdx->document_namespace, err);
}

static int parse_checksum(const struct json *value, struct spdx_package *package, struct err *err)
{
	const char *algorithm, *digits;
	int rc = json_need_string(value, "algorithm", SPDX_TEXT_MAX, &algorithm, err);

	if (rc == 0)
		rc = json_need_string(value, "checksumValue", SPDX_TEXT_MAX, &digits, err);
	if (rc < 0 || strcmp(algorithm, "SHA256") != 0)
		return rc;
	if (package->has_sha256)
		return err_set(err, ERR_SYNTAX, "it has two checksums of SHA256");
	if (!sha256_from_hex(bytes_of_string(digits), &package->digest))
		return err_set(err, ERR_SYNTAX,
			"a checksum of SHA256 must be 64 lower-case hexadecimal digits");
	package->has_sha256 = true;
	return 0;
}

static int parse_checksums(const struct json *value, struct spdx_package *package, struct err *err)
{
	const struct json *list = NULL;
	int rc = json_optional(value, "checksums", JSON_ARRAY, &list, err);

	if (rc < 0 || list == NULL)
		return rc;
	for (const struct json *item = json_first(list); item != NULL && rc == 0;
		item = json_next(item))
		rc = parse_checksum(item, package, err);
	return rc;
}

static bool says_nothing(const char *licence)
{
	return licence[0] == '\0' || strcmp(licence, NO_ASSERTION) == 0;
}

/* Clause 7.13: who looked into it knows better than who made it. */
static int parse_licence(const struct json *value, struct reading *reading,
	struct spdx_package *package, struct err *err)
{
	const char *concluded = "", *declared = "";
	int rc = json_optional_string(value, "licenseConcluded", SPDX_TEXT_MAX, &concluded, err);

	if (rc == 0)
		rc = json_optional_string(value, "licenseDeclared", SPDX_TEXT_MAX, &declared, err);
	if (rc < 0)
		return rc;
	return copy(reading->arena,
		!says_nothing(concluded)  ? concluded
		: !says_nothing(declared) ? declared
					  : NO_ASSERTION,
		&package->licence, err);
}

static void add_element(struct reading *reading, const char *id, struct spdx_package *package)
{
	reading->elements[reading->element_count++] = (struct element){id, package};
}

static int parse_package(const struct json *value, struct reading *reading,
	struct spdx_package *package, struct err *err)
{
	const char *id, *name, *location, *version = "";
	int rc = need_id(value, "SPDXID", &id, err);

	if (rc == 0)
		rc = json_need_string(value, "name", SPDX_TEXT_MAX, &name, err);
	if (rc == 0)
		rc = json_need_string(value, "downloadLocation", SPDX_TEXT_MAX, &location, err);
	if (rc == 0)
		rc = json_optional_string(value, "versionInfo", SPDX_TEXT_MAX, &version, err);
	if (rc == 0)
		rc = parse_checksums(value, package, err);
	if (rc == 0)
		rc = parse_licence(value, reading, package, err);
	if (rc == 0)
		rc = copy(reading->arena, id, &package->id, err);
	if (rc == 0)
		rc = copy(reading->arena, name, &package->name, err);
	if (rc == 0)
		rc = copy(reading->arena, version, &package->version, err);
	if (rc == 0)
		add_element(reading, id, package);
	return rc;
}

static int optional_list(const struct json *root, const char *name, size_t max,
	const struct json **ret_first, size_t *ret_count, struct err *err)
{
	const struct json *list = NULL;
	int rc = json_optional(root, name, JSON_ARRAY, &list, err);

	*ret_first = NULL;
	*ret_count = 0;
	if (rc < 0 || list == NULL)
		return rc;
	if (json_count(list) > max)
		return err_set(err, ERR_LIMIT, "\"%s\" has more than %zu elements", name, max);
	*ret_first = json_first(list);
	*ret_count = json_count(list);
	return 0;
}

/* Files and snippets: of these only the identifiers matter here. */
static int parse_others(
	const struct json *first, const char *name, struct reading *reading, struct err *err)
{
	size_t i = 0;

	for (const struct json *value = first; value != NULL; value = json_next(value)) {
		const char *id;
		i++;
		if (need_id(value, "SPDXID", &id, err) < 0)
			return err_context(err, "%s: element %zu", name, i);
		add_element(reading, id, NULL);
	}
	return 0;
}

static int compare_elements(const void *left, const void *right)
{
	return strcmp(((const struct element *)left)->id, ((const struct element *)right)->id);
}

static int sort_elements(struct reading *reading, struct err *err)
{
	qsort(reading->elements, reading->element_count, sizeof *reading->elements,
		compare_elements);
	for (size_t i = 1; i < reading->element_count; i++)
		if (strcmp(reading->elements[i - 1].id, reading->elements[i].id) == 0)
			return err_set(err, ERR_SYNTAX, "the identifier %.80s is there twice",
				reading->elements[i].id);
	return 0;
}

static int parse_elements(const struct json *root, struct reading *reading, struct err *err)
{
	const struct json *packages, *files, *snippets;
	struct spdx *spdx = reading->spdx;
	size_t snippet_count = 0, i = 0;
	int rc = optional_list(
		root, "packages", SPDX_PACKAGES_MAX, &packages, &spdx->package_count, err);

	if (rc == 0)
		rc = optional_list(root, "files", SPDX_FILES_MAX, &files, &spdx->file_count, err);
	if (rc == 0)
		rc = optional_list(
			root, "snippets", SPDX_FILES_MAX, &snippets, &snippet_count, err);
	if (rc < 0)
		return rc;
	spdx->packages = arena_array(reading->arena, spdx->package_count, sizeof *spdx->packages);
	reading->elements = calloc(1 + spdx->package_count + spdx->file_count + snippet_count,
		sizeof *reading->elements);
	if (spdx->packages == NULL || reading->elements == NULL)
		return err_no_memory(err);
	add_element(reading, DOCUMENT_ID, NULL);
	for (const struct json *value = packages; value != NULL; value = json_next(value)) {
		if (parse_package(value, reading, &spdx->packages[i++], err) < 0)
			return err_context(err, "package %zu", i);
	}
	rc = parse_others(files, "files", reading, err);
	if (rc == 0)
		rc = parse_others(snippets, "snippets", reading, err);
	return rc < 0 ? rc : sort_elements(reading, err);
}

static int describe(struct reading *reading, const char *id, struct err *err)
{
	CLEANUP_STR struct str shown = STR_INIT;
	const struct element wanted = {.id = id};
	const struct element *found = bsearch(&wanted, reading->elements, reading->element_count,
		sizeof wanted, compare_elements);

	if (found == NULL || strcmp(id, DOCUMENT_ID) == 0) {
		text_escape(&shown, bytes_of_string(id), 80);
		return err_set(
			err, ERR_SYNTAX, "it describes %s, which is not in it", str_text(&shown));
	}
	if (found->package == NULL)
		reading->described_others++;
	else if (!found->package->described)
		reading->spdx->described_count++;
	if (found->package != NULL)
		found->package->described = true;
	return 0;
}

/* "A DESCRIBES B" and "B DESCRIBED_BY A" say the same; every other relationship decides nothing. */
static int parse_relationship(const struct json *value, struct reading *reading, struct err *err)
{
	const char *from, *type, *to;
	int rc = json_need_string(value, "spdxElementId", SPDX_TEXT_MAX, &from, err);

	if (rc == 0)
		rc = json_need_string(value, "relationshipType", SPDX_TEXT_MAX, &type, err);
	if (rc == 0)
		rc = json_need_string(value, "relatedSpdxElement", SPDX_TEXT_MAX, &to, err);
	if (rc < 0)
		return rc;
	if (strcmp(type, "DESCRIBES") == 0 && strcmp(from, DOCUMENT_ID) == 0)
		return describe(reading, to, err);
	if (strcmp(type, "DESCRIBED_BY") == 0 && strcmp(to, DOCUMENT_ID) == 0)
		return describe(reading, from, err);
	return 0;
}

static int parse_described(const struct json *root, struct reading *reading, struct err *err)
{
	const struct json *list = NULL, *relationships = NULL;
	struct spdx *spdx = reading->spdx;
	size_t i = 0;
	int rc = json_optional(root, "documentDescribes", JSON_ARRAY, &list, err);

	if (rc == 0)
		rc = json_optional(root, "relationships", JSON_ARRAY, &relationships, err);
	if (rc < 0)
		return rc;
	for (const struct json *value = list == NULL ? NULL : json_first(list); value != NULL;
		value = json_next(value)) {
		if (json_type(value) != JSON_STRING)
			return err_set(
				err, ERR_SYNTAX, "\"documentDescribes\" is no list of texts");
		rc = describe(reading, json_string(value), err);
		if (rc < 0)
			return rc;
	}
	for (const struct json *value = relationships == NULL ? NULL : json_first(relationships);
		value != NULL; value = json_next(value)) {
		i++;
		if (parse_relationship(value, reading, err) < 0)
			return err_context(err, "relationship %zu", i);
	}
	/* Clause 11.1, DESCRIBES: mandatory only where there is more than one package. */
	if (spdx->package_count == 1 && spdx->described_count == 0 &&
		reading->described_others == 0) {
		spdx->packages[0].described = true;
		spdx->described_count = 1;
	}
	if (spdx->described_count == 0)
		return err_set(err, ERR_SYNTAX, "it describes no package");
	return 0;
}

int spdx_parse(struct bytes text, struct arena *arena, struct spdx *ret_spdx, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct spdx spdx = {0};
	struct reading reading = {.arena = arena, .spdx = &spdx};
	int rc = json_parse(text, JSON_LIMITS(SPDX_SIZE_MAX), &doc, err);

	if (rc == 0)
		rc = parse_head(json_root(doc), &reading, err);
	if (rc == 0)
		rc = parse_elements(json_root(doc), &reading, err);
	if (rc == 0)
		rc = parse_described(json_root(doc), &reading, err);
	free(reading.elements);
	if (rc < 0)
		return err_context(err, "SPDX document");
	*ret_spdx = spdx;
	return 0;
}
