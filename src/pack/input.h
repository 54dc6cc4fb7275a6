/*
 * input: the folder that a kit is made from: kit.json (kit-layout/kit.schema.json) and the files
 * of the kit's folders, each with its size and digest.
 *
 * Files at the top of the folder other than kit.json, and folders that no kit has, are left out and
 * named to the face. Errors are the reader's: ERR_NOT_FOUND, ERR_UNREADABLE, ERR_SYNTAX, ERR_LIMIT,
 * ERR_UNSAFE_ARCHIVE (links, names that no kit may have).
 */
#ifndef OFFKIT_PACK_INPUT_H
#define OFFKIT_PACK_INPUT_H

#include "kit/manifest.h"
#include "pack/face.h"
#include "trust/root.h"

enum { KIT_JSON_SIZE_MAX = 4 * 1024 * 1024 };

struct input {
	struct manifest manifest; /* sums_digest is still empty */
	struct image *images;	  /* what manifest.images pins, walked */
	size_t root_count;	  /* trust/N.root.json, in the order of N */
	const char **roots;
	bool has_created; /* kit.json says so */
	int64_t newest;	  /* modification time of the newest file, ms */
	int64_t octets;
};

/* Everything lives in arena. root has the keys that kit.json names. Progress goes to face. */
MUST_CHECK int input_read(struct face *face, int dirfd, const struct trust_root *root,
	struct arena *arena, struct input *ret_input, struct err *err);

#endif
