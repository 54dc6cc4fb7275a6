/*
 * run: one run at work: its journal, its history, its walk, and what steps see of it.
 *
 * Internal to the engine. Everything that happens goes through run_event_end: into the journal,
 * into the history, to the face, in this order.
 */
#ifndef OFFKIT_ENGINE_RUN_H
#define OFFKIT_ENGINE_RUN_H

#include "base/cleanup.h"
#include "engine/engine.h"
#include "engine/event.h"
#include "engine/history.h"
#include "engine/lease.h"
#include "engine/server_wait.h"
#include "engine/walk.h"

struct run {
	const struct engine_options *options;
	const struct engine_face *face;
	const struct trusted_kit *kit;
	struct trusted_kit *own_kit; /* of resume and rollback, which load it themselves */
	struct trust_root *root;     /* of own_kit */
	struct walk_scope scope;
	struct walk walk;
	struct mongo *mongo;
	struct lease *lease;   /* NULL until something may be written */
	int64_t lease_taken;   /* boottime */
	bool recorded;	       /* the database knows the run */
	bool record_pending;   /* something that it could not be told yet */
	int64_t head_recorded; /* boottime */
	bool lease_broken;     /* somebody else held it */
	struct journal *journal;
	struct json_writer *writer; /* of the event that is being written */
	enum event writing;
	struct history history;
	struct step_host host;
	char id[RUN_ID_SIZE];
	int run_dirfd;	/* -1 until the run is persisted */
	size_t current; /* the step that is called */
	bool read_only;
	bool kit_recorded; /* the kit stands in the record of installed kits */
	bool effects;	   /* something may have been changed: failures are 75, not 10 */
	bool stopping;	   /* told already */
	size_t torn;	   /* octets of a torn line that were cut off the journal */
	int64_t started;   /* boottime */
	int64_t progress_told;
	struct {
		int64_t used;	/* ms that were waited since something became durable */
		unsigned tries; /* in that time */
	} wait;			/* server_wait.h */
};

void run_init(struct run *run, const struct trusted_kit *kit, const struct engine_options *options,
	const struct engine_face *face);
void run_release(struct run *run);

/* The event's members are written between these two. */
struct json_writer *run_event(struct run *run, enum event event);
MUST_CHECK int run_event_end(struct run *run, struct err *err);

struct choice {
	const char *name;
	const char *label;
};

struct question {
	const char *kind;	      /* "gate" */
	const char *step;	      /* NULL: none */
	const char *text;	      /* "Begin the backup?" */
	const char *const *lines;     /* NULL-terminated, or NULL */
	const struct choice *choices; /* ended by a name of NULL */
	const char *initial;	      /* the default choice */
	const char *expected;	      /* kind type: what must be typed */
	const char *flag;	      /* the option that answers it beforehand, or NULL */
};

/* Tells, asks, tells the answer. *ret_choice is a name of the question's choices. */
MUST_CHECK int run_ask(
	struct run *run, const struct question *question, const char **ret_choice, struct err *err);

/* What replaces or overrides: asked for by having the database's name typed. Fails with refused and
 * those words unless it is. */
MUST_CHECK int run_ask_name(struct run *run, const struct choice choices[static 3],
	const struct str *text, enum err_code refused, const char *words, struct err *err);

/* A line of the evidence. step: "" for the run. */
MUST_CHECK int run_note(struct run *run, const char *step, const struct str *text, struct err *err);

/* A database that cannot be reached is another failure once something may have been changed. */
int run_lost_before_or_after(const struct run *run, struct err *err);

/* ---- run_lease.c */

/* Before the first effect, with a connection: from here on nothing is written without the lease. */
MUST_CHECK int run_take_lease(struct run *run, struct err *err);
/* Tells whose it was, and lets what that one may have sent end. Before the first write. */
MUST_CHECK int run_await_lease(struct run *run, struct err *err);

/* ---- run_record.c */

struct ledger;
struct ledger_view;

/* The run begins, or is taken over: before its first effect. */
MUST_CHECK int run_record_begin(struct run *run, struct err *err);
/* After an event is in the journal. It fails for those that announce an effect only. */
MUST_CHECK int run_record_event(
	struct run *run, enum event event, const char *step, struct err *err);
MUST_CHECK int run_record_pending(struct run *run, struct err *err);

MUST_CHECK int run_read_ledger(
	struct run *run, struct arena *arena, struct ledger *ret_ledger, struct err *err);
/* What the state folder has of the run that the ledger knows; found stays false if nothing. */
MUST_CHECK int run_view(
	int state_dirfd, const struct ledger *ledger, struct ledger_view *view, struct err *err);
/* ERR_STATE_BEHIND if another run is not finished; this run, found here, is not the newest. */
MUST_CHECK int run_judge_install(struct run *run, struct err *err);
MUST_CHECK int run_judge_resume(struct run *run, struct err *err);
/* The same when the state folder has no run that could go on. */
MUST_CHECK int run_judge_nothing(const struct engine_options *options, struct err *err);
/* ERR_SEQUENCE, ERR_TRUST_BACK: the database knows of a newer kit or root. */
MUST_CHECK int run_judge_kit(struct run *run, struct err *err);

/* Connects unless it is; again after a connection was lost, and after effects waits for it. */
MUST_CHECK int run_connect(struct run *run, struct err *err);

/* Makes state/runs/ID and writes the journal there, before the first effect. */
MUST_CHECK int run_persist(struct run *run, struct err *err);

/* Tells the face where the journal is; what it has is not told again. */
void run_tell_journal(const struct run *run);

void run_context(struct run *run, size_t step, struct arena *arena, struct step_context *context);

MUST_CHECK int run_begin_event(struct run *run, struct err *err);
MUST_CHECK int run_plan_event(struct run *run, const struct step_plan *plan, struct err *err);
/* outcome: done, failed, stopped, undone, cancelled. text: NULL takes it from the failure. */
MUST_CHECK int run_end_event(struct run *run, const char *outcome, const char *text,
	const struct err *failure, struct err *err);

/* ERR_STOPPED if the operator asked for it; tells it once. */
MUST_CHECK int run_check_stop(struct run *run, struct err *err);

/* The generic codes that lower floors give, as the step's own. */
void run_recode(const struct run *run, const struct step_kind *kind, struct err *err);

/* ---- step_work.c: one step, with its questions */

MUST_CHECK int run_step_plan(
	struct run *run, size_t step, struct arena *arena, struct step_plan *plan, struct err *err);
/* Gate, apply, verify; retries as the operator chooses. Negative: the run ends with it. */
MUST_CHECK int run_step(struct run *run, size_t step, struct err *err);
MUST_CHECK int run_step_undo(struct run *run, size_t step, struct err *err);

/* Every step that is not done yet, from the journal's state on; and the end. */
MUST_CHECK int run_walk(struct run *run, struct err *err);

/* Ends the run for a failure: tells it, as the kind of end that its code is. Returns the failure.
 */
MUST_CHECK int run_fail(struct run *run, struct err *err);

/* The kit of that name below state/kits, verified again, and its walk. ERR_NOT_FOUND. */
MUST_CHECK int run_load_kit(struct run *run, const char *kit_id, struct err *err);

/* Takes the newest run of the database over (adopt.c). target: of a rollback that had not ended: a
 * step, "*" for all; "" if it was going forward. */
MUST_CHECK int run_adopt(struct run *run, struct str *target, struct err *err);

/* Loads the run of that id, its kit from the state folder, and connects. */
MUST_CHECK int run_load(
	struct run *run, bool (*wanted)(const struct history *history), struct err *err);

#endif
