/* SPDX 2.3 documents: both sides of each rule and limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kit/spdx.h"

#define D1 "1111111111111111111111111111111111111111111111111111111111111111"

#define VERSION	  "\"spdxVersion\":\"SPDX-2.3\""
#define LICENCE	  "\"dataLicense\":\"CC0-1.0\""
#define ID	  "\"SPDXID\":\"SPDXRef-DOCUMENT\""
#define NAME	  "\"name\":\"the document\""
#define NAMESPACE "\"documentNamespace\":\"https://example.org/a\""
#define CREATION                                                                                   \
	"\"creationInfo\":{\"created\":\"2025-12-19T14:02:00Z\",\"creators\":[\"Tool: x\"]}"
#define PACKAGE_A                                                                                  \
	"{\"SPDXID\":\"SPDXRef-a\",\"name\":\"a\",\"versionInfo\":\"1\","                          \
	"\"downloadLocation\":\"NONE\",\"licenseConcluded\":\"MIT\","                              \
	"\"checksums\":[{\"algorithm\":\"SHA1\",\"checksumValue\":\"x\"},"                         \
	"{\"algorithm\":\"SHA256\",\"checksumValue\":\"" D1 "\"}]}"
#define PACKAGE_B                                                                                  \
	"{\"SPDXID\":\"SPDXRef-b\",\"name\":\"b\",\"downloadLocation\":\"NOASSERTION\","           \
	"\"licenseConcluded\":\"NOASSERTION\",\"licenseDeclared\":\"Apache-2.0\"}"
#define PACKAGES "\"packages\":[" PACKAGE_A "," PACKAGE_B "]"
#define FILES	 "\"files\":[{\"SPDXID\":\"SPDXRef-f\",\"fileName\":\"./f\",\"checksums\":[]}]"
#define DESCRIBES                                                                                  \
	"\"relationships\":[{\"spdxElementId\":\"SPDXRef-DOCUMENT\","                              \
	"\"relationshipType\":\"DESCRIBES\",\"relatedSpdxElement\":\"SPDXRef-a\"}]"
#define GOOD                                                                                       \
	"{" VERSION "," LICENCE "," ID "," NAME "," NAMESPACE "," CREATION "," PACKAGES "," FILES  \
	"," DESCRIBES "}"

static struct err err;

static int parse(const char *text, struct arena *arena, struct spdx *spdx)
{
	err = (struct err){0};
	return spdx_parse(bytes_of_string(text), arena, spdx, &err);
}

static void test_reads_a_document(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct spdx spdx;

	(void)state;
	assert_int_equal(parse(GOOD, &arena, &spdx), 0);
	assert_string_equal(spdx.name, "the document");
	assert_string_equal(spdx.document_namespace, "https://example.org/a");
	assert_int_equal(spdx.created, 1766152920000);
	assert_int_equal(spdx.package_count, 2);
	assert_int_equal(spdx.file_count, 1);
	assert_int_equal(spdx.described_count, 1);
	assert_string_equal(spdx.packages[0].id, "SPDXRef-a");
	assert_string_equal(spdx.packages[0].name, "a");
	assert_string_equal(spdx.packages[0].version, "1");
	assert_string_equal(spdx.packages[0].licence, "MIT");
	assert_true(spdx.packages[0].described);
	assert_true(spdx.packages[0].has_sha256);
	assert_int_equal(spdx.packages[0].digest.octets[0], 0x11);
	assert_string_equal(spdx.packages[1].version, "");
	assert_string_equal(spdx.packages[1].licence, "Apache-2.0");
	assert_false(spdx.packages[1].described);
	assert_false(spdx.packages[1].has_sha256);
}

/* Replaces the first occurrence; it must be there. */
static void replace(struct str *out, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	str_append(out, text, (size_t)(at - text));
	str_append_text(out, to);
	str_append_text(out, at + strlen(from));
}

static const struct {
	const char *from, *to;
	int code; /* 0: it is read */
	const char *message;
} changes[] = {
	{VERSION, "\"spdxVersion\":\"SPDX-2.2\"", ERR_SYNTAX, "\"spdxVersion\" is not SPDX-2.3"},
	{VERSION, "\"spdxVersion\":2.3", ERR_SYNTAX, "\"spdxVersion\""},
	{VERSION, "\"x\":0", ERR_SYNTAX, "\"spdxVersion\" is missing"},
	{LICENCE, "\"dataLicense\":\"MIT\"", ERR_SYNTAX, "\"dataLicense\" is not CC0-1.0"},
	{LICENCE, "\"x\":0", ERR_SYNTAX, "\"dataLicense\" is missing"},
	{ID, "\"SPDXID\":\"SPDXRef-document\"", ERR_SYNTAX, "\"SPDXID\" is not"},
	{ID, "\"x\":0", ERR_SYNTAX, "\"SPDXID\" is missing"},
	{NAME, "\"name\":\"\"", ERR_SYNTAX, "\"name\" must not be empty"},
	{NAME, "\"x\":0", ERR_SYNTAX, "\"name\" is missing"},
	{NAMESPACE, "\"x\":0", ERR_SYNTAX, "\"documentNamespace\" is missing"},
	{NAMESPACE, "\"documentNamespace\":\"https://a/#b\"", ERR_SYNTAX, "\"documentNamespace\""},
	{NAMESPACE, "\"documentNamespace\":\"a\"", ERR_SYNTAX, "\"documentNamespace\""},
	{CREATION, "\"x\":0", ERR_SYNTAX, "\"creationInfo\" is missing"},
	{"14:02:00Z", "14:02:00+00:00", ERR_SYNTAX, "\"created\""},
	{"14:02:00Z", "14:02:00.1Z", ERR_SYNTAX, "\"created\""},
	{"14:02:00Z", "14:02:61Z", ERR_SYNTAX, ""},
	{"[\"Tool: x\"]", "[]", ERR_SYNTAX, "\"creators\" names nobody"},
	{"\"creators\"", "\"x\"", ERR_SYNTAX, "\"creators\" is missing"},
	{PACKAGES, "\"x\":0", ERR_SYNTAX, "it describes SPDXRef-a, which is not in it"},
	{PACKAGES, "\"packages\":{}", ERR_SYNTAX, "\"packages\""},
	{PACKAGES, "\"packages\":[1]", ERR_SYNTAX, "package 1"},
	{FILES, "\"x\":0", 0, ""},
	{FILES, "\"files\":[{}]", ERR_SYNTAX, "files: element 1"},
	{FILES, "\"snippets\":[{\"SPDXID\":\"SPDXRef-s\"}]", 0, ""},
	{FILES, "\"snippets\":[{\"SPDXID\":\"s\"}]", ERR_SYNTAX, "snippets: element 1"},
	{"\"SPDXRef-a\",\"name\"", "\"a\",\"name\"", ERR_SYNTAX, "package 1: \"SPDXID\""},
	{"\"SPDXRef-a\",\"name\"", "\"SPDXRef-\",\"name\"", ERR_SYNTAX, "package 1: \"SPDXID\""},
	{"\"SPDXRef-a\",\"name\"", "\"SPDXRef-a_b\",\"name\"", ERR_SYNTAX, "package 1: \"SPDXID\""},
	{"\"SPDXRef-b\"", "\"SPDXRef-a\"", ERR_SYNTAX, "SPDXRef-a is there twice"},
	{"\"SPDXRef-b\"", "\"SPDXRef-DOCUMENT\"", ERR_SYNTAX, "SPDXRef-DOCUMENT is there twice"},
	{"\"SPDXRef-f\"", "\"SPDXRef-b\"", ERR_SYNTAX, "SPDXRef-b is there twice"},
	{"\"name\":\"a\",", "", ERR_SYNTAX, "package 1: \"name\" is missing"},
	{"\"downloadLocation\":\"NONE\",", "", ERR_SYNTAX, "package 1: \"downloadLocation\""},
	{"\"versionInfo\":\"1\"", "\"versionInfo\":1", ERR_SYNTAX, "package 1: \"versionInfo\""},
	{"\"SHA1\",\"checksumValue\":\"x\"", "\"SHA256\",\"checksumValue\":\"" D1 "\"", ERR_SYNTAX,
		"two checksums of SHA256"},
	{"\"SHA1\",\"checksumValue\":\"x\"", "\"SHA1\"", ERR_SYNTAX, "\"checksumValue\""},
	{"\"algorithm\":\"SHA1\",", "", ERR_SYNTAX, "\"algorithm\""},
	{"\"" D1 "\"", "\"" D1 "1\"", ERR_SYNTAX, "64 lower-case"},
	{"\"" D1 "\"", "\"AAAA\"", ERR_SYNTAX, "64 lower-case"},
	{"\"MIT\"", "1", ERR_SYNTAX, "\"licenseConcluded\""},
	{"\"Apache-2.0\"", "1", ERR_SYNTAX, "\"licenseDeclared\""},
	{DESCRIBES, "\"x\":0", ERR_SYNTAX, "it describes no package"},
	{DESCRIBES, "\"documentDescribes\":[\"SPDXRef-b\"]", 0, ""},
	{DESCRIBES, "\"documentDescribes\":[\"SPDXRef-c\"]", ERR_SYNTAX,
		"describes SPDXRef-c, which is not in it"},
	{DESCRIBES, "\"documentDescribes\":[\"NONE\"]", ERR_SYNTAX, "not in it"},
	{DESCRIBES, "\"documentDescribes\":[\"\\u001b[31m\"]", ERR_SYNTAX, "\\x1b"},
	{DESCRIBES, "\"documentDescribes\":[\"SPDXRef-DOCUMENT\"]", ERR_SYNTAX, "not in it"},
	{DESCRIBES, "\"documentDescribes\":[\"SPDXRef-f\"]", ERR_SYNTAX, "describes no package"},
	{DESCRIBES, "\"documentDescribes\":[1]", ERR_SYNTAX, "no list of texts"},
	{DESCRIBES, "\"documentDescribes\":{}", ERR_SYNTAX, "\"documentDescribes\""},
	{"\"DESCRIBES\"", "\"CONTAINS\"", ERR_SYNTAX, "it describes no package"},
	{"\"relatedSpdxElement\":\"SPDXRef-a\"",
		"\"relatedSpdxElement\":\"DocumentRef-x:SPDXRef-a\"", ERR_SYNTAX,
		"relationship 1: it describes DocumentRef-x:SPDXRef-a"},
	{"\"relatedSpdxElement\"", "\"x\"", ERR_SYNTAX, "relationship 1: \"relatedSpdxElement\""},
	{"\"relationshipType\"", "\"x\"", ERR_SYNTAX, "relationship 1: \"relationshipType\""},
	{"\"spdxElementId\"", "\"x\"", ERR_SYNTAX, "relationship 1: \"spdxElementId\""},
	{"\"spdxElementId\":\"SPDXRef-DOCUMENT\"", "\"spdxElementId\":\"SPDXRef-b\"", ERR_SYNTAX,
		"it describes no package"},
	{"\"SPDXRef-DOCUMENT\",\"relationshipType\":\"DESCRIBES\",\"relatedSpdxElement\":"
	 "\"SPDXRef-a\"",
		"\"SPDXRef-a\",\"relationshipType\":\"DESCRIBED_BY\",\"relatedSpdxElement\":"
		"\"SPDXRef-DOCUMENT\"",
		0, ""},
	/* A relationship that decides nothing may name what only its maker knows. */
	{"\"relationships\":[",
		"\"relationships\":[{\"spdxElementId\":\"SPDXRef-x\","
		"\"relationshipType\":\"CONTAINS\",\"relatedSpdxElement\":\"NONE\"},",
		0, ""},
};

static void test_both_sides_of_each_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		CLEANUP_STR struct str text = STR_INIT;
		struct spdx spdx;

		replace(&text, GOOD, changes[i].from, changes[i].to);
		int status = parse(str_text(&text), &arena, &spdx);
		if (status != -changes[i].code || strstr(err.message, changes[i].message) == NULL)
			fail_msg("change %zu (%s): %d %s", i, changes[i].to, status, err.message);
	}
}

static void test_licences(void **state)
{
	static const struct {
		const char *concluded, *wanted;
	} cases[] = {{"\"MIT\"", "MIT"}, {"\"NONE\"", "NONE"}, {"\"\"", "ISC"},
		{"\"NOASSERTION\"", "ISC"}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		CLEANUP_STR struct str text = STR_INIT, changed = STR_INIT;
		struct spdx spdx;

		replace(&text, GOOD, "\"MIT\"", cases[i].concluded);
		replace(&changed, str_text(&text), "\"licenseConcluded\"",
			"\"licenseDeclared\":\"ISC\",\"licenseConcluded\"");
		assert_int_equal(parse(str_text(&changed), &arena, &spdx), 0);
		assert_string_equal(spdx.packages[0].licence, cases[i].wanted);
	}
}

/* Clause 11.1: a single package need not be said to be described. */
static void test_a_single_package(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT, other = STR_INIT;
	struct spdx spdx;

	(void)state;
	replace(&text, GOOD, "," PACKAGE_B "]," FILES "," DESCRIBES, "]," FILES);
	assert_int_equal(parse(str_text(&text), &arena, &spdx), 0);
	assert_int_equal(spdx.described_count, 1);
	assert_true(spdx.packages[0].described);
	replace(&other, str_text(&text), FILES, FILES ",\"documentDescribes\":[\"SPDXRef-f\"]");
	assert_int_equal(parse(str_text(&other), &arena, &spdx), -ERR_SYNTAX);
}

/* Saying it twice is saying it once. */
static void test_described_twice(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct spdx spdx;

	(void)state;
	replace(&text, GOOD, DESCRIBES,
		DESCRIBES ",\"documentDescribes\":[\"SPDXRef-a\",\"SPDXRef-b\"]");
	assert_int_equal(parse(str_text(&text), &arena, &spdx), 0);
	assert_int_equal(spdx.described_count, 2);
}

static void append_many(struct str *text, const char *list, size_t count, const char *rest)
{
	str_append_format(text, ",\"%s\":[", list);
	for (size_t i = 0; i < count; i++)
		str_append_format(text, "%s{\"SPDXID\":\"SPDXRef-%c%zu\"%s}", i > 0 ? "," : "",
			list[0], i, rest);
	str_append_char(text, ']');
}

static int of_size(size_t packages, size_t files, size_t name, size_t total)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct spdx spdx;

	str_append_text(&text, "{" VERSION "," LICENCE "," ID "," NAMESPACE "," CREATION
			       ",\"documentDescribes\":[\"SPDXRef-p0\"],\"name\":\"");
	for (size_t i = 0; i < name; i++)
		str_append_char(&text, 'a');
	str_append_char(&text, '"');
	append_many(&text, "packages", packages, ",\"name\":\"a\",\"downloadLocation\":\"NONE\"");
	append_many(&text, "files", files, "");
	str_append_char(&text, '}');
	while (str_bytes(&text).size < total)
		str_append_char(&text, ' ');
	assert_int_equal(str_check(&text, &err), 0);
	return spdx_parse(str_bytes(&text), &arena, &spdx, &err);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(of_size(SPDX_PACKAGES_MAX, 1, 1, 0), 0);
	assert_int_equal(of_size(SPDX_PACKAGES_MAX + 1, 1, 1, 0), -ERR_LIMIT);
	assert_int_equal(of_size(1, SPDX_FILES_MAX, 1, 0), 0);
	assert_int_equal(of_size(1, SPDX_FILES_MAX + 1, 1, 0), -ERR_LIMIT);
	assert_int_equal(of_size(1, 1, SPDX_TEXT_MAX, 0), 0);
	assert_int_equal(of_size(1, 1, SPDX_TEXT_MAX + 1, 0), -ERR_LIMIT);
	assert_int_equal(of_size(1, 1, 1, SPDX_SIZE_MAX), 0);
	assert_int_equal(of_size(1, 1, 1, SPDX_SIZE_MAX + 1), -ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_a_document),
		cmocka_unit_test(test_both_sides_of_each_rule),
		cmocka_unit_test(test_licences),
		cmocka_unit_test(test_a_single_package),
		cmocka_unit_test(test_described_twice),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
