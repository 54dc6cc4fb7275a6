/*
 * root_internal: a trust root's inside, for the files of root.h.
 */
#ifndef OFFKIT_TRUST_ROOT_INTERNAL_H
#define OFFKIT_TRUST_ROOT_INTERNAL_H

#include "json/json_write.h"
#include "kit/envelope.h"
#include "trust/compose.h"
#include "trust/root.h"

struct trust_root {
	struct arena arena;
	int64_t version;
	int64_t expires;
	bool is_demo;
	const struct trust_root *previous; /* NULL: the first that is known here */
	struct trust_root *owned_previous; /* the same, or NULL: it is the caller's */
	struct sha256 digest;		   /* of the text */
	struct bytes signed_part;	   /* OLPC canonical JSON of "signed" */
	size_t signature_count;
	struct envelope_signature *signatures;
	size_t key_count;
	struct trust_key *keys;
	size_t role_count;
	struct trust_role *roles;
};

/*
 * Reads signed.keys into the root: those of a known type and scheme whose id is the digest of
 * their content; others are passed over. Key material that is malformed is ERR_SYNTAX.
 */
MUST_CHECK int trust_keys_parse(const struct json *keys, struct trust_root *root, struct err *err);

/* Owns each key's material; called once a root. */
void trust_keys_release(struct trust_root *root);

/* The key object as TUF writes it, and its id. */
MUST_CHECK int trust_key_write(const struct public_key *key, enum key_scheme scheme,
	const char *name, struct str *out, struct err *err);
MUST_CHECK int trust_key_id(const struct json *object, struct sha256 *ret_id, struct err *err);

/* A key's entry, as text and with its id. */
struct key_entry {
	struct str text;
	char id[SHA256_HEX_SIZE];
};

MUST_CHECK int trust_entry_make(
	const struct root_plan_key *key, struct key_entry *entry, struct err *err);

/* As a member of the open object, under its id. */
MUST_CHECK int trust_entry_write(
	struct json_writer *json, const struct key_entry *entry, struct err *err);

#endif
