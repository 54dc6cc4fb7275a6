#include "verify/signed_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kit/bundle.h"

int signed_list_parse(
	struct bytes text, struct arena *arena, struct envelope *ret_envelope, struct err *err)
{
	struct envelope envelope;
	int rc = envelope_or_bundle_parse(text, arena, &envelope, err);

	if (rc == 0 && strcmp(envelope.payload_type, ENVELOPE_TYPE_IN_TOTO) != 0)
		rc = err_set(err, ERR_SYNTAX, "its payload type is not " ENVELOPE_TYPE_IN_TOTO);
	if (rc == 0)
		*ret_envelope = envelope;
	return rc;
}

int signed_list_check(const struct envelope *envelope, const char *name,
	const struct trust_role *role, struct err *err)
{
	CLEANUP_FREE bool *signed_by = calloc(role->key_count + 1, sizeof *signed_by);
	CLEANUP_STR struct str pae = STR_INIT;
	size_t count = 0;

	if (signed_by == NULL)
		return err_no_memory(err);
	int rc = envelope_pae(envelope->payload_type, envelope->untrusted_payload, &pae, err);
	if (rc < 0)
		return rc;
	struct signed_message message = signed_message_make(KEY_USE_ENVELOPE, str_bytes(&pae));
	rc = trust_role_count(role, &message, envelope->signatures, envelope->signature_count,
		signed_by, &count, err);
	if (rc == 0 && count == 0)
		rc = err_set(err, ERR_MANIFEST_SIGNATURE,
			"%s is not signed by a key that the trust root names for kits", name);
	return rc;
}
