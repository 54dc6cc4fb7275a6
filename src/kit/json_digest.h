/*
 * json_digest: the member "sha256" of what kit documents list: 64 lower-case hexadecimal digits.
 */
#ifndef OFFKIT_KIT_JSON_DIGEST_H
#define OFFKIT_KIT_JSON_DIGEST_H

#include "crypto/digest.h"
#include "json/json_write.h"

/* ERR_SYNTAX. */
MUST_CHECK int json_digest_need(
	const struct json *object, struct sha256 *ret_digest, struct err *err);

void json_digest_member(struct json_writer *json, const struct sha256 *digest);

#endif
