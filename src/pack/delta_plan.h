/*
 * delta_plan: which octets of a kit's changed files an earlier kit has (kit/delta.h).
 *
 * Files of at least DELTA_FILE_MIN octets are cut into chunks, those of the earlier kit too. A
 * changed file comes from the one file of the earlier kit that shares most octets with it, whatever
 * that is called; of the chunks that both have the longest sequence is taken that goes forward in
 * both. Chunks that lie side by side on both sides become one piece. A file of which less than a
 * tenth would be saved goes whole.
 */
#ifndef OFFKIT_PACK_DELTA_PLAN_H
#define OFFKIT_PACK_DELTA_PLAN_H

#include "kit/delta.h"
#include "kit/manifest.h"
#include "verify/kit_source.h"

enum { DELTA_FILE_MIN = 64 * 1024 };

/* A kit that verified, and where its octets are. */
struct delta_side {
	const struct kit_source *source;
	const struct manifest *manifest;
};

/*
 * changed: of each of the kit's files, whether the earlier kit has it not. The delta has no files
 * if nothing is worth it; all but its manifest's digest is filled, and lives in arena.
 */
MUST_CHECK int delta_plan(const struct delta_side *kit, const struct delta_side *earlier,
	const bool *changed, struct arena *arena, struct delta *ret_delta, struct err *err);

#endif
