/*
 * ledger: what the database knows of the runs on it, beside the lease and under its token.
 *
 * In the lease document: "run" (the newest run: id, state, head of its journal's chain, kit, where
 * its state folder is), "former" (the ones before, newest first), "kits" (the highest sequence of
 * each kit that was ever begun here) and "root" (the highest version of a trust root that was in
 * force). In one document a step, "step:NAME", its begin, end and undo, and for some kinds the last
 * checkpoint: what another host needs to take the run over (`resume --adopt`).
 *
 * Each is written after its line of the journal and before the effect that it announces. The head
 * follows the checkpoints of a backfill once a second at most: a state folder that was rolled back
 * within one second of one step is not noticed, and costs nothing, because a batch that is done
 * again writes the same.
 */
#ifndef OFFKIT_ENGINE_LEDGER_H
#define OFFKIT_ENGINE_LEDGER_H

#include "engine/journal.h"
#include "engine/lease.h"
#include "steps/marks.h"

enum { LEDGER_FORMER_MAX = 20, LEDGER_KITS_MAX = 256 };

struct ledger {
	bool known;		 /* there was a run; else the rest of its members is "" and 0 */
	const char *run, *state; /* "open", "done", "undone", "cancelled" */
	const char *host, *state_dir;
	const char *target;	  /* of a rollback that has not ended: a step, "*" for all; "" */
	struct journal_head head; /* of the chain in its state folder */
	const char *kit_id;	  /* as trusted_kit_id */
	struct bytes doc;	  /* the whole, in the arena: for the functions below */
	int64_t root;		  /* version; 0: none */
};

/* doc: of lease_look or lease_document, size 0 if there is none. ERR_JOURNAL if it is none of ours.
 */
MUST_CHECK int ledger_read(struct bytes untrusted_doc, struct arena *arena,
	struct ledger *ret_ledger, struct err *err);

bool ledger_is_open(const struct ledger *ledger); /* a run that has not come to an end */

/* The highest sequence of a kit's name, 0 if none; *ret_version lives as long as the ledger. */
int64_t ledger_sequence(
	const struct ledger *ledger, const char *kit_name, const char **ret_version);

/* The state folder's view of a run. */
struct ledger_view {
	bool found;
	int64_t seq;		    /* of the last line */
	char hash[SHA256_HEX_SIZE]; /* of the line that has the ledger's number; "" if none has */
	const char *state_dir;	    /* for the message */
};

/* ERR_STATE_BEHIND unless the state folder has all that the ledger knows of its newest run. Pure.
 */
MUST_CHECK int ledger_judge(
	const struct ledger *ledger, const struct ledger_view *view, struct err *err);
/* The same of that state folder, -1: there is none. */
MUST_CHECK int ledger_judge_here(
	int state_dirfd, const char *state_dir, const struct ledger *ledger, struct err *err);

/* ---- the next one; fields for lease_write, appended to out */

struct ledger_run {
	const char *id, *state, *host, *state_dir, *target;
	const struct journal_head *head;
	const char *kit_id, *kit_name, *kit_version;
	int64_t kit_sequence, root;
	struct bytes marks; /* a BSON array of {collection, path} */
};

/* A run begins or is taken over: it follows the one that the ledger knows. */
MUST_CHECK int ledger_write_run(const struct ledger *ledger, const struct ledger_run *run,
	struct str *out, struct err *err);
/* It goes on: its head, state and target. */
MUST_CHECK int ledger_write_head(const struct ledger_run *run, struct str *out, struct err *err);

/* ---- steps */

struct ledger_step {
	const char *name;
	const char *begin, *checkpoint, *end, *undo; /* JSON, "" if there is none */
};

/* By the token's owner only. */
MUST_CHECK int ledger_put_step(struct mongo *mongo, const char *run_id, int64_t token,
	const struct ledger_step *step, struct err *err);
/* Of that run; *ret_found is whether it was begun. Texts in arena. */
MUST_CHECK int ledger_get_step(struct mongo *mongo, const char *run_id, const char *name,
	struct arena *arena, struct ledger_step *ret_step, bool *ret_found, struct err *err);

/* ---- stragglers */

/*
 * Documents that carry the id of a run that is undone, by what the ledger knows: what a batch that
 * came late has left. Calls found for each collection that has some; what mark names lives with
 * ledger.
 */
MUST_CHECK int ledger_stragglers(const struct ledger *ledger, struct mongo *mongo,
	void (*found)(void *argument, const char *run, const struct mark *mark, int64_t count),
	void *argument, struct err *err);

#endif
