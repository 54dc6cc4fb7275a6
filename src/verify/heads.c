#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kit/bundle.h"
#include "kit/envelope_open.h"
#include "kit/name.h"
#include "kit/sums.h"
#include "text/text.h"
#include "verify/kit_private.h"
#include "verify/rotated.h"

enum { ID_DIGITS = 8 };

static void proofs_add(struct proofs *sum, const struct proofs *more)
{
	sum->log_entries += more->log_entries;
	sum->timestamps += more->timestamps;
	sum->certificates += more->certificates;
}

/* Whether a key that has not signed yet made this signature; each key of a role is there once. */
static int find_key(struct trusted_kit *kit, struct signed_message *message,
	struct bytes untrusted_signature, bool *ret_found, struct err *err)
{
	for (size_t i = 0; i < kit->role->key_count; i++) {
		const struct trust_key *key = kit->role->keys[i];
		struct err reason = {0};
		if (kit->has_signed[i])
			continue;
		int rc = public_key_verify(
			key->key, key->scheme, message, untrusted_signature, &reason);
		if (rc == 0) {
			kit->has_signed[i] = true;
			*ret_found = true;
			return 0;
		}
		if (reason.code != ERR_MANIFEST_SIGNATURE) {
			*err = reason;
			return rc;
		}
	}
	return 0;
}

/*
 * Counts the keys, signature by signature, and keeps of the envelope what was verified: one
 * signature a key, no key ids (hints, which nobody signed), nothing else. That is what is unpacked,
 * so that the same signed kit is the same tree, whatever stood around it.
 */
static int count_keys(struct trusted_kit *kit, struct envelope *envelope,
	struct signed_message *message, size_t *ret_count, struct err *err)
{
	size_t count = 0;

	for (size_t i = 0; i < envelope->signature_count; i++) {
		struct bytes signature = envelope->signatures[i].signature;
		bool is_new = false;
		int rc = find_key(kit, message, signature, &is_new, err);
		if (rc < 0)
			return rc;
		if (is_new)
			envelope->signatures[count++] = (struct envelope_signature){"", signature};
	}
	envelope->signature_count = count;
	*ret_count = count;
	return 0;
}

static int too_few_keys(const struct trusted_kit *kit, size_t count, size_t given, struct err *err)
{
	if (count == 0)
		return err_set(err, ERR_MANIFEST_SIGNATURE,
			"manifest.dsse: none of its %zu signatures is by a key that the trust root "
			"names for kits",
			given);
	return err_set(err, ERR_THRESHOLD,
		"manifest.dsse: %zu of the trust root's keys signed it, %u are needed", count,
		kit->role->threshold);
}

static int check_threshold(
	struct trusted_kit *kit, struct envelope *envelope, struct bytes pae, struct err *err)
{
	struct envelope_signature given[ENVELOPE_SIGNATURES_MAX];
	size_t given_count = envelope->signature_count;
	size_t count = 0;

	struct signed_message message = signed_message_make(KEY_USE_ENVELOPE, pae);
	memcpy(given, envelope->signatures, given_count * sizeof *given);
	int rc = count_keys(kit, envelope, &message, &count, err);
	if (rc < 0)
		return rc;
	if (count > 0 && count >= kit->role->threshold)
		return 0;
	(void)!too_few_keys(kit, count, given_count, err);
	return rotated_explain(kit->root, "manifest.dsse", &message, given, given_count, 0, err);
}

static int check_type(const struct envelope *envelope, struct err *err)
{
	CLEANUP_STR struct str shown = STR_INIT;

	if (strcmp(envelope->payload_type, ENVELOPE_TYPE_IN_TOTO) == 0)
		return 0;
	text_escape(&shown, bytes_of_string(envelope->payload_type), 80);
	return err_set(err, ERR_MANIFEST_SIGNATURE,
		"manifest.dsse: its payload type is \"%s\", not \"%s\"", str_text(&shown),
		ENVELOPE_TYPE_IN_TOTO);
}

/* The payload is parsed from exactly the octets that were verified. */
static int verify_envelope(
	struct trusted_kit *kit, struct str *text, struct arena *arena, struct err *err)
{
	struct envelope envelope;
	int rc = envelope_open(text, arena, &envelope, err);

	if (rc < 0)
		return err_context(err, "manifest.dsse");
	rc = check_type(&envelope, err);
	if (rc == 0)
		rc = check_threshold(kit, &envelope, str_bytes(text), err);
	if (rc < 0)
		return rc;
	proofs_add(&kit->proofs, &envelope.proofs);
	rc = manifest_parse(envelope.untrusted_payload, &kit->arena, &kit->manifest, err);
	if (rc < 0)
		return err_context(err, "manifest.dsse: the signed manifest");
	rc = sha256_of(envelope.untrusted_payload, &kit->manifest_digest, err);
	return rc < 0 ? rc : envelope_close(&envelope, text, err);
}

static int verify_manifest(struct trusted_kit *kit, struct str *text, struct err *err)
{
	struct arena arena = ARENA_INIT; /* the envelope's; nothing of it lives on */
	int rc = verify_envelope(kit, text, &arena, err);

	arena_release(&arena);
	return rc;
}

/* ret_key is NULL if no key of the role made the signature. */
static int find_sums_signer(const struct trust_role *role, struct signed_message *message,
	struct bytes untrusted_signature, const struct trust_key **ret_key, struct err *err)
{
	*ret_key = NULL;
	for (size_t i = 0; i < role->key_count; i++) {
		const struct trust_key *key = role->keys[i];
		struct err reason = {0};
		int rc = public_key_verify(
			key->key, key->scheme, message, untrusted_signature, &reason);
		if (rc == 0) {
			*ret_key = key;
			return 0;
		}
		if (reason.code != ERR_MANIFEST_SIGNATURE) {
			*err = reason;
			return rc;
		}
	}
	return 0;
}

static int explain_sums(struct trusted_kit *kit, struct signed_message *message,
	struct bytes untrusted_signature, struct err *err)
{
	const struct envelope_signature given = {"", untrusted_signature};

	(void)err_set(err, ERR_SUMS_SIGNATURE,
		"SHA256SUMS.sig is not by a key that the trust root names for kits");
	return rotated_explain(kit->root, "SHA256SUMS.sig", message, &given, 1, 1, err);
}

static int check_sums_signature(
	struct trusted_kit *kit, struct kit_heads *heads, struct arena *arena, struct err *err)
{
	struct signed_message message = signed_message_make(KEY_USE_BLOB, str_bytes(&heads->sums));
	const struct trust_key *key;
	struct detached detached;
	bool fits;

	int rc = detached_parse(str_bytes(&heads->sums_signature), arena, &detached, err);
	if (rc < 0)
		return err_context(err, "SHA256SUMS.sig");
	if ((rc = detached_fits(&detached, &message, &fits, err)) < 0 ||
		(rc = find_sums_signer(kit->role, &message, detached.signature, &key, err)) < 0)
		return rc;
	if (!fits)
		return err_set(err, ERR_SUMS_SIGNATURE,
			"SHA256SUMS.sig is a bundle whose messageDigest is another file's");
	if (key == NULL)
		return explain_sums(kit, &message, detached.signature, err);
	kit->sums_signer = key->name;
	proofs_add(&kit->proofs, &detached.proofs);
	str_truncate(&heads->sums_signature, 0);
	detached_write(detached.signature, &heads->sums_signature);
	return str_check(&heads->sums_signature, err);
}

static int verify_sums_signature(struct trusted_kit *kit, struct kit_heads *heads, struct err *err)
{
	struct arena arena = ARENA_INIT; /* the signature's; nothing of it lives on */
	int rc = check_sums_signature(kit, heads, &arena, err);

	arena_release(&arena);
	return rc;
}

static int verify_sums(struct trusted_kit *kit, struct kit_heads *heads, struct err *err)
{
	struct arena arena = ARENA_INIT;
	struct sha256 digest;
	struct sums sums;

	int rc = verify_sums_signature(kit, heads, err);
	if (rc < 0)
		return rc;
	rc = sha256_of(str_bytes(&heads->sums), &digest, err);
	if (rc < 0)
		return rc;
	/* Only what differs is looked at closely: it takes as much memory again. */
	if (sha256_equal(&digest, &kit->manifest.sums_digest) &&
		manifest_is_sums(&kit->manifest, str_bytes(&heads->sums)))
		return 0;
	rc = sums_parse(str_bytes(&heads->sums), &arena, &sums, err);
	if (rc < 0)
		(void)err_context(err, "SHA256SUMS");
	if (rc == 0 && !sha256_equal(&digest, &kit->manifest.sums_digest))
		rc = err_set(err, ERR_MANIFEST_SUMS,
			"SHA256SUMS is not the one whose digest the manifest has");
	if (rc == 0)
		rc = manifest_agrees_with_sums(&kit->manifest, &sums, err);
	arena_release(&arena);
	return rc;
}

/* The id is a folder's name. */
static int make_id(struct trusted_kit *kit, struct err *err)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(&kit->manifest_digest, hex);
	kit->id = arena_format(&kit->arena, "%s-%s-%.*s", kit->manifest.name, kit->manifest.version,
		ID_DIGITS, hex);
	if (kit->id == NULL)
		return err_no_memory(err);
	int rc = name_check(bytes_of_string(kit->id), err);
	if (rc == 0 && strchr(kit->id, '/') != NULL)
		rc = err_set(
			err, ERR_SYNTAX, "%s: a kit's name and version have no slash", kit->id);
	return rc < 0 ? err_context(err, "the signed manifest") : 0;
}

int kit_verify_heads(struct trusted_kit *kit, struct kit_heads *heads, struct err *err)
{
	kit->role = trust_root_role(kit->root, "targets");
	if (kit->role == NULL)
		return err_set(err, ERR_TRUST_INVALID, "the trust root names no keys for kits");
	kit->has_signed = arena_array(&kit->arena, kit->role->key_count, sizeof *kit->has_signed);
	if (kit->has_signed == NULL)
		return err_no_memory(err);
	int rc = verify_manifest(kit, &heads->envelope, err);
	if (rc == 0)
		rc = verify_sums(kit, heads, err);
	if (rc == 0)
		rc = make_id(kit, err);
	return rc;
}
