#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "kit/envelope.h"
#include "kit/name.h"
#include "kit/sums.h"
#include "text/text.h"
#include "verify/kit_private.h"

enum { ID_DIGITS = 8 };

static int check_threshold(
	struct trusted_kit *kit, const struct envelope *envelope, struct err *err)
{
	CLEANUP_STR struct str message = STR_INIT;
	const struct trust_role *role = kit->role;
	size_t count = 0;

	int rc = envelope_pae(envelope->payload_type, envelope->untrusted_payload, &message, err);
	if (rc == 0)
		rc = trust_role_count(role, str_bytes(&message), envelope->signatures,
			envelope->signature_count, kit->has_signed, &count, err);
	if (rc < 0)
		return rc;
	if (count >= role->threshold)
		return 0;
	if (count == 0)
		return err_set(err, ERR_MANIFEST_SIGNATURE,
			"manifest.dsse: none of its %zu signatures is by a key that the trust root "
			"names for kits",
			envelope->signature_count);
	return err_set(err, ERR_THRESHOLD,
		"manifest.dsse: %zu of the trust root's keys signed it, %u are needed", count,
		role->threshold);
}

/* The payload is parsed from exactly the octets that were verified. */
static int verify_manifest(struct trusted_kit *kit, struct bytes untrusted_text, struct err *err)
{
	struct arena arena = ARENA_INIT; /* the envelope's; nothing of it lives on */
	struct envelope envelope;
	int rc = envelope_parse(untrusted_text, &arena, &envelope, err);

	if (rc < 0) {
		arena_release(&arena);
		return err_context(err, "manifest.dsse");
	}
	if (strcmp(envelope.payload_type, ENVELOPE_TYPE_IN_TOTO) != 0) {
		CLEANUP_STR struct str shown = STR_INIT;
		text_escape(&shown, bytes_of_string(envelope.payload_type), 80);
		rc = err_set(err, ERR_MANIFEST_SIGNATURE,
			"manifest.dsse: its payload type is \"%s\", not \"%s\"", str_text(&shown),
			ENVELOPE_TYPE_IN_TOTO);
	}
	if (rc == 0)
		rc = check_threshold(kit, &envelope, err);
	if (rc == 0) {
		rc = manifest_parse(envelope.untrusted_payload, &kit->arena, &kit->manifest, err);
		if (rc < 0)
			(void)err_context(err, "manifest.dsse: the signed manifest");
	}
	if (rc == 0)
		rc = sha256_of(envelope.untrusted_payload, &kit->manifest_digest, err);
	arena_release(&arena);
	return rc;
}

/* As `cosign sign-blob` writes it: base64, with or without a line feed at the end. */
static int verify_sums_signature(
	struct trusted_kit *kit, const struct kit_heads *heads, struct err *err)
{
	CLEANUP_STR struct str signature = STR_INIT;
	struct bytes text = str_bytes(&heads->sums_signature);
	struct err reason = {0};

	if (text.size > 0 && text.data[text.size - 1] == '\n')
		text.size--;
	int rc = base64_decode(text, &signature, err);
	if (rc < 0)
		return err_context(err, "SHA256SUMS.sig");
	for (size_t i = 0; i < kit->role->key_count; i++) {
		const struct trust_key *key = kit->role->keys[i];
		rc = public_key_verify(key->key, key->scheme, str_bytes(&heads->sums),
			str_bytes(&signature), &reason);
		if (rc == 0) {
			kit->sums_signer = key->name;
			return 0;
		}
		if (reason.code != ERR_MANIFEST_SIGNATURE) {
			*err = reason;
			return rc;
		}
	}
	return err_set(err, ERR_SUMS_SIGNATURE,
		"SHA256SUMS.sig is not by a key that the trust root names for kits");
}

static int verify_sums(struct trusted_kit *kit, const struct kit_heads *heads, struct err *err)
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

int kit_verify_heads(
	struct trusted_kit *kit, const struct kit_heads *untrusted_heads, struct err *err)
{
	kit->role = trust_root_role(kit->root, "targets");
	if (kit->role == NULL)
		return err_set(err, ERR_TRUST_INVALID, "the trust root names no keys for kits");
	kit->has_signed = arena_array(&kit->arena, kit->role->key_count, sizeof *kit->has_signed);
	if (kit->has_signed == NULL)
		return err_no_memory(err);
	int rc = verify_manifest(kit, str_bytes(&untrusted_heads->envelope), err);
	if (rc == 0)
		rc = verify_sums(kit, untrusted_heads, err);
	if (rc == 0)
		rc = make_id(kit, err);
	return rc;
}
