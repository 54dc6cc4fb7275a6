/*
 * fault_crypto KIT: what the libraries of digests and signatures answer when they fail is never
 * taken for success: not 0, not -1, not a number that is merely not 0 (OpenSSL's CVE-2008-5077,
 * mbedTLS's CVE-2025-49600).
 *
 * First every signature of another message is verified while a library answers anything but yes;
 * then the calls from the Nth on fail while a whole kit is verified.
 */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/ecdsa.h>
#include <mbedtls/rsa.h>
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crypto/key.h"
#include "tests/fault/fault.h"
#include "verify/verify.h"

enum { CALLS_MAX = 16 };

/* What a call that is to fail answers, unless that is its yes: libcrypto's is 1, mbedTLS's 0. */
static int answer;
static bool all_verify_fail;
static _Atomic(const char *) struck; /* the function that failed */

/*
 * What the caller sees; a call that had failed anyway is no fault. The function whose Nth call
 * fails fails from there on, and no other does: what is read a second time is verified a second
 * time, and one check must not stand in for another.
 */
static int outcome_of(const char *name, int real, int yes)
{
	const char *failing = atomic_load(&struck);

	if (all_verify_fail ? strstr(name, "erify") == NULL || strstr(name, "Init") != NULL
			    : !fault_strikes() && failing != name)
		return real;
	if (real == yes)
		atomic_store(&struck, name);
	return answer == yes ? yes + 1 : answer;
}

#define CALL(yes, function, parameters, arguments)                                                 \
	int __real_##function parameters;                                                          \
	int __wrap_##function parameters;                                                          \
	int __wrap_##function parameters                                                           \
	{                                                                                          \
		static const char name[] = #function;                                              \
		return outcome_of(name, __real_##function arguments, yes);                         \
	}

CALL(1, EVP_Digest,
	(const void *data, size_t count, unsigned char *md, unsigned *size, const EVP_MD *type,
		ENGINE *engine),
	(data, count, md, size, type, engine))
CALL(1, EVP_DigestInit_ex2,
	(EVP_MD_CTX * context, const EVP_MD *type, const OSSL_PARAM *parameters),
	(context, type, parameters))
CALL(1, EVP_DigestUpdate, (EVP_MD_CTX * context, const void *data, size_t size),
	(context, data, size))
CALL(1, EVP_DigestFinal_ex, (EVP_MD_CTX * context, unsigned char *md, unsigned *size),
	(context, md, size))
CALL(1, EVP_DigestVerifyInit,
	(EVP_MD_CTX * context, EVP_PKEY_CTX **key, const EVP_MD *type, ENGINE *engine,
		EVP_PKEY *pkey),
	(context, key, type, engine, pkey))
CALL(1, EVP_DigestVerify,
	(EVP_MD_CTX * context, const unsigned char *signature, size_t size,
		const unsigned char *data, size_t data_size),
	(context, signature, size, data, data_size))
CALL(1, EVP_PKEY_verify,
	(EVP_PKEY_CTX * context, const unsigned char *signature, size_t size,
		const unsigned char *data, size_t data_size),
	(context, signature, size, data, data_size))
CALL(0, mbedtls_ecdsa_verify,
	(mbedtls_ecp_group * group, const unsigned char *hash, size_t size,
		const mbedtls_ecp_point *point, const mbedtls_mpi *r, const mbedtls_mpi *s),
	(group, hash, size, point, r, s))
CALL(0, mbedtls_rsa_rsassa_pkcs1_v15_verify,
	(mbedtls_rsa_context * rsa, mbedtls_md_type_t type, unsigned size,
		const unsigned char *hash, const unsigned char *signature),
	(rsa, type, size, hash, signature))
CALL(0, mbedtls_rsa_rsassa_pss_verify_ext,
	(mbedtls_rsa_context * rsa, mbedtls_md_type_t type, unsigned size,
		const unsigned char *hash, mbedtls_md_type_t mgf, int salt,
		const unsigned char *signature),
	(rsa, type, size, hash, mgf, salt, signature))

/* ---- signatures, while every call fails */

static struct private_key *read_key(const char *name)
{
	CLEANUP_STR struct str path = STR_INIT, pem = STR_INIT;
	struct private_key *key = NULL;
	struct err err;

	str_append_format(&path, "fixtures/keys/%s.key", name);
	if (file_read_path(str_text(&path), KEY_PEM_MAX, &pem, &err) < 0 ||
		private_key_from_pem(str_bytes(&pem), &key, &err) < 0) {
		(void)printf("not ok %s: %s\n", str_text(&path), err.message);
		exit(EXIT_FAILURE);
	}
	return key;
}

/* A signature of another message; then all answers that are not yes. */
static bool never_accepts(const char *name, enum key_scheme scheme, enum key_use use)
{
	static const int answers[] = {INT_MIN, -2, -1, 0, 1, 2, 3, 0x100, INT_MAX};
	CLEANUP(private_key_cleanup) struct private_key *key = read_key(name);
	CLEANUP_STR struct str signature = STR_INIT;
	struct signed_message other = signed_message_make(use, bytes_of_string("another"));
	bool good = true;
	struct err err;

	if (private_key_sign(key, scheme, &other, &signature, &err) < 0)
		return false;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		struct signed_message message = signed_message_make(use, bytes_of_string("kit"));
		answer = answers[i];
		all_verify_fail = true;
		int status = public_key_verify(
			private_key_public(key), scheme, &message, str_bytes(&signature), &err);
		all_verify_fail = false;
		atomic_store(&struck, NULL);
		good = good && status < 0;
	}
	(void)printf("%s verify-%s\n", good ? "ok" : "not ok", key_scheme_name(scheme));
	return good;
}

static bool signatures(void)
{
	static const struct {
		const char *key;
		enum key_scheme scheme;
	} rows[] = {
		{"release-eu", KEY_ECDSA_P256_SHA256},
		{"p384", KEY_ECDSA_P384_SHA384},
		{"p521", KEY_ECDSA_P521_SHA512},
		{"ed25519", KEY_ED25519},
		{"ed25519", KEY_ED25519PH},
		{"rsa", KEY_RSA_PSS_SHA256},
		{"rsa", KEY_RSA_PKCS1_SHA256},
	};
	bool good = true;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		good = never_accepts(rows[i].key, rows[i].scheme, KEY_USE_BLOB) && good;
	return good;
}

/* ---- a kit, while calls fail */

struct kit_run {
	const char *path;
	const struct trust_root *root;
};

static int verify(void *argument, struct err *err)
{
	const struct kit_run *run = argument;
	const struct verify_options options = {.state_dirfd = -1, .now = 1766400000000};
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;

	atomic_store(&struck, NULL);
	return verify_kit(run->path, run->root, &options, &kit, err);
}

static const char *is_refused(void *argument, int status)
{
	(void)argument;
	return status == 0 && atomic_load(&struck) != NULL ? "accepted, although a library failed"
							   : NULL;
}

static bool is_any(enum err_code code)
{
	(void)code;
	return true;
}

int main(int argc, char **argv)
{
	static const int answers[] = {-1, 0, 2};
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct fault_case cases[CALLS_MAX];
	struct kit_run run = {NULL, NULL};
	struct err err;

	if (argc != 2 || trust_root_embedded(&root, &err) < 0) {
		(void)fputs("usage: fault_crypto KIT\n", stderr);
		return EXIT_FAILURE;
	}
	run = (struct kit_run){argv[1], root};
	int status = signatures() ? EXIT_SUCCESS : EXIT_FAILURE;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		cases[0] = (struct fault_case){
			"verify-kit-while-a-library-fails", 1, verify, is_refused, is_any, &run};
		answer = answers[i];
		if (fault_run(cases, 1) != EXIT_SUCCESS)
			status = EXIT_FAILURE;
	}
	return status;
}
