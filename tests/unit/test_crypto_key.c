/* Keys and signatures of every scheme, and everything that is nearly one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crypto/der.h"
#include "crypto/key.h"
#include "crypto/pem.h"

static struct err err;

static const struct {
	enum key_scheme scheme;
	const char *name, *key, *description;
	bool reproducible;
} schemes[] = {
	{KEY_ECDSA_P256_SHA256, "ecdsa-sha2-nistp256", "release-eu", "ECDSA P-256", true},
	{KEY_ECDSA_P384_SHA384, "ecdsa-sha2-nistp384", "p384", "ECDSA P-384", true},
	{KEY_ECDSA_P521_SHA512, "ecdsa-sha2-nistp521", "p521", "ECDSA P-521", true},
	{KEY_ECDSA_P384_SHA256, "ecdsa-sha2-256-nistp384", "p384", "ECDSA P-384", true},
	{KEY_ECDSA_P521_SHA256, "ecdsa-sha2-256-nistp521", "p521", "ECDSA P-521", true},
	{KEY_ED25519, "ed25519", "ed25519", "Ed25519", true},
	{KEY_ED25519PH, "ed25519ph", "ed25519", "Ed25519", true},
	{KEY_ED25519PH_DSSE, "ed25519ph-dsse", "ed25519", "Ed25519", true},
	{KEY_RSA_PSS_SHA256, "rsassa-pss-sha256", "rsa", "RSA 3072", false},
	{KEY_RSA_PKCS1_SHA256, "rsa-pkcs1v15-sha256", "rsa", "RSA 3072", true},
};
enum { COUNT = sizeof schemes / sizeof schemes[0] };

static struct private_key *load(const char *name)
{
	CLEANUP_STR struct str path = STR_INIT, pem = STR_INIT;
	struct private_key *key = NULL;

	str_append_format(&path, "fixtures/keys/%s.key", name);
	assert_int_equal(file_read_path(str_text(&path), KEY_PEM_MAX, &pem, &err), 0);
	assert_int_equal(private_key_from_pem(str_bytes(&pem), &key, &err), 0);
	return key;
}

static struct signed_message blob(const char *text)
{
	return signed_message_make(KEY_USE_BLOB, bytes_of_string(text));
}

static void test_the_table(void **state)
{
	(void)state;
	assert_int_equal(COUNT, KEY_SCHEME_COUNT - 1);
	for (size_t i = 0; i < COUNT; i++) {
		assert_string_equal(key_scheme_name(schemes[i].scheme), schemes[i].name);
		assert_int_equal(key_scheme_by_name(schemes[i].name), schemes[i].scheme);
		assert_string_equal(key_scheme_names[i], key_scheme_name((enum key_scheme)(i + 1)));
	}
	assert_null(key_scheme_names[COUNT]);
	assert_int_equal(key_scheme_by_name("none"), KEY_SCHEME_NONE);
	assert_int_equal(key_scheme_by_name(""), KEY_SCHEME_NONE);
	assert_int_equal(key_scheme_by_name("ED25519"), KEY_SCHEME_NONE);
}

static void flip_every_octet(const struct public_key *key, enum key_scheme scheme,
	struct signed_message *message, const struct str *signature)
{
	CLEANUP_STR struct str changed = STR_INIT;

	str_append(&changed, signature->text, signature->size);
	for (size_t i = 0; i < changed.size; i++) {
		changed.text[i] ^= (char)(1 << i % 8);
		assert_int_equal(public_key_verify(key, scheme, message, str_bytes(&changed), &err),
			-ERR_MANIFEST_SIGNATURE);
		changed.text[i] ^= (char)(1 << i % 8);
	}
	assert_int_equal(public_key_verify(key, scheme, message, str_bytes(&changed), &err), 0);
}

static void refuse_other_lengths(const struct public_key *key, enum key_scheme scheme,
	struct signed_message *message, const struct str *signature)
{
	CLEANUP_STR struct str longer = STR_INIT;

	str_append(&longer, signature->text, signature->size);
	str_append_char(&longer, '\0');
	for (size_t size = 0; size <= longer.size; size++) {
		if (size == signature->size)
			continue;
		assert_int_equal(public_key_verify(
					 key, scheme, message, bytes_make(longer.text, size), &err),
			-ERR_MANIFEST_SIGNATURE);
	}
}

/* Over a blob. */
static bool is_pure(enum key_scheme scheme)
{
	return scheme == KEY_ED25519 || scheme == KEY_ED25519PH_DSSE;
}

static void test_sign_and_verify(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		CLEANUP(private_key_cleanup) struct private_key *key = load(schemes[i].key);
		CLEANUP_STR struct str signature = STR_INIT, again = STR_INIT;
		const struct public_key *pub = private_key_public(key);
		enum key_scheme scheme = schemes[i].scheme;
		struct signed_message message = blob("one message"), changed = blob("one messagf");

		assert_string_equal(public_key_description(pub), schemes[i].description);
		assert_int_equal(private_key_sign(key, scheme, &message, &signature, &err), 0);
		assert_int_equal(private_key_sign(key, scheme, &message, &again, &err), 0);
		assert_int_equal(bytes_equal(str_bytes(&signature), str_bytes(&again)),
			schemes[i].reproducible);
		flip_every_octet(pub, scheme, &message, &signature);
		refuse_other_lengths(pub, scheme, &message, &signature);
		assert_int_equal(
			public_key_verify(pub, scheme, &changed, str_bytes(&signature), &err),
			-ERR_MANIFEST_SIGNATURE);
		for (size_t k = 0; k < COUNT; k++) {
			enum key_scheme other = schemes[k].scheme;
			if (other == scheme || (is_pure(other) && is_pure(scheme)))
				continue;
			assert_int_equal(public_key_verify(
						 pub, other, &message, str_bytes(&signature), &err),
				-ERR_MANIFEST_SIGNATURE);
			if (!public_key_supports(pub, other))
				assert_int_equal(
					private_key_sign(key, other, &message, &again, &err),
					-ERR_USAGE);
		}
	}
}

static void test_signs_nothing_and_much(void **state)
{
	CLEANUP_STR struct str much = STR_INIT;

	(void)state;
	for (size_t i = 0; i < 100000; i++)
		str_append_char(&much, (char)i);
	for (size_t i = 0; i < COUNT; i++) {
		CLEANUP(private_key_cleanup) struct private_key *key = load(schemes[i].key);
		CLEANUP_STR struct str signature = STR_INIT;

		struct signed_message nothing =
			signed_message_make(KEY_USE_BLOB, bytes_make(NULL, 0));
		struct signed_message all = signed_message_make(KEY_USE_BLOB, str_bytes(&much));

		assert_int_equal(
			private_key_sign(key, schemes[i].scheme, &nothing, &signature, &err), 0);
		str_truncate(&signature, 0);
		assert_int_equal(
			private_key_sign(key, schemes[i].scheme, &all, &signature, &err), 0);
	}
}

/* A wrong key of the right kind. */
static void test_another_key(void **state)
{
	CLEANUP(private_key_cleanup) struct private_key *key = load("release-eu");
	CLEANUP(private_key_cleanup) struct private_key *other = load("stranger");
	CLEANUP_STR struct str signature = STR_INIT;
	struct signed_message message = blob("message");

	(void)state;
	assert_int_equal(
		private_key_sign(key, KEY_ECDSA_P256_SHA256, &message, &signature, &err), 0);
	assert_int_equal(public_key_verify(private_key_public(other), KEY_ECDSA_P256_SHA256,
				 &message, str_bytes(&signature), &err),
		-ERR_MANIFEST_SIGNATURE);
}

/* RFC 6979 appendix A.2.5, P-256 with SHA-256 over "sample"; the key there as SEC1 PEM. */
static void test_rfc_6979(void **state)
{
	static const char pem[] =
		"-----BEGIN EC PRIVATE KEY-----\n"
		"MHcCAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49\n"
		"AwEHoUQDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8\n"
		"maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
		"-----END EC PRIVATE KEY-----\n";
	static const uint8_t wanted_r[] = {0xEF, 0xD4, 0x8B, 0x2A, 0xAC, 0xB6, 0xA8, 0xFD, 0x11,
		0x40, 0xDD, 0x9C, 0xD4, 0x5E, 0x81, 0xD6, 0x9D, 0x2C, 0x87, 0x7B, 0x56, 0xAA, 0xF9,
		0x91, 0xC3, 0x4D, 0x0E, 0xA8, 0x4E, 0xAF, 0x37, 0x16};
	static const uint8_t wanted_s[] = {0xF7, 0xCB, 0x1C, 0x94, 0x2D, 0x65, 0x7C, 0x41, 0xD4,
		0x36, 0xC7, 0xA1, 0xB6, 0xE2, 0x9F, 0x65, 0xF3, 0xE9, 0x00, 0xDB, 0xB9, 0xAF, 0xF4,
		0x06, 0x4D, 0xC4, 0xAB, 0x2F, 0x84, 0x3A, 0xCD, 0xA8};
	CLEANUP(private_key_cleanup) struct private_key *key = NULL;
	CLEANUP_STR struct str signature = STR_INIT;
	struct signed_message message = blob("sample");
	struct bytes r, s;

	(void)state;
	assert_int_equal(private_key_from_pem(bytes_of_string(pem), &key, &err), 0);
	assert_int_equal(
		private_key_sign(key, KEY_ECDSA_P256_SHA256, &message, &signature, &err), 0);
	assert_true(der_ecdsa_signature(str_bytes(&signature), &r, &s));
	assert_true(bytes_equal(r, bytes_make(wanted_r, sizeof wanted_r)));
	assert_true(bytes_equal(s, bytes_make(wanted_s, sizeof wanted_s)));
}

static void test_generate_write_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		CLEANUP(private_key_cleanup) struct private_key *key = NULL, *again = NULL;
		CLEANUP(public_key_cleanup) struct public_key *pub = NULL;
		CLEANUP_STR struct str pem = STR_INIT, pub_pem = STR_INIT;

		assert_int_equal(private_key_generate(schemes[i].scheme, &key, &err), 0);
		assert_true(public_key_supports(private_key_public(key), schemes[i].scheme));
		assert_int_equal(private_key_to_pem(key, &pem, &err), 0);
		assert_int_equal(private_key_from_pem(str_bytes(&pem), &again, &err), 0);
		assert_int_equal(public_key_to_pem(private_key_public(again), &pub_pem, &err), 0);
		assert_int_equal(public_key_from_pem(str_bytes(&pub_pem), &pub, &err), 0);
		assert_true(sha256_equal(public_key_fingerprint(pub),
			public_key_fingerprint(private_key_public(key))));
	}
}

/* Our PEM of a key is openssl's, octet for octet. */
static void test_public_pem_is_the_usual_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		CLEANUP(private_key_cleanup) struct private_key *key = load(schemes[i].key);
		CLEANUP_STR struct str path = STR_INIT, theirs = STR_INIT, ours = STR_INIT;

		str_append_format(&path, "fixtures/keys/%s.pub", schemes[i].key);
		assert_int_equal(file_read_path(str_text(&path), KEY_PEM_MAX, &theirs, &err), 0);
		assert_int_equal(public_key_to_pem(private_key_public(key), &ours, &err), 0);
		assert_string_equal(str_text(&ours), str_text(&theirs));
	}
}

static int parse_pem(const char *pem)
{
	CLEANUP(public_key_cleanup) struct public_key *key = NULL;

	return public_key_from_pem(bytes_of_string(pem), &key, &err);
}

#define P256_LINE_1 "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
#define P256_LINE_2 "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
#define BEGIN	    "-----BEGIN PUBLIC KEY-----\n"
#define END	    "-----END PUBLIC KEY-----\n"

static void test_pem_is_strict(void **state)
{
	static const char *const bad[] = {
		"",
		BEGIN,
		BEGIN END,
		BEGIN P256_LINE_1 P256_LINE_2,
		BEGIN P256_LINE_1 END,
		"x" BEGIN P256_LINE_1 P256_LINE_2 END,
		"\n" BEGIN P256_LINE_1 P256_LINE_2 END,
		BEGIN P256_LINE_1 P256_LINE_2 END "x",
		BEGIN P256_LINE_1 P256_LINE_2 END BEGIN P256_LINE_1 P256_LINE_2 END,
		BEGIN " " P256_LINE_1 P256_LINE_2 END,
		BEGIN "Comment: x\n\n" P256_LINE_1 P256_LINE_2 END,
		"-----BEGIN PRIVATE KEY-----\n" P256_LINE_1 P256_LINE_2
		"-----END PRIVATE KEY-----\n",
		BEGIN P256_LINE_1 P256_LINE_2 "-----END PRIVATE KEY-----\n",
		/* the point is not on the curve */
		BEGIN P256_LINE_1
		"Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimA==\n" END,
		/* one octet more inside */
		BEGIN P256_LINE_1
		"Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQA=\n" END,
	};

	(void)state;
	assert_int_equal(parse_pem(BEGIN P256_LINE_1 P256_LINE_2 END), 0);
	assert_int_equal(parse_pem(BEGIN P256_LINE_1 P256_LINE_2 END "\n\n"), 0);
	assert_int_equal(parse_pem(BEGIN P256_LINE_1 P256_LINE_2 "-----END PUBLIC KEY-----"), 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(parse_pem(bad[i]), -ERR_SYNTAX);
}

static void test_rsa_sizes(void **state)
{
	CLEANUP(public_key_cleanup) struct public_key *key = NULL;
	CLEANUP(private_key_cleanup) struct private_key *private_key = NULL;
	CLEANUP_STR struct str pem = STR_INIT, private_pem = STR_INIT;

	(void)state;
	assert_int_equal(file_read_path("fixtures/keys/rsa-1024.pub", 4096, &pem, &err), 0);
	assert_int_equal(public_key_from_pem(str_bytes(&pem), &key, &err), -ERR_SYNTAX);
	assert_non_null(strstr(err.message, "1024 bits"));
	assert_int_equal(file_read_path("fixtures/keys/rsa-1024.key", 4096, &private_pem, &err), 0);
	assert_int_equal(
		private_key_from_pem(str_bytes(&private_pem), &private_key, &err), -ERR_SYNTAX);
}

/* A SubjectPublicKeyInfo with a modulus of that many bits, all ones, and exponent 65537. */
static int rsa_of(size_t bits)
{
	CLEANUP(public_key_cleanup) struct public_key *key = NULL;
	CLEANUP_STR struct str der = STR_INIT;
	size_t octets = (bits + 7) / 8, integer = octets + (bits % 8 == 0);
	size_t sequence = 4 + integer + 5, string = 4 + sequence + 1, info = 4 + string + 15;

	str_append(&der, (const uint8_t[]){0x30, 0x82, (uint8_t)(info >> 8), (uint8_t)info}, 4);
	str_append(&der, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 15);
	str_append(&der, (const uint8_t[]){3, 0x82, (uint8_t)(string >> 8), (uint8_t)string, 0}, 5);
	str_append(&der, (const uint8_t[]){0x30, 0x82, (uint8_t)(sequence >> 8), (uint8_t)sequence},
		4);
	str_append(&der, (const uint8_t[]){2, 0x82, (uint8_t)(integer >> 8), (uint8_t)integer}, 4);
	if (bits % 8 == 0)
		str_append_char(&der, 0);
	str_append_char(&der, (char)(0xFF >> (octets * 8 - bits)));
	for (size_t i = 1; i < octets; i++)
		str_append_char(&der, (char)0xFF);
	str_append(&der, "\x02\x03\x01\x00\x01", 5);
	return public_key_from_der(str_bytes(&der), &key, &err);
}

static void test_rsa_limits(void **state)
{
	(void)state;
	assert_int_equal(rsa_of(KEY_RSA_BITS_MIN), 0);
	assert_int_equal(rsa_of(KEY_RSA_BITS_MIN - 1), -ERR_SYNTAX);
	assert_int_equal(rsa_of(KEY_RSA_BITS_MAX), 0);
	assert_int_equal(rsa_of(KEY_RSA_BITS_MAX + 1), -ERR_SYNTAX);
}

/* Every bit of what stands in a public key's DER before the key itself, changed: refused. */
static void test_der_of_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		CLEANUP(private_key_cleanup) struct private_key *key = load(schemes[i].key);
		CLEANUP_STR struct str pem = STR_INIT, der = STR_INIT;

		assert_int_equal(public_key_to_pem(private_key_public(key), &pem, &err), 0);
		assert_int_equal(pem_decode(str_bytes(&pem), "PUBLIC KEY", &der, &err), 0);
		size_t before = strcmp(schemes[i].key, "ed25519") == 0 ? 12 : 23;
		for (size_t k = 0; k < before; k++) {
			for (unsigned bit = 0; bit < 8; bit++) {
				CLEANUP(public_key_cleanup) struct public_key *other = NULL;
				der.text[k] ^= (char)(1U << bit);
				assert_int_equal(public_key_from_der(str_bytes(&der), &other, &err),
					-ERR_SYNTAX);
				der.text[k] ^= (char)(1U << bit);
			}
		}
		for (size_t size = 0; size < der.size; size++) {
			CLEANUP(public_key_cleanup) struct public_key *other = NULL;
			assert_int_equal(
				public_key_from_der(bytes_make(der.text, size), &other, &err),
				-ERR_SYNTAX);
		}
	}
}

static void test_raw_keys(void **state)
{
	CLEANUP(public_key_cleanup) struct public_key *key = NULL;
	uint8_t octets[133] = {4, 1};

	(void)state;
	assert_int_equal(public_key_from_ed25519(bytes_make(octets, 32), &key, &err), 0);
	public_key_free(STEAL(key));
	assert_int_equal(public_key_from_ed25519(bytes_make(octets, 31), &key, &err), -ERR_SYNTAX);
	assert_int_equal(public_key_from_ed25519(bytes_make(octets, 33), &key, &err), -ERR_SYNTAX);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(public_key_from_point(schemes[i].scheme,
					 bytes_make(octets, i == 0   ? 65
							    : i == 1 ? 97
								     : 133),
					 &key, &err),
			-ERR_SYNTAX);
	assert_int_equal(public_key_from_point(KEY_SCHEME_NONE, bytes_make(octets, 65), &key, &err),
		-ERR_SYNTAX);
}

/* X.690: what BER would take and DER does not. */
static void test_der_of_signatures(void **state)
{
	static const struct {
		const char *octets;
		size_t size;
		bool good;
	} cases[] = {
		{"\x30\x06\x02\x01\x01\x02\x01\x02", 8, true},
		{"\x30\x08\x02\x02\x00\x80\x02\x02\x00\xff", 10, true},
		{"\x30\x81\x06\x02\x01\x01\x02\x01\x02", 9, false}, /* longer length than needed */
		{"\x30\x82\x00\x06\x02\x01\x01\x02\x01\x02", 10, false},
		{"\x30\x80\x02\x01\x01\x02\x01\x02\x00\x00", 10, false}, /* indefinite */
		{"\x30\x06\x02\x01\x01\x02\x01\x02\x00", 9, false},	 /* trailing */
		{"\x30\x07\x02\x01\x01\x02\x01\x02\x00", 9, false},
		{"\x30\x07\x02\x02\x00\x01\x02\x01\x02", 9, false}, /* padded integer */
		{"\x30\x07\x02\x01\x01\x02\x02\x00\x7f", 9, false},
		{"\x30\x06\x02\x01\x00\x02\x01\x02", 8, false}, /* zero */
		{"\x30\x06\x02\x01\x01\x02\x01\x00", 8, false},
		{"\x30\x06\x02\x01\x81\x02\x01\x02", 8, false}, /* negative */
		{"\x30\x05\x02\x00\x02\x01\x02", 7, false},	/* empty integer */
		{"\x30\x06\x02\x01\x01\x03\x01\x02", 8, false}, /* other tags */
		{"\x31\x06\x02\x01\x01\x02\x01\x02", 8, false},
		{"\x30\x03\x02\x01\x01", 5, false},
		{"\x30\x09\x02\x01\x01\x02\x01\x02\x02\x01\x03", 11, false},
		{"\x30\x06\x02\x01\x01\x02\x02\x02", 8, false}, /* beyond the end */
		{"\x30\x83\x00\x00\x06\x02\x01\x01\x02\x01\x02", 11, false},
		{"\x30", 1, false},
		{"", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes r, s;
		assert_int_equal(
			der_ecdsa_signature(bytes_make(cases[i].octets, cases[i].size), &r, &s),
			cases[i].good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_table),
		cmocka_unit_test(test_sign_and_verify),
		cmocka_unit_test(test_signs_nothing_and_much),
		cmocka_unit_test(test_another_key),
		cmocka_unit_test(test_rfc_6979),
		cmocka_unit_test(test_generate_write_read),
		cmocka_unit_test(test_public_pem_is_the_usual_one),
		cmocka_unit_test(test_pem_is_strict),
		cmocka_unit_test(test_rsa_sizes),
		cmocka_unit_test(test_rsa_limits),
		cmocka_unit_test(test_der_of_keys),
		cmocka_unit_test(test_raw_keys),
		cmocka_unit_test(test_der_of_signatures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
