/*
 * output: a kit as an archive or a folder, in the order of the format.
 *
 * It is made beside its place under another name, synced, and renamed: at no instant is there half
 * a kit under the kit's name. A file whose content is no longer what was hashed is ERR_CHECKSUM.
 */
#ifndef OFFKIT_PACK_OUTPUT_H
#define OFFKIT_PACK_OUTPUT_H

#include "archive/form.h"
#include "pack/input.h"

struct output {
	const char *path;
	bool is_folder;
	enum archive_form form; /* of an archive */
	int level;		/* 0: the form's usual one */
};

/* The form by name (--format) or, if that is NULL, by the path's ending; else a folder. */
MUST_CHECK int output_choose(
	const char *path, const char *format, struct output *ret_output, struct err *err);

/* The documents that come first; sums_signature may be empty: then the kit has none yet. */
struct output_heads {
	struct bytes envelope, sums, sums_signature;
};

MUST_CHECK int output_write(struct face *face, const struct output *output, int input_dirfd,
	const struct input *input, const struct output_heads *heads, struct err *err);

#endif
