/* In-toto statements of anybody's making: what the framework allows is read, nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kit/manifest.h"
#include "kit/statement.h"

#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define DA "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define D2 "2222222222222222222222222222222222222222222222222222222222222222"

#define HEAD	  "{\"_type\":\"" STATEMENT_TYPE "\",\"predicateType\":\"urn:a\","
#define HEAD_0_1  "{\"_type\":\"" STATEMENT_TYPE_0_1 "\",\"predicateType\":\"urn:a\","
#define SUBJECT	  "{\"name\":\"a\",\"digest\":{\"sha256\":\"" D1 "\"}}"
#define WITH(it)  HEAD "\"subject\":[" it "]}"
#define DIGEST(d) WITH("{\"digest\":{" d "}}")

static struct err err;

static void test_reads_what_tools_write(void **state)
{
	/* cosign's vulnerability scan, SLSA's several subjects, members that nobody here knows. */
	static const char text[] = "{\"_type\":\"" STATEMENT_TYPE_0_1 "\",\"extra\":[1,null],"
				   "\"predicateType\":\"https://slsa.dev/provenance/v0.2\","
				   "\"subject\":[{\"name\":\"a.tar\",\"uri\":\"x:y\",\"digest\":{"
				   "\"sha1\":\"whatever\",\"sha256\":\"" D1 "\",\"sha512\":\"\"}},"
				   "{\"name\":\"_\",\"digest\":{\"gitCommit\":\"abc\"}},"
				   "{\"name\":\"_\",\"digest\":{\"sha256\":\"" D2 "\"}}],"
				   "\"predicate\":{\"builder\":{\"id\":\"x\"},\"score\":9.8}}";
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct statement statement;

	(void)state;
	assert_int_equal(statement_parse(bytes_of_string(text), &arena, &statement, &err), 0);
	assert_string_equal(statement.predicate_type, "https://slsa.dev/provenance/v0.2");
	assert_int_equal(statement.subject_count, 3);
	assert_string_equal(statement.subjects[0].name, "a.tar");
	assert_true(statement.subjects[0].has_sha256);
	assert_int_equal(statement.subjects[0].digest.octets[31], 0x11);
	assert_false(statement.subjects[1].has_sha256);
	assert_int_equal(statement.subjects[2].digest.octets[0], 0x22);
}

static const struct {
	const char *text;
	int code; /* 0: it is read */
	const char *message;
} cases[] = {
	{WITH(SUBJECT), 0, ""},
	{HEAD_0_1 "\"subject\":[" SUBJECT "]}", 0, ""},
	{HEAD "\"predicate\":{},\"subject\":[" SUBJECT "]}", 0, ""},
	{DIGEST("\"sha256\":\"" D1 "\""), 0, ""},
	{DIGEST("\"sha512\":\"x\""), 0, ""},
	{WITH("{\"name\":\"\",\"digest\":{\"sha256\":\"" D1 "\"}}"), 0, ""},
	{HEAD_0_1 "\"subject\":[{\"digest\":{\"sha256\":\"" D1 "\"}}]}", ERR_SYNTAX,
		"subject 1: \"name\" is missing"},
	{HEAD_0_1 "\"subject\":[{\"name\":\"\",\"digest\":{\"sha256\":\"" D1 "\"}}]}", ERR_SYNTAX,
		"\"name\" must not be empty"},
	{"", ERR_SYNTAX, "in-toto statement"},
	{"[]", ERR_SYNTAX, "\"_type\""},
	{WITH(SUBJECT) " ", 0, ""},
	{WITH(SUBJECT) "x", ERR_SYNTAX, ""},
	{"{\"_type\":\"https://in-toto.io/Statement/v2\",\"predicateType\":\"urn:a\","
	 "\"subject\":[" SUBJECT "]}",
		ERR_SYNTAX, "\"_type\" is no in-toto statement"},
	{"{\"_type\":1,\"predicateType\":\"urn:a\",\"subject\":[" SUBJECT "]}", ERR_SYNTAX,
		"\"_type\""},
	{"{\"_type\":\"" STATEMENT_TYPE "\",\"subject\":[" SUBJECT "]}", ERR_SYNTAX,
		"\"predicateType\" is missing"},
	{"{\"_type\":\"" STATEMENT_TYPE "\",\"predicateType\":\"\",\"subject\":[" SUBJECT "]}",
		ERR_SYNTAX, "\"predicateType\" must not be empty"},
	{HEAD "\"predicateType\":\"urn:b\",\"subject\":[" SUBJECT "]}", ERR_SYNTAX, ""},
	{HEAD "\"predicate\":[],\"subject\":[" SUBJECT "]}", ERR_SYNTAX, "\"predicate\""},
	{HEAD "\"predicate\":null,\"subject\":[" SUBJECT "]}", ERR_SYNTAX, "\"predicate\""},
	{HEAD "\"x\":1}", ERR_SYNTAX, "\"subject\" is missing"},
	{HEAD "\"subject\":{}}", ERR_SYNTAX, "\"subject\" must be an array"},
	{WITH(""), ERR_SYNTAX, "it has no subject"},
	{WITH("1"), ERR_SYNTAX, "subject 1"},
	{WITH(SUBJECT ",{\"name\":\"a\"}"), ERR_SYNTAX, "subject 2: \"digest\" is missing"},
	{WITH("{\"name\":1,\"digest\":{\"sha256\":\"" D1 "\"}}"), ERR_SYNTAX, "\"name\""},
	{DIGEST(""), ERR_SYNTAX, "\"digest\" is empty"},
	{DIGEST("\"sha256\":1"), ERR_SYNTAX, "a value of \"digest\""},
	{DIGEST("\"sha512\":1"), ERR_SYNTAX, "a value of \"digest\""},
	{DIGEST("\"sha256\":\"" D1 "1\""), ERR_SYNTAX, "64 lower-case"},
	{DIGEST("\"sha256\":\"" DA "\""), ERR_SYNTAX, "64 lower-case"},
	{DIGEST("\"sha256\":\"\""), ERR_SYNTAX, "64 lower-case"},
};

static void test_both_sides_of_each_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		struct statement statement;
		err = (struct err){0};
		int status =
			statement_parse(bytes_of_string(cases[i].text), &arena, &statement, &err);
		if (status != -cases[i].code || strstr(err.message, cases[i].message) == NULL)
			fail_msg("%s: %d %s", cases[i].text, status, err.message);
	}
}

/* Of that many subjects, algorithms, octets of a name and of the type, and of white space after. */
static int of_size(size_t subjects, size_t algorithms, size_t name, size_t type, size_t total)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct statement statement;

	str_append_text(&text, "{\"_type\":\"" STATEMENT_TYPE "\",\"predicateType\":\"");
	for (size_t i = 0; i < type; i++)
		str_append_char(&text, 'a');
	str_append_text(&text, "\",\"subject\":[");
	for (size_t i = 0; i < subjects; i++) {
		str_append_text(&text, i > 0 ? ",{\"name\":\"" : "{\"name\":\"");
		for (size_t k = 0; k < name; k++)
			str_append_char(&text, 'a');
		str_append_text(&text, "\",\"digest\":{");
		for (size_t k = 0; k < algorithms; k++)
			str_append_format(&text, "%s\"a%zu\":\"\"", k > 0 ? "," : "", k);
		str_append_text(&text, "}}");
	}
	str_append_text(&text, "]}");
	while (str_bytes(&text).size < total)
		str_append_char(&text, ' ');
	assert_int_equal(str_check(&text, &err), 0);
	return statement_parse(str_bytes(&text), &arena, &statement, &err);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(of_size(STATEMENT_SUBJECTS_MAX, 1, 1, 1, 0), 0);
	assert_int_equal(of_size(STATEMENT_SUBJECTS_MAX + 1, 1, 1, 1, 0), -ERR_LIMIT);
	assert_int_equal(of_size(1, 32, 1, 1, 0), 0);
	assert_int_equal(of_size(1, 33, 1, 1, 0), -ERR_LIMIT);
	assert_int_equal(of_size(1, 1, STATEMENT_TEXT_MAX, STATEMENT_TEXT_MAX, 0), 0);
	assert_int_equal(of_size(1, 1, STATEMENT_TEXT_MAX + 1, 1, 0), -ERR_LIMIT);
	assert_int_equal(of_size(1, 1, 1, STATEMENT_TEXT_MAX + 1, 0), -ERR_LIMIT);
	assert_int_equal(of_size(1, 1, 1, 1, STATEMENT_SIZE_MAX), 0);
	assert_int_equal(of_size(1, 1, 1, 1, STATEMENT_SIZE_MAX + 1), -ERR_LIMIT);
}

static void test_uris(void **state)
{
	static const char *const good[] = {"a:b", "https://slsa.dev/provenance/v1", "urn:x-y:z_1~",
		"a+b-c.1:/?#[]@!$&'()*+,;=%20"};
	static const char *const bad[] = {"", ":", "a", "a:", ":b", "1a:b", "/a:b", "a_b:c",
		"a:b c", "a:b\n", "a:\xc3\xa9", "a:\x1b[31m", "a:<b>", "a:\"", "a:\\"};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(uri_valid(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (uri_valid(bad[i]))
			fail_msg("%s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_tools_write),
		cmocka_unit_test(test_both_sides_of_each_rule),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_uris),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
