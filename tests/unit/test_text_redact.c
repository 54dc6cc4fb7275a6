#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "json/json.h"
#include "text/redact.h"

static void assert_redacted(const struct redaction *redaction, const char *text, const char *wanted)
{
	CLEANUP_STR struct str got = STR_INIT;

	(void)redact(&got, bytes_of_string(text), redaction);
	assert_string_equal(str_text(&got), wanted);
}

static const struct redaction NOTHING_KNOWN = {.hosts = false};

static void a_uri_loses_user_and_password(void **state)
{
	static const char *const cases[][2] = {
		{"mongodb://u:p@h/db", "mongodb://***@h/db"},
		{"mongodb+srv://u:p@h.example/?tls=true", "mongodb+srv://***@h.example/?tls=true"},
		{"at mongodb://u:p@h:1,i:2/db, not", "at mongodb://***@h:1,i:2/db, not"},
		{"(mongodb://u@h)", "(mongodb://***@h)"},
		{"x=\"mongodb://u:p%40q@h\"", "x=\"mongodb://***@h\""},
		{"mongodb://u:p@q@h/db", "mongodb://***@h/db"},
		{"mongodb://u:p/q@h/db", "mongodb://***@h/db"},
		{"mongodb://u:p?q#r@h/db", "mongodb://***@h/db"},
		{"mongodb://u:it's@h/db", "mongodb://***@h/db"},
		{"{\"u\":\"mongodb:\\/\\/u:p@h\"}", "{\"u\":\"mongodb:\\/\\/***@h\"}"},
		{"{\"u\":\"mongodb://u:p\\\"q@h\"}", "{\"u\":\"mongodb://***@h\"}"},
		{"{\"u\":\"mongodb://u:p\\u0040h\"}", "{\"u\":\"mongodb://***@h\"}"},
		{"HTTP://me:p@h/", "HTTP://***@h/"},
		{"s3://key:word@bucket", "s3://***@bucket"},
		{"mongodb://h/db", "mongodb://h/db"},
		{"mongodb://u:p@", "mongodb://***@"},
		{"mongodb://a:b@h mongodb://c:d@i", "mongodb://***@h mongodb://***@i"},
		{"mongodb://h/?authMechanismProperties=A:b&tlsCertificateKeyFilePassword=x&a=b",
			"mongodb://h/?authMechanismProperties=A:b&tlsCertificateKeyFilePassword="
			"***&a=b"},
		{"://u:p@h", "://u:p@h"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_redacted(&NOTHING_KNOWN, cases[i][0], cases[i][1]);
}

static void the_value_of_a_secret_s_name_goes(void **state)
{
	static const char *const cases[][2] = {
		{"password=abc next", "password=*** next"},
		{"password: abc", "password: ***"},
		{"PGPASSWORD='a b' c", "PGPASSWORD='***' c"},
		{"DB_PASSWORD=\"a b\" c", "DB_PASSWORD=\"***\" c"},
		{"{\"password\":\"a\\\"b\",\"c\":1}", "{\"password\":\"***\",\"c\":1}"},
		{"{\"secretKey\" : [\"a\",\"]\"],\"c\":1}", "{\"secretKey\" : \"***\",\"c\":1}"},
		{"{\"text\":\"say \\\"password\\\": \\\"abc\\\" and\"}",
			"{\"text\":\"say \\\"password\\\": \\\"***\\\" and\"}"},
		{"--password abc", "--password ***"},
		{"[\"--password\",\"abc\",\"d\"]", "[\"--password\",\"***\",\"d\"]"},
		{"--api-key=abc d", "--api-key=*** d"},
		{"AWS_SECRET_ACCESS_KEY=a/b+c", "AWS_SECRET_ACCESS_KEY=***"},
		{"Authorization: Basic dTpw, x", "Authorization: ***"},
		{"got Bearer abcdefgh1234.x-y", "got Bearer ***"},
		{"key AKIAIOSFODNN7EXAMPLE.", "key ***."},
		{"key AKIAIOSFODNN7EXAMPLES.", "key AKIAIOSFODNN7EXAMPLES."},
		{"aNameThatIsLongerThanAnyThatAProgramWouldEverHaveForWhatItCallsItsPassword=x",
			"aNameThatIsLongerThanAnyThatAProgramWouldEverHaveForWhatItCallsItsPassword"
			"="
			"***"},
		{"{\"_id\":\"CVE-1\",\"id\":\"q1\"}", "{\"_id\":\"***\",\"id\":\"q1\"}"},
		{"{\"lastId\":{\"$oid\":\"12\"},\"n\":2}", "{\"lastId\":\"***\",\"n\":2}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_redacted(&NOTHING_KNOWN, cases[i][0], cases[i][1]);
}

static void what_is_no_secret_stays(void **state)
{
	static const char *const texts[] = {
		"check user, password and authSource in the database URI",
		"{\"token\":17,\"n\":1}",
		"a Basic set",
		"keyid 0f",
		"8.0.4.1",
		"{\"id\":\"q1\"}",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_redacted(&NOTHING_KNOWN, texts[i], texts[i]);
}

static void private_keys_go_and_certificates_stay(void **state)
{
	(void)state;
	assert_redacted(&NOTHING_KNOWN,
		"a\n-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\nb",
		"a\n(a private key: ***)\nb");
	assert_redacted(&NOTHING_KNOWN, "-----BEGIN PRIVATE KEY-----\nMHc", "(a private key: ***)");
	assert_redacted(&NOTHING_KNOWN, "-----BEGIN CERTIFICATE-----\nMHc",
		"-----BEGIN CERTIFICATE-----\nMHc");
}

static void what_is_known_goes_wherever_it_stands(void **state)
{
	struct redaction redaction = {.hosts = false};

	(void)state;
	assert_true(redact_know(&redaction, "hunter", REDACTED));
	assert_true(redact_know(&redaction, "hunter22", REDACTED));
	assert_false(redact_know(&redaction, "hunter", REDACTED));
	assert_false(redact_know(&redaction, "ab", REDACTED));
	assert_redacted(&redaction, "xhunter22y hunter hunte", "x***y *** hunte");
}

static void of_what_is_known_there_is_a_bound(void **state)
{
	struct redaction redaction = {.hosts = false};
	char names[REDACT_KNOWN_MAX + 1][8];

	(void)state;
	for (int i = 0; i <= REDACT_KNOWN_MAX; i++) {
		(void)snprintf(names[i], sizeof names[i], "name%02d", i);
		assert_int_equal(redact_know(&redaction, names[i], REDACTED), i < REDACT_KNOWN_MAX);
	}
	assert_redacted(&redaction, "name00 name63 name64", "*** *** name64");
}

static void hosts_go_when_asked(void **state)
{
	struct redaction redaction = {.hosts = true};

	(void)state;
	assert_true(redact_know(&redaction, "db1.vault", "host-1"));
	assert_redacted(&redaction, "mongodb://u:p@a.b:27017/x", "mongodb://***@(host):27017/x");
	assert_redacted(
		&redaction, "mongodb://db1.vault/x db1.vault:9", "mongodb://host-1/x host-1:9");
	assert_redacted(&redaction, "10.0.0.17:5 and 1.2.3.4.5, 1.2.3",
		"(address):5 and (address).5, 1.2.3");
	assert_redacted(&redaction, "{\"host\":\"a\"}", "{\"host\":\"***\"}");
}

static void a_uri_is_split(void **state)
{
	struct bytes user, hosts;

	(void)state;
	assert_true(redact_uri_parts(bytes_of_string("mongodb://u:p@q@h:1,i/db"), &user, &hosts));
	assert_true(bytes_equal(user, bytes_of_string("u:p@q")));
	assert_true(bytes_equal(hosts, bytes_of_string("h:1,i")));
	assert_true(redact_uri_parts(bytes_of_string("mongodb://h"), &user, &hosts));
	assert_int_equal(user.size, 0);
	assert_true(bytes_equal(hosts, bytes_of_string("h")));
	assert_false(redact_uri_parts(bytes_of_string("h"), &user, &hosts));
}

/* Wherever a text is cut off, nothing behind its end is read, and JSON stays JSON when it is whole.
 */
/* Each is looked at once: with the square of its size this would take an hour. */
static void many_uris_in_one_word_are_fine(void **state)
{
	enum { COUNT = 2 * 1024 * 1024 };
	CLEANUP_STR struct str text = STR_INIT, got = STR_INIT;

	(void)state;
	for (int i = 0; i < COUNT; i++)
		str_append_text(&text, "x://");
	str_append_text(&text, " m://u:p@h x://y://u:p@h");
	assert_int_equal(redact(&got, str_bytes(&text), &NOTHING_KNOWN), 2);
	assert_int_equal(got.size, (size_t)COUNT * 4 + strlen(" m://***@h x://***@h"));
	assert_string_equal(str_text(&got) + (size_t)COUNT * 4, " m://***@h x://***@h");
}

static void any_end_is_fine(void **state)
{
	static const char text[] =
		"{\"a\":\"mongodb:\\/\\/u:p\\u0040h\",\"password\":[\"\\\"]\",{}],\"secret\":true,"
		"\"b\":\"Bearer abcdefghij\",\"_id\":{\"$oid\":\"1\"},\"pwd\":null}";
	const struct redaction redaction = {.hosts = true};

	(void)state;
	for (size_t size = 0; size <= sizeof text - 1; size++) {
		CLEANUP_FREE char *cut = malloc(size + 1);
		CLEANUP_STR struct str got = STR_INIT;
		assert_non_null(cut);
		memcpy(cut, text, size);
		CLEANUP_FREE char *exact = size > 0 ? memcpy(malloc(size), cut, size) : NULL;
		(void)redact(&got, bytes_make(exact, size), &redaction);
		if (size < sizeof text - 1)
			continue;
		CLEANUP(json_cleanup) struct json_doc *doc = NULL;
		struct err err;
		assert_int_equal(json_parse(str_bytes(&got), JSON_LIMITS(4096), &doc, &err), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_uri_loses_user_and_password),
		cmocka_unit_test(the_value_of_a_secret_s_name_goes),
		cmocka_unit_test(what_is_no_secret_stays),
		cmocka_unit_test(private_keys_go_and_certificates_stay),
		cmocka_unit_test(what_is_known_goes_wherever_it_stands),
		cmocka_unit_test(of_what_is_known_there_is_a_bound),
		cmocka_unit_test(hosts_go_when_asked),
		cmocka_unit_test(a_uri_is_split),
		cmocka_unit_test(many_uris_in_one_word_are_fine),
		cmocka_unit_test(any_end_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
