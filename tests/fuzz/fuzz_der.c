/* DER has one encoding of a value: what is taken can be written back in one way only. */
#include "base/cleanup.h"
#include "crypto/der.h"
#include "crypto/key.h"
#include "crypto/pem.h"
#include "tests/fuzz/target.h"

static void append_length(struct str *out, size_t length)
{
	if (length >= 0x100)
		str_append(
			out, (const uint8_t[]){0x82, (uint8_t)(length >> 8), (uint8_t)length}, 3);
	else if (length >= 0x80)
		str_append(out, (const uint8_t[]){0x81, (uint8_t)length}, 2);
	else
		str_append_char(out, (char)length);
}

static void append_integer(struct str *out, struct bytes magnitude)
{
	bool sign = (magnitude.data[0] & 0x80) != 0;

	str_append_char(out, DER_INTEGER);
	append_length(out, magnitude.size + sign);
	if (sign)
		str_append_char(out, '\0');
	str_append(out, magnitude.data, magnitude.size);
}

static void signature_has_one_form(struct bytes untrusted_der)
{
	CLEANUP_STR struct str body = STR_INIT, whole = STR_INIT;
	struct bytes r, s;

	if (!der_ecdsa_signature(untrusted_der, &r, &s))
		return;
	HOLDS(r.size > 0 && r.data[0] != 0 && s.size > 0 && s.data[0] != 0);
	append_integer(&body, r);
	append_integer(&body, s);
	str_append_char(&whole, DER_SEQUENCE);
	append_length(&whole, body.size);
	str_append(&whole, body.text, body.size);
	HOLDS(bytes_equal(str_bytes(&whole), untrusted_der));
}

static void key_has_one_form(struct bytes untrusted_der)
{
	CLEANUP(public_key_cleanup) struct public_key *key = NULL, *again = NULL;
	CLEANUP_STR struct str pem = STR_INIT, der = STR_INIT;
	struct signed_message message =
		signed_message_make(KEY_USE_BLOB, bytes_of_string("message"));
	struct err err;

	if (public_key_from_der(untrusted_der, &key, &err) < 0)
		return;
	HOLDS(public_key_to_pem(key, &pem, &err) == 0);
	HOLDS(pem_decode(str_bytes(&pem), "PUBLIC KEY", &der, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&der), untrusted_der));
	HOLDS(public_key_from_pem(str_bytes(&pem), &again, &err) == 0);
	for (int scheme = KEY_SCHEME_NONE + 1; scheme < KEY_SCHEME_COUNT; scheme++)
		HOLDS(public_key_verify(key, (enum key_scheme)scheme, &message, untrusted_der,
			      &err) == -ERR_MANIFEST_SIGNATURE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(public_key_cleanup) struct public_key *key = NULL;
	struct bytes input = bytes_make(data, size);
	struct err err;

	signature_has_one_form(input);
	key_has_one_form(input);
	int rc = public_key_from_pem(input, &key, &err);
	HOLDS(rc == 0 || rc == -ERR_SYNTAX);
	return 0;
}
