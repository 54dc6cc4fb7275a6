/*
 * provenance: the predicate of SLSA provenance v1 (slsa.dev/spec/v1.0/provenance), in an in-toto
 * statement: by which builder, from what and how something was built.
 *
 * Read strictly where the specification says how a member looks; members that it does not have are
 * passed over, as it asks of a consumer. What a builder says of itself is worth what the key is
 * that signed it.
 */
#ifndef OFFKIT_KIT_PROVENANCE_H
#define OFFKIT_KIT_PROVENANCE_H

#include "base/arena.h"
#include "json/json.h"

#define PROVENANCE_TYPE "https://slsa.dev/provenance/v1"

enum {
	PROVENANCE_TEXT_MAX = 4096,    /* octets of a text */
	PROVENANCE_THINGS_MAX = 10000, /* entries of a list */
};

struct provenance {
	const char *builder;	/* runDetails.builder.id: a URI */
	const char *build_type; /* buildDefinition.buildType: a URI */
	size_t dependency_count;
};

/*
 * The predicate by itself, and of a statement that was parsed already. Everything lives in arena.
 * ERR_SYNTAX, ERR_LIMIT: it is not what the specification calls one.
 */
MUST_CHECK int provenance_check(const struct json *predicate, struct arena *arena,
	struct provenance *ret_provenance, struct err *err);
MUST_CHECK int provenance_parse(struct bytes statement, struct arena *arena,
	struct provenance *ret_provenance, struct err *err);

#endif
