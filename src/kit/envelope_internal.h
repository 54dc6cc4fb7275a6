/*
 * envelope_internal: an envelope within another document.
 */
#ifndef OFFKIT_KIT_ENVELOPE_INTERNAL_H
#define OFFKIT_KIT_ENVELOPE_INTERNAL_H

#include "json/json.h"
#include "kit/envelope.h"

/*
 * Members that we do not know are passed over, as DSSE asks of a consumer: none is signed. least:
 * the fewest signatures that there must be. Nothing of the object is kept.
 */
MUST_CHECK int envelope_from_json(const struct json *untrusted_object, size_t least,
	struct arena *arena, struct envelope *ret_envelope, struct err *err);

#endif
