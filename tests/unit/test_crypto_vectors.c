/*
 * tests/vectors/signatures.json, which stands beside Project Wycheproof's files for the curves and
 * the sizes of RSA keys that those leave out: each is accepted or refused as it says there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crypto/base64.h"
#include "crypto/key.h"
#include "json/json.h"

enum { FILE_MAX = 4 * 1024 * 1024, GROUPS = 14 };

/* What a row of "tests" holds. */
enum { COMMENT, MESSAGE, SIGNATURE, VALID };

static struct err err;

static const struct json *element(const struct json *array, size_t index)
{
	const struct json *value = json_first(array);

	while (index-- > 0 && value != NULL)
		value = json_next(value);
	assert_non_null(value);
	return value;
}

static void decode(const struct json *text, struct str *out)
{
	assert_int_equal(base64_decode(bytes_of_string(json_string(text)), out, &err), 0);
}

/* There are two answers: nothing that a signature says may be an error of another kind. */
static bool is_accepted(const struct public_key *key, enum key_scheme scheme, struct bytes message,
	struct bytes signature)
{
	struct signed_message blob = signed_message_make(KEY_USE_BLOB, message);
	int rc = public_key_verify(key, scheme, &blob, signature, &err);

	assert_true(rc == 0 || rc == -ERR_MANIFEST_SIGNATURE);
	return rc == 0;
}

static size_t try_group(const struct json *group, size_t *ret_valid)
{
	const struct json *tests = json_member(group, "tests");
	const char *about = json_string(json_member(group, "about"));
	const char *pem = json_string(json_member(group, "key"));
	enum key_scheme scheme = key_scheme_by_name(json_string(json_member(group, "scheme")));
	CLEANUP(public_key_cleanup) struct public_key *key = NULL;
	size_t wrong = 0;

	assert_int_equal(public_key_from_pem(bytes_of_string(pem), &key, &err), 0);
	for (const struct json *row = json_first(tests); row != NULL; row = json_next(row)) {
		CLEANUP_STR struct str message = STR_INIT, signature = STR_INIT;
		bool valid = json_bool(element(row, VALID));
		decode(element(row, MESSAGE), &message);
		decode(element(row, SIGNATURE), &signature);
		*ret_valid += valid;
		if (is_accepted(key, scheme, str_bytes(&message), str_bytes(&signature)) == valid)
			continue;
		wrong++;
		print_message("%s: %s: %s\n", about, json_string(element(row, COMMENT)),
			valid ? "refused" : "accepted");
	}
	return wrong;
}

static void test_vectors(void **state)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	size_t valid = 0, all = 0, wrong = 0;

	(void)state;
	assert_int_equal(file_read_path("tests/vectors/signatures.json", FILE_MAX, &text, &err), 0);
	assert_int_equal(json_parse(str_bytes(&text), JSON_LIMITS(FILE_MAX), &doc, &err), 0);
	assert_int_equal(json_count(json_root(doc)), GROUPS);
	for (const struct json *group = json_first(json_root(doc)); group != NULL;
		group = json_next(group)) {
		all += json_count(json_member(group, "tests"));
		wrong += try_group(group, &valid);
	}
	print_message("%zu valid, %zu invalid\n", valid, all - valid);
	assert_true(valid > 50 && all - valid > 500);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
