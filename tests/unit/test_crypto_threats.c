/* Signatures of a length that is none, however good they begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crypto/key.h"

static int verify(const struct private_key *key, enum key_scheme scheme, struct bytes signature)
{
	struct signed_message message =
		signed_message_make(KEY_USE_BLOB, bytes_of_string("offkit"));
	struct err err;

	return public_key_verify(private_key_public(key), scheme, &message, signature, &err);
}

/* Every length but its own: cut, and with octets behind that are zero, or its own again. */
static void try_lengths(enum key_scheme scheme, const char *path)
{
	CLEANUP(private_key_cleanup) struct private_key *key = NULL;
	CLEANUP_STR struct str pem = STR_INIT, signature = STR_INIT, longer = STR_INIT;
	struct signed_message message =
		signed_message_make(KEY_USE_BLOB, bytes_of_string("offkit"));
	struct err err;

	assert_int_equal(file_read_path(path, KEY_PEM_MAX, &pem, &err), 0);
	assert_int_equal(private_key_from_pem(str_bytes(&pem), &key, &err), 0);
	assert_int_equal(private_key_sign(key, scheme, &message, &signature, &err), 0);
	assert_int_equal(verify(key, scheme, str_bytes(&signature)), 0);
	str_append(&longer, signature.text, signature.size);
	str_append(&longer, signature.text, signature.size);
	for (size_t size = 0; size <= longer.size; size++)
		if (size != signature.size)
			assert_int_equal(verify(key, scheme, bytes_make(longer.text, size)),
				-ERR_MANIFEST_SIGNATURE);
	memset(longer.text + signature.size, 0, signature.size);
	for (size_t size = signature.size + 1; size <= longer.size; size++)
		assert_int_equal(verify(key, scheme, bytes_make(longer.text, size)),
			-ERR_MANIFEST_SIGNATURE);
}

static void lengths_of_ed25519(void **state)
{
	(void)state;
	try_lengths(KEY_ED25519, "fixtures/keys/ed25519.key");
	try_lengths(KEY_ED25519PH, "fixtures/keys/ed25519.key");
}

static void lengths_of_ecdsa(void **state)
{
	(void)state;
	try_lengths(KEY_ECDSA_P256_SHA256, "fixtures/keys/release-eu.key");
	try_lengths(KEY_ECDSA_P521_SHA512, "fixtures/keys/p521.key");
}

static void lengths_of_rsa(void **state)
{
	(void)state;
	try_lengths(KEY_RSA_PKCS1_SHA256, "fixtures/keys/rsa.key");
	try_lengths(KEY_RSA_PSS_SHA256, "fixtures/keys/rsa.key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_of_ed25519),
		cmocka_unit_test(lengths_of_ecdsa),
		cmocka_unit_test(lengths_of_rsa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
