/*
 * rehearse: a kit's migrations on a scratch copy of the site's database, measured and taken back.
 *
 * The scratch database has what a backup restored. The same steps as in a run are carried out on
 * it, in their order: every migration, then validate; then each migration is undone, newest first,
 * and the whole database is compared with the backup. Nothing is frozen but the scratch copy's own
 * expiry, no hook is called, nothing is asked, no journal is written.
 */
#ifndef OFFKIT_ENGINE_REHEARSE_H
#define OFFKIT_ENGINE_REHEARSE_H

#include "engine/history.h"
#include "engine/walk.h"

struct rehearsed_step {
	const char *name, *label; /* of the walk */
	const char *summary;	  /* "5 indexes built", "" if it has none; in the arena */
	bool begun;
	bool nothing; /* there was nothing to do */
	bool done;
	int64_t took;	   /* ms */
	int64_t undo_took; /* ms, -1: not undone */
};

struct rehearsal {
	const struct trusted_kit *kit;
	const struct site *site;      /* the copy's: without hooks */
	struct mongo *mongo;	      /* to the scratch database */
	const struct step_host *host; /* note, check, alert, progress, stop_requested */
	const struct step_options *options;
	const char *run_id;
	int run_dirfd;	     /* what steps leave: conflicts, reports */
	const char *backup;  /* the folder that was restored */
	struct sha256 index; /* of its index */
	struct arena *arena; /* the result lives in it */
};

/* A migration that works outside the database too, or that is on request. */
struct rehearsed_left_out {
	const char *name, *label; /* in the arena */
};

struct rehearsed {
	size_t count; /* migrations, then validate */
	struct rehearsed_step *steps;
	size_t left_out_count;
	struct rehearsed_left_out *left_out;
	int64_t compare_took; /* ms */
	uint64_t grown;	      /* octets on the server's disk, about: what the migrations added */
};

/*
 * The failure of the step that failed, a step's code of its own kind; ERR_STOPPED for a stop.
 * *ret_rehearsed is filled as far as it came, on failure too.
 */
MUST_CHECK int rehearse(
	const struct rehearsal *rehearsal, struct rehearsed *ret_rehearsed, struct err *err);

#endif
