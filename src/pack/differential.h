/*
 * differential: a kit without the files that an earlier kit has under the same name and with the
 * same digest, and, if there is who signs, without the octets of changed files that it has
 * (delta_plan.h).
 *
 * The manifest still lists every file, and whoever verifies the kit takes what is left out from the
 * earlier one, by the same digests (verify_options.base). What is signed is where octets of changed
 * files are (kit/delta.h). The archive is made beside its place, synced, verified against the
 * earlier kit, and renamed.
 */
#ifndef OFFKIT_PACK_DIFFERENTIAL_H
#define OFFKIT_PACK_DIFFERENTIAL_H

#include "pack/face.h"
#include "pack/sign.h"
#include "verify/verify.h"

struct differential {
	size_t file_count, left_out; /* of the kit; that the earlier one has */
	int64_t octets_left_out;
	size_t by_chunk; /* files of which the earlier one has octets */
	int64_t octets_by_chunk;
};

/*
 * Both kits are verified first, the earlier one whatever its age. Where something is already, an
 * earlier kit that has nothing of it, and a form that cannot be written are ERR_USAGE.
 */
MUST_CHECK int differential_make(const char *path, const char *earlier, const char *out,
	const struct trust_root *root, const struct verify_options *options,
	const struct signers *signers, struct differential *ret_differential, struct err *err);

#endif
