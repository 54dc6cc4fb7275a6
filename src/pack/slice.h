/*
 * slice: a file cut into parts of one size, and the list of them.
 *
 * The parts and the list are made in a folder beside the place, synced, and the folder is renamed:
 * where something is already, nothing is made (ERR_USAGE).
 */
#ifndef OFFKIT_PACK_SLICE_H
#define OFFKIT_PACK_SLICE_H

#include "kit/part_list.h"
#include "pack/face.h"
#include "pack/sign.h"

/* "650M" and the other sizes that split(1) has: K, M, G are 1024 and its powers, KB, MB, GB 1000.
 * False: it is none, or 0. */
bool slice_size(const char *text, int64_t *ret_octets);

/* ret_list lives in arena. More than PARTS_MAX parts are ERR_USAGE. */
MUST_CHECK int slice_file(struct face *face, const char *path, int64_t part_size, const char *out,
	const struct signers *signers, struct arena *arena, struct part_list *ret_list,
	struct err *err);

#endif
