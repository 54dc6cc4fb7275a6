/*
 * envelope_open: an envelope in the memory of its own text.
 *
 * The envelope of a kit of many files is by far the largest document of all, and text, decoded
 * payload and what is signed of it would each be there once. Here one takes the other's place.
 */
#ifndef OFFKIT_KIT_ENVELOPE_OPEN_H
#define OFFKIT_KIT_ENVELOPE_OPEN_H

#include "kit/envelope.h"

/*
 * As envelope_or_bundle_parse; text becomes the pre-authentication encoding, of which
 * ret_envelope->untrusted_payload is the end. On failure its content is undefined.
 */
MUST_CHECK int envelope_open(struct str *untrusted_text, struct arena *arena,
	struct envelope *ret_envelope, struct err *err);

/* The opposite, with the octets of envelope_write: the payload is still text's end. */
MUST_CHECK int envelope_close(const struct envelope *envelope, struct str *text, struct err *err);

#endif
