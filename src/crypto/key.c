#include "crypto/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/der.h"
#include "crypto/key_internal.h"
#include "crypto/pem.h"

const char *const key_scheme_names[KEY_SCHEME_COUNT] = {
	[KEY_ECDSA_P256_SHA256 - 1] = "ecdsa-sha2-nistp256",
	[KEY_ECDSA_P384_SHA384 - 1] = "ecdsa-sha2-nistp384",
	[KEY_ECDSA_P521_SHA512 - 1] = "ecdsa-sha2-nistp521",
	[KEY_ECDSA_P384_SHA256 - 1] = "ecdsa-sha2-256-nistp384",
	[KEY_ECDSA_P521_SHA256 - 1] = "ecdsa-sha2-256-nistp521",
	[KEY_ED25519 - 1] = "ed25519",
	[KEY_ED25519PH - 1] = "ed25519ph",
	[KEY_ED25519PH_DSSE - 1] = "ed25519ph-dsse",
	[KEY_RSA_PSS_SHA256 - 1] = "rsassa-pss-sha256",
	[KEY_RSA_PKCS1_SHA256 - 1] = "rsa-pkcs1v15-sha256",
};

#define ALWAYS(digest)                                                                             \
	{                                                                                          \
		[KEY_USE_ENVELOPE] = (digest), [KEY_USE_BLOB] = (digest),                          \
		[KEY_USE_ROOT] = (digest)                                                          \
	}

static const struct scheme {
	enum key_kind kind;
	enum digest_size digests[KEY_USE_COUNT];
} schemes[KEY_SCHEME_COUNT] = {
	[KEY_SCHEME_NONE] = {KIND_COUNT, ALWAYS(DIGEST_NONE)},
	[KEY_ECDSA_P256_SHA256] = {KIND_P256, ALWAYS(DIGEST_256)},
	[KEY_ECDSA_P384_SHA384] = {KIND_P384, ALWAYS(DIGEST_384)},
	[KEY_ECDSA_P521_SHA512] = {KIND_P521, ALWAYS(DIGEST_512)},
	[KEY_ECDSA_P384_SHA256] = {KIND_P384, ALWAYS(DIGEST_256)},
	[KEY_ECDSA_P521_SHA256] = {KIND_P521, ALWAYS(DIGEST_256)},
	[KEY_ED25519] = {KIND_ED25519, ALWAYS(DIGEST_NONE)},
	[KEY_ED25519PH] = {KIND_ED25519, {[KEY_USE_BLOB] = DIGEST_512}},
	[KEY_ED25519PH_DSSE] = {KIND_ED25519, {[KEY_USE_ENVELOPE] = DIGEST_512}},
	[KEY_RSA_PSS_SHA256] = {KIND_RSA, ALWAYS(DIGEST_256)},
	[KEY_RSA_PKCS1_SHA256] = {KIND_RSA, ALWAYS(DIGEST_256)},
};

/*
 * The DER of a key whose size its kind fixes is these octets and then the key's own: comparing them
 * leaves no room for another encoding. Points are uncompressed (0x04, X, Y).
 */
static const uint8_t prefix_p256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42,
	0x00};
static const uint8_t prefix_p384[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00};
static const uint8_t prefix_p521[] = {0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48,
	0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00};
static const uint8_t prefix_ed25519[] = {
	0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static const struct kind {
	const char *description;
	struct bytes prefix;
	size_t size; /* of the key's own octets; 0: variable */
	enum key_scheme scheme;
} kinds[KIND_COUNT] = {
	[KIND_P256] = {"ECDSA P-256", {prefix_p256, sizeof prefix_p256}, 65, KEY_ECDSA_P256_SHA256},
	[KIND_P384] = {"ECDSA P-384", {prefix_p384, sizeof prefix_p384}, 97, KEY_ECDSA_P384_SHA384},
	[KIND_P521] = {"ECDSA P-521", {prefix_p521, sizeof prefix_p521}, 133,
		KEY_ECDSA_P521_SHA512},
	[KIND_ED25519] = {"Ed25519", {prefix_ed25519, sizeof prefix_ed25519}, 32, KEY_ED25519},
	[KIND_RSA] = {"RSA", {NULL, 0}, 0, KEY_RSA_PKCS1_SHA256},
};

const char *key_scheme_name(enum key_scheme scheme)
{
	return scheme == KEY_SCHEME_NONE ? "none" : key_scheme_names[scheme - 1];
}

enum key_scheme key_scheme_by_name(const char *name)
{
	for (size_t i = 0; key_scheme_names[i] != NULL; i++)
		if (strcmp(key_scheme_names[i], name) == 0)
			return (enum key_scheme)(i + 1);
	return KEY_SCHEME_NONE;
}

enum digest_size key_scheme_digest(enum key_scheme scheme, enum key_use use)
{
	return schemes[scheme].digests[use];
}

static size_t bit_length(struct bytes magnitude)
{
	size_t bits = magnitude.size * 8;

	for (uint8_t top = magnitude.data[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

static int recognise_rsa(struct public_key *key, struct err *err)
{
	struct bytes der = bytes_make(key->der, key->der_size);

	if (!der_rsa_key(der, &key->octets, &key->exponent))
		return err_set(err, ERR_SYNTAX, "it is no public key of a kind that is known");
	size_t bits = bit_length(key->octets);
	if (bits < KEY_RSA_BITS_MIN || bits > KEY_RSA_BITS_MAX)
		return err_set(err, ERR_SYNTAX, "an RSA key of %zu bits is not from %d to %d", bits,
			KEY_RSA_BITS_MIN, KEY_RSA_BITS_MAX);
	bool modulus_odd = (key->octets.data[key->octets.size - 1] & 1) != 0;
	bool exponent_odd = (key->exponent.data[key->exponent.size - 1] & 1) != 0;
	if (!modulus_odd || !exponent_odd || key->exponent.size > 8 ||
		(key->exponent.size == 1 && key->exponent.data[0] < 3))
		return err_set(err, ERR_SYNTAX, "it is no RSA key");
	key->kind = KIND_RSA;
	(void)snprintf(key->description, sizeof key->description, "RSA %zu", bits);
	return 0;
}

static int recognise(struct public_key *key, struct err *err)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		const struct kind *kind = &kinds[i];
		if (kind->size == 0 || key->der_size != kind->prefix.size + kind->size ||
			memcmp(key->der, kind->prefix.data, kind->prefix.size) != 0)
			continue;
		key->kind = (enum key_kind)i;
		key->octets = bytes_make(key->der + kind->prefix.size, kind->size);
		(void)strcpy(key->description, kind->description);
		return 0;
	}
	return recognise_rsa(key, err);
}

int public_key_from_der(struct bytes untrusted_der, struct public_key **ret_key, struct err *err)
{
	CLEANUP(public_key_cleanup) struct public_key *key = NULL;
	int status;

	if (untrusted_der.size > KEY_PEM_MAX)
		return err_set(err, ERR_SYNTAX, "the public key is too large");
	key = calloc(1, sizeof *key + untrusted_der.size);
	if (key == NULL)
		return err_no_memory(err);
	if (untrusted_der.size > 0)
		memcpy(key->der, untrusted_der.data, untrusted_der.size);
	key->der_size = untrusted_der.size;
	if ((status = recognise(key, err)) < 0 || (status = public_key_usable(key, err)) < 0 ||
		(status = sha256_of(untrusted_der, &key->fingerprint, err)) < 0)
		return status;
	*ret_key = STEAL(key);
	return 0;
}

int public_key_from_pem(struct bytes untrusted_pem, struct public_key **ret_key, struct err *err)
{
	CLEANUP_STR struct str der = STR_INIT;

	if (untrusted_pem.size > KEY_PEM_MAX)
		return err_set(err, ERR_SYNTAX, "the public key is too large");
	int status = pem_decode(untrusted_pem, "PUBLIC KEY", &der, err);
	return status < 0 ? status : public_key_from_der(str_bytes(&der), ret_key, err);
}

static int from_octets(enum key_kind kind, struct bytes untrusted_octets,
	struct public_key **ret_key, struct err *err)
{
	CLEANUP_STR struct str der = STR_INIT;

	if (kind >= KIND_COUNT || kinds[kind].size == 0 ||
		untrusted_octets.size != kinds[kind].size)
		return err_set(err, ERR_SYNTAX, "a public key of %zu octets does not exist",
			untrusted_octets.size);
	str_append(&der, kinds[kind].prefix.data, kinds[kind].prefix.size);
	str_append(&der, untrusted_octets.data, untrusted_octets.size);
	int status = str_check(&der, err);
	return status < 0 ? status : public_key_from_der(str_bytes(&der), ret_key, err);
}

int public_key_from_ed25519(
	struct bytes untrusted_octets, struct public_key **ret_key, struct err *err)
{
	return from_octets(KIND_ED25519, untrusted_octets, ret_key, err);
}

int public_key_from_point(enum key_scheme scheme, struct bytes untrusted_octets,
	struct public_key **ret_key, struct err *err)
{
	return from_octets(schemes[scheme].kind, untrusted_octets, ret_key, err);
}

void public_key_free(struct public_key *key)
{
	free(key);
}

void public_key_cleanup(struct public_key **key)
{
	public_key_free(*key);
}

const struct sha256 *public_key_fingerprint(const struct public_key *key)
{
	return &key->fingerprint;
}

const char *public_key_description(const struct public_key *key)
{
	return key->description;
}

bool public_key_supports(const struct public_key *key, enum key_scheme scheme)
{
	return schemes[scheme].kind == key->kind;
}

enum key_scheme public_key_default_scheme(const struct public_key *key)
{
	return kinds[key->kind].scheme;
}

int public_key_to_pem(const struct public_key *key, struct str *out, struct err *err)
{
	pem_encode("PUBLIC KEY", bytes_make(key->der, key->der_size), out);
	return str_check(out, err);
}
