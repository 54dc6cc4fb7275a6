/*
 * Project Wycheproof's signature vectors, which stay out of the tree: read from
 * $OFFKIT_SHARED/wycheproof or ../shared/wycheproof, skipped when they are not there. Every invalid
 * one must be refused. Every valid one must be accepted; "acceptable" ones may be either.
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
#include "crypto/key.h"
#include "json/json.h"

enum { FILE_MAX = 4 * 1024 * 1024 };

static struct err err;

struct suite {
	const char *file;
	enum key_scheme scheme;
};

static void unhex(const char *hex, struct str *out)
{
	for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
		const char digits[3] = {hex[0], hex[1], '\0'};
		str_append_char(out, (char)strtoul(digits, NULL, 16));
	}
}

static const char *text_of(const struct json *object, const char *name)
{
	const struct json *member = json_member(object, name);

	assert_non_null(member);
	return json_string(member);
}

struct counts {
	size_t valid, invalid, wrong;
};

static void try_one(const struct public_key *key, enum key_scheme scheme, const struct json *test,
	struct counts *counts)
{
	CLEANUP_STR struct str message = STR_INIT, signature = STR_INIT;
	const char *result = text_of(test, "result");

	unhex(text_of(test, "msg"), &message);
	unhex(text_of(test, "sig"), &signature);
	struct signed_message blob = signed_message_make(KEY_USE_BLOB, str_bytes(&message));
	bool accepted = public_key_verify(key, scheme, &blob, str_bytes(&signature), &err) == 0;
	bool is_valid = strcmp(result, "valid") == 0;
	bool is_invalid = strcmp(result, "invalid") == 0;
	counts->valid += is_valid;
	counts->invalid += is_invalid;
	if ((is_valid && !accepted) || (is_invalid && accepted)) {
		counts->wrong++;
		print_message("%s vector %d: %s\n", result,
			(int)json_integer(json_member(test, "tcId")), text_of(test, "comment"));
	}
}

static void test_vectors(void **state)
{
	const struct suite *suite = *state;
	const char *shared = getenv("OFFKIT_SHARED");
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str path = STR_INIT, text = STR_INIT;
	struct counts counts = {0};

	str_append_format(
		&path, "%s/wycheproof/%s", shared != NULL ? shared : "../shared", suite->file);
	if (file_read_path(str_text(&path), FILE_MAX, &text, &err) < 0) {
		print_message("skipped: %s\n", err.message);
		str_release(&path); /* skip() jumps past the clean-up */
		str_release(&text);
		skip();
	}
	assert_int_equal(json_parse(str_bytes(&text), JSON_LIMITS(FILE_MAX), &doc, &err), 0);
	for (const struct json *group = json_first(json_member(json_root(doc), "testGroups"));
		group != NULL; group = json_next(group)) {
		CLEANUP(public_key_cleanup) struct public_key *key = NULL;
		struct bytes pem = bytes_of_string(text_of(group, "publicKeyPem"));
		assert_int_equal(public_key_from_pem(pem, &key, &err), 0);
		for (const struct json *test = json_first(json_member(group, "tests"));
			test != NULL; test = json_next(test))
			try_one(key, suite->scheme, test, &counts);
	}
	print_message("%zu valid, %zu invalid\n", counts.valid, counts.invalid);
	assert_true(counts.valid > 0 && counts.invalid > 0);
	assert_int_equal(counts.wrong, 0);
}

int main(void)
{
	static struct suite suites[] = {
		{"ecdsa_secp256r1_sha256_test.json", KEY_ECDSA_P256_SHA256},
		{"ed25519_test.json", KEY_ED25519},
		{"rsa_pss_2048_sha256_mgf1_32_test.json", KEY_RSA_PSS_SHA256},
		{"rsa_signature_2048_sha256_test.json", KEY_RSA_PKCS1_SHA256},
	};
	const struct CMUnitTest tests[] = {
		{"ecdsa_p256", test_vectors, NULL, NULL, &suites[0]},
		{"ed25519", test_vectors, NULL, NULL, &suites[1]},
		{"rsa_pss", test_vectors, NULL, NULL, &suites[2]},
		{"rsa_pkcs1", test_vectors, NULL, NULL, &suites[3]},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
