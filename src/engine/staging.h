/*
 * staging: the gate before production. A kit is carried out there when it was carried out on
 * staging first: by the receipt that staging's own key signed (kit/receipt.h), of the same
 * manifest, done and validated; or without one, for a reason that stands in the evidence.
 */
#ifndef OFFKIT_ENGINE_STAGING_H
#define OFFKIT_ENGINE_STAGING_H

#include "crypto/key.h"
#include "site/site.h"

struct run;

/* Looked for in the state folder when no other file was named. */
#define STAGING_RECEIPT_NAME "staging-receipt.dsse"

/* The site file's stagingKey, an Ed25519 key. ERR_STAGING if it names none. */
MUST_CHECK int staging_key_load(
	const struct site *site, struct public_key **ret_key, struct err *err);

/*
 * Elsewhere than on a production site it says nothing. Else it tells a check "staging", and asks
 * where somebody can be asked. ERR_STAGING. A plan only tells how it stands.
 */
MUST_CHECK int staging_judge(struct run *run, struct err *err);

#endif
