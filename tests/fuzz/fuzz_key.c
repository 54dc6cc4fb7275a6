/*
 * Keys in every form in which they come: the same key in another form has the same fingerprint,
 * and what a private key signs its public one verifies.
 */
#include "base/cleanup.h"
#include "tests/fuzz/aid.h"

static void public_again(const struct public_key *key)
{
	CLEANUP(public_key_cleanup) struct public_key *again = NULL;
	CLEANUP_STR struct str pem = STR_INIT;
	struct err err;

	HOLDS(public_key_to_pem(key, &pem, &err) == 0);
	HOLDS(public_key_from_pem(str_bytes(&pem), &again, &err) == 0);
	HOLDS(sha256_equal(public_key_fingerprint(key), public_key_fingerprint(again)));
	HOLDS(public_key_supports(key, public_key_default_scheme(key)));
}

static void try_public(int rc, struct public_key *key)
{
	HOLDS(rc == 0 || (rc == -ERR_SYNTAX && key == NULL));
	if (rc == 0)
		public_again(key);
	public_key_free(key);
}

static void try_private(struct bytes input)
{
	CLEANUP(private_key_cleanup) struct private_key *key = NULL, *again = NULL;
	CLEANUP_STR struct str pem = STR_INIT, signature = STR_INIT;
	struct signed_message message = signed_message_make(KEY_USE_BLOB, bytes_of_string("m"));
	struct err err;
	int rc = private_key_from_pem(input, &key, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX);
	if (rc < 0)
		return;
	const struct public_key *pub = private_key_public(key);
	enum key_scheme scheme = public_key_default_scheme(pub);
	public_again(pub);
	/* A key whose halves do not belong together may be read; it signs nothing. */
	rc = private_key_sign(key, scheme, &message, &signature, &err);
	HOLDS(rc < 0 || public_key_verify(pub, scheme, &message, str_bytes(&signature), &err) == 0);
	if (rc < 0)
		return;
	HOLDS(private_key_to_pem(key, &pem, &err) == 0);
	HOLDS(private_key_from_pem(str_bytes(&pem), &again, &err) == 0);
	HOLDS(sha256_equal(
		public_key_fingerprint(pub), public_key_fingerprint(private_key_public(again))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_make(data, size);
	struct public_key *key = NULL;
	struct err err;
	int rc = public_key_from_pem(input, &key, &err);

	try_public(rc, key);
	key = NULL;
	rc = public_key_from_der(input, &key, &err);
	try_public(rc, key);
	key = NULL;
	rc = public_key_from_ed25519(input, &key, &err);
	try_public(rc, key);
	for (int scheme = KEY_SCHEME_NONE; scheme < KEY_SCHEME_COUNT; scheme++) {
		key = NULL;
		rc = public_key_from_point((enum key_scheme)scheme, input, &key, &err);
		try_public(rc, key);
	}
	try_private(input);
	return 0;
}
