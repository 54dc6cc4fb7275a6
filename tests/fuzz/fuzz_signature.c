/*
 * Signatures over one message by one key of each scheme: what verifies is what the key made, and
 * no other scheme takes it. (ECDSA has two: with s, and with the order less s.)
 *
 * The same octets as the output of a tool that signs: what is taken of it is taken as it is from
 * then on, and what verifies as it is was not changed.
 *
 * Octet 0: the row of the table; then the signature. A corpus file without a change verifies.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crypto/der.h"
#include "crypto/signature.h"
#include "tests/fuzz/aid.h"

static const struct {
	const char *key; /* fixtures/keys */
	enum key_scheme scheme;
	enum key_use use;
} rows[] = {
	{"release-eu", KEY_ECDSA_P256_SHA256, KEY_USE_BLOB},
	{"p384", KEY_ECDSA_P384_SHA384, KEY_USE_BLOB},
	{"p521", KEY_ECDSA_P521_SHA512, KEY_USE_BLOB},
	{"p384", KEY_ECDSA_P384_SHA256, KEY_USE_BLOB},
	{"p521", KEY_ECDSA_P521_SHA256, KEY_USE_BLOB},
	{"ed25519", KEY_ED25519, KEY_USE_ROOT},
	{"ed25519", KEY_ED25519PH, KEY_USE_BLOB},
	{"ed25519", KEY_ED25519PH_DSSE, KEY_USE_ENVELOPE},
	{"rsa", KEY_RSA_PKCS1_SHA256, KEY_USE_BLOB},
	{"rsa", KEY_RSA_PSS_SHA256, KEY_USE_BLOB},
};

enum { ROWS = sizeof rows / sizeof *rows };

static const char MESSAGE[] = "message";

static struct private_key *keys[ROWS];
static struct str signatures[ROWS]; /* the one that a scheme makes always; PSS has none */

static void load(size_t row)
{
	CLEANUP_STR struct str path = STR_INIT, pem = STR_INIT;
	struct signed_message message =
		signed_message_make(rows[row].use, bytes_of_string(MESSAGE));
	struct err err;

	if (keys[row] != NULL)
		return;
	str_append_format(&path, "fixtures/keys/%s.key", rows[row].key);
	HOLDS(file_read_path(str_text(&path), KEY_PEM_MAX, &pem, &err) == 0);
	HOLDS(private_key_from_pem(str_bytes(&pem), &keys[row], &err) == 0);
	if (rows[row].scheme != KEY_RSA_PSS_SHA256)
		HOLDS(private_key_sign(
			      keys[row], rows[row].scheme, &message, &signatures[row], &err) == 0);
}

static bool is_ecdsa(size_t row)
{
	return row <= 4;
}

/* Ed25519ph is pure for every use but one. */
static bool is_same(size_t row, int scheme)
{
	int own = (int)rows[row].scheme;
	bool both =
		(own == KEY_ED25519 || own == KEY_ED25519PH || own == KEY_ED25519PH_DSSE) &&
		(scheme == KEY_ED25519 || scheme == KEY_ED25519PH || scheme == KEY_ED25519PH_DSSE);

	return scheme == own || (both && rows[row].use == KEY_USE_ROOT);
}

static void is_the_keys_own(size_t row, struct bytes accepted)
{
	struct bytes own = str_bytes(&signatures[row]), r, s, own_r, own_s;

	if (is_ecdsa(row)) {
		HOLDS(der_ecdsa_signature(accepted, &r, &s));
		HOLDS(der_ecdsa_signature(own, &own_r, &own_s));
		HOLDS(bytes_equal(r, own_r));
	} else if (rows[row].scheme == KEY_RSA_PSS_SHA256) {
		HOLDS(accepted.size == 384);
	} else {
		HOLDS(bytes_equal(accepted, own));
	}
}

static int verify(size_t row, enum key_scheme scheme, const char *text, struct bytes signature)
{
	struct signed_message message = signed_message_make(rows[row].use, bytes_of_string(text));
	struct err err = {0};
	int rc =
		public_key_verify(private_key_public(keys[row]), scheme, &message, signature, &err);

	HOLDS(rc == 0 || rc == -ERR_MANIFEST_SIGNATURE);
	return rc;
}

static void take(size_t row, struct bytes output, bool verifies)
{
	CLEANUP_STR struct str taken = STR_INIT, again = STR_INIT;
	const struct public_key *key = private_key_public(keys[row]);
	struct err err = {0};
	int rc = signature_take(key, output, &taken, &err);

	HOLDS(rc == 0 || (rc == -ERR_SIGNER && taken.size == 0 && !verifies));
	if (rc < 0)
		return;
	HOLDS(taken.size > 0 && taken.size <= KEY_SIGNATURE_MAX);
	HOLDS(!verifies || bytes_equal(str_bytes(&taken), output));
	HOLDS(signature_take(key, str_bytes(&taken), &again, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&taken), str_bytes(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t row = size > 0 ? data[0] % ROWS : 0;

	if (size == 0)
		return 0;
	load(row);
	struct bytes signature = bytes_make(data + 1, size - 1);
	int rc = verify(row, rows[row].scheme, MESSAGE, signature);
	take(row, signature, rc == 0);
	if (rc < 0)
		return 0;
	is_the_keys_own(row, signature);
	HOLDS(verify(row, rows[row].scheme, "Message", signature) < 0);
	for (int scheme = KEY_SCHEME_NONE; scheme < KEY_SCHEME_COUNT; scheme++)
		HOLDS(is_same(row, scheme) ||
			verify(row, (enum key_scheme)scheme, MESSAGE, signature) < 0);
	return 0;
}
