/*
 * key: public keys and what may be done with them.
 *
 * A scheme (key type, hash, padding, use) belongs to the key's entry in the trust root and comes
 * from a closed table with TUF's names; a message never chooses it. Everything a signature is made
 * of is checked strictly (DER by X.690 section 10, lengths, ranges) before the library sees it,
 * because the library accepts more than the standard.
 */
#ifndef OFFKIT_CRYPTO_KEY_H
#define OFFKIT_CRYPTO_KEY_H

#include <stdbool.h>

#include "base/bytes.h"
#include "crypto/digest.h"
#include "crypto/message.h"

enum key_scheme {
	KEY_SCHEME_NONE = 0,
	KEY_ECDSA_P256_SHA256, /* "ecdsa-sha2-nistp256" */
	KEY_ECDSA_P384_SHA384, /* "ecdsa-sha2-nistp384" */
	KEY_ECDSA_P521_SHA512, /* "ecdsa-sha2-nistp521" */
	KEY_ECDSA_P384_SHA256, /* "ecdsa-sha2-256-nistp384" */
	KEY_ECDSA_P521_SHA256, /* "ecdsa-sha2-256-nistp521" */
	KEY_ED25519,	       /* "ed25519", RFC 8032 pure */
	KEY_ED25519PH,	       /* "ed25519ph": blobs pre-hashed, everything else pure */
	KEY_ED25519PH_DSSE,    /* "ed25519ph-dsse": envelopes pre-hashed, everything else pure */
	KEY_RSA_PSS_SHA256,    /* "rsassa-pss-sha256", salt of 32 octets, MGF1 with SHA-256 */
	KEY_RSA_PKCS1_SHA256,  /* "rsa-pkcs1v15-sha256" */
	KEY_SCHEME_COUNT
};

const char *key_scheme_name(enum key_scheme scheme);
enum key_scheme key_scheme_by_name(const char *name);	     /* KEY_SCHEME_NONE: not in the table */
extern const char *const key_scheme_names[KEY_SCHEME_COUNT]; /* all of them, ended by NULL */

enum {
	KEY_PEM_MAX = 16 * 1024,
	KEY_SIGNATURE_MAX = 2048,
	KEY_RSA_BITS_MIN = 2048,
	KEY_RSA_BITS_MAX = 8192,
};

struct public_key;

/*
 * From a PEM "PUBLIC KEY", its DER (SubjectPublicKeyInfo, RFC 5280 section 4.1), the 32 octets of
 * an Ed25519 key, or the uncompressed point of an ECDSA key whose curve is the scheme's. RSA of
 * 2048 to 8192 bits. ERR_SYNTAX.
 */
MUST_CHECK int public_key_from_pem(
	struct bytes untrusted_pem, struct public_key **ret_key, struct err *err);
MUST_CHECK int public_key_from_der(
	struct bytes untrusted_der, struct public_key **ret_key, struct err *err);
MUST_CHECK int public_key_from_ed25519(
	struct bytes untrusted_octets, struct public_key **ret_key, struct err *err);
MUST_CHECK int public_key_from_point(enum key_scheme scheme, struct bytes untrusted_octets,
	struct public_key **ret_key, struct err *err);
void public_key_free(struct public_key *key);
void public_key_cleanup(struct public_key **key);

/* SHA-256 of the DER SubjectPublicKeyInfo: the identity by which keys are counted and shown. */
const struct sha256 *public_key_fingerprint(const struct public_key *key);
const char *public_key_description(const struct public_key *key); /* "ECDSA P-256", "RSA 3072" */
bool public_key_supports(const struct public_key *key, enum key_scheme scheme);

/* The scheme that a key of this kind signs kits with: for RSA PKCS#1, whose bytes are the same
 * each time. */
enum key_scheme public_key_default_scheme(const struct public_key *key);
MUST_CHECK int public_key_to_pem(const struct public_key *key, struct str *out, struct err *err);

/*
 * Returns 0 only if the signature verifies. ERR_MANIFEST_SIGNATURE otherwise (the caller recodes
 * for what it verifies); ERR_LIMIT: the message was tried too often (message.h); ERR_INTERNAL if
 * the library failed. All signatures over one message are tried with the same signed_message.
 */
MUST_CHECK int public_key_verify(const struct public_key *key, enum key_scheme scheme,
	struct signed_message *message, struct bytes untrusted_signature, struct err *err);

/*
 * The release side, and at a site one key alone: its own, which signs receipts and nothing else
 * (engine/site_key.h). PEM PKCS#8 or the traditional forms, unencrypted. The same key and message
 * give the same signature (ECDSA as RFC 6979) with every scheme but PSS. Private keys are
 * libcrypto's, public ones mbedTLS's: what one library signs the other verifies before it leaves
 * here.
 */
struct private_key;

MUST_CHECK int private_key_from_pem(
	struct bytes pem, struct private_key **ret_key, struct err *err); /* ERR_SYNTAX */
MUST_CHECK int private_key_generate(
	enum key_scheme scheme, struct private_key **ret_key, struct err *err); /* RSA: 3072 bits */
MUST_CHECK int private_key_to_pem(
	const struct private_key *key, struct str *out, struct err *err); /* PKCS#8 */

/* Lives as long as the private key. */
const struct public_key *private_key_public(const struct private_key *key);

/*
 * A key whose private half is elsewhere: in a token, at another machine. sign appends what its
 * holder makes of the message, in any form of signature.h. argument must live as long as the key,
 * which takes public over, also when this fails.
 */
typedef int private_key_holder(void *argument, enum key_scheme scheme,
	const struct signed_message *message, struct str *untrusted_output, struct err *err);
MUST_CHECK int private_key_elsewhere(struct public_key *public, private_key_holder *sign,
	void *argument, struct private_key **ret_key, struct err *err);

/*
 * Appends the signature, verified: ECDSA in DER, others as they are. ERR_USAGE: not a scheme of
 * this key. ERR_SIGNER: what the holder of a key elsewhere made does not verify with its public
 * half, and whatever sign says.
 */
MUST_CHECK int private_key_sign(const struct private_key *key, enum key_scheme scheme,
	struct signed_message *message, struct str *out, struct err *err);
void private_key_free(struct private_key *key);
void private_key_cleanup(struct private_key **key);

#endif
