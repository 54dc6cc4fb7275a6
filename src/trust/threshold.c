/* Counting: thresholds are of keys, never of signatures or ids. */
#include <string.h>

#include "trust/root_internal.h"

/* Whether key made one of the signatures: those that name it are tried first. */
static int find_signature(const struct trust_key *key, struct signed_message *message,
	const struct envelope_signature *untrusted_signatures, size_t count, bool *ret_found,
	struct err *err)
{
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < count; i++) {
			const struct envelope_signature *signature = &untrusted_signatures[i];
			struct err tried;
			bool named = strcmp(signature->untrusted_keyid, key->id) == 0;
			if (named != (round == 0) || signature->signature.size == 0)
				continue;
			if (public_key_verify(key->key, key->scheme, message, signature->signature,
				    &tried) == 0) {
				*ret_found = true;
				return 0;
			}
			if (tried.code != ERR_MANIFEST_SIGNATURE) {
				*err = tried;
				return -(int)tried.code;
			}
		}
	}
	*ret_found = false;
	return 0;
}

int trust_role_count(const struct trust_role *role, struct signed_message *message,
	const struct envelope_signature *untrusted_signatures, size_t signature_count,
	bool *ret_signed, size_t *ret_count, struct err *err)
{
	size_t count = 0;

	for (size_t i = 0; i < role->key_count; i++) {
		bool found;
		int status = find_signature(
			role->keys[i], message, untrusted_signatures, signature_count, &found, err);
		if (status < 0)
			return status;
		ret_signed[i] = found;
		count += found;
	}
	*ret_count = count;
	return 0;
}

int trust_root_count(const struct trust_root *root, const struct trust_root *signer,
	bool *ret_signed, size_t *ret_count, struct err *err)
{
	struct signed_message message = signed_message_make(KEY_USE_ROOT, root->signed_part);

	return trust_role_count(trust_root_role(signer, "root"), &message, root->signatures,
		root->signature_count, ret_signed, ret_count, err);
}

int trust_root_signed_by(
	const struct trust_root *root, const struct trust_root *signer, struct err *err)
{
	const struct trust_role *role = trust_root_role(signer, "root");
	bool who_signed[ROOT_KEYS_MAX];
	size_t count;
	int status = trust_root_count(root, signer, who_signed, &count, err);

	if (status < 0)
		return status;
	if (count < role->threshold)
		return err_set(err, ERR_TRUST_INVALID,
			"root version %lld is signed by %zu of the %u keys that version %lld asks "
			"for",
			(long long)root->version, count, role->threshold,
			(long long)signer->version);
	return 0;
}
