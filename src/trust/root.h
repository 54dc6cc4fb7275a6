/*
 * root: TUF root metadata (TUF spec 1.0, section 4.3), whose keys and thresholds decide what is
 * trusted.
 *
 * Signed over OLPC canonical JSON. A key whose id does not match its content is ignored, and
 * "root" and "targets" must be satisfiable by what remains. Thresholds count keys by their
 * material, never signatures or ids.
 */
#ifndef OFFKIT_TRUST_ROOT_H
#define OFFKIT_TRUST_ROOT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "crypto/key.h"

enum {
	ROOT_SIZE_MAX = 512 * 1024,
	ROOT_KEYS_MAX = 256,
	ROOT_ROLES_MAX = 64,
	ROOT_CHAIN_MAX = 64,
};

#define ROOT_VERSION_MAX (((int64_t)1 << 53) - 1)

struct trust_key {
	const char *id;	  /* recomputed, lower-case hexadecimal */
	const char *name; /* "release-eu" (member x-offkit-name), else the beginning of the id */
	enum key_scheme scheme;
	struct public_key *key; /* owned by the root; immutable */
};

struct trust_role {
	const char *name; /* "root", "targets" */
	unsigned threshold;
	size_t key_count;
	const struct trust_key **keys; /* each key's material once */
};

struct trust_root; /* immutable */

/* Parses and checks the form; says nothing about who signed it. ERR_TRUST_INVALID. */
MUST_CHECK int trust_root_parse(
	struct bytes untrusted_text, struct trust_root **ret_root, struct err *err);

/* With every root before it that it owns (chain.h). */
void trust_root_free(struct trust_root *root);
void trust_root_cleanup(struct trust_root **root);

int64_t trust_root_version(const struct trust_root *root);
int64_t trust_root_expires(const struct trust_root *root); /* ms */
const struct trust_role *trust_root_role(const struct trust_root *root, const char *name);
/* Any key that the root lists and that can be used, with a role or without; NULL: there is none. */
const struct trust_key *trust_root_key(const struct trust_root *root, const char *id);
const struct trust_key *trust_root_keys(const struct trust_root *root, size_t *ret_count);
const struct sha256 *trust_root_digest(const struct trust_root *root); /* of its text */
bool trust_root_is_demo(
	const struct trust_root *root); /* the embedded demo root, or signed on from it */
/* Of the root in this program, without reading it. */
bool trust_root_embedded_is_demo(void);

/* The one that it followed, back to the embedded one; NULL: none. Lives as long as the root. */
const struct trust_root *trust_root_previous(const struct trust_root *root);

/* What is signed: the canonical JSON (OLPC's) of "signed". The root's. */
struct bytes trust_root_signed_part(const struct trust_root *root);

/* Of what is signed, the canonical JSON of "signed": the same whoever has signed it. */
MUST_CHECK int trust_root_signed_digest(
	const struct trust_root *root, struct sha256 *ret_digest, struct err *err);

/* Whether both say the same, whoever signed them. */
bool trust_root_equal(const struct trust_root *a, const struct trust_root *b);

/* Which keys of signer's role "root" signed root's own text; as trust_role_count. */
MUST_CHECK int trust_root_count(const struct trust_root *root, const struct trust_root *signer,
	bool *ret_signed, size_t *ret_count, struct err *err);

/* 0 if root's own text is signed by the threshold of signer's role "root". ERR_TRUST_INVALID. */
MUST_CHECK int trust_root_signed_by(
	const struct trust_root *root, const struct trust_root *signer, struct err *err);

/*
 * Counts the distinct keys of a role that made one of the signatures over message. ret_signed has
 * role->key_count entries, true for each key that signed. Fewer than the threshold is not an error
 * here; a library failure is.
 */
struct envelope_signature;
MUST_CHECK int trust_role_count(const struct trust_role *role, struct signed_message *message,
	const struct envelope_signature *untrusted_signatures, size_t signature_count,
	bool *ret_signed, size_t *ret_count, struct err *err);

/* The root that was compiled in: parsed, signed by itself. It is the demo root or the builder's. */
MUST_CHECK int trust_root_embedded(struct trust_root **ret_root, struct err *err);
struct bytes trust_root_embedded_text(void);

#endif
