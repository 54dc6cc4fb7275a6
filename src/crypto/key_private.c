/* The release side, and a site's own key. */
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/cleanup.h"
#include "crypto/key_internal.h"
#include "crypto/pem.h"
#include "crypto/signature.h"

enum { RSA_BITS = 3072 };

struct private_key {
	EVP_PKEY *pkey; /* NULL: elsewhere */
	struct public_key *public_key;
	private_key_holder *holder;
	void *argument;
};

static void free_context(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static void free_bio(BIO **bio)
{
	(void)BIO_free(*bio);
}

void private_key_free(struct private_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	public_key_free(key->public_key);
	free(key);
}

void private_key_cleanup(struct private_key **key)
{
	private_key_free(*key);
}

const struct public_key *private_key_public(const struct private_key *key)
{
	return key->public_key;
}

/* Takes pkey over, also when it fails; the public half passes the same gate as anybody's. */
static int make_key(EVP_PKEY *pkey, struct private_key **ret_key, struct err *err)
{
	CLEANUP(private_key_cleanup) struct private_key *key = calloc(1, sizeof *key);
	unsigned char *der = NULL;

	if (key == NULL) {
		EVP_PKEY_free(pkey);
		return err_no_memory(err);
	}
	key->pkey = pkey;
	int size = i2d_PUBKEY(pkey, &der);
	if (size <= 0)
		return err_set(err, ERR_SYNTAX, "the private key has no public half");
	int status = public_key_from_der(bytes_make(der, (size_t)size), &key->public_key, err);
	OPENSSL_free(der);
	if (status < 0)
		return status;
	*ret_key = STEAL(key);
	return 0;
}

/* There is nobody to ask for a password: an encrypted key is refused. */
static int no_password(char *buffer, int size, int for_writing, void *argument)
{
	(void)buffer;
	(void)size;
	(void)for_writing;
	(void)argument;
	return -1;
}

int private_key_from_pem(struct bytes pem, struct private_key **ret_key, struct err *err)
{
	if (pem.size > KEY_PEM_MAX)
		return err_set(err, ERR_SYNTAX, "the private key is too large");
	CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
	if (bio == NULL)
		return err_no_memory(err);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	if (pkey == NULL)
		return err_set(err, ERR_SYNTAX,
			"it is no unencrypted private key in PEM (PKCS#8, SEC1 or PKCS#1)");
	return make_key(pkey, ret_key, err);
}

int private_key_generate(enum key_scheme scheme, struct private_key **ret_key, struct err *err)
{
	EVP_PKEY *pkey = NULL;

	switch (scheme) {
	case KEY_ECDSA_P256_SHA256:
		pkey = EVP_EC_gen("P-256");
		break;
	case KEY_ECDSA_P384_SHA384:
	case KEY_ECDSA_P384_SHA256:
		pkey = EVP_EC_gen("P-384");
		break;
	case KEY_ECDSA_P521_SHA512:
	case KEY_ECDSA_P521_SHA256:
		pkey = EVP_EC_gen("P-521");
		break;
	case KEY_ED25519:
	case KEY_ED25519PH:
	case KEY_ED25519PH_DSSE:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	case KEY_RSA_PSS_SHA256:
	case KEY_RSA_PKCS1_SHA256:
		pkey = EVP_RSA_gen(RSA_BITS);
		break;
	case KEY_SCHEME_NONE:
	case KEY_SCHEME_COUNT:
		break;
	}
	if (pkey == NULL)
		return err_set(err, ERR_INTERNAL, "no key could be made");
	return make_key(pkey, ret_key, err);
}

int private_key_elsewhere(struct public_key *public, private_key_holder *sign, void *argument,
	struct private_key **ret_key, struct err *err)
{
	struct private_key *key = calloc(1, sizeof *key);

	if (key == NULL) {
		public_key_free(public);
		return err_no_memory(err);
	}
	key->public_key = public;
	key->holder = sign;
	key->argument = argument;
	*ret_key = key;
	return 0;
}

int private_key_to_pem(const struct private_key *key, struct str *out, struct err *err)
{
	PKCS8_PRIV_KEY_INFO *info = key->pkey != NULL ? EVP_PKEY2PKCS8(key->pkey) : NULL;
	unsigned char *der = NULL;
	int size = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;

	PKCS8_PRIV_KEY_INFO_free(info);
	if (size <= 0)
		return err_set(err, ERR_INTERNAL, "the private key cannot be written");
	pem_encode("PRIVATE KEY", bytes_make(der, (size_t)size), out);
	OPENSSL_clear_free(der, (size_t)size);
	return str_check(out, err);
}

/* What the scheme asks of libcrypto beyond the digest. */
static bool set_scheme(EVP_PKEY_CTX *context, enum key_scheme scheme, enum key_kind kind)
{
	unsigned deterministic = 1; /* RFC 6979 */
	const OSSL_PARAM nonce[] = {
		OSSL_PARAM_construct_uint(OSSL_SIGNATURE_PARAM_NONCE_TYPE, &deterministic),
		OSSL_PARAM_construct_end(),
	};

	if (kind != KIND_RSA)
		return EVP_PKEY_CTX_set_params(context, nonce) == 1;
	if (scheme == KEY_RSA_PKCS1_SHA256)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static const char *digest_name(enum digest_size size)
{
	switch (size) {
	case DIGEST_256:
		return "SHA2-256";
	case DIGEST_384:
		return "SHA2-384";
	case DIGEST_512:
		return "SHA2-512";
	case DIGEST_NONE:
		break;
	}
	return NULL;
}

/* Ed25519 does its own hashing, and is told at once how. */
static bool begin_ed25519(
	const struct private_key *key, enum digest_size digest, EVP_MD_CTX *context)
{
	char instance[] = "Ed25519ph";
	const OSSL_PARAM prehash[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_INSTANCE, instance, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, key->pkey,
		       digest == DIGEST_NONE ? NULL : prehash) == 1;
}

static bool begin(const struct private_key *key, enum key_scheme scheme, enum key_use use,
	EVP_MD_CTX *context)
{
	enum digest_size digest = key_scheme_digest(scheme, use);
	EVP_PKEY_CTX *scheme_context = NULL; /* belongs to context */

	if (key->public_key->kind == KIND_ED25519)
		return begin_ed25519(key, digest, context);
	return EVP_DigestSignInit_ex(context, &scheme_context, digest_name(digest), NULL, NULL,
		       key->pkey, NULL) == 1 &&
	       set_scheme(scheme_context, scheme, key->public_key->kind);
}

static int sign_here(const struct private_key *key, enum key_scheme scheme,
	const struct signed_message *message, struct str *out, struct err *err)
{
	CLEANUP(free_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t signature[KEY_SIGNATURE_MAX];
	size_t size = sizeof signature;

	if (context == NULL)
		return err_no_memory(err);
	if (!begin(key, scheme, message->use, context) ||
		EVP_DigestSign(
			context, signature, &size, message->octets.data, message->octets.size) != 1)
		return err_set(err, ERR_INTERNAL, "the message could not be signed");
	str_append(out, signature, size);
	return str_check(out, err);
}

static int sign_elsewhere(const struct private_key *key, enum key_scheme scheme,
	const struct signed_message *message, struct str *out, struct err *err)
{
	CLEANUP_STR struct str untrusted_output = STR_INIT;
	int status = key->holder(key->argument, scheme, message, &untrusted_output, err);

	if (status == 0)
		status = str_check(&untrusted_output, err);
	return status < 0 ? status
			  : signature_take(key->public_key, str_bytes(&untrusted_output), out, err);
}

/* What the other library says of it; ERR_MANIFEST_SIGNATURE becomes what it means here. */
static int verify_made(const struct private_key *key, enum key_scheme scheme,
	struct signed_message *message, struct bytes signature, struct err *err)
{
	struct err tried;
	int status = public_key_verify(key->public_key, scheme, message, signature, &tried);

	if (status == 0)
		return 0;
	*err = tried;
	if (key->pkey != NULL) {
		(void)err_recode(err, ERR_INTERNAL);
		return err_context(err, "a signature that was just made");
	}
	if (tried.code != ERR_MANIFEST_SIGNATURE)
		return status;
	return err_set(err, ERR_SIGNER,
		"the signature does not verify with the public key (%s) by %s: other octets were "
		"signed, or by another key, or hashed otherwise",
		public_key_description(key->public_key), key_scheme_name(scheme));
}

int private_key_sign(const struct private_key *key, enum key_scheme scheme,
	struct signed_message *message, struct str *out, struct err *err)
{
	CLEANUP_STR struct str signature = STR_INIT;
	int status;

	if (!public_key_supports(key->public_key, scheme))
		return err_set(err, ERR_USAGE, "a key of type %s does not sign by %s",
			public_key_description(key->public_key), key_scheme_name(scheme));
	status = key->pkey != NULL ? sign_here(key, scheme, message, &signature, err)
				   : sign_elsewhere(key, scheme, message, &signature, err);
	if (status == 0)
		status = verify_made(key, scheme, message, str_bytes(&signature), err);
	if (status < 0)
		return status;
	str_append(out, signature.text, signature.size);
	return str_check(out, err);
}
