/*
 * root_status: who has signed a trust root, and who still may: what the commands about one say when
 * they are done.
 */
#ifndef OFFKIT_PACK_ROOT_STATUS_H
#define OFFKIT_PACK_ROOT_STATUS_H

#include "pack/face.h"
#include "trust/root.h"

/*
 * What it says against previous, then who signed. previous NULL: the root before is not looked at.
 * Too few signatures are no error.
 */
MUST_CHECK int root_status_show(struct face *face, const char *path, struct bytes text,
	const struct trust_root *previous, struct err *err);

/* The same when what it says was shown already, as text, before it was signed. */
MUST_CHECK int root_status_show_signed(struct face *face, const char *path, struct bytes text,
	const struct trust_root *previous, struct err *err);

/* The root that --previous names; NULL path: none. */
MUST_CHECK int root_previous_load(const char *path, struct trust_root **ret_root, struct err *err);

#endif
