/* Verifying: the only file that hands untrusted signatures to mbedTLS and libcrypto. */
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/error.h>
#include <mbedtls/md.h>
#include <mbedtls/rsa.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "crypto/der.h"
#include "crypto/key_internal.h"

enum { PSS_SALT = 32 };

static const mbedtls_ecp_group_id curves[KIND_COUNT] = {
	[KIND_P256] = MBEDTLS_ECP_DP_SECP256R1,
	[KIND_P384] = MBEDTLS_ECP_DP_SECP384R1,
	[KIND_P521] = MBEDTLS_ECP_DP_SECP521R1,
	[KIND_ED25519] = MBEDTLS_ECP_DP_NONE,
	[KIND_RSA] = MBEDTLS_ECP_DP_NONE,
};

static int bad_signature(struct err *err)
{
	return err_set(err, ERR_MANIFEST_SIGNATURE, "the signature does not verify");
}

/*
 * What mbedTLS says of a signature that it could not verify. Only running out of memory is no
 * statement about the signature; it may stand in the low part of a compound code.
 */
static int verify_outcome(int library_status, struct err *err)
{
	if (library_status == 0)
		return 0;
	if (library_status == MBEDTLS_ERR_ECP_ALLOC_FAILED ||
		library_status == MBEDTLS_ERR_MD_ALLOC_FAILED ||
		(-library_status & 0x7F) == -MBEDTLS_ERR_MPI_ALLOC_FAILED)
		return err_no_memory(err);
	return bad_signature(err);
}

struct ecdsa_public {
	mbedtls_ecp_group group;
	mbedtls_ecp_point point;
	mbedtls_mpi r, s;
};

static void ecdsa_public_init(struct ecdsa_public *ecdsa)
{
	mbedtls_ecp_group_init(&ecdsa->group);
	mbedtls_ecp_point_init(&ecdsa->point);
	mbedtls_mpi_init(&ecdsa->r);
	mbedtls_mpi_init(&ecdsa->s);
}

static void ecdsa_public_release(struct ecdsa_public *ecdsa)
{
	mbedtls_mpi_free(&ecdsa->s);
	mbedtls_mpi_free(&ecdsa->r);
	mbedtls_ecp_point_free(&ecdsa->point);
	mbedtls_ecp_group_free(&ecdsa->group);
}

static int ecdsa_public_load(struct ecdsa_public *ecdsa, const struct public_key *key)
{
	int status = mbedtls_ecp_group_load(&ecdsa->group, curves[key->kind]);

	if (status == 0)
		status = mbedtls_ecp_point_read_binary(
			&ecdsa->group, &ecdsa->point, key->octets.data, key->octets.size);
	if (status == 0)
		status = mbedtls_ecp_check_pubkey(&ecdsa->group, &ecdsa->point);
	return status;
}

static int verify_ecdsa(const struct public_key *key, enum key_scheme scheme,
	struct signed_message *message, struct bytes untrusted_signature, struct err *err)
{
	CLEANUP(ecdsa_public_release) struct ecdsa_public ecdsa;
	struct bytes digest, r, s;

	ecdsa_public_init(&ecdsa);
	if (!der_ecdsa_signature(untrusted_signature, &r, &s))
		return err_set(err, ERR_MANIFEST_SIGNATURE, "the signature is not DER");
	int status = signed_message_digest(
		message, key_scheme_digest(scheme, message->use), &digest, err);
	if (status < 0)
		return status;
	if ((status = ecdsa_public_load(&ecdsa, key)) == 0 &&
		(status = mbedtls_mpi_read_binary(&ecdsa.r, r.data, r.size)) == 0 &&
		(status = mbedtls_mpi_read_binary(&ecdsa.s, s.data, s.size)) == 0)
		status = mbedtls_ecdsa_verify(
			&ecdsa.group, digest.data, digest.size, &ecdsa.point, &ecdsa.r, &ecdsa.s);
	return verify_outcome(status, err);
}

static int verify_rsa(const struct public_key *key, enum key_scheme scheme,
	struct signed_message *message, struct bytes untrusted_signature, struct err *err)
{
	CLEANUP(mbedtls_rsa_free) mbedtls_rsa_context rsa;
	struct bytes digest;

	mbedtls_rsa_init(&rsa);
	if (untrusted_signature.size != key->octets.size)
		return err_set(
			err, ERR_MANIFEST_SIGNATURE, "the signature does not have the key's size");
	int status = signed_message_digest(message, DIGEST_256, &digest, err);
	if (status < 0)
		return status;
	if ((status = mbedtls_rsa_import_raw(&rsa, key->octets.data, key->octets.size, NULL, 0,
		     NULL, 0, NULL, 0, key->exponent.data, key->exponent.size)) == 0 &&
		(status = mbedtls_rsa_complete(&rsa)) == 0) {
		if (scheme == KEY_RSA_PSS_SHA256)
			status = mbedtls_rsa_rsassa_pss_verify_ext(&rsa, MBEDTLS_MD_SHA256,
				(unsigned)digest.size, digest.data, MBEDTLS_MD_SHA256, PSS_SALT,
				untrusted_signature.data);
		else
			status = mbedtls_rsa_rsassa_pkcs1_v15_verify(&rsa, MBEDTLS_MD_SHA256,
				(unsigned)digest.size, digest.data, untrusted_signature.data);
	}
	return verify_outcome(status, err);
}

static void free_pkey(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

static void free_context(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static void free_key_context(EVP_PKEY_CTX **context)
{
	EVP_PKEY_CTX_free(*context);
}

static void free_algorithm(EVP_SIGNATURE **algorithm)
{
	EVP_SIGNATURE_free(*algorithm);
}

static int not_prepared(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "Ed25519 could not be prepared");
}

/* A negative number is no statement about the signature. */
static int verify_outcome_openssl(int library_status, struct err *err)
{
	if (library_status < 0)
		return err_set(err, ERR_INTERNAL, "Ed25519 could not be verified");
	return library_status == 1 ? 0 : bad_signature(err);
}

/* RFC 8032 section 5.1.7 with PH the identity. */
static int verify_pure(EVP_PKEY *pkey, struct signed_message *message,
	struct bytes untrusted_signature, struct err *err)
{
	CLEANUP(free_context) EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context == NULL)
		return err_no_memory(err);
	if (EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) != 1)
		return not_prepared(err);
	int status = signed_message_spend(message, err);
	if (status < 0)
		return status;
	return verify_outcome_openssl(
		EVP_DigestVerify(context, untrusted_signature.data, untrusted_signature.size,
			message->octets.data, message->octets.size),
		err);
}

/* Ed25519ph with an empty context: the library is given the SHA-512. */
static int verify_prehashed(EVP_PKEY *pkey, struct signed_message *message,
	struct bytes untrusted_signature, struct err *err)
{
	CLEANUP(free_key_context)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	CLEANUP(free_algorithm)
	EVP_SIGNATURE *algorithm = EVP_SIGNATURE_fetch(NULL, "ED25519ph", NULL);
	struct bytes digest;

	if (context == NULL)
		return err_no_memory(err);
	if (algorithm == NULL || EVP_PKEY_verify_init_ex2(context, algorithm, NULL) != 1)
		return not_prepared(err);
	int status = signed_message_digest(message, DIGEST_512, &digest, err);
	if (status < 0)
		return status;
	return verify_outcome_openssl(EVP_PKEY_verify(context, untrusted_signature.data,
					      untrusted_signature.size, digest.data, digest.size),
		err);
}

static int verify_ed25519(const struct public_key *key, enum key_scheme scheme,
	struct signed_message *message, struct bytes untrusted_signature, struct err *err)
{
	enum { ED25519_SIGNATURE = 64 };

	if (untrusted_signature.size != ED25519_SIGNATURE)
		return err_set(err, ERR_MANIFEST_SIGNATURE,
			"an Ed25519 signature has 64 octets, this has %zu",
			untrusted_signature.size);
	CLEANUP(free_pkey)
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(
		EVP_PKEY_ED25519, NULL, key->octets.data, key->octets.size);
	if (pkey == NULL)
		return not_prepared(err);
	if (key_scheme_digest(scheme, message->use) == DIGEST_NONE)
		return verify_pure(pkey, message, untrusted_signature, err);
	return verify_prehashed(pkey, message, untrusted_signature, err);
}

int public_key_usable(const struct public_key *key, struct err *err)
{
	CLEANUP(ecdsa_public_release) struct ecdsa_public ecdsa;

	ecdsa_public_init(&ecdsa);
	if (curves[key->kind] == MBEDTLS_ECP_DP_NONE)
		return 0;
	int status = ecdsa_public_load(&ecdsa, key);
	if (status == MBEDTLS_ERR_ECP_ALLOC_FAILED || status == MBEDTLS_ERR_MPI_ALLOC_FAILED)
		return err_no_memory(err);
	return status == 0 ? 0 : err_set(err, ERR_SYNTAX, "the key is no point of its curve");
}

int public_key_verify(const struct public_key *key, enum key_scheme scheme,
	struct signed_message *message, struct bytes untrusted_signature, struct err *err)
{
	if (!public_key_supports(key, scheme))
		return err_set(err, ERR_MANIFEST_SIGNATURE, "a key of type %s does not sign by %s",
			public_key_description(key), key_scheme_name(scheme));
	switch (key->kind) {
	case KIND_P256:
	case KIND_P384:
	case KIND_P521:
		return verify_ecdsa(key, scheme, message, untrusted_signature, err);
	case KIND_ED25519:
		return verify_ed25519(key, scheme, message, untrusted_signature, err);
	case KIND_RSA:
		return verify_rsa(key, scheme, message, untrusted_signature, err);
	case KIND_COUNT:
		break;
	}
	return err_set(err, ERR_INTERNAL, "a key of no kind");
}
