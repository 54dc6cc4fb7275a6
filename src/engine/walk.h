/*
 * walk: the rows of a run: the fixed steps around the kit's migrations. Made from the kit alone;
 * pure.
 */
#ifndef OFFKIT_ENGINE_WALK_H
#define OFFKIT_ENGINE_WALK_H

#include "steps/step.h"

enum { WALK_STEPS_MAX = 300 };

struct walk {
	struct arena arena;
	struct json_doc **docs; /* of the migrations */
	size_t doc_count;
	struct step *steps;
	size_t count;
	struct step *left_out; /* the kit's migrations on request that nobody asked for */
	size_t left_out_count;
};

/* What of a kit is walked. Without `with` its migrations of kinds on request are left out. */
struct walk_scope {
	const char *with; /* the id of such a migration, NULL: none */
	bool alone;	  /* that one only: the kit is installed already */
};

/*
 * ERR_USAGE if the kit has no migration on request of that id, ERR_REQUIREMENT for a kind that this
 * program does not know, ERR_SYNTAX for a migration.json that is none. The kit must live as long as
 * the walk. On failure there is nothing to release.
 */
MUST_CHECK int walk_build(const struct trusted_kit *kit, const struct walk_scope *scope,
	struct walk *ret_walk, struct err *err);
void walk_release(struct walk *walk);

/* The number of a step by its name; count if there is none. */
size_t walk_find(const struct walk *walk, const char *name);

#endif
