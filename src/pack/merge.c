#include "pack/merge.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

/* keys->count if none of them made it. */
static int find_signer(const struct merge_keys *keys, struct signed_message *message,
	struct bytes signature, size_t *ret_key, struct err *err)
{
	for (size_t i = 0; i < keys->count; i++) {
		const struct trust_key *key = keys->keys[i];
		struct err tried;
		int rc = public_key_verify(key->key, key->scheme, message, signature, &tried);
		if (rc < 0 && tried.code != ERR_MANIFEST_SIGNATURE) {
			*err = tried;
			return rc;
		}
		if (rc == 0) {
			*ret_key = i;
			return 0;
		}
	}
	*ret_key = keys->count;
	return 0;
}

/* Whether the key made one of the signatures that are there. */
static int has_signed(const struct envelope *envelope, const struct trust_key *key,
	struct signed_message *message, bool *ret_signed, struct err *err)
{
	const struct trust_key *const one[] = {key};
	const struct merge_keys keys = {one, 1};

	*ret_signed = false;
	for (size_t i = 0; i < envelope->signature_count && !*ret_signed; i++) {
		size_t found;
		int rc =
			find_signer(&keys, message, envelope->signatures[i].signature, &found, err);
		if (rc < 0)
			return rc;
		*ret_signed = found == 0;
	}
	return 0;
}

static int add_checked(struct envelope *envelope, struct bytes signature,
	const struct merge_keys *keys, struct signed_message *message, struct arena *arena,
	struct err *err)
{
	bool already;
	size_t key;
	int rc = find_signer(keys, message, signature, &key, err);

	if (rc < 0)
		return rc;
	if (key == keys->count)
		return err_set(err, ERR_MANIFEST_SIGNATURE,
			"it is signed by none of the keys that the trust root names");
	rc = has_signed(envelope, keys->keys[key], message, &already, err);
	return rc < 0 || already ? rc : envelope_add(envelope, signature, arena, err);
}

static int merge(struct envelope *envelope, const struct envelope *more,
	const struct merge_keys *keys, struct arena *arena, struct err *err)
{
	CLEANUP_STR struct str pae = STR_INIT;
	int rc;

	if (strcmp(envelope->payload_type, more->payload_type) != 0)
		return err_set(
			err, ERR_MANIFEST_SIGNATURE, "it is signed for another payload type");
	if (!bytes_equal(envelope->untrusted_payload, more->untrusted_payload))
		return err_set(err, ERR_MANIFEST_SIGNATURE,
			"it signs another payload: not one octet may differ");
	rc = envelope_pae(envelope->payload_type, envelope->untrusted_payload, &pae, err);
	if (rc < 0)
		return rc;
	struct signed_message message = signed_message_make(KEY_USE_ENVELOPE, str_bytes(&pae));
	for (size_t i = 0; i < more->signature_count && rc == 0; i++) {
		struct bytes signature = more->signatures[i].signature;
		if (keys->count == 0)
			rc = envelope_add(envelope, signature, arena, err);
		else
			rc = add_checked(envelope, signature, keys, &message, arena, err);
	}
	return rc;
}

int merge_file(struct envelope *envelope, const char *path, const struct merge_keys *keys,
	struct arena *arena, struct err *err)
{
	CLEANUP(arena_release) struct arena scratch = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct envelope more;

	int rc = file_read_path(path, BUNDLE_SIZE_MAX, &text, err);
	if (rc < 0)
		return rc;
	rc = envelope_or_bundle_parse(str_bytes(&text), &scratch, &more, err);
	if (rc == 0)
		rc = merge(envelope, &more, keys, arena, err);
	return rc < 0 ? err_context(err, "%s", path) : 0;
}

static int check_sums(
	struct bytes sums, struct bytes text, const struct merge_keys *keys, struct err *err)
{
	CLEANUP(arena_release) struct arena scratch = ARENA_INIT;
	struct signed_message message = signed_message_make(KEY_USE_BLOB, sums);
	struct detached detached;
	size_t key;
	bool fits;
	int rc;

	if ((rc = detached_parse(text, &scratch, &detached, err)) < 0 ||
		(rc = detached_fits(&detached, &message, &fits, err)) < 0)
		return rc;
	if (!fits)
		return err_set(
			err, ERR_SUMS_SIGNATURE, "it is a bundle of another file than SHA256SUMS");
	rc = find_signer(keys, &message, detached.signature, &key, err);
	if (rc < 0 || key < keys->count || keys->count == 0)
		return rc;
	return err_set(err, ERR_SUMS_SIGNATURE,
		"it does not sign SHA256SUMS by a key that the trust root names for kits");
}

int merge_sums(struct bytes sums, const char *path, const struct merge_keys *keys,
	struct str *sums_signature, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	int rc = file_read_path(path, DETACHED_SIZE_MAX, &text, err);
	if (rc < 0)
		return rc;
	rc = check_sums(sums, str_bytes(&text), keys, err);
	if (rc < 0)
		return err_context(err, "%s", path);
	str_truncate(sums_signature, 0);
	str_append(sums_signature, text.text, text.size);
	return str_check(sums_signature, err);
}
