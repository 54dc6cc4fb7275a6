#include "trust/root.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/clock.h"
#include "json/json_write.h"
#include "trust/root_internal.h"

enum { TEXT_MAX = 64, KEYIDS_MAX = 2 * ROOT_KEYS_MAX, SIGNATURE_HEX_MAX = 2 * KEY_SIGNATURE_MAX };

const struct trust_key *trust_root_key(const struct trust_root *root, const char *id)
{
	for (size_t i = 0; i < root->key_count; i++)
		if (strcmp(root->keys[i].id, id) == 0)
			return &root->keys[i];
	return NULL;
}

const struct trust_key *trust_root_keys(const struct trust_root *root, size_t *ret_count)
{
	*ret_count = root->key_count;
	return root->keys;
}

static bool role_has_material(const struct trust_role *role, const struct public_key *key)
{
	for (size_t i = 0; i < role->key_count; i++)
		if (sha256_equal(public_key_fingerprint(role->keys[i]->key),
			    public_key_fingerprint(key)))
			return true;
	return false;
}

static int parse_role(const struct json *value, struct trust_root *root, struct err *err)
{
	struct trust_role *role = &root->roles[root->role_count++];
	const struct json *ids;
	int64_t threshold;
	int status;

	if ((status = json_need(value, "keyids", JSON_ARRAY, &ids, err)) < 0 ||
		(status = json_need_integer(value, "threshold", 1, KEYIDS_MAX, &threshold, err)) <
			0)
		return status;
	if (json_count(ids) > KEYIDS_MAX)
		return err_set(err, ERR_LIMIT, "it has more than %d key ids", KEYIDS_MAX);
	role->name = arena_string(&root->arena, json_name(value));
	role->keys = arena_array(&root->arena, root->key_count, sizeof *role->keys);
	if (role->name == NULL || role->keys == NULL)
		return err_no_memory(err);
	role->threshold = (unsigned)threshold;
	for (const struct json *id = json_first(ids); id != NULL; id = json_next(id)) {
		if (json_type(id) != JSON_STRING)
			return err_set(err, ERR_SYNTAX, "a key id is no string");
		const struct trust_key *key = trust_root_key(root, json_string(id));
		if (key != NULL && !role_has_material(role, key->key))
			role->keys[role->key_count++] = key;
	}
	return 0;
}

/* The roles that decide something here must have enough keys that can still be counted. */
static int check_satisfiable(const struct trust_root *root, const char *name, struct err *err)
{
	const struct trust_role *role = trust_root_role(root, name);

	if (role == NULL)
		return err_set(err, ERR_SYNTAX, "there is no role \"%s\"", name);
	if (role->key_count < role->threshold)
		return err_set(err, ERR_SYNTAX,
			"the role \"%s\" needs %u keys and has %zu that can be used", name,
			role->threshold, role->key_count);
	return 0;
}

static int parse_roles(const struct json *roles, struct trust_root *root, struct err *err)
{
	int status;
	size_t count = json_count(roles);

	if (count > ROOT_ROLES_MAX)
		return err_set(err, ERR_LIMIT, "the root has more than %d roles", ROOT_ROLES_MAX);
	root->roles = arena_array(&root->arena, count, sizeof *root->roles);
	if (root->roles == NULL)
		return err_no_memory(err);
	for (const struct json *role = json_first(roles); role != NULL; role = json_next(role))
		if (parse_role(role, root, err) < 0)
			return err_context(err, "role %zu", root->role_count);
	if ((status = check_satisfiable(root, "root", err)) < 0)
		return status;
	return check_satisfiable(root, "targets", err);
}

static int parse_head(const struct json *part, struct trust_root *root, struct err *err)
{
	const char *type, *spec_version, *expires;
	int status;

	if ((status = json_need_string(part, "_type", TEXT_MAX, &type, err)) < 0 ||
		(status = json_need_string(part, "spec_version", TEXT_MAX, &spec_version, err)) <
			0 ||
		(status = json_need_integer(
			 part, "version", 1, ROOT_VERSION_MAX, &root->version, err)) < 0 ||
		(status = json_need_string(part, "expires", TEXT_MAX, &expires, err)) < 0)
		return status;
	if (strcmp(type, "root") != 0)
		return err_set(err, ERR_SYNTAX, "\"_type\" is not root");
	if (strcmp(spec_version, "1.0") != 0 && strncmp(spec_version, "1.0.", 4) != 0)
		return err_set(err, ERR_SYNTAX, "\"spec_version\" is not 1.0");
	if (time_parse(expires, &root->expires, err) < 0)
		return err_context(err, "\"expires\"");
	return 0;
}

static int parse_signed(const struct json *part, struct trust_root *root, struct err *err)
{
	CLEANUP_STR struct str canonical = STR_INIT;
	const struct json *keys, *roles, *consistent_snapshot = NULL;
	int status;

	if ((status = parse_head(part, root, err)) < 0 ||
		(status = json_optional(
			 part, "consistent_snapshot", JSON_BOOL, &consistent_snapshot, err)) < 0 ||
		(status = json_need(part, "keys", JSON_OBJECT, &keys, err)) < 0 ||
		(status = json_need(part, "roles", JSON_OBJECT, &roles, err)) < 0 ||
		(status = trust_keys_parse(keys, root, err)) < 0 ||
		(status = parse_roles(roles, root, err)) < 0 ||
		(status = json_canonical_olpc(part, &canonical, err)) < 0)
		return status;
	root->signed_part = arena_bytes(&root->arena, str_bytes(&canonical));
	return root->signed_part.data == NULL ? err_no_memory(err) : 0;
}

static int parse_signature(const struct json *value, struct trust_root *root, struct err *err)
{
	struct envelope_signature *signature = &root->signatures[root->signature_count++];
	CLEANUP_STR struct str octets = STR_INIT;
	const char *keyid, *hex = "";
	int status;

	if ((status = json_need_string(value, "keyid", ENVELOPE_KEYID_MAX, &keyid, err)) < 0 ||
		(status = json_optional_string(value, "sig", SIGNATURE_HEX_MAX, &hex, err)) < 0)
		return status;
	if (!hex_append_decoded(bytes_of_string(hex), &octets))
		return err_set(err, ERR_SYNTAX, "\"sig\" is not hexadecimal");
	if ((status = str_check(&octets, err)) < 0)
		return status;
	signature->untrusted_keyid = arena_string(&root->arena, keyid);
	signature->signature = arena_bytes(&root->arena, str_bytes(&octets));
	if (signature->untrusted_keyid == NULL || signature->signature.data == NULL)
		return err_no_memory(err);
	return 0;
}

/* None at all is a form that a root has while it is being made: who signed is another question. */
static int parse_signatures(const struct json *list, struct trust_root *root, struct err *err)
{
	size_t count = json_count(list);

	if (count > ENVELOPE_SIGNATURES_MAX)
		return err_set(err, ERR_LIMIT, "the root has more than %d signatures",
			ENVELOPE_SIGNATURES_MAX);
	root->signatures = arena_array(&root->arena, count, sizeof *root->signatures);
	if (root->signatures == NULL)
		return err_no_memory(err);
	for (const struct json *value = json_first(list); value != NULL; value = json_next(value))
		if (parse_signature(value, root, err) < 0)
			return err_context(err, "signature %zu", root->signature_count);
	return 0;
}

static int parse_root(struct bytes untrusted_text, struct trust_root *root, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const struct json *part, *signatures;
	int status;

	if ((status = json_parse(untrusted_text, JSON_LIMITS(ROOT_SIZE_MAX), &doc, err)) < 0 ||
		(status = json_need(json_root(doc), "signed", JSON_OBJECT, &part, err)) < 0 ||
		(status = json_need(json_root(doc), "signatures", JSON_ARRAY, &signatures, err)) <
			0 ||
		(status = parse_signed(part, root, err)) < 0 ||
		(status = parse_signatures(signatures, root, err)) < 0)
		return status;
	return sha256_of(untrusted_text, &root->digest, err);
}

int trust_root_parse(struct bytes untrusted_text, struct trust_root **ret_root, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = calloc(1, sizeof *root);

	if (root == NULL)
		return err_no_memory(err);
	if (parse_root(untrusted_text, root, err) < 0) {
		if (err->code == ERR_SYNTAX || err->code == ERR_LIMIT)
			(void)err_recode(err, ERR_TRUST_INVALID);
		return err_context(err, "trust root");
	}
	*ret_root = STEAL(root);
	return 0;
}

void trust_root_free(struct trust_root *root)
{
	while (root != NULL) {
		struct trust_root *previous = root->owned_previous;
		trust_keys_release(root);
		arena_release(&root->arena);
		free(root);
		root = previous;
	}
}

void trust_root_cleanup(struct trust_root **root)
{
	trust_root_free(*root);
}

int64_t trust_root_version(const struct trust_root *root)
{
	return root->version;
}

int64_t trust_root_expires(const struct trust_root *root)
{
	return root->expires;
}

const struct trust_role *trust_root_role(const struct trust_root *root, const char *name)
{
	for (size_t i = 0; i < root->role_count; i++)
		if (strcmp(root->roles[i].name, name) == 0)
			return &root->roles[i];
	return NULL;
}

const struct sha256 *trust_root_digest(const struct trust_root *root)
{
	return &root->digest;
}

bool trust_root_is_demo(const struct trust_root *root)
{
	return root->is_demo;
}

const struct trust_root *trust_root_previous(const struct trust_root *root)
{
	return root->previous;
}

struct bytes trust_root_signed_part(const struct trust_root *root)
{
	return root->signed_part;
}

int trust_root_signed_digest(
	const struct trust_root *root, struct sha256 *ret_digest, struct err *err)
{
	return sha256_of(root->signed_part, ret_digest, err);
}

bool trust_root_equal(const struct trust_root *a, const struct trust_root *b)
{
	return bytes_equal(a->signed_part, b->signed_part);
}
