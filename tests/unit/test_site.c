#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "site/site.h"

static char folder[64];
static char site_path[96], uri_path[96];

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/offkit-test-site-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(site_path, sizeof site_path, "%s/site.json", folder);
	(void)snprintf(uri_path, sizeof uri_path, "%s/uri", folder);
	return unsetenv("OFFKIT_MONGODB_URI");
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(site_path);
	(void)unlink(uri_path);
	return rmdir(folder);
}

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static const char least[] = "{\"name\":\"vault-3\",\"environment\":\"staging\","
			    "\"database\":{\"uri\":\"mongodb://localhost\",\"name\":\"c\"}}";

static void the_least_site_has_the_defaults(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct site site;
	struct err err;

	put(site_path, least, 0644);
	assert_int_equal(site_load(site_path, NULL, &arena, &site, &err), 0);
	assert_string_equal(site.name, "vault-3");
	assert_string_equal(site.uri, "mongodb://localhost");
	assert_string_equal(site.database, "c");
	assert_string_equal(site.state_dir, "/var/lib/offkit");
	assert_string_equal(site.backup_dir, "/var/lib/offkit/backups");
	assert_null(site.freeze.argv);
	assert_int_equal(site.silence, 5000);
	assert_int_equal(site.max_lag, 60000);
	assert_int_equal(site.backup_workers, 4);
	assert_int_equal(site_load(site_path, "/x", &arena, &site, &err), 0);
	assert_string_equal(site.state_dir, "/x");
	assert_string_equal(site.backup_dir, "/x/backups");
}

static void everything_is_read(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct site site;
	struct err err;

	put(site_path,
		"{\"_about\":\"a comment\",\"name\":\"v\",\"environment\":\"production\","
		"\"stagingKey\":\"/k.pub\","
		"\"database\":{\"uri\":\"mongodb://h\",\"name\":\"c\"},\"stateDir\":\"/s\","
		"\"backupDir\":\"/b\",\"ingest\":{\"collections\":[\"a\",\"b.c\"],"
		"\"freeze\":{\"argv\":[\"/bin/f\",\"now\"],\"timeoutSeconds\":7},"
		"\"unfreeze\":{\"argv\":[\"/bin/u\"]},\"silenceSeconds\":0,\"watchSeconds\":2,"
		"\"backlogLimit\":3,\"backlogMinutes\":4},\"limits\":{\"maxLagSeconds\":5,"
		"\"maxImbalancePercent\":6},"
		"\"backup\":{\"workers\":6,\"compression\":\"zstd\"}}",
		0600);
	assert_int_equal(site_load(site_path, NULL, &arena, &site, &err), 0);
	assert_string_equal(site.backup_dir, "/b");
	assert_string_equal(site.staging_key, "/k.pub");
	assert_int_equal(site.frozen_count, 2);
	assert_string_equal(site.frozen[1], "b.c");
	assert_string_equal(site.freeze.argv[1], "now");
	assert_null(site.freeze.argv[2]);
	assert_int_equal(site.freeze.timeout, 7000);
	assert_int_equal(site.unfreeze.timeout, 120000);
	assert_int_equal(site.silence, 0);
	assert_int_equal(site.watch, 2000);
	assert_int_equal(site.backlog_limit, 3);
	assert_int_equal(site.backlog_time, 240000);
	assert_int_equal(site.max_lag, 5000);
	assert_int_equal(site.max_imbalance, 6);
	assert_int_equal(site.backup_workers, 6);
	assert_int_equal(site.backup_compression, COMPRESSION_ZSTD);
}

#define SITE(database) "{\"name\":\"v\",\"environment\":\"demo\",\"database\":" database "}"
#define WITH(member)                                                                               \
	"{\"name\":\"v\",\"environment\":\"demo\",\"database\":{\"uri\":\"mongodb://h\","          \
	"\"name\":\"c\"}," member "}"

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *said;
	} wrong[] = {
		{"", "line 1"},
		{"[]", "JSON object"},
		{"{}", "name"},
		{WITH("\"unknown\":1"), "unknown"},
		{WITH("\"environment\":\"prod\""), "environment"},
		{"{\"name\":\"v\",\"environment\":\"prod\",\"database\":{}}", "environment"},
		{"{\"name\":\"v\",\"environment\":\"demo\"}", "database"},
		{SITE("{\"uri\":\"mongodb://h\"}"), "name"},
		{SITE("{\"name\":\"c\"}"), "uriFile"},
		{SITE("{\"name\":\"a/b\",\"uri\":\"mongodb://h\"}"), "name of a database"},
		{SITE("{\"name\":\"c\",\"uriFile\":\"uri\"}"), "absolute"},
		{WITH("\"stateDir\":\"relative\""), "absolute"},
		{WITH("\"stagingKey\":\"k.pub\""), "stagingKey"},
		{WITH("\"stagingKey\":\"-----BEGIN PRIVATE KEY-----\\n\""), "stagingKey"},
		{WITH("\"ingest\":{\"colections\":[]}"), "colections"},
		{WITH("\"ingest\":{\"collections\":[1]}"), "entry 1"},
		{WITH("\"ingest\":{\"collections\":[\"system.js\"]}"), "entry 1"},
		{WITH("\"ingest\":{\"freeze\":{\"argv\":[]}}"), "ingest: freeze"},
		{WITH("\"ingest\":{\"freeze\":{\"argv\":[\"sh\"]}}"), "absolute"},
		{WITH("\"ingest\":{\"freeze\":{\"argv\":[\"/f\"],\"timeoutSeconds\":0}}"),
			"timeoutSeconds"},
		{WITH("\"backup\":{\"workers\":33}"), "workers"},
		{WITH("\"backup\":{\"compression\":\"xz\"}"), "compression"},
		{WITH("\"limits\":{\"maxLagSeconds\":1.5}"), "maxLagSeconds"},
		{WITH("\"limits\":{\"maxImbalancePercent\":101}"), "maxImbalancePercent"},
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		struct site site;
		struct err err;
		put(site_path, wrong[i].text, 0600);
		int result = site_load(site_path, NULL, &arena, &site, &err);
		if (result != -ERR_SITE || strstr(err.message, wrong[i].said) == NULL ||
			strstr(err.message, site_path) == NULL)
			fail_msg(
				"%s: %d %s", wrong[i].text, result, result != 0 ? err.message : "");
	}
}

static void a_file_that_others_may_write_is_refused(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct site site;
	struct err err;

	put(site_path, least, 0620);
	assert_int_equal(site_load(site_path, NULL, &arena, &site, &err), -ERR_SITE);
	put(site_path, least, 0602);
	assert_int_equal(site_load(site_path, NULL, &arena, &site, &err), -ERR_SITE);
	assert_int_equal(unlink(site_path), 0);
	assert_int_equal(site_load(site_path, NULL, &arena, &site, &err), -ERR_NO_SITE);
}

static void a_password_is_not_for_others_to_read(void **state)
{
	(void)state;
	static const struct {
		const char *uri;
		mode_t mode;
		bool good;
	} cases[] = {
		{"mongodb://u:p@h/", 0644, false},
		{"mongodb://u:p@h/", 0640, false},
		{"mongodb://u:p@h/", 0600, true},
		{"mongodb+srv://u:@h/", 0604, false},
		{"mongodb://u@h/", 0644, true},
		{"mongodb://h:27017/?x=a:b@c", 0644, true},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		struct site site;
		struct err err;
		char text[512];
		(void)snprintf(
			text, sizeof text, SITE("{\"name\":\"c\",\"uri\":\"%s\"}"), cases[i].uri);
		put(site_path, text, cases[i].mode);
		int result = site_load(site_path, NULL, &arena, &site, &err);
		assert_int_equal(result, cases[i].good ? 0 : -ERR_SITE);
		if (result != 0)
			assert_non_null(strstr(err.message, "0600"));
	}
}

static void the_uri_comes_from_its_file_or_the_environment(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	char text[512];
	struct site site;
	struct err err;

	(void)snprintf(text, sizeof text, SITE("{\"name\":\"c\",\"uriFile\":\"%s\"}"), uri_path);
	put(site_path, text, 0644);
	put(uri_path, "mongodb://u:p@h\n", 0600);
	assert_int_equal(site_load(site_path, NULL, &arena, &site, &err), 0);
	assert_string_equal(site.uri, "mongodb://u:p@h");
	put(uri_path, "mongodb://u:p@h\n", 0640);
	assert_int_equal(site_load(site_path, NULL, &arena, &site, &err), -ERR_SITE);
	assert_null(strstr(err.message, "u:p"));
	put(uri_path, "mongodb://h\nmore\n", 0600);
	assert_int_equal(site_load(site_path, NULL, &arena, &site, &err), -ERR_SITE);
	put(uri_path, "\n", 0600);
	assert_int_equal(site_load(site_path, NULL, &arena, &site, &err), -ERR_SITE);
	assert_int_equal(setenv("OFFKIT_MONGODB_URI", "mongodb://e", 1), 0);
	assert_int_equal(site_load(site_path, NULL, &arena, &site, &err), 0);
	assert_string_equal(site.uri, "mongodb://e");
	assert_int_equal(unsetenv("OFFKIT_MONGODB_URI"), 0);
}

static void count_problem(void *argument, const char *text)
{
	struct str *said = argument;

	str_append_text(said, text);
	str_append_char(said, '\n');
}

static void a_check_tells_every_problem(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str said = STR_INIT;
	struct site site;
	struct err err = {0};

	put(site_path,
		"{\"name\":7,\"enviroment\":\"x\",\"environment\":\"y\",\"_c\":1,"
		"\"database\":{\"uri\":\"mongodb://h\",\"nam\":1},\"stateDir\":\"rel\","
		"\"ingest\":{\"collections\":[\"$a\"],\"freeze\":{\"argv\":[\"x\"],"
		"\"timeoutSeconds\":0},\"watchSeconds\":9},\"backup\":{\"workers\":99}}",
		0600);
	assert_int_equal(site_check(site_path, NULL, &arena, count_problem, &said, &site, &err), 0);
	assert_string_equal(str_text(&said),
		"unknown member enviroment; is environment meant?\n"
		"\"name\" must be a string, not a number\n"
		"environment must be \"demo\", \"staging\" or \"production\"\n"
		"database: unknown member nam; is name meant?\n"
		"database: \"name\" is missing\n"
		"stateDir must be an absolute path\n"
		"ingest: collections: entry 1 is no name of a collection\n"
		"ingest: freeze: \"timeoutSeconds\" must be an integer from 1 to 86,400\n"
		"ingest: freeze: argv must begin with the absolute path of the command\n"
		"backup: \"workers\" must be an integer from 1 to 32\n");
	assert_string_equal(site.uri, "mongodb://h");
	assert_null(site.database);
	assert_int_equal(site.watch, 9000);

	str_truncate(&said, 0);
	put(site_path, "{\"name\"", 0600);
	assert_int_equal(site_check(site_path, NULL, &arena, count_problem, &said, &site, &err), 0);
	assert_non_null(strstr(str_text(&said), "line 1"));
	str_truncate(&said, 0);
	put(site_path, least, 0644);
	assert_int_equal(site_check(site_path, NULL, &arena, count_problem, &said, &site, &err), 0);
	assert_int_equal(said.size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_site_has_the_defaults),
		cmocka_unit_test(everything_is_read),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(a_file_that_others_may_write_is_refused),
		cmocka_unit_test(a_password_is_not_for_others_to_read),
		cmocka_unit_test(the_uri_comes_from_its_file_or_the_environment),
		cmocka_unit_test(a_check_tells_every_problem),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
