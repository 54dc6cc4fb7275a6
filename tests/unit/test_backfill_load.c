#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "derive_ask.h"
#include "steps/backfill.h"

#define WRITE                                                                                      \
	"\"write\": [{\"collection\": \"t\", \"role\": \"documents\", \"volatile\": [\"p.job\"],"  \
	" \"document\": {\"_id\": \"$_id\", \"p\": {\"job\": \"$$runId\"}}}]"
#define PHASE(more) "{\"name\": \"one\", \"source\": {\"collection\": \"s\"}, " more "}"
#define MIGRATION(phases)                                                                          \
	"{\"id\": \"m\", \"kind\": \"backfill\", \"title\": \"t\", \"phases\": [" phases "]}"

static int load(const char *text, struct arena *arena, struct json_doc **doc,
	struct backfill *backfill, struct err *err)
{
	struct migration migration;

	parse_text(text, doc);
	assert_int_equal(migration_parse(json_root(*doc), &migration, err), 0);
	return backfill_load(&migration, arena, backfill, err);
}

static void refused(const char *text, const char *message)
{
	struct json_doc *doc CLEANUP(json_cleanup) = NULL;
	struct arena arena = ARENA_INIT;
	struct backfill backfill;
	struct err err;

	if (load(text, &arena, &doc, &backfill, &err) == 0)
		fail_msg("it was not refused: %s", text);
	if (strstr(err.message, message) == NULL)
		fail_msg("%s: %s", text, err.message);
	arena_release(&arena);
}

#define LOOKUP(more) PHASE("\"lookups\": [{\"as\": \"x\", \"key\": \"$x\", " more "}], " WRITE)

static void test_what_is_wrong_with_a_lookup_is_named(void **state)
{
	(void)state;
	refused(MIGRATION(LOOKUP("\"field\": \"y\"")), "phases[0].lookups[0]");
	refused(MIGRATION(LOOKUP("\"collection\": \"s\", \"missing\": \"no\"")),
		"neither error nor finding");
	refused(MIGRATION(LOOKUP("\"collection\": \"t\", \"chain\": \"x\"")), "own source");
	refused(MIGRATION(LOOKUP("\"collection\": \"s\", \"many\": true, \"chain\": \"x\"")),
		"own source");
	refused(MIGRATION(LOOKUP("\"collection\": \"s\", \"field\": \"y\", \"chain\": \"x\"")),
		"own source");
	refused(MIGRATION(LOOKUP("\"collection\": \"s\", \"sha256\": \"$y\"")), "sha256");
	refused(MIGRATION(LOOKUP("\"bucket\": \"b\", \"many\": true")), "many");
	refused(MIGRATION(LOOKUP("\"bucket\": \"b\", \"sha256\": {\"$no\": 1}")),
		"phases[0].lookups[0].sha256");
}

static void test_what_is_wrong_is_named(void **state)
{
	(void)state;
	refused(MIGRATION(""), "phases");
	refused(MIGRATION(PHASE("\"write\": []")), "writes nothing");
	refused(MIGRATION(PHASE("\"extra\": 1, " WRITE)), "extra");
	refused(MIGRATION(PHASE("\"countBy\": {\"$no\": 1}, " WRITE)), "phases[0].countBy");
	refused(MIGRATION(PHASE("\"let\": {\"a\": 1, \"b\": \"$$c\"}, " WRITE)), "phases[0].let.b");
	refused(MIGRATION(PHASE("\"let\": {\"runId\": 1}, " WRITE)), "bound already");
	refused(MIGRATION(PHASE("\"let\": {\"Upper\": 1}, " WRITE)), "variable's name");
	refused(MIGRATION(PHASE(
			"\"cases\": [{\"name\": \"a\", \"when\": true, \"let\": {\"x\": 1}},"
			" {\"name\": \"b\", \"when\": true, \"let\": {\"y\": \"$$x\"}}], " WRITE)),
		"phases[0].cases[1].let.y");
	refused(MIGRATION(
			PHASE("\"let\": {\"a\": 1}, \"cases\": [{\"name\": \"a\", \"when\": true, "
			      "\"let\": {\"a\": 1}}], " WRITE)),
		"bound already");
	refused(MIGRATION(PHASE("\"cases\": [{\"name\": \"a\"}], " WRITE)), "\"when\"");
	refused(MIGRATION(PHASE("\"lookups\": [{\"as\": \"x\", \"collection\": \"c\"}], " WRITE)),
		"\"key\"");
	refused(MIGRATION("{\"name\": \"one\", \"source\": {\"collection\": \"s\", \"groupBy\": "
			  "[\"a.b\"]}, " WRITE "}"),
		"groupBy");
	refused(MIGRATION(PHASE("\"write\": [{\"collection\": \"t\", \"role\": \"documents\", "
				"\"volatile\": [], \"document\": {\"_id\": 1}}]")),
		"$$runId");
	refused(MIGRATION(PHASE("\"write\": [{\"collection\": \"t\", \"role\": \"documents\", "
				"\"volatile\": [\"q\"], \"document\": {\"_id\": 1}}]")),
		"volatile path q");
	refused(MIGRATION(PHASE("\"write\": [{\"collection\": \"t\", \"role\": \"nonsense\", "
				"\"volatile\": [], \"document\": {\"_id\": 1}}]")),
		"no role");
}

static void test_slots_of_cases_are_shared(void **state)
{
	struct json_doc *doc CLEANUP(json_cleanup) = NULL;
	struct arena arena = ARENA_INIT;
	struct backfill backfill;
	struct err err;

	(void)state;
	int result =
		load(MIGRATION(PHASE(
			     "\"let\": {\"a\": 1, \"_note\": \"a comment\"},"
			     "\"cases\": [{\"name\": \"p\", \"when\": true, \"let\": {\"x\": 1, "
			     "\"y\": 2}},"
			     " {\"name\": \"q\", \"when\": true, \"let\": {\"y\": 3}}], " WRITE)),
			&arena, &doc, &backfill, &err);
	if (result != 0)
		fail_msg("%s", err.message);
	const struct backfill_phase *phase = &backfill.phases[0];
	assert_int_equal(phase->let.count, 1);
	assert_int_equal(phase->variable_count, 4); /* runId, a, x, y */
	assert_int_equal(phase->cases[0].let.list[1].slot, phase->cases[1].let.list[0].slot);
	assert_string_equal(phase->writes[0].run_path, "p.job");
	arena_release(&arena);
}

/* The kit's own migration, with a document of each kind of feed. */
static void derive_lnm(const char *raw, const char *expected)
{
	CLEANUP_STR struct str text = STR_INIT, root = STR_INIT, wanted = STR_INIT,
			       shown = STR_INIT, wanted_shown = STR_INIT;
	struct json_doc *doc CLEANUP(json_cleanup) = NULL;
	struct arena arena = ARENA_INIT;
	struct backfill backfill;
	struct migration migration;
	struct err err;
	FILE *file = fopen("kit-layout/lnm/migrations/21-102/migration.json", "r");
	char buffer[4096];
	size_t got;

	if (file == NULL)
		skip();
	while ((got = fread(buffer, 1, sizeof buffer, file)) > 0)
		str_append(&text, buffer, got);
	(void)fclose(file);
	parse_text(str_text(&text), &doc);
	if (migration_parse(json_root(doc), &migration, &err) != 0 ||
		backfill_load(&migration, &arena, &backfill, &err) != 0)
		fail_msg("%s", err.message);
	struct backfill_unit unit = {
		.root = value_of_text(raw, &root).bytes,
		.documents = 1,
		.variables = arena_array(
			&arena, backfill.phases[0].variable_count, sizeof(struct value)),
	};
	struct backfill_batch batch = {
		.phase = &backfill.phases[0], .arena = &arena, .unit_count = 1, .units = &unit};
	assert_int_equal(backfill_derive(&batch, "run-1", &err), 0);
	if (batch.failure_count > 0) {
		if (strstr(batch.failures[0].err.message, expected) == NULL)
			fail_msg("%s", batch.failures[0].err.message);
		arena_release(&arena);
		return;
	}
	assert_int_equal(batch.derived_count, 2); /* nothing superseded: no tombstone */
	struct value observation = {.type = VALUE_DOCUMENT, .bytes = batch.derived[0].document};
	struct value expected_value = value_of_text(expected, &wanted);
	show(&observation, &shown);
	show(&expected_value, &wanted_shown);
	assert_string_equal(str_text(&shown), str_text(&wanted_shown));
	arena_release(&arena);
}

#define RAW(vendor, format, content)                                                               \
	"{\"_id\": 1, \"tenant\": \"acme\", \"source\": {\"vendor\": \"" vendor                    \
	"\"}, \"upstream\": {\"upstream_id\": \"A-1\", \"content_hash\": \"sha256:00ff\","         \
	" \"fetched_at\": {\"$date\": \"2024-01-01T00:00:00Z\"}}, \"linkset\": {\"purls\": "       \
	"[\"pkg:generic/x\"]}, \"content\": {\"format\": \"" format "\", \"raw\": " content        \
	"}, \"created_at\": {\"$date\": \"2024-01-02T00:00:00Z\"}}"
/* printf 'acme|ghsa|A-1|00ff' | sha256sum | cut -c1-24, and so on */
#define HEAD(id, source)                                                                           \
	"{\"_id\": {\"$oid\": \"" id "\"}, \"tenantId\": \"acme\", \"source\": \"" source          \
	"\", \"advisoryId\": \"A-1\", "
#define TAIL                                                                                       \
	"\"provenance\": {\"sourceArtifactSha\": \"00ff\", \"fetchedAt\": {\"$date\": "            \
	"\"2024-01-01T00:00:00Z\"}, \"ingestJobId\": \"run-1\"}, \"ingestedAt\": {\"$date\": "     \
	"\"2024-01-02T00:00:00Z\"}}"

static void test_lnm_osv(void **state)
{
	(void)state;
	derive_lnm(
		RAW("GHSA", "OSV",
			"{\"id\": \"A-1\", \"summary\": \"s\", \"details\": \"d\", \"aliases\": "
			"[\"CVE-1\", \"A-1\"], \"affected\": [{\"package\": {\"name\": \"p\", "
			"\"ecosystem\": \"npm\", \"purl\": \"pkg:npm/p\"}, \"ranges\": [{\"type\": "
			"\"SEMVER\", \"events\": [{\"introduced\": \"0\"}]}]}, {\"versions\": "
			"[\"1\"]}], \"severity\": [{\"type\": \"CVSS_V3\", \"score\": "
			"\"CVSS:3.1/x\"}], "
			"\"references\": [{\"url\": \"b\"}, {\"url\": \"a\"}]}"),
		HEAD("d304155ebeaa6efcb017c502",
			"ghsa") "\"title\": \"s\", \"summary\": \"d\", \"affected\": [{\"purl\": "
				"\"pkg:npm/p\", \"package\": \"p\", \"ecosystem\": \"npm\", "
				"\"versions\": "
				"[], \"ranges\": [{\"type\": \"SEMVER\", \"events\": "
				"[{\"introduced\": "
				"\"0\"}]}]}, {\"purl\": \"\", \"versions\": [\"1\"], \"ranges\": "
				"[]}], "
				"\"severities\": [{\"system\": \"CVSS_V3\", \"vector\": "
				"\"CVSS:3.1/x\"}], "
				"\"references\": [\"a\", \"b\"], \"relationships\": [{\"type\": "
				"\"alias\", "
				"\"source\": \"A-1\", \"target\": \"CVE-1\"}], " TAIL);
}

static void test_lnm_nvd(void **state)
{
	(void)state;
	derive_lnm(
		RAW("nvd", "NVD",
			"{\"cve\": {\"descriptions\": [{\"lang\": \"es\", \"value\": \"x\"}, "
			"{\"lang\": "
			"\"en\", \"value\": \"d\"}], \"metrics\": {\"cvssMetricV31\": "
			"[{\"cvssData\": "
			"{\"version\": \"3.1\", \"baseScore\": 7, \"vectorString\": \"v\"}}]}, "
			"\"configurations\": [{\"nodes\": [{\"cpeMatch\": [{\"vulnerable\": true, "
			"\"criteria\": \"c1\", \"versionEndExcluding\": \"2\"}, {\"vulnerable\": "
			"false, "
			"\"criteria\": \"c2\"}]}]}]}}"),
		HEAD("8c61d5f3ff8f3e53d980ba2d",
			"nvd") "\"summary\": \"d\", \"affected\": [{\"purl\": \"pkg:generic/x\", "
			       "\"versions\": [], \"ranges\": [{\"type\": \"CPE\", \"events\": "
			       "[{\"criteria\": \"c1\", \"versionEndExcluding\": \"2\"}]}], "
			       "\"cpes\": "
			       "[\"c1\"]}], \"severities\": [{\"system\": \"CVSS_V3\", \"score\": "
			       "{\"$numberDouble\": \"7.0\"}, \"vector\": \"v\"}], \"references\": "
			       "[], "
			       "\"relationships\": [], " TAIL);
}

/* A product named in the tree, one only through a relationship, and one that is not affected. */
static void test_lnm_csaf(void **state)
{
	(void)state;
	derive_lnm(
		RAW("RedHat", "CSAF",
			"{\"document\": {\"title\": \"t\", \"notes\": [{\"category\": "
			"\"description\", "
			"\"text\": \"d\"}]}, \"product_tree\": {\"branches\": [{\"branches\": "
			"[{\"product\": {\"product_id\": \"P1\", \"name\": \"one\", "
			"\"product_identification_helper\": {\"purl\": \"pkg:rpm/one\"}}}, "
			"{\"product\": {\"product_id\": \"P2\", \"name\": \"two\", "
			"\"product_identification_helper\": {\"purl\": \"pkg:rpm/two\", \"cpe\": "
			"\"cpe:/two\"}}}, {\"product\": {\"product_id\": \"P3\", \"name\": "
			"\"three\", "
			"\"product_identification_helper\": {\"purl\": \"pkg:rpm/three\"}}}]}], "
			"\"relationships\": [{\"product_reference\": \"P2\", "
			"\"full_product_name\": "
			"{\"product_id\": \"R:P2\", \"name\": \"two on R\"}}]}, "
			"\"vulnerabilities\": "
			"[{\"cve\": \"CVE-1\", \"product_status\": {\"known_affected\": [\"P1\", "
			"\"R:P2\"]}, \"scores\": [{\"cvss_v3\": {\"version\": \"3.1\", "
			"\"baseScore\": "
			"7.5, \"vectorString\": \"v\"}}]}]}"),
		HEAD("0171ebee0955052d67adb657",
			"redhat") "\"title\": \"t\", \"summary\": \"d\", \"affected\": [{\"purl\": "
				  "\"pkg:rpm/one\", \"package\": \"one\", \"versions\": [], "
				  "\"ranges\": [], "
				  "\"cpes\": []}, {\"purl\": \"pkg:rpm/two\", \"package\": "
				  "\"two\", "
				  "\"versions\": [], \"ranges\": [], \"cpes\": [\"cpe:/two\"]}], "
				  "\"severities\": [{\"system\": \"CVSS_V3\", \"score\": 7.5, "
				  "\"vector\": "
				  "\"v\"}], \"references\": [], \"relationships\": [{\"type\": "
				  "\"alias\", "
				  "\"source\": \"A-1\", \"target\": \"CVE-1\"}], " TAIL);
}

#define DEEPER "{\"branches\": ["
static void test_lnm_refuses_what_it_would_lose(void **state)
{
	(void)state;
	derive_lnm(RAW("redhat", "CSAF",
			   "{\"document\": {}, \"product_tree\": " DEEPER DEEPER DEEPER DEEPER
				   DEEPER DEEPER DEEPER "{}]}]}]}]}]}]}]}}"),
		"cases[2].let.products");
	derive_lnm(RAW("ghsa", "TEXT", "{}"), "no case of phase observations fits");
	derive_lnm(RAW("", "OSV", "{\"id\": \"A-1\"}"), "no case of phase observations fits");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_wrong_with_a_lookup_is_named),
		cmocka_unit_test(test_what_is_wrong_is_named),
		cmocka_unit_test(test_slots_of_cases_are_shared),
		cmocka_unit_test(test_lnm_osv),
		cmocka_unit_test(test_lnm_nvd),
		cmocka_unit_test(test_lnm_csaf),
		cmocka_unit_test(test_lnm_refuses_what_it_would_lose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
