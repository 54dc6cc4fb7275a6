/* SLSA provenance v1: what its specification asks for is there and looks so, or it is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kit/provenance.h"

#define D1 "{\"sha256\":\"1111111111111111111111111111111111111111111111111111111111111111\"}"
#define DEFINITION(more)                                                                           \
	"\"buildDefinition\":{\"buildType\":\"https://example.org/build\",\"externalParameters\":" \
	"{}" more "}"
#define DETAILS(more)		  "\"runDetails\":{\"builder\":{\"id\":\"urn:ci\"}" more "}"
#define BOTH(definition, details) "{" definition "," details "}"
#define DEPENDENCY(descriptor)                                                                     \
	BOTH(DEFINITION(",\"resolvedDependencies\":[" descriptor "]"), DETAILS(""))
#define METADATA(members) BOTH(DEFINITION(""), DETAILS(",\"metadata\":{" members "}"))
#define BUILDER(members)  BOTH(DEFINITION(""), "\"runDetails\":{\"builder\":" members "}")

static const struct {
	const char *predicate;
	enum err_code code;
	const char *why; /* a part of it */
} rows[] = {
	{BOTH(DEFINITION(""), DETAILS("")), 0, ""},
	{BOTH(DEFINITION(",\"internalParameters\":{\"a\":1},\"x\":[]"), DETAILS(",\"y\":1")), 0,
		""},
	{DEPENDENCY("{\"uri\":\"git+https://example.org/a\"}"), 0, ""},
	{DEPENDENCY("{\"digest\":" D1 ",\"name\":\"a\",\"z\":1}"), 0, ""},
	{DEPENDENCY("{\"content\":\"aGk=\",\"annotations\":{\"a\":[1]}}"), 0, ""},
	{DEPENDENCY("{\"uri\":\"a:b\",\"digest\":{}}"), 0, ""},
	{METADATA(""), 0, ""},
	{METADATA("\"startedOn\":\"2025-12-20T09:15:02Z\",\"finishedOn\":\"2025-12-20T09:15:02Z\""),
		0, ""},
	{BUILDER("{\"id\":\"a:b\",\"version\":{\"x\":\"1\"},\"builderDependencies\":[]}"), 0, ""},
	{"[]", ERR_SYNTAX, "\"predicate\""},
	{"{}", ERR_SYNTAX, "\"buildDefinition\" is missing"},
	{"{" DEFINITION("") "}", ERR_SYNTAX, "\"runDetails\" is missing"},
	{"{" DETAILS("") "}", ERR_SYNTAX, "\"buildDefinition\" is missing"},
	{BOTH("\"buildDefinition\":[]", DETAILS("")), ERR_SYNTAX, "\"buildDefinition\""},
	{BOTH("\"buildDefinition\":{\"externalParameters\":{}}", DETAILS("")), ERR_SYNTAX,
		"\"buildType\" is missing"},
	{BOTH("\"buildDefinition\":{\"buildType\":\"no uri\",\"externalParameters\":{}}",
		 DETAILS("")),
		ERR_SYNTAX, "\"buildType\" is no URI"},
	{BOTH("\"buildDefinition\":{\"buildType\":\"a:b\"}", DETAILS("")), ERR_SYNTAX,
		"\"externalParameters\" is missing"},
	{BOTH("\"buildDefinition\":{\"buildType\":\"a:b\",\"externalParameters\":[]}", DETAILS("")),
		ERR_SYNTAX, "\"externalParameters\""},
	{BOTH(DEFINITION(",\"internalParameters\":1"), DETAILS("")), ERR_SYNTAX,
		"\"internalParameters\""},
	{BOTH(DEFINITION(",\"resolvedDependencies\":{}"), DETAILS("")), ERR_SYNTAX,
		"\"resolvedDependencies\""},
	{DEPENDENCY("1"), ERR_SYNTAX, "resolvedDependencies, entry 1: it is no object"},
	{DEPENDENCY("{\"uri\":\"a:b\"},{\"name\":\"a\"}"), ERR_SYNTAX, "entry 2: it has none of"},
	{DEPENDENCY("{\"digest\":{}}"), ERR_SYNTAX, "it has none of"},
	{DEPENDENCY("{\"digest\":{\"sha256\":1}}"), ERR_SYNTAX, "a value of \"digest\""},
	{DEPENDENCY("{\"uri\":1}"), ERR_SYNTAX, "\"uri\""},
	{DEPENDENCY("{\"uri\":\"a:b\",\"annotations\":[]}"), ERR_SYNTAX, "\"annotations\""},
	{BOTH(DEFINITION(""), "\"runDetails\":{}"), ERR_SYNTAX, "\"builder\" is missing"},
	{BUILDER("\"urn:ci\""), ERR_SYNTAX, "\"builder\""},
	{BUILDER("{}"), ERR_SYNTAX, "runDetails: builder: \"id\" is missing"},
	{BUILDER("{\"id\":\"\"}"), ERR_SYNTAX, "\"id\" must not be empty"},
	{BUILDER("{\"id\":\"ci\"}"), ERR_SYNTAX, "\"id\" is no URI"},
	{BUILDER("{\"id\":\"a:b\",\"version\":\"1\"}"), ERR_SYNTAX, "\"version\""},
	{BUILDER("{\"id\":\"a:b\",\"version\":{\"x\":1}}"), ERR_SYNTAX, "a value of \"version\""},
	{BUILDER("{\"id\":\"a:b\",\"builderDependencies\":[1]}"), ERR_SYNTAX,
		"builderDependencies, entry 1"},
	{METADATA("\"invocationId\":7"), ERR_SYNTAX, "metadata: \"invocationId\""},
	{METADATA("\"startedOn\":\"yesterday\""), ERR_SYNTAX, "metadata: startedOn: "},
	{METADATA("\"finishedOn\":\"2025-12-20 09:15:02\""), ERR_SYNTAX, "metadata: finishedOn: "},
	{METADATA("\"startedOn\":\"2025-12-20T09:15:03Z\",\"finishedOn\":\"2025-12-20T09:15:02Z\""),
		ERR_SYNTAX, "finished before it started"},
	{BOTH(DEFINITION(""), DETAILS(",\"byproducts\":[{}]")), ERR_SYNTAX, "byproducts, entry 1"},
};

static void assert_parsed(
	const char *predicate, enum err_code code, const char *why, struct arena *arena)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct provenance provenance;
	struct err err = {0};

	str_append_format(&text, "{\"predicate\":%s}", predicate);
	int rc = provenance_parse(str_bytes(&text), arena, &provenance, &err);
	if (rc != -(int)code || strstr(err.message, why) == NULL)
		fail_msg("%s: %d, %s", predicate, rc, err.message);
}

static void every_member_is_looked_at(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		assert_parsed(rows[i].predicate, rows[i].code, rows[i].why, &arena);
	}
}

static void what_it_says_comes_back(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	static const char text[] =
		"{\"predicate\":" DEPENDENCY("{\"uri\":\"a:b\"},{\"uri\":\"a:c\"}") "}";
	struct provenance provenance;
	struct err err;

	assert_int_equal(provenance_parse(bytes_of_string(text), &arena, &provenance, &err), 0);
	assert_string_equal(provenance.builder, "urn:ci");
	assert_string_equal(provenance.build_type, "https://example.org/build");
	assert_int_equal(provenance.dependency_count, 2);
}

static void dependencies_have_a_limit(void **state)
{
	(void)state;
	for (size_t count = PROVENANCE_THINGS_MAX; count <= PROVENANCE_THINGS_MAX + 1; count++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		CLEANUP_STR struct str text = STR_INIT;
		str_append_text(&text, "{\"buildDefinition\":{\"buildType\":\"a:b\","
				       "\"externalParameters\":{},\"resolvedDependencies\":[");
		for (size_t i = 0; i < count; i++)
			str_append_format(&text, "%s{\"uri\":\"a:b\"}", i > 0 ? "," : "");
		str_append_text(&text, "]}," DETAILS("") "}");
		assert_parsed(str_text(&text), count > PROVENANCE_THINGS_MAX ? ERR_LIMIT : 0,
			count > PROVENANCE_THINGS_MAX ? "more than 10000" : "", &arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_is_looked_at),
		cmocka_unit_test(what_it_says_comes_back),
		cmocka_unit_test(dependencies_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
