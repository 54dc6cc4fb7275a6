/*
 * backfill: documents derived from other documents, in batches (kit-layout/migration.schema.json,
 * "backfill"; offkit-migration(5)). Internal to the step.
 *
 * A batch is a range of the source in the order of its index. It is read, derived and compared with
 * what is there before any of it is written. Several batches are at work at once, and end in their
 * order: the end of each is a checkpoint. What is counted and hashed depends on the source alone,
 * not on batches, workers, runs or times: see backfill_state.c and backfill_phase.c.
 */
#ifndef OFFKIT_STEPS_BACKFILL_H
#define OFFKIT_STEPS_BACKFILL_H

#include <pthread.h>

#include "crypto/digest.h"
#include "derive/derive.h"
#include "steps/step.h"

enum {
	BACKFILL_PHASES_MAX = 16,
	BACKFILL_LOOKUPS_MAX = 8,
	BACKFILL_CASES_MAX = 32,
	BACKFILL_WRITES_MAX = 8,
	BACKFILL_KEYS_MAX = 8,
	BACKFILL_VOLATILE_MAX = 16,
	BACKFILL_TARGETS_MAX = BACKFILL_PHASES_MAX * BACKFILL_WRITES_MAX,
	BACKFILL_SOURCES_MAX = 256,		  /* distinct values of countBy, a phase */
	BACKFILL_SOURCE_NAME_MAX = 128,		  /* octets */
	BACKFILL_CHUNK = 4096,			  /* source units in a chunk of the hash */
	BACKFILL_BATCH_OCTETS = 4 * 1024 * 1024,  /* a batch ends at these, whatever its count */
	BACKFILL_FLIGHT_OCTETS = 8 * 1024 * 1024, /* all batches at work, unless one has more */
	BACKFILL_WORKERS_MAX = 32,
	BACKFILL_KEPT_OCTETS =
		16 * 1024 * 1024,	      /* of memory, for the next batches of all workers */
	BACKFILL_SCRATCH_OCTETS = 256 * 1024, /* of it, for the next document of one */
	BACKFILL_GROUP_OCTETS = 48 * 1024 * 1024,    /* documents of one group */
	BACKFILL_DOCUMENT_OCTETS = 16 * 1024 * 1024, /* of a derived document, as MongoDB */
	BACKFILL_IN_MAX = 1000,			     /* values in one $in */
	BACKFILL_CHAIN_MAX = 1000,		     /* documents of a chain that are looked at */
	BACKFILL_PAYLOAD_OCTETS = 16 * 1024 * 1024,  /* of a payload in GridFS */
};

#define BACKFILL_ALL (INT64_C(1) << 52) /* units: more than there are */

/* ---- the migration, compiled (backfill_load.c); lives in an arena */

struct backfill_binding {
	size_t slot;
	const struct derive *value;
};

struct backfill_bindings {
	size_t count;
	struct backfill_binding *list;
};

struct backfill_lookup {
	const char *as, *collection, *field;
	const char *bucket; /* a payload of GridFS instead of a collection's document; else NULL */
	const struct derive *key;
	const struct derive *sha256; /* of the payload; NULL: not known */
	size_t slot;
	size_t field_count; /* 0: whole documents */
	const char **fields;
	bool many;
	bool missing_is_finding;
	const char *chain; /* where a document that is found names the next one; else NULL */
};

struct backfill_case {
	const char *name;
	const struct derive *when;
	struct backfill_bindings let;
};

struct backfill_write {
	const char *collection, *role;
	const struct derive *when; /* NULL: always */
	const struct derive *document;
	size_t volatile_count;
	const char *volatile_paths[BACKFILL_VOLATILE_MAX];
	const char *run_path; /* the volatile one that has $$runId */
	size_t target;	      /* its place in the state */
};

struct backfill_phase {
	const char *name, *collection;
	size_t key_count; /* 0: one document at a time, in the order of _id */
	const char *keys[BACKFILL_KEYS_MAX];
	const struct derive *count_by; /* NULL: not counted apart */
	size_t lookup_count;
	struct backfill_lookup lookups[BACKFILL_LOOKUPS_MAX];
	struct backfill_bindings let;
	size_t case_count;
	struct backfill_case cases[BACKFILL_CASES_MAX];
	size_t write_count;
	struct backfill_write writes[BACKFILL_WRITES_MAX];
	size_t variable_count; /* slot 0 is runId */
};

struct backfill {
	const char *id;
	int64_t max_conflicts;
	bool publish_events;
	size_t phase_count;
	struct backfill_phase *phases;
	size_t target_count;
	const struct backfill_write *targets[BACKFILL_TARGETS_MAX];
};

MUST_CHECK int backfill_load(const struct migration *migration, struct arena *arena,
	struct backfill *ret_backfill, struct err *err);

/* ---- reading the source (backfill_source.c) */

/* A document, or the documents of a group; what the templates see as $$ROOT. */
struct backfill_unit {
	struct bytes root;
	struct bytes key; /* {_id} or {the fields of the group} */
	size_t documents;
	struct value *variables; /* the phase's, as many as it has */
	const struct backfill_lookup
		*not_found;	  /* its key names no document, and that is an error */
	const struct err *failed; /* a lookup's key could not be computed */
};

struct backfill_source;

/* after: the key of the last unit that was done, size 0: from the beginning. */
MUST_CHECK int backfill_source_open(struct mongo *mongo, const struct backfill_phase *phase,
	struct bytes after, int64_t batch_size, struct backfill_source **ret_source,
	struct err *err);
/* The unit of that key alone: batches of one. */
MUST_CHECK int backfill_source_open_one(struct mongo *mongo, const struct backfill_phase *phase,
	struct bytes key, struct backfill_source **ret_source, struct err *err);
/* At most batch_size units, fewer when they are large; 0 at the end. They live in arena. */
MUST_CHECK int backfill_source_read(struct backfill_source *source, struct arena *arena,
	struct backfill_unit **ret_units, size_t *ret_count, struct err *err);
void backfill_source_close(struct backfill_source *source);
void backfill_source_cleanup(struct backfill_source **source);

/* What a unit is known by, {_id} or {the fields of the group}, appended to out. */
MUST_CHECK int backfill_key(
	const struct backfill_phase *phase, struct bytes doc, struct str *out, struct err *err);
/* The order in which the source is read, appended to out. */
void backfill_order(const struct backfill_phase *phase, struct str *out);

/* A unit's key in a message: the _id alone, or the fields of a group. */
void backfill_key_to_text(struct bytes key, struct str *out);

/* The filter for what comes after a key; exposed for its test. */
MUST_CHECK int backfill_filter_after(
	const struct backfill_phase *phase, struct bytes after, struct str *out, struct err *err);

/* ---- deriving (backfill_derive.c, backfill_lookup.c) */

/*
 * What becomes of a derived document. FOUND: it is there with this run's id, from an attempt that
 * was interrupted. REPEATED: another source document of this run derives to the same.
 */
enum backfill_fate {
	FATE_WRITE,
	FATE_WRITTEN,
	FATE_FOUND,
	FATE_REPEATED,
	FATE_SKIPPED,
	FATE_CONFLICT
};

struct backfill_derived {
	const struct backfill_write *write;
	size_t unit;
	struct bytes document;
	struct sha256 leaf; /* of the document without its volatile paths */
	struct value id;    /* an ObjectId */
	enum backfill_fate fate;
	struct bytes existing; /* FATE_CONFLICT: what is there */
	const char *reason;    /* FATE_CONFLICT without one: what the server said */
};

struct backfill_failure {
	size_t unit;
	struct err err;
};

/* What is odd about a source document, which is derived all the same. */
enum backfill_oddity {
	ODDITY_MISSING,	   /* a lookup's key names no document: it is left out */
	ODDITY_RING,	   /* a chain comes back to the document: there it is cut */
	ODDITY_LONG_CHAIN, /* a chain has more than BACKFILL_CHAIN_MAX documents: not looked further
			    */
	ODDITY_COUNT
};

struct backfill_finding {
	size_t unit;
	enum backfill_oddity oddity;
	const struct backfill_lookup *lookup;
	struct value key; /* what the lookup was for */
};

/* "missing", "rings", "longChains": in the report and in findings.ndjson. */
const char *backfill_oddity_name(enum backfill_oddity oddity);

struct backfill_batch {
	const struct backfill_phase *phase;
	struct arena *arena;
	bool fresh; /* it was not tried before: what has this run's id is not from an attempt */
	size_t unit_count;
	struct backfill_unit *units;
	size_t derived_count, failure_count, conflict_count;
	struct backfill_derived *derived; /* in the order of units, then of writes */
	struct backfill_failure *failures;
	size_t finding_count, finding_room;
	struct backfill_finding *findings; /* by lookups, then by units; of failures too */
	struct mongo *mongo;	      /* whom deriving asks for payloads; by backfill_look_up */
	struct sha256_stream *sha256; /* of this batch alone while it is at work; may be NULL */
	pthread_mutex_t *large; /* held while a large payload is in memory; NULL: nobody else is */
};

MUST_CHECK int backfill_find_odd(struct backfill_batch *batch, size_t unit,
	enum backfill_oddity oddity, const struct backfill_lookup *lookup, const struct value *key,
	struct err *err);

/* Fetches what the lookups name and puts it into the units' variables. */
MUST_CHECK int backfill_look_up(struct mongo *mongo, struct backfill_batch *batch, struct err *err);

/* Cuts the rings of a lookup's chain; found: as many values as units, MISSING: none
 * (backfill_chain.c). */
MUST_CHECK int backfill_follow_chain(struct mongo *mongo, const struct backfill_lookup *lookup,
	struct backfill_batch *batch, const struct value *keys, struct err *err);

/*
 * The document that a payload of a bucket is as JSON, in arena; wanted_sha256: hexadecimal, size 0:
 * not known. What is wrong with it is ERR_MIGRATION, ERR_SYNTAX or ERR_LIMIT (backfill_payload.c).
 */
MUST_CHECK int backfill_payload_read(struct mongo *mongo, const char *bucket,
	const struct value *id, struct bytes wanted_sha256, pthread_mutex_t *large, bool *ret_large,
	struct arena *arena, struct value *ret_value, struct err *err);

/* What a document or a template did wrong becomes a failure of the batch; other errors are ours. */
MUST_CHECK int backfill_derive(struct backfill_batch *batch, const char *run_id, struct err *err);

/* SHA-256 of a document without a write's volatile paths: by it documents are compared and hashed.
 */
MUST_CHECK int backfill_leaf(const struct backfill_batch *batch, struct bytes doc,
	const struct backfill_write *write, struct sha256 *ret_leaf, struct err *err);
/* doc without paths, appended to out. */
MUST_CHECK int backfill_strip(
	struct bytes doc, const char *const *paths, size_t count, struct str *out, struct err *err);

/* Documents of a collection by values of a field, in arena, sorted by that field, then _id. */
struct backfill_found {
	struct value key;
	struct bytes document;
};
MUST_CHECK int backfill_find_in(struct mongo *mongo, const char *collection, const char *field,
	const struct value *values, size_t value_count, const char *const *fields,
	size_t field_count, struct arena *arena, struct backfill_found **ret_found,
	size_t *ret_count, struct err *err);
/* The first that has the value; SIZE_MAX if none has. */
size_t backfill_found_at(
	const struct backfill_found *found, size_t count, const struct value *value);

/* ---- comparing and writing (backfill_write.c) */

/* Reads what is there and settles each derived document's fate. Writes nothing. */
MUST_CHECK int backfill_compare(
	struct mongo *mongo, struct backfill_batch *batch, const char *run_id, struct err *err);
/* Writes what has FATE_WRITE; a duplicate that another wrote meanwhile is compared again. */
MUST_CHECK int backfill_write(
	struct mongo *mongo, struct backfill_batch *batch, const char *run_id, struct err *err);

/* ---- counts, hash, checkpoint and report (backfill_state.c, backfill_report.c) */

struct backfill_target {
	int64_t written, skipped, repeated;
	int64_t found;					     /* of those that are written */
	struct sha256 chunk;				     /* of the chunk that is being read */
	struct sha256 total;				     /* of the chunks before it */
	uint8_t first[OBJECT_ID_SIZE], last[OBJECT_ID_SIZE]; /* least and greatest _id */
};

struct backfill_count {
	char name[BACKFILL_SOURCE_NAME_MAX + 1];
	int64_t count;
};

struct backfill_phase_state {
	int64_t units, documents;
	int64_t oddities[ODDITY_COUNT];
	size_t source_count;
	struct backfill_count *sources; /* sorted by name; room for all */
};

struct backfill_state {
	struct sha256_stream *sha256; /* for the chains */
	size_t phase;		      /* that is at work; phase_count: all done */
	int64_t batch;
	int64_t in_chunk; /* units of this phase's unfinished chunk */
	int64_t ahead;	  /* units after the last one that may be at work already */
	int64_t conflicts, errors;
	int64_t conflicts_octets; /* of conflicts.ndjson */
	int64_t findings_octets;  /* of findings.ndjson */
	struct str after;	  /* the last unit's key, empty: none */
	struct backfill_phase_state phases[BACKFILL_PHASES_MAX];
	struct backfill_target targets[BACKFILL_TARGETS_MAX];
	char hash[SHA256_HEX_SIZE]; /* of the report, "" until it is there */
};

MUST_CHECK int backfill_state_new(
	struct arena *arena, struct backfill_state **ret_state, struct err *err);
void backfill_state_release(struct backfill_state *state);

/* What is left of a batch when its documents are forgotten: all that is counted and hashed of it.
 */
struct backfill_leaf {
	size_t unit, target;
	struct sha256 digest;
};

struct backfill_tally {
	struct arena arena;
	int64_t number; /* of the batch, from 1 */
	size_t unit_count, leaf_count;
	struct backfill_leaf *leaves;	     /* in the order of units, then of writes */
	struct backfill_phase_state counted; /* by source too */
	struct backfill_target targets[BACKFILL_WRITES_MAX]; /* in the order of writes */
	struct bytes after;				     /* the last unit's key */
	int64_t conflicts, errors;
	struct bytes lines;    /* for conflicts.ndjson */
	struct bytes findings; /* for findings.ndjson */
	struct err why;	       /* the first conflict, or else the first error */
};

/* Of a batch that was compared, and written unless too much of it differs. */
MUST_CHECK int backfill_tally_take(struct backfill_tally *tally, const struct backfill *backfill,
	struct backfill_batch *batch, int64_t number, struct err *err);
void backfill_tally_release(struct backfill_tally *tally);

MUST_CHECK int backfill_count_source(
	struct backfill_phase_state *phase, struct bytes name, int64_t documents, struct err *err);
/* Takes in a batch that was written. */
MUST_CHECK int backfill_state_add(struct backfill_state *state, const struct backfill_phase *phase,
	const struct backfill_tally *tally, struct err *err);
MUST_CHECK int backfill_state_end_phase(
	struct backfill_state *state, const struct backfill *backfill, struct err *err);
MUST_CHECK int backfill_state_write(const struct backfill_state *state,
	const struct backfill *backfill, struct str *out, struct err *err);
/* ERR_JOURNAL if the checkpoint is not this migration's. */
MUST_CHECK int backfill_state_read(const struct json *checkpoint, const struct backfill *backfill,
	struct backfill_state *state, struct err *err);

/* The report as canonical JSON; its SHA-256 is the backfill's hash. */
MUST_CHECK int backfill_report_write(const struct backfill_state *state,
	const struct backfill *backfill, struct str *out, struct err *err);

/* A batch's conflicts and failures as lines of conflicts.ndjson. */
MUST_CHECK int backfill_conflict_lines(const struct backfill *backfill,
	const struct backfill_batch *batch, int64_t number, struct str *out, struct err *err);
/* Its findings as lines of findings.ndjson, but those of documents that failed. */
MUST_CHECK int backfill_finding_lines(const struct backfill *backfill,
	const struct backfill_batch *batch, struct str *out, struct err *err);
/* Durably, at an offset: what stood behind it is of a batch that is told of again. */
MUST_CHECK int backfill_append_lines(const struct step_context *context, const char *name,
	int64_t *offset, struct bytes lines, struct err *err);

/* ---- the work */

struct throttle;

struct backfill_work {
	const struct step_context *context;
	struct backfill backfill;
	struct backfill_state *state;
	struct throttle *throttle;
	int64_t batch_size, workers;
	int64_t conflict_limit;
	int64_t tried; /* units from here on that an interrupted run may have been at */
	int64_t started, started_at; /* this phase: boot time, and documents done then */
	int64_t started_units;	     /* units done then, from which `tried` counts */
	int64_t total;		     /* documents of this phase's source */
};

/* All batches of state->phase (backfill_phase.c). */
MUST_CHECK int backfill_phase(struct backfill_work *work, struct err *err);

/* In the step's own thread (backfill_commit.c). */
MUST_CHECK int backfill_checkpoint(struct backfill_work *work, struct err *err);
/* Takes in a batch and makes a checkpoint; refused: nothing of it was written. */
MUST_CHECK int backfill_commit(struct backfill_work *work, const struct backfill_tally *tally,
	bool refused, struct err *err);
/* Between two batches: waits while the replicas are behind. */
MUST_CHECK int backfill_pause(struct backfill_work *work, struct err *err);
void backfill_tell(const struct backfill_work *work);

/* ---- the verbs that have files of their own */

/* Connections that work beside each other, by --workers or the number of cores. */
int64_t backfill_workers(const struct step_context *context);

int backfill_undo(const struct step_context *context, struct err *err); /* backfill_undo.c */

#endif
