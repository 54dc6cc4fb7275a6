/* The release side of an envelope. */
#include <string.h>

#include "base/cleanup.h"
#include "kit/envelope.h"

/* The place of the signature that key made already, signature_count if it has made none. */
static int find_own(const struct envelope *envelope, const struct private_key *key,
	enum key_scheme scheme, struct signed_message *message, size_t *ret_place, struct err *err)
{
	for (size_t i = 0; i < envelope->signature_count; i++) {
		struct err tried;
		if (public_key_verify(private_key_public(key), scheme, message,
			    envelope->signatures[i].signature, &tried) == 0) {
			*ret_place = i;
			return 0;
		}
		if (tried.code != ERR_MANIFEST_SIGNATURE) {
			*err = tried;
			return -(int)tried.code;
		}
	}
	*ret_place = envelope->signature_count;
	return 0;
}

static int add_place(struct envelope *envelope, struct arena *arena, struct err *err)
{
	size_t count = envelope->signature_count;

	if (count >= ENVELOPE_SIGNATURES_MAX)
		return err_set(err, ERR_LIMIT, "the envelope has %d signatures already",
			ENVELOPE_SIGNATURES_MAX);
	struct envelope_signature *all = arena_array(arena, count + 1, sizeof *all);
	if (all == NULL)
		return err_no_memory(err);
	if (count > 0)
		memcpy(all, envelope->signatures, count * sizeof *all);
	envelope->signatures = all;
	envelope->signature_count = count + 1;
	return 0;
}

int envelope_sign(struct envelope *envelope, const struct private_key *key, enum key_scheme scheme,
	const char *keyid, struct arena *arena, struct err *err)
{
	CLEANUP_STR struct str pae = STR_INIT, octets = STR_INIT;
	struct envelope_signature made;
	size_t place = envelope->signature_count;
	int status;

	status = envelope_pae(envelope->payload_type, envelope->untrusted_payload, &pae, err);
	if (status < 0)
		return status;
	struct signed_message message = signed_message_make(KEY_USE_ENVELOPE, str_bytes(&pae));
	if ((status = find_own(envelope, key, scheme, &message, &place, err)) < 0 ||
		(status = private_key_sign(key, scheme, &message, &octets, err)) < 0)
		return status;
	made.untrusted_keyid = arena_string(arena, keyid);
	made.signature = arena_bytes(arena, str_bytes(&octets));
	if (made.untrusted_keyid == NULL || made.signature.data == NULL)
		return err_no_memory(err);
	if (place == envelope->signature_count && (status = add_place(envelope, arena, err)) < 0)
		return status;
	envelope->signatures[place] = made;
	return 0;
}

int envelope_add(
	struct envelope *envelope, struct bytes signature, struct arena *arena, struct err *err)
{
	for (size_t i = 0; i < envelope->signature_count; i++)
		if (bytes_equal(envelope->signatures[i].signature, signature))
			return 0;
	struct bytes copy = arena_bytes(arena, signature);
	if (copy.data == NULL)
		return err_no_memory(err);
	int status = add_place(envelope, arena, err);
	if (status == 0)
		envelope->signatures[envelope->signature_count - 1] =
			(struct envelope_signature){"", copy};
	return status;
}
