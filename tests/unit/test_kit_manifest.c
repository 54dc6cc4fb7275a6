/* The manifest: what is written is canonical and reads back; everything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "json/json_write.h"
#include "kit/manifest.h"
#include "kit/migration.h"
#include "kit/sums.h"
#include "manifest_changes.h"

static struct manifest_file good_files[] = {
	{"migrations/21-101/README.md", 0, {{1}}, "text/markdown", ROLE_MIGRATION},
	{"migrations/21-101/migration.json", 12, {{2}}, "application/json", ROLE_MIGRATION},
	{"migrations/21-102/migration.json", 13, {{3}}, "application/json", ROLE_MIGRATION},
	{"sbom/lnm.spdx.json", 1402118, {{4}}, "application/spdx+json", ROLE_SBOM},
	{"seeds/object-store/\xc3\xa9t\xc3\xa9.gz", MANIFEST_FILE_SIZE_MAX, {{5}},
		"application/gzip", ROLE_SEED},
};
static struct manifest_component good_components[] = {
	{"runner", "1.0.0", true, {{9}}},
	{"tooling", "5:7.0-1+deb12", false, {{0}}},
};
static const char *good_migrations[] = {"21-101", "21-102"};

static struct manifest good_manifest(void)
{
	return (struct manifest){
		.name = "lnm",
		.version = "2025.12.1",
		.title = "Link-Not-Merge",
		.sequence = 42,
		.created = 1766222103000,
		.has_expiry = true,
		.expires = 1766222103001,
		.sums_digest = {{7}},
		.requires_offkit = "1.0.0",
		.requires_mongodb_min = "5.0",
		.requires_mongodb_max = "8.0.4",
		.requires_previous = "2025.11.3",
		.component_count = 2,
		.components = good_components,
		.file_count = 5,
		.files = good_files,
		.migration_count = 2,
		.migrations = good_migrations,
	};
}

static void write_good(struct str *out)
{
	struct manifest manifest = good_manifest();

	assert_int_equal(manifest_write(&manifest, out, &err), 0);
}

static void test_round_trip(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT, again = STR_INIT, canonical = STR_INIT;
	struct manifest manifest;

	(void)state;
	write_good(&text);
	assert_int_equal(json_canonical_text(str_bytes(&text), &canonical, &err), 0);
	assert_string_equal(str_text(&text), str_text(&canonical));
	assert_int_equal(parse(str_text(&text), &arena, &manifest), 0);
	assert_int_equal(manifest.sequence, 42);
	assert_int_equal(manifest.expires, 1766222103001);
	assert_string_equal(manifest.requires_previous, "2025.11.3");
	assert_int_equal(manifest.files[4].digest.octets[0], 5);
	assert_ptr_equal(manifest.files[1].media_type, manifest.files[2].media_type);
	assert_ptr_equal(manifest_find(&manifest, "sbom/lnm.spdx.json"), &manifest.files[3]);
	assert_null(manifest_find(&manifest, "sbom"));
	assert_int_equal(manifest_write(&manifest, &again, &err), 0);
	assert_string_equal(str_text(&again), str_text(&text));
}

static void test_optional_members(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT, again = STR_INIT;
	struct manifest manifest = good_manifest();

	(void)state;
	manifest.has_expiry = false;
	manifest.title = "";
	manifest.requires_offkit = manifest.requires_previous = NULL;
	manifest.requires_mongodb_min = manifest.requires_mongodb_max = NULL;
	manifest.component_count = 0;
	manifest.files += 3;
	manifest.file_count = 1;
	manifest.migration_count = 0;
	assert_int_equal(manifest_write(&manifest, &text, &err), 0);
	assert_null(strstr(str_text(&text), "requires"));
	assert_int_equal(parse(str_text(&text), &arena, &manifest), 0);
	assert_string_equal(manifest.title, "");
	assert_false(manifest.has_expiry);
	assert_null(manifest.requires_offkit);
	assert_int_equal(manifest_write(&manifest, &again, &err), 0);
	assert_string_equal(str_text(&again), str_text(&text));
}

static const struct change changes[] = {
	{"/v1\"", "/v0.1\"", ERR_SYNTAX, "\"_type\""},
	{"urn:offkit:kit:v1", "urn:offkit:kit:v2", ERR_SYNTAX, "\"predicateType\""},
	{"\"_type\"", "\"type\"", ERR_SYNTAX, "\"type\" is not known"},
	{"\"predicate\":{", "\"predicate\":{\"extra\":1,", ERR_SYNTAX, "\"extra\" is not known"},
	{"\"kit\":{", "\"kit\":{\"extra\":1,", ERR_SYNTAX, "kit: \"extra\""},
	{"\"requires\":{", "\"requires\":{\"extra\":1,", ERR_SYNTAX, "requires: \"extra\""},
	{"\"mongodb\":{", "\"mongodb\":{\"extra\":1,", ERR_SYNTAX, "mongodb: \"extra\""},
	{"\"sha256\":\"09", "\"sha512\":\"\",\"sha256\":\"09", ERR_SYNTAX, "component 1"},
	{"{\"mediaType\"", "{\"extra\":1,\"mediaType\"", ERR_SYNTAX, "file 1: \"extra\""},
	{"\"name\":\"lnm\"", "\"name\":\"LNM\"", ERR_SYNTAX, "\"name\" must be lower-case"},
	{"\"name\":\"lnm\"", "\"name\":\"../a\"", ERR_SYNTAX, "\"name\" must be lower-case"},
	{"\"name\":\"lnm\"", "\"name\":\"-a\"", ERR_SYNTAX, "\"name\" must be lower-case"},
	{"\"name\":\"lnm\"", "\"name\":\"\"", ERR_SYNTAX, "must not be empty"},
	{"\"2025.12.1\"", "\"2025.12\"", ERR_SYNTAX, "no semantic version"},
	{"\"sequence\":42", "\"sequence\":0", ERR_SYNTAX, "\"sequence\""},
	{"\"sequence\":42", "\"sequence\":-1", ERR_SYNTAX, "\"sequence\""},
	{"\"sequence\":42", "\"sequence\":1.5", ERR_SYNTAX, "\"sequence\""},
	{"\"sequence\":42", "\"sequence\":\"42\"", ERR_SYNTAX, "\"sequence\""},
	{"\"sequence\":42", "\"sequence\":9007199254740992", ERR_SYNTAX, ""},
	{"2025-12-20T09:15:03Z", "2025-12-20 09:15:03Z", ERR_SYNTAX, "\"created\""},
	{"2025-12-20T09:15:03.001Z", "2025-12-20T09:15:03Z", ERR_SYNTAX, "expires before"},
	{"\"sumsDigest\":{\"sha256\":\"07", "\"sumsDigest\":{\"sha256\":\"7", ERR_SYNTAX,
		"sumsDigest"},
	{"\"min\":\"5.0\"", "\"min\":\"5.x\"", ERR_SYNTAX, "\"min\" is no version"},
	{"\"min\":\"5.0\"", "\"min\":\"5.0.0.0\"", ERR_SYNTAX, "\"min\" is no version"},
	{"\"offkit\":\"1.0.0\"", "\"offkit\":\"1.0\"", ERR_SYNTAX, "\"offkit\" is no version"},
	{"\"size\":12}", "\"size\":-1}", ERR_SYNTAX, "file 2: \"size\""},
	{"\"size\":1125899906842624", "\"size\":1125899906842625", ERR_SYNTAX, "file 5: \"size\""},
	{"\"role\":\"sbom\"", "\"role\":\"seed\"", ERR_SYNTAX, "file 4: its role is seed"},
	{"\"role\":\"sbom\"", "\"role\":\"code\"", ERR_SYNTAX, "file 4: \"role\" is not known"},
	{"text/markdown", "markdown", ERR_SYNTAX, "file 1: \"mediaType\""},
	{"text/markdown", "text/", ERR_SYNTAX, "file 1: \"mediaType\""},
	{"text/markdown", "text/a b", ERR_SYNTAX, "file 1: \"mediaType\""},
	{"sbom/lnm.spdx.json", "sbom/../lnm.spdx.json", ERR_UNSAFE_ARCHIVE, "file 4"},
	{"sbom/lnm.spdx.json", "SHA256SUMS", ERR_SYNTAX, "file 4"},
	{"sbom/lnm.spdx.json", "sbomx", ERR_SYNTAX, "file 4"},
	{"\"sbom/lnm.spdx.json\",\"role\":\"sbom\"", "\"attestations/a\",\"role\":\"attestation\"",
		ERR_SYNTAX, "file 4: the names are not in order"},
	{"migrations/21-101/README.md", "migrations/21-101/Migration.JSON", ERR_UNSAFE_ARCHIVE,
		"only in case"},
	{"migrations/21-101/README.md", "migrations/21-101", ERR_UNSAFE_ARCHIVE,
		"a file and a folder"},
	{"migrations/21-101/README.md", "migrations/21-100/README.md", ERR_SYNTAX,
		"belongs to no migration"},
	{"migrations/21-101/README.md", "migrations/.README.md", ERR_SYNTAX,
		"belongs to no migration"},
	{"[\"21-101\",\"21-102\"]", "[\"21-101\"]", ERR_SYNTAX, "belongs to no migration"},
	{"[\"21-101\",\"21-102\"]", "[\"21-101\",\"21-102\",\"21-102\"]", ERR_SYNTAX, "twice"},
	{"[\"21-101\",\"21-102\"]", "[\"21-101\",\"21-102\",\"21-103\"]", ERR_SYNTAX,
		"the kit has no migrations/21-103/migration.json"},
	{"[\"21-101\",\"21-102\"]", "[\"21-101\",\"21-102\",\"a/b\"]", ERR_SYNTAX, "is no id"},
	{"[\"21-101\",\"21-102\"]", "[\"21-101\",\"21-102\",\"..\"]", ERR_SYNTAX, "is no id"},
	{"[\"21-101\",\"21-102\"]", "[\"21-101\",\"21-102\",3]", ERR_SYNTAX, "is no id"},
	{"\"subject\":[", "\"subject\":[{\"digest\":{\"sha256\":\"01" ZEROS "\"},\"name\":\"a\"},",
		ERR_SYNTAX, "6 subjects and 5 files"},
	{"{\"digest\":{\"sha256\":\"04" ZEROS "\"},\"name\":\"sbom/lnm.spdx.json\"}",
		"{\"digest\":{\"sha256\":\"04" ZEROS "\"},\"name\":\"sbom/lnm\"}", ERR_SYNTAX,
		"subject 4 is not file 4"},
	{"\"sha256\":\"04", "\"sha256\":\"0G", ERR_SYNTAX, "subject 4"},
	{"{\"digest\":{\"sha256\":\"04", "{\"x\":1,\"digest\":{\"sha256\":\"04", ERR_SYNTAX,
		"subject 4"},
};

static void test_refuses_every_change(void **state)
{
	CLEANUP_STR struct str text = STR_INIT;

	(void)state;
	write_good(&text);
	refuse_changes(&text, changes, sizeof changes / sizeof changes[0]);
}

/* Every member must be there: each one renamed in turn to what is allowed as a comment. */
static void test_needs_every_member(void **state)
{
	static const char *const needed[] = {"_type", "components", "created", "files", "kit",
		"migrations\":", "predicate", "predicateType", "sequence", "subject", "sumsDigest",
		"mediaType", "role", "size", "digest\":{\"sha256\":\"04", "sha256\":\"04"};
	CLEANUP_STR struct str text = STR_INIT;

	(void)state;
	write_good(&text);
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		CLEANUP_STR struct str from = STR_INIT, to = STR_INIT, changed = STR_INIT;
		struct manifest manifest;

		str_append_format(&from, "\"%s", needed[i]);
		str_append_format(&to, "\"_x%s", needed[i]);
		replace(&changed, str_text(&text), str_text(&from), str_text(&to));
		assert_int_equal(parse(str_text(&changed), &arena, &manifest), -ERR_SYNTAX);
		assert_non_null(strstr(err.message, "is missing"));
	}
}

/* A kit of that many seeds, written and read; returns the outcome of reading. */
static int many_files(size_t count, int64_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT, names = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct manifest manifest = good_manifest();
	struct manifest_file *files = arena_array(&names, count + 1, sizeof *files);

	for (size_t i = 0; i < count; i++)
		files[i] =
			(struct manifest_file){arena_format(&names, "seeds/object-store/%07zu", i),
				size, {{0}}, "application/gzip", ROLE_SEED};
	manifest.migration_count = 0;
	manifest.files = files;
	manifest.file_count = count;
	assert_int_equal(manifest_write(&manifest, &text, &err), 0);
	return manifest_parse(str_bytes(&text), &arena, &manifest, &err);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(many_files(0, 1), -ERR_SYNTAX);
	assert_int_equal(many_files(MANIFEST_FILES_MAX, 1), 0);
	assert_int_equal(many_files(MANIFEST_FILES_MAX + 1, 1), -ERR_LIMIT);
	assert_int_equal(many_files(8, MANIFEST_FILE_SIZE_MAX), 0);
	assert_int_equal(many_files(9, MANIFEST_FILE_SIZE_MAX), -ERR_LIMIT);
}

static int many_components(size_t count)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct manifest manifest = good_manifest();

	manifest.components = arena_array(&arena, count, sizeof *manifest.components);
	for (size_t i = 0; i < count; i++)
		manifest.components[i] = good_components[1];
	manifest.component_count = count;
	assert_int_equal(manifest_write(&manifest, &text, &err), 0);
	return manifest_parse(str_bytes(&text), &arena, &manifest, &err);
}

static int many_migrations(size_t count)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct manifest manifest = good_manifest();

	manifest.files = arena_array(&arena, count, sizeof *manifest.files);
	manifest.migrations = arena_array(&arena, count, sizeof *manifest.migrations);
	for (size_t i = 0; i < count; i++) {
		manifest.migrations[i] = arena_format(&arena, "m%04zu", i);
		manifest.files[i] = good_files[1];
		manifest.files[i].name =
			arena_format(&arena, "migrations/m%04zu/migration.json", i);
	}
	manifest.file_count = manifest.migration_count = count;
	assert_int_equal(manifest_write(&manifest, &text, &err), 0);
	return manifest_parse(str_bytes(&text), &arena, &manifest, &err);
}

static int with_texts(size_t name, size_t version, size_t title)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct manifest manifest = good_manifest();
	char *texts[3];
	const size_t sizes[3] = {name, version, title};

	for (size_t i = 0; i < 3; i++) {
		texts[i] = arena_alloc(&arena, sizes[i] + 1);
		memset(texts[i], '1', sizes[i]);
	}
	memcpy(texts[1], "1.2.", 4);
	manifest.name = texts[0];
	manifest.version = texts[1];
	manifest.title = texts[2];
	assert_int_equal(manifest_write(&manifest, &text, &err), 0);
	return manifest_parse(str_bytes(&text), &arena, &manifest, &err);
}

static void test_more_limits(void **state)
{
	(void)state;
	assert_int_equal(many_components(MANIFEST_COMPONENTS_MAX), 0);
	assert_int_equal(many_components(MANIFEST_COMPONENTS_MAX + 1), -ERR_LIMIT);
	assert_int_equal(many_migrations(MANIFEST_MIGRATIONS_MAX), 0);
	assert_int_equal(many_migrations(MANIFEST_MIGRATIONS_MAX + 1), -ERR_LIMIT);
	assert_int_equal(with_texts(MANIFEST_NAME_MAX, MANIFEST_VERSION_MAX, MANIFEST_TEXT_MAX), 0);
	assert_int_equal(with_texts(MANIFEST_NAME_MAX + 1, 5, 1), -ERR_LIMIT);
	assert_int_equal(with_texts(1, MANIFEST_VERSION_MAX + 1, 1), -ERR_LIMIT);
	assert_int_equal(with_texts(1, 5, MANIFEST_TEXT_MAX + 1), -ERR_LIMIT);
}

static void test_agrees_with_sums(void **state)
{
	struct sums_entry entries[6];
	struct sums sums = {5, entries};
	struct manifest manifest = good_manifest();

	(void)state;
	for (size_t i = 0; i < 5; i++)
		entries[i] = (struct sums_entry){good_files[i].name, good_files[i].digest};
	assert_int_equal(manifest_agrees_with_sums(&manifest, &sums, &err), 0);
	entries[2].digest.octets[31] ^= 1;
	assert_int_equal(manifest_agrees_with_sums(&manifest, &sums, &err), -ERR_MANIFEST_SUMS);
	assert_non_null(strstr(err.message, "21-102/migration.json: the manifest and"));
	entries[2].digest.octets[31] ^= 1;
	sums.count = 4;
	assert_int_equal(manifest_agrees_with_sums(&manifest, &sums, &err), -ERR_MANIFEST_SUMS);
	sums.count = 6;
	entries[5] = (struct sums_entry){"z", {{0}}};
	assert_int_equal(manifest_agrees_with_sums(&manifest, &sums, &err), -ERR_MANIFEST_SUMS);
	sums.count = 5;
	entries[3].name = "sbom/lnm";
	assert_int_equal(manifest_agrees_with_sums(&manifest, &sums, &err), -ERR_MANIFEST_SUMS);
	assert_string_equal(err.message, "sbom/lnm: the manifest does not list it");
	entries[3].name = "sbom/lnm.spdx.json2";
	assert_int_equal(manifest_agrees_with_sums(&manifest, &sums, &err), -ERR_MANIFEST_SUMS);
	assert_string_equal(err.message, "sbom/lnm.spdx.json: SHA256SUMS does not list it");
}

static void test_versions(void **state)
{
	static const char *const bad[] = {"", "1", "1.2", "1.2.3.4", "01.2.3", "1.02.3", "1.2.03",
		"v1.2.3", "1.2.3-", "1.2.3-a..b", "1.2.3-01", "1.2.3+", "1.2.3+a+b", "1.2.3 ",
		" 1.2.3", "1.2.3-a_b", "1.2.-3", "1.2.3-\xc3\xa9"};
	/* Section 11's own example, then numbers beyond 64 bits. */
	static const char *const rising[] = {"0.0.0", "0.9.0", "1.0.0-1", "1.0.0-2", "1.0.0-10",
		"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
		"1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1-0", "1.0.1", "1.2.0", "1.10.0",
		"2.0.0-0a", "2025.12.1", "18446744073709551616.0.0", "18446744073709551617.0.0"};
	size_t count = sizeof rising / sizeof rising[0];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(version_valid(bad[i]));
	assert_true(version_valid("1.0.0-01a+001.sha-5114f85"));
	for (size_t i = 0; i < count; i++) {
		assert_true(version_valid(rising[i]));
		for (size_t k = 0; k < count; k++)
			assert_int_equal(version_compare(rising[i], rising[k]), (i > k) - (i < k));
	}
	assert_int_equal(version_compare("1.0.0+a", "1.0.0+b"), 0);
	assert_int_equal(version_compare("1.0.0-a+x", "1.0.0-a"), 0);
}

static int parse_migration(const char *text, struct migration *migration)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;

	assert_int_equal(json_parse(bytes_of_string(text), JSON_LIMITS(4096), &doc, &err), 0);
	int status = migration_parse(json_root(doc), migration, &err);
	if (status == 0) /* the texts are the document's */
		migration->id = migration->kind = migration->title = NULL;
	return status;
}

static void test_migration_head(void **state)
{
	static const char *const bad[] = {"[]", "{}", "{\"id\":\"a\",\"kind\":\"ensure\"}",
		"{\"id\":\"a\",\"title\":\"t\"}", "{\"kind\":\"ensure\",\"title\":\"t\"}",
		"{\"id\":\"\",\"kind\":\"ensure\",\"title\":\"t\"}",
		"{\"id\":\"a/b\",\"kind\":\"ensure\",\"title\":\"t\"}",
		"{\"id\":\"-a\",\"kind\":\"ensure\",\"title\":\"t\"}",
		"{\"id\":\"a.\",\"kind\":\"ensure\",\"title\":\"t\"}",
		"{\"id\":\"a\",\"kind\":\"ensure\",\"title\":\"\"}",
		"{\"id\":\"a\",\"kind\":1,\"title\":\"t\"}",
		"{\"id\":\"a\",\"kind\":\"ensure\",\"title\":\"t\",\"what\":1}"};
	struct migration migration;
	char id[MIGRATION_ID_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(parse_migration(bad[i], &migration), -ERR_SYNTAX);
	assert_int_equal(parse_migration("{\"id\":\"21-101\",\"kind\":\"ensure\",\"title\":\"t\","
					 "\"collections\":[]}",
				 &migration),
		0);
	assert_string_equal(migration.what, "");
	memset(id, 'a', sizeof id);
	id[MIGRATION_ID_MAX + 1] = '\0';
	assert_false(migration_id_valid(id));
	assert_true(migration_id_valid(id + 1));
}

static int titled(size_t characters)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct migration migration;

	str_append_text(&text, "{\"id\":\"a\",\"kind\":\"ensure\",\"title\":\"");
	for (size_t i = 0; i < characters; i++)
		str_append_text(&text, "\xe6\x97\xa5");
	str_append_text(&text, "\"}");
	return parse_migration(str_text(&text), &migration);
}

static void test_migration_title_counts_characters(void **state)
{
	(void)state;
	assert_int_equal(titled(MIGRATION_TITLE_MAX), 0);
	assert_int_equal(titled(MIGRATION_TITLE_MAX + 1), -ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_optional_members),
		cmocka_unit_test(test_refuses_every_change),
		cmocka_unit_test(test_needs_every_member),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_more_limits),
		cmocka_unit_test(test_agrees_with_sums),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_migration_head),
		cmocka_unit_test(test_migration_title_counts_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
