/* What a signature is over: digested once, by its use, and not without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crypto/key.h"

static struct err err;

static struct private_key *load(const char *name)
{
	CLEANUP_STR struct str path = STR_INIT, pem = STR_INIT;
	struct private_key *key = NULL;

	str_append_format(&path, "fixtures/keys/%s.key", name);
	assert_int_equal(file_read_path(str_text(&path), KEY_PEM_MAX, &pem, &err), 0);
	assert_int_equal(private_key_from_pem(str_bytes(&pem), &key, &err), 0);
	return key;
}

static void assert_digest(const char *text, enum digest_size size, const uint8_t *first_octets)
{
	struct signed_message message = signed_message_make(KEY_USE_BLOB, bytes_of_string(text));
	struct bytes digest;

	assert_int_equal(signed_message_digest(&message, size, &digest, &err), 0);
	assert_int_equal(digest.size, size);
	assert_memory_equal(digest.data, first_octets, 4);
}

/* FIPS 180-4's examples. */
static void test_digests(void **state)
{
	(void)state;
	assert_digest("abc", DIGEST_256, (const uint8_t[]){0xba, 0x78, 0x16, 0xbf});
	assert_digest("abc", DIGEST_384, (const uint8_t[]){0xcb, 0x00, 0x75, 0x3f});
	assert_digest("abc", DIGEST_512, (const uint8_t[]){0xdd, 0xaf, 0x35, 0xa1});
	assert_digest("", DIGEST_256, (const uint8_t[]){0xe3, 0xb0, 0xc4, 0x42});
}

/* Octets that change under it are not seen: it is seen that they are digested once. */
static void test_digested_once(void **state)
{
	static const struct {
		enum key_scheme scheme;
		const char *key;
	} cases[] = {
		{KEY_ECDSA_P256_SHA256, "release-eu"},
		{KEY_ECDSA_P384_SHA384, "p384"},
		{KEY_ECDSA_P521_SHA512, "p521"},
		{KEY_RSA_PSS_SHA256, "rsa"},
		{KEY_ED25519PH, "ed25519"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(private_key_cleanup) struct private_key *key = load(cases[i].key);
		CLEANUP_STR struct str signature = STR_INIT;
		const struct public_key *pub = private_key_public(key);
		char text[] = "message";
		struct signed_message message =
			signed_message_make(KEY_USE_BLOB, bytes_of_string(text));

		assert_int_equal(
			private_key_sign(key, cases[i].scheme, &message, &signature, &err), 0);
		text[0] = 'M';
		assert_int_equal(public_key_verify(pub, cases[i].scheme, &message,
					 str_bytes(&signature), &err),
			0);
		struct signed_message anew =
			signed_message_make(KEY_USE_BLOB, bytes_of_string(text));
		assert_int_equal(
			public_key_verify(pub, cases[i].scheme, &anew, str_bytes(&signature), &err),
			-ERR_MANIFEST_SIGNATURE);
	}
}

static int verify(const struct public_key *key, enum key_scheme scheme, enum key_use use,
	const struct str *signature)
{
	struct signed_message message = signed_message_make(use, bytes_of_string("abc"));

	return public_key_verify(key, scheme, &message, str_bytes(signature), &err);
}

/* A signature of one use, tried for all; pure and pre-hashed are never taken for one another. */
static void test_ed25519_by_use(void **state)
{
	static const struct {
		enum key_scheme scheme;
		enum key_use use;
		bool prehashed;
	} cases[] = {
		{KEY_ED25519, KEY_USE_ENVELOPE, false},
		{KEY_ED25519, KEY_USE_BLOB, false},
		{KEY_ED25519, KEY_USE_ROOT, false},
		{KEY_ED25519PH, KEY_USE_ENVELOPE, false},
		{KEY_ED25519PH, KEY_USE_BLOB, true},
		{KEY_ED25519PH, KEY_USE_ROOT, false},
		{KEY_ED25519PH_DSSE, KEY_USE_ENVELOPE, true},
		{KEY_ED25519PH_DSSE, KEY_USE_BLOB, false},
		{KEY_ED25519PH_DSSE, KEY_USE_ROOT, false},
	};
	enum { COUNT = sizeof cases / sizeof cases[0] };
	CLEANUP(private_key_cleanup) struct private_key *key = load("ed25519");

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		CLEANUP_STR struct str signature = STR_INIT;
		struct signed_message message =
			signed_message_make(cases[i].use, bytes_of_string("abc"));
		assert_int_equal(
			private_key_sign(key, cases[i].scheme, &message, &signature, &err), 0);
		for (size_t k = 0; k < COUNT; k++)
			assert_int_equal(verify(private_key_public(key), cases[k].scheme,
						 cases[k].use, &signature),
				cases[i].prehashed == cases[k].prehashed ? 0
									 : -ERR_MANIFEST_SIGNATURE);
	}
}

/* RFC 8032 section 7.3: the one test vector of Ed25519ph. */
static void test_rfc_8032_prehashed(void **state)
{
	static const uint8_t key_octets[] = {0xec, 0x17, 0x2b, 0x93, 0xad, 0x5e, 0x56, 0x3b, 0xf4,
		0x93, 0x2c, 0x70, 0xe1, 0x24, 0x50, 0x34, 0xc3, 0x54, 0x67, 0xef, 0x2e, 0xfd, 0x4d,
		0x64, 0xeb, 0xf8, 0x19, 0x68, 0x34, 0x67, 0xe2, 0xbf};
	static const uint8_t signature[] = {0x98, 0xa7, 0x02, 0x22, 0xf0, 0xb8, 0x12, 0x1a, 0xa9,
		0xd3, 0x0f, 0x81, 0x3d, 0x68, 0x3f, 0x80, 0x9e, 0x46, 0x2b, 0x46, 0x9c, 0x7f, 0xf8,
		0x76, 0x39, 0x49, 0x9b, 0xb9, 0x4e, 0x6d, 0xae, 0x41, 0x31, 0xf8, 0x50, 0x42, 0x46,
		0x3c, 0x2a, 0x35, 0x5a, 0x20, 0x03, 0xd0, 0x62, 0xad, 0xf5, 0xaa, 0xa1, 0x0b, 0x8c,
		0x61, 0xe6, 0x36, 0x06, 0x2a, 0xaa, 0xd1, 0x1c, 0x2a, 0x26, 0x08, 0x34, 0x06};
	CLEANUP(public_key_cleanup) struct public_key *key = NULL;
	struct signed_message message = signed_message_make(KEY_USE_BLOB, bytes_of_string("abc"));

	(void)state;
	assert_int_equal(
		public_key_from_ed25519(bytes_make(key_octets, sizeof key_octets), &key, &err), 0);
	assert_int_equal(public_key_verify(key, KEY_ED25519PH, &message,
				 bytes_make(signature, sizeof signature), &err),
		0);
}

static size_t spend_all(size_t size)
{
	static const uint8_t octet;
	struct signed_message message =
		signed_message_make(KEY_USE_ENVELOPE, bytes_make(&octet, size));
	size_t count = 0;

	while (count < 1000 && signed_message_spend(&message, &err) == 0)
		count++;
	return count;
}

static void test_pure_hashing_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(spend_all(0), 1000);
	assert_int_equal(spend_all(MESSAGE_PURE_OCTETS_MAX / 1000), 1000);
	assert_int_equal(spend_all(MESSAGE_PURE_OCTETS_MAX / 100), 100);
	assert_int_equal(spend_all(MESSAGE_PURE_OCTETS_MAX / 100 + 1), 99);
	assert_int_equal(spend_all(MESSAGE_PURE_OCTETS_MAX), MESSAGE_PURE_COUNT_MAX);
	assert_int_equal(spend_all(SIZE_MAX), MESSAGE_PURE_COUNT_MAX);
	assert_int_equal(err.code, ERR_LIMIT);
}

/* Only pure Ed25519 spends; and when all is spent it is not the signature that is called bad. */
static void test_what_spends(void **state)
{
	CLEANUP(private_key_cleanup) struct private_key *ed = load("ed25519");
	CLEANUP(private_key_cleanup) struct private_key *eu = load("release-eu");
	CLEANUP_STR struct str junk = STR_INIT;
	static const uint8_t octets[65536];
	struct signed_message message =
		signed_message_make(KEY_USE_BLOB, bytes_make(octets, sizeof octets));

	(void)state;
	while (junk.size < 64)
		str_append_char(&junk, 1);
	assert_int_equal(public_key_verify(private_key_public(eu), KEY_ECDSA_P256_SHA256, &message,
				 str_bytes(&junk), &err),
		-ERR_MANIFEST_SIGNATURE);
	assert_int_equal(public_key_verify(private_key_public(ed), KEY_ED25519PH, &message,
				 str_bytes(&junk), &err),
		-ERR_MANIFEST_SIGNATURE);
	assert_int_equal(message.pure_count, 0);
	/* The last one that is allowed, and the next. */
	message.pure_count = MESSAGE_PURE_OCTETS_MAX / sizeof octets - 1;
	assert_int_equal(public_key_verify(private_key_public(ed), KEY_ED25519, &message,
				 str_bytes(&junk), &err),
		-ERR_MANIFEST_SIGNATURE);
	assert_int_equal(public_key_verify(private_key_public(ed), KEY_ED25519, &message,
				 str_bytes(&junk), &err),
		-ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_digested_once),
		cmocka_unit_test(test_ed25519_by_use),
		cmocka_unit_test(test_rfc_8032_prehashed),
		cmocka_unit_test(test_pure_hashing_is_bounded),
		cmocka_unit_test(test_what_spends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
