/*
 * ensure: collections, indexes, TTLs, validators and shard keys brought to a declared state
 * (kit-layout/migration.schema.json, "ensure"). Internal to the step.
 *
 * The declaration and the state that is there are compared purely; what differs is a list of
 * changes, each with its way back. Each change is in the step's checkpoint before it is made, so
 * that an undo takes back exactly what was made, also when the run was cut off in the middle.
 */
#ifndef OFFKIT_STEPS_ENSURE_H
#define OFFKIT_STEPS_ENSURE_H

#include "steps/step.h"

enum { ENSURE_CHANGES_MAX = 4096, ENSURE_COLLECTIONS_MAX = 1000 };

enum ensure_kind {
	ENSURE_CREATE_COLLECTION,
	ENSURE_SET_VALIDATOR, /* before: {validator, validationLevel} as it was */
	ENSURE_CREATE_INDEX,
	ENSURE_SET_TTL,	      /* before: {expireAfterSeconds} */
	ENSURE_REPLACE_INDEX, /* before: the old specification */
	ENSURE_CONFLICT,      /* an index that differs, and the migration does not say replace */
	ENSURE_KIND_COUNT
};

struct ensure_change {
	enum ensure_kind kind;
	const char *collection;
	const char *index;	     /* NULL unless it is about one */
	const struct json *declared; /* the collection's or index's declaration */
	const struct json *before;   /* canonical; NULL: nothing was there */
	const char *text;	     /* "expireAfterSeconds is 86400 and will be 3600" */
	enum way_back way_back;
};

/*
 * What is there, of the declared collections: as relaxed Extended JSON, which compares with a
 * declaration, and as canonical, which is journaled, so that a way back loses no type.
 */
struct ensure_collection {
	const struct json *declared;
	const char *name;
	bool exists;
	const struct json *options;			  /* NULL: none */
	const struct json *indexes;			  /* an array; NULL: none */
	const struct json *exact_options, *exact_indexes; /* the same, canonical */
};

struct ensure_state {
	struct ensure_collection *collections;
	size_t count;
	struct json_doc **docs; /* owned: release */
	size_t doc_count;
	const struct json *freeze; /* checkpoint of the freeze that is in force, NULL: none */
};

MUST_CHECK int ensure_state_read(
	const struct step_context *context, struct ensure_state *ret_state, struct err *err);
void ensure_state_release(struct ensure_state *state);

struct ensure_diff {
	struct ensure_change *changes; /* in the order in which they are made */
	size_t count;
	size_t conflicts;
	size_t already[ENSURE_KIND_COUNT]; /* declared and there: collections, validators, indexes
					    */
};

/* Pure. Texts live in the arena, the rest in declaration and state. ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK int ensure_compare(const struct ensure_state *state, struct arena *arena,
	struct ensure_diff *ret_diff, struct err *err);

const char *ensure_kind_name(enum ensure_kind kind); /* "createIndex", in the checkpoint */

/* One change made, one taken back; safe to do twice. */
MUST_CHECK int ensure_make(
	const struct step_context *context, const struct ensure_change *change, struct err *err);
MUST_CHECK int ensure_take_back(
	const struct step_context *context, const struct json *journaled, struct err *err);

/* On a sharded cluster: the shard keys; an equal one is accepted. */
MUST_CHECK int ensure_shard(const struct step_context *context,
	const struct ensure_collection *collection, struct err *err);

#endif
