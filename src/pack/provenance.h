/*
 * provenance: SLSA provenance v1 (kit/provenance.h), written: what a build server says of its
 * build.
 */
#ifndef OFFKIT_PACK_PROVENANCE_H
#define OFFKIT_PACK_PROVENANCE_H

#include "base/arena.h"
#include "text/options.h"

struct provenance_plan {
	const char *builder, *build_type; /* URIs */
	struct option_list parameters;	  /* external ones: "NAME=VALUE" */
	const char *external, *internal;  /* files of a JSON object; NULL: none */
	struct option_list dependencies;  /* "URI" or "URI@ALGORITHM:DIGEST" */
	struct option_list pins;	  /* files (pins.h) */
	const char *invocation, *started, *finished;
};

/*
 * Appends the predicate. What a verifier would refuse is refused here. ERR_USAGE, and what reading
 * files meets.
 */
MUST_CHECK int provenance_write(
	const struct provenance_plan *plan, struct arena *arena, struct str *out, struct err *err);

#endif
