/*
 * root_changes: what a trust root says against the one before it: what people look at before they
 * sign, and compare by another way than the file's.
 *
 * Keys are compared by their material, name, scheme and duty: one of which any of these changed is
 * removed and added.
 */
#ifndef OFFKIT_PACK_ROOT_CHANGES_H
#define OFFKIT_PACK_ROOT_CHANGES_H

#include "json/json_write.h"
#include "trust/root.h"

/* previous NULL: all that the root says. ERR_USAGE: previous is not the version before. */
MUST_CHECK int root_changes_text(const char *path, const struct trust_root *root,
	const struct trust_root *previous, struct str *out, struct err *err);

/* As members of the open object. */
MUST_CHECK int root_changes_json(const struct trust_root *root, const struct trust_root *previous,
	struct json_writer *writer, struct err *err);

#endif
