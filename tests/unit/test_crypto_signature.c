#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "crypto/der.h"
#include "crypto/signature.h"

static const struct bytes octets = {(const uint8_t *)"what is signed", 14};

static struct private_key *generate(enum key_scheme scheme)
{
	struct private_key *key;
	struct err err;

	assert_int_equal(private_key_generate(scheme, &key, &err), 0);
	return key;
}

static void sign(const struct private_key *key, enum key_scheme scheme, struct str *out)
{
	struct signed_message message = signed_message_make(KEY_USE_BLOB, octets);
	struct err err;

	assert_int_equal(private_key_sign(key, scheme, &message, out, &err), 0);
}

static void assert_taken(
	const struct private_key *key, struct bytes form, const struct str *signature)
{
	CLEANUP_STR struct str taken = STR_INIT;
	struct err err;

	assert_int_equal(signature_take(private_key_public(key), form, &taken, &err), 0);
	assert_true(bytes_equal(str_bytes(&taken), str_bytes(signature)));
}

static void assert_refused(const struct private_key *key, struct bytes form)
{
	CLEANUP_STR struct str taken = STR_INIT;
	struct err err;

	assert_int_equal(signature_take(private_key_public(key), form, &taken, &err), -ERR_SIGNER);
	assert_int_equal(taken.size, 0);
}

/* The form itself, in base64, and both with a line feed; not with two, nor cut off. */
static void assert_form(
	const struct private_key *key, struct bytes form, const struct str *signature)
{
	CLEANUP_STR struct str raw = STR_INIT, text = STR_INIT;
	struct str *both[] = {&raw, &text};

	str_append(&raw, form.data, form.size);
	base64_encode(form, &text);
	for (size_t i = 0; i < 2; i++) {
		struct str *str = both[i];
		assert_taken(key, str_bytes(str), signature);
		str_append_char(str, '\n');
		assert_taken(key, str_bytes(str), signature);
		str_append_char(str, '\n');
		assert_refused(key, str_bytes(str));
		assert_refused(key, bytes_make(str->text, str->size - 3));
		assert_refused(key, bytes_make(str->text + 1, str->size - 3));
	}
}

static void append_half(struct str *out, struct bytes magnitude, size_t half)
{
	for (size_t i = magnitude.size; i < half; i++)
		str_append_char(out, '\0');
	str_append(out, magnitude.data, magnitude.size);
}

/* Enough of them that r and s come with and without a leading zero. */
static void ecdsa_comes_in_der_and_side_by_side(void **state)
{
	(void)state;
	static const struct {
		enum key_scheme scheme;
		size_t half;
	} rows[] = {
		{KEY_ECDSA_P256_SHA256, 32},
		{KEY_ECDSA_P384_SHA384, 48},
		{KEY_ECDSA_P521_SHA512, 66},
	};

	for (size_t i = 0; i < 3; i++)
		for (size_t round = 0; round < 20; round++) {
			CLEANUP(private_key_cleanup)
			struct private_key *key = generate(rows[i].scheme);
			CLEANUP_STR struct str der = STR_INIT, pair = STR_INIT;
			struct bytes r, s;

			sign(key, rows[i].scheme, &der);
			assert_true(der_ecdsa_signature(str_bytes(&der), &r, &s));
			append_half(&pair, r, rows[i].half);
			append_half(&pair, s, rows[i].half);
			assert_form(key, str_bytes(&der), &der);
			assert_form(key, str_bytes(&pair), &der);
		}
}

static void ed25519_and_rsa_come_as_they_are(void **state)
{
	(void)state;
	static const enum key_scheme schemes[] = {KEY_ED25519, KEY_RSA_PKCS1_SHA256};

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(private_key_cleanup) struct private_key *key = generate(schemes[i]);
		CLEANUP_STR struct str signature = STR_INIT;

		sign(key, schemes[i], &signature);
		assert_form(key, str_bytes(&signature), &signature);
	}
}

/* A line feed that belongs to the signature stays. */
static void the_last_octet_may_be_a_line_feed(void **state)
{
	(void)state;
	CLEANUP(private_key_cleanup) struct private_key *key = generate(KEY_ED25519);
	CLEANUP_STR struct str signature = STR_INIT;

	for (size_t i = 0; i < 64; i++)
		str_append_char(&signature, '\n');
	assert_taken(key, str_bytes(&signature), &signature);
	assert_refused(key, bytes_make(NULL, 0));
	assert_refused(key, bytes_make("\n", 1));
}

/* Neither r nor s is ever 0. */
static void halves_of_zeros_are_refused(void **state)
{
	(void)state;
	CLEANUP(private_key_cleanup) struct private_key *key = generate(KEY_ECDSA_P256_SHA256);
	uint8_t pair[64] = {0};

	assert_refused(key, bytes_make(pair, 64));
	pair[31] = 1;
	assert_refused(key, bytes_make(pair, 64));
	pair[31] = 0;
	pair[63] = 1;
	assert_refused(key, bytes_make(pair, 64));
}

struct holder {
	const struct private_key *key;
	struct bytes instead; /* what it signs instead; none: what it is given */
};

static int hold(void *argument, enum key_scheme scheme, const struct signed_message *given,
	struct str *out, struct err *err)
{
	const struct holder *holder = argument;
	struct signed_message message = signed_message_make(
		given->use, holder->instead.size > 0 ? holder->instead : given->octets);

	return private_key_sign(holder->key, scheme, &message, out, err);
}

static void a_key_elsewhere_signs_like_any(void **state)
{
	(void)state;
	CLEANUP(private_key_cleanup)
	struct private_key *key = generate(KEY_ED25519), *elsewhere = NULL;
	struct holder holder = {.key = key};
	CLEANUP_STR struct str pem = STR_INIT, here = STR_INIT, there = STR_INIT;
	struct signed_message message = signed_message_make(KEY_USE_BLOB, octets);
	struct public_key *public = NULL;
	struct err err;

	assert_int_equal(public_key_to_pem(private_key_public(key), &pem, &err), 0);
	assert_int_equal(public_key_from_pem(str_bytes(&pem), &public, &err), 0);
	assert_int_equal(private_key_elsewhere(public, hold, &holder, &elsewhere, &err), 0);
	sign(key, KEY_ED25519, &here);
	sign(elsewhere, KEY_ED25519, &there);
	assert_true(bytes_equal(str_bytes(&here), str_bytes(&there)));
	/* What it did not sign is not taken for what it did. */
	holder.instead = bytes_of_string("other octets");
	str_truncate(&there, 0);
	assert_int_equal(
		private_key_sign(elsewhere, KEY_ED25519, &message, &there, &err), -ERR_SIGNER);
	assert_int_equal(there.size, 0);
	/* It cannot be written down. */
	assert_int_equal(private_key_to_pem(elsewhere, &there, &err), -ERR_INTERNAL);
	assert_int_equal(private_key_sign(elsewhere, KEY_RSA_PKCS1_SHA256, &message, &there, &err),
		-ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ecdsa_comes_in_der_and_side_by_side),
		cmocka_unit_test(ed25519_and_rsa_come_as_they_are),
		cmocka_unit_test(the_last_octet_may_be_a_line_feed),
		cmocka_unit_test(halves_of_zeros_are_refused),
		cmocka_unit_test(a_key_elsewhere_signs_like_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
