/*
 * kit_json: kit.json, what a release engineer says of a kit (kit-layout/kit.schema.json).
 */
#ifndef OFFKIT_PACK_KIT_JSON_H
#define OFFKIT_PACK_KIT_JSON_H

#include "kit/manifest.h"
#include "trust/root.h"

#define KIT_JSON_NAME "kit.json"

/*
 * Fills all of the manifest but files, sums_digest and, unless the document says it, created.
 * images has what the document pins, which need not be every image of the kit; the keys of
 * attestations are found by their id or name in root, and stand there by their id. The values are
 * checked by manifest_parse when the manifest is whole. Everything lives in arena.
 */
MUST_CHECK int kit_json_read(int dirfd, const struct trust_root *root, struct arena *arena,
	struct manifest *manifest, bool *ret_has_created, struct err *err);

#endif
