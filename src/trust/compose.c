#include "trust/compose.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "json/json_write.h"
#include "trust/root_internal.h"

int trust_entry_make(const struct root_plan_key *key, struct key_entry *entry, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct sha256 id;
	int status;

	if ((status = trust_key_write(key->key, key->scheme, key->name, &entry->text, err)) < 0 ||
		(status = json_parse(
			 str_bytes(&entry->text), JSON_LIMITS(ROOT_SIZE_MAX), &doc, err)) < 0 ||
		(status = trust_key_id(json_root(doc), &id, err)) < 0)
		return status;
	sha256_to_hex(&id, entry->id);
	return 0;
}

int trust_entry_write(struct json_writer *json, const struct key_entry *entry, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	int status = json_parse(str_bytes(&entry->text), JSON_LIMITS(ROOT_SIZE_MAX), &doc, err);

	if (status == 0)
		json_member_value(json, entry->id, json_root(doc));
	return status;
}

static void write_role(struct json_writer *json, const char *name, unsigned threshold,
	const struct root_plan *plan, const struct key_entry *entries, enum key_duty only)
{
	json_member_object(json, name);
	json_member_array(json, "keyids");
	for (size_t i = 0; i < plan->key_count; i++)
		if (plan->keys[i].duty == DUTY_BOTH || plan->keys[i].duty == only)
			json_write_string(json, entries[i].id);
	json_write_end(json);
	json_member_integer(json, "threshold", threshold);
	json_write_end(json);
}

static int write_root(const struct root_plan *plan, const struct key_entry *entries,
	struct str *out, struct err *err)
{
	struct json_writer json;
	int status = 0;

	json_write_begin(&json, out);
	json_write_object(&json);
	json_member_array(&json, "signatures");
	json_write_end(&json);
	json_member_object(&json, "signed");
	json_member_string(&json, "_type", "root");
	json_member_bool(&json, "consistent_snapshot", false);
	json_member_time(&json, "expires", plan->expires);
	json_member_object(&json, "keys");
	for (size_t i = 0; i < plan->key_count && status == 0; i++)
		status = trust_entry_write(&json, &entries[i], err);
	if (status < 0)
		return status;
	json_write_end(&json);
	json_member_object(&json, "roles");
	write_role(&json, "root", plan->root_threshold, plan, entries, DUTY_ROOT);
	write_role(&json, "targets", plan->targets_threshold, plan, entries, DUTY_TARGETS);
	json_write_end(&json);
	json_member_string(&json, "spec_version", "1.0.31");
	json_member_integer(&json, "version", plan->version);
	json_write_end(&json);
	json_write_end(&json);
	str_append_char(out, '\n');
	return str_check(out, err);
}

static void release_entries(struct key_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		str_release(&entries[i].text);
}

int trust_root_compose(const struct root_plan *plan, struct str *out, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	int status = 0;

	if (plan->key_count > ROOT_KEYS_MAX)
		return err_set(err, ERR_LIMIT, "a root has at most %d keys", ROOT_KEYS_MAX);
	struct key_entry *entries = arena_array(&arena, plan->key_count, sizeof *entries);
	if (entries == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < plan->key_count && status == 0; i++)
		status = trust_entry_make(&plan->keys[i], &entries[i], err);
	if (status == 0)
		status = write_root(plan, entries, &text, err);
	release_entries(entries, plan->key_count);
	if (status < 0 || (status = trust_root_parse(str_bytes(&text), &root, err)) < 0)
		return status;
	str_append(out, text.text, text.size);
	return str_check(out, err);
}

static const struct trust_key *find_signer(
	const struct trust_root *root, const struct public_key *key)
{
	const struct trust_role *role = root != NULL ? trust_root_role(root, "root") : NULL;

	for (size_t i = 0; role != NULL && i < role->key_count; i++)
		if (sha256_equal(public_key_fingerprint(role->keys[i]->key),
			    public_key_fingerprint(key)))
			return role->keys[i];
	return NULL;
}

static void write_hex(struct json_writer *json, const char *name, struct bytes octets)
{
	char hex[2 * KEY_SIGNATURE_MAX + 1];

	hex_encode(octets, hex);
	json_member_string(json, name, hex);
}

static void write_signature(struct json_writer *json, const char *keyid, struct bytes signature)
{
	json_write_object(json);
	json_member_string(json, "keyid", keyid);
	write_hex(json, "sig", signature);
	json_write_end(json);
}

/* The same document with its signatures written anew, those of keyid left out, and one added. */
static int write_signed(const struct json *document, const struct trust_root *root,
	const char *keyid, struct bytes signature, struct str *out, struct err *err)
{
	struct json_writer json;

	json_write_begin(&json, out);
	json_write_object(&json);
	json_member_array(&json, "signatures");
	for (size_t i = 0; i < root->signature_count; i++)
		if (strcmp(root->signatures[i].untrusted_keyid, keyid) != 0)
			write_signature(&json, root->signatures[i].untrusted_keyid,
				root->signatures[i].signature);
	write_signature(&json, keyid, signature);
	json_write_end(&json);
	json_member_value(&json, "signed", json_member(document, "signed"));
	json_write_end(&json);
	str_append_char(out, '\n');
	return str_check(out, err);
}

/* By the scheme of an entry, under its id. */
static int sign_as(struct bytes root_text, const struct trust_key *entry,
	const struct private_key *key, struct str *out, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str signature = STR_INIT;
	size_t others = 0;
	int status;

	if ((status = trust_root_parse(root_text, &root, err)) < 0 ||
		(status = json_parse(root_text, JSON_LIMITS(ROOT_SIZE_MAX), &doc, err)) < 0)
		return status;
	for (size_t i = 0; i < root->signature_count; i++)
		others += strcmp(root->signatures[i].untrusted_keyid, entry->id) != 0;
	if (others >= ENVELOPE_SIGNATURES_MAX)
		return err_set(err, ERR_LIMIT, "the root has %d signatures, and may not have more",
			ENVELOPE_SIGNATURES_MAX);
	struct signed_message message = signed_message_make(KEY_USE_ROOT, root->signed_part);
	status = private_key_sign(key, entry->scheme, &message, &signature, err);
	if (status < 0)
		return status;
	return write_signed(json_root(doc), root, entry->id, str_bytes(&signature), out, err);
}

int trust_root_sign(struct bytes root_text, const struct trust_root *previous,
	const struct private_key *key, struct str *out, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP_STR struct str once = STR_INIT;
	int status = trust_root_parse(root_text, &root, err);

	if (status < 0)
		return status;
	if (previous != NULL && previous->version != root->version - 1)
		return err_set(err, ERR_USAGE,
			"version %lld of the root does not come before version %lld",
			(long long)previous->version, (long long)root->version);
	const struct trust_key *own = find_signer(root, private_key_public(key));
	const struct trust_key *old = find_signer(previous, private_key_public(key));
	if (own == NULL && old == NULL)
		return err_set(err, ERR_USAGE,
			"the root does not name this key for signing roots%s",
			previous != NULL ? ", nor does the one before it" : "");
	if (own == NULL || old == NULL || strcmp(own->id, old->id) == 0)
		return sign_as(root_text, own != NULL ? own : old, key, out, err);
	/* Its entry has changed: each root counts it by its own. */
	status = sign_as(root_text, old, key, &once, err);
	return status < 0 ? status : sign_as(str_bytes(&once), own, key, out, err);
}
