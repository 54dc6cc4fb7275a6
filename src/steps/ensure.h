/*
 * ensure: collections, indexes, TTLs, validators and shard keys brought to a declared state
 * (kit-layout/migration.schema.json, "ensure"). Internal to the step.
 *
 * The declaration is compiled (ensure_load), what is there is read (ensure_state), and both are
 * compared purely (ensure_diff, ensure_fields): what differs is a list of changes, each with its
 * way back. Each change is in the step's checkpoint before it is made, so that an undo takes back
 * exactly what was made, also when the run was cut off in the middle (ensure_journal).
 */
#ifndef OFFKIT_STEPS_ENSURE_H
#define OFFKIT_STEPS_ENSURE_H

#include "steps/step.h"

enum {
	ENSURE_CHANGES_MAX = 4096,
	ENSURE_COLLECTIONS_MAX = 1000,
	ENSURE_INDEXES_MAX = 63, /* a collection; the server's 64 with that of _id */
	ENSURE_KEYS_MAX = 32,
	/* Octets of BSON; four times that in the journal, which has lines of 4 MiB. */
	ENSURE_BEFORE_MAX = 640 * 1024,
};

/* ---- what is declared; BSON, in the arena */

struct ensure_index {
	const char *name;
	struct bytes keys;
	struct bytes spec; /* as createIndexes takes it: key, name, options */
	bool unique, sparse, replace;
	int64_t expiry; /* seconds, -1: documents do not expire */
};

struct ensure_declared {
	const char *name;
	struct bytes collation; /* size 0: none */
	struct bytes validator; /* size 0: none is declared, what is there stays */
	const char *validation_level, *validation_action;
	struct ensure_index *indexes;
	size_t index_count;
	struct bytes shard_key; /* size 0: none */
	bool shard_unique;
};

struct ensure {
	struct ensure_declared *collections;
	size_t count;
};

/* ERR_SYNTAX, ERR_LIMIT, with the path into the migration. */
MUST_CHECK int ensure_load(
	const struct json *body, struct arena *arena, struct ensure *ret_ensure, struct err *err);
const struct ensure_index *ensure_find_declared(
	const struct ensure *ensure, const char *collection, const char *index); /* NULL: none */

/* ---- what is there; BSON, in the arena */

struct ensure_collection {
	const struct ensure_declared *declared;
	const char *type; /* "collection", "view"; NULL: it is not there */
	struct bytes options;
	struct bytes *indexes; /* as listIndexes gives them */
	size_t index_count;
	struct bytes shard_key; /* size 0: it is not sharded */
	bool shard_unique;
};

struct ensure_state {
	struct ensure_collection *collections;
	size_t count;
	bool sharded;		   /* the server is a router: shard keys apply */
	bool unsharding;	   /* 8.0 and newer take a shard key back */
	const char *shard_unknown; /* why the shard keys cannot be read; NULL: they were */
	const struct json *freeze; /* checkpoint of the freeze that is in force, NULL: none */
};

MUST_CHECK int ensure_state_read(const struct step_context *context, const struct ensure *ensure,
	struct ensure_state *ret_state, struct err *err);

/* ---- what differs */

enum ensure_kind {
	ENSURE_CREATE_COLLECTION,
	ENSURE_SET_VALIDATOR, /* before: {validator, validationLevel, validationAction} */
	ENSURE_CREATE_INDEX,
	ENSURE_SET_TTL,	      /* before: the index's specification */
	ENSURE_REPLACE_INDEX, /* before: the index's specification */
	ENSURE_SHARD,
	ENSURE_CONFLICT, /* it differs, and the migration does not say that it may be replaced */
	ENSURE_KIND_COUNT
};

struct ensure_change {
	enum ensure_kind kind;
	const char *collection;
	const char *index; /* NULL unless it is about one */
	const struct ensure_declared *declared;
	const struct ensure_index *wanted; /* NULL unless it is about an index */
	struct bytes before;		   /* size 0: nothing was there */
	const char *text;		   /* "expireAfterSeconds is 86400 here, 3600 wanted" */
	enum way_back way_back;
	bool over_documents; /* the collection was there: what is in it counts */
	int64_t expiring;    /* documents that its TTL would delete, once measured */
};

struct ensure_diff {
	struct ensure_change *changes; /* in the order in which they are made */
	size_t count;
	size_t conflicts;
	size_t already[ENSURE_KIND_COUNT]; /* declared and there, by the kind that would make it */
};

/* Pure. Everything lives in the arena. ERR_LIMIT. */
MUST_CHECK int ensure_compare(const struct ensure_state *state, struct arena *arena,
	struct ensure_diff *ret_diff, struct err *err);

/* Load, read, compare. */
MUST_CHECK int ensure_look(const struct step_context *context, struct ensure *ret_ensure,
	struct ensure_state *ret_state, struct ensure_diff *ret_diff, struct err *err);

/*
 * Field by field, "unique is false here, true wanted; …", appended to text. collation: that of the
 * collection, which its indexes have unless they say otherwise; size 0: none. seconds: the expiry
 * that counts, -1: none. True if nothing but an expiry differs that can be changed in place.
 */
bool ensure_index_differences(const struct ensure_index *wanted, struct bytes there,
	struct bytes collation, int64_t seconds, struct str *text);
/* Paths into the validator. options: the collection's; size 0: it has none. */
void ensure_validator_differences(
	const struct ensure_declared *declared, struct bytes options, struct str *text);
bool ensure_same_collation(struct bytes a, struct bytes b); /* size 0: none */
bool ensure_same_keys(struct bytes a, struct bytes b);	    /* in their order */

/* ---- what the data say: read before a change is made */

/* Fills `expiring` of every change that sets a TTL over documents, by the server's clock. */
MUST_CHECK int ensure_measure(
	const struct step_context *context, struct ensure_diff *diff, struct err *err);

/* "3 documents of events would expire by index x; only the backup would have them", appended. */
#define ENSURE_EXPIRY_FLAG "--allow-expiry"
void ensure_expiry_question(const struct ensure_change *change, struct str *text);

/*
 * The keys that more than one document has and a unique index would refuse: a sentence appended to
 * text that names the first of them with their documents; nothing is appended if there are none.
 */
MUST_CHECK int ensure_find_duplicates(const struct step_context *context, const char *collection,
	const struct ensure_index *wanted, struct str *text, struct err *err);

/* ---- what was done, as the journal has it */

struct ensure_entry {
	const char *kind; /* as ensure_kind_name */
	const char *collection;
	const char *index;	   /* NULL: none */
	const struct json *before; /* canonical Extended JSON; NULL: nothing was there */
	bool done;
	bool refused; /* the server said no: there is nothing to take back */
};

struct ensure_entries {
	struct ensure_entry *list;
	size_t count;
	struct json_doc **docs; /* owned: release */
	size_t doc_count;
};

MUST_CHECK int ensure_entries_read(
	const struct step_context *context, struct ensure_entries *ret_entries, struct err *err);
void ensure_entries_release(struct ensure_entries *entries);
/* The entry of a change; one that an interrupted run began keeps what was there before it. */
MUST_CHECK int ensure_entries_put(struct ensure_entries *entries,
	const struct ensure_change *change, struct ensure_entry **ret_entry, struct err *err);
void ensure_entries_write(const struct ensure_entries *entries, struct json_writer *writer);
MUST_CHECK int ensure_entries_checkpoint(const struct step_context *context,
	const struct ensure_entries *entries, int64_t already, struct err *err);

/* ---- making and taking back */

const char *ensure_kind_name(enum ensure_kind kind); /* "createIndex", in the checkpoint */
const char *ensure_kind_noun(enum ensure_kind kind, bool many);

/*
 * One change, safe to make twice. *ret_refused: it failed because the server refused it, and so
 * changed nothing.
 */
MUST_CHECK int ensure_make(const struct step_context *context, const struct ensure_change *change,
	bool *ret_refused, struct err *err);
/* What is not as this run made it stays, and is told. */
MUST_CHECK int ensure_take_back(const struct step_context *context, const struct ensure *ensure,
	const struct ensure_entry *entry, struct err *err);

/* "advisory_raw, index x", appended. */
void ensure_place(struct str *text, const char *collection, const char *index);

#endif
