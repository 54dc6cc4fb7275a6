/*
 * step: the interface between the engine and what it carries out.
 *
 * A step is a row of a table (steps.h) with five verbs. `plan` reads and says what would be done;
 * it is the dry run, and the text of the gate. `check` looks whether the step is done already or
 * may not begin. `apply` does it and leaves checkpoints; called again after any interruption, it
 * ends where an undisturbed run ends. `verify` proves what apply did. `undo` takes it back and
 * proves that.
 *
 * Steps never draw, print, ask a terminal or exit: they report to the host, which is the engine.
 */
#ifndef OFFKIT_STEPS_STEP_H
#define OFFKIT_STEPS_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "json/json_write.h"
#include "kit/migration.h"
#include "mongo/mongo.h"
#include "site/site.h"
#include "verify/verify.h"

/* ---- what a step says */

enum check_outcome { CHECK_PASSED, CHECK_FAILED, CHECK_WARNING, CHECK_SKIPPED };

struct step_progress {
	const char *phase;		    /* "observations", "" if there is one only */
	int64_t done, total;		    /* total 0: not known */
	const char *unit;		    /* "documents", "octets" */
	double rate;			    /* units a second, 0: not known yet */
	int64_t left;			    /* ms, -1: not known */
	int64_t lag;			    /* ms of replication lag, -1: cannot be measured */
	int64_t batch, batches, batch_size; /* 0: no batches */
	struct {
		const char *name; /* "observations", "conflicts" */
		int64_t value;
	} counters[8];
	size_t counter_count;
};

/*
 * The host is the engine. Each call may be made from the step's own thread only. event and
 * checkpoint are durable before they return; fields is the text of one JSON object.
 */
struct step_host {
	void *self;
	int (*check)(void *self, const char *name, enum check_outcome outcome, const char *text,
		struct err *err);
	int (*note)(void *self, const char *text, struct err *err); /* a line of the log */
	int (*checkpoint)(void *self, struct bytes fields, struct err *err);
	int (*alert)(void *self, const char *name, const char *text, bool firing, struct err *err);
	/*
	 * Asks: yes or no. flag: the option that says yes beforehand, with a reason
	 * ("--allow-expiry"); --yes alone does not.
	 */
	int (*answered)(
		void *self, const char *question, const char *flag, bool *ret_yes, struct err *err);
	void (*progress)(void *self, const struct step_progress *progress);
	bool (*stop_requested)(void *self); /* looked at between batches: then return ERR_STOPPED */
};

enum way_back { WAY_BACK_EXACT, WAY_BACK_RESTORE, WAY_BACK_NONE };

enum { STEP_LINES_MAX = 12 };

/* What a gate shows; text lives in the context's plan arena. */
struct step_plan {
	const char *what[STEP_LINES_MAX]; /* sentences: what will be done, on what, where to */
	size_t what_count;
	const char *size;    /* "5 indexes, 1 TTL", "3,102,455 documents" for the plan's column */
	int64_t takes;	     /* ms, estimated; -1: not known */
	uint64_t octets;     /* of disk that it needs; 0: none */
	const char *changes; /* "nothing in the database" */
	enum way_back way_back;
	const char *way_back_text; /* "undo, proved by digest" */
	const char *proof;	   /* "a SHA-256 per file, a digest a collection"; NULL: none */
	bool nothing_to_do;	   /* the target is already as the step would leave it */
	bool no_return;		   /* after it, going back is not exact (the gate says so) */
};

/* ---- what a step is given */

struct step_options {
	int64_t batch_size; /* 500 */
	bool stop_on_error;
	int64_t max_conflicts; /* -1: the migration's own */
	int64_t workers;       /* of a backfill, at once; 0: by the number of cores */
	int64_t max_lag;       /* ms of replication lag at which the copy waits; 0: the site's */
	int64_t max_rate;      /* documents a second that a backfill copies; 0: no limit */
	int64_t sample_size;   /* units that validate derives again, a phase; 0: 200 */
	bool accept_inexact; /* --accept-inexact with a reason: undo after the point of no return */
	int64_t build_wait;  /* ms that a stop waits for an index build; 0: 2 minutes */
	bool allow_expiry;   /* --allow-expiry with a reason: a TTL may delete documents */
	const char *reason;  /* NULL unless a flag that needs one was given */
	bool remove_objects; /* undo of an object store removes what it stored */
	bool once;	     /* a backup by itself: there is no second reading that confirms it */
	bool unfrozen; /* a backup by itself: what changes meanwhile is noted, and not confirmed */
};

struct step; /* a row of a run: kind and migration */

struct step_context {
	const struct trusted_kit *kit; /* NULL in `backup` and `restore` by themselves */
	const struct site *site;
	struct mongo *mongo;
	const struct step_host *host;
	const struct step_options *options;
	const struct step *step;  /* the one that is called */
	const struct step *steps; /* the whole walk, to look at neighbours (the backup's place) */
	size_t step_count;
	const char *run_id; /* "20251220T091207Z-3f9a": part of what is written, volatile */
	int run_dirfd;	    /* state/runs/ID: conflicts, reports */
	int state_dirfd;
	struct arena *arena;	       /* lives as long as the call */
	const struct json *checkpoint; /* the last one of this step in the journal, NULL: none */
	/* The journal's last checkpoint of another step of this run, by its name; NULL: none. */
	const struct json *(*checkpoint_of)(void *self, const char *step_name);
	bool taken_over;     /* another state folder's attempt came before: its checkpoints are not
				known */
	bool ingest_resumed; /* the point of no exact return is behind us */
	bool went_back;	     /* this run has undone something, or restored the backup */
	bool read_only;	     /* `plan`: nothing may be written anywhere */
};

/* What another host goes by that takes the run over without its journal and files. */
enum step_takeover {
	TAKEOVER_AFRESH,     /* nothing: done again whole, it ends where it had ended */
	TAKEOVER_WHEN_ENDED, /* its end and last checkpoint; done again if it had not ended */
	TAKEOVER_AS_IT_IS,   /* its last checkpoint, which is the only one that knows */
};

struct step_kind {
	const char *name;  /* "ensure"; for a migration the kind that it names */
	const char *label; /* "Backup", "Freeze ingest": in the walk; NULL: the migration's id and
			      title */
	unsigned weight;   /* of the whole, for the bar over all steps */
	bool gate;	   /* asks before it begins */
	bool on_request;   /* a migration of this kind is carried out only if --with names it */
	enum step_takeover takeover;
	enum err_code failure; /* what its failures are if they say nothing better: ERR_BACKUP … */
	/* Whether what the migration says in its kind's own members makes sense, by itself and
	 * without a database. ERR_SYNTAX, ERR_LIMIT. NULL: there is nothing to compile. */
	int (*compile)(const struct migration *migration, struct err *err);
	int (*plan)(
		const struct step_context *context, struct step_plan *ret_plan, struct err *err);
	int (*check)(const struct step_context *context, bool *ret_done, struct err *err);
	int (*apply)(const struct step_context *context, struct err *err);
	int (*verify)(
		const struct step_context *context, struct err *err); /* NULL: nothing to prove */
	int (*undo)(
		const struct step_context *context, struct err *err); /* NULL: nothing to undo */
	/* What whoever agrees to the undo has to know first: *ret_text in the context's arena,
	 * NULL if there is nothing. NULL: there never is. */
	int (*undo_warning)(
		const struct step_context *context, const char **ret_text, struct err *err);
	/*
	 * The result as members of an open object, for the report; after apply, or after a resume.
	 * "summary" is the line that people see ("5 indexes built, 2 already there"); "outcome":
	 * "skipped" says that there was nothing that could be done here.
	 */
	int (*report)(
		const struct step_context *context, struct json_writer *writer, struct err *err);
};

struct step {
	const char *name; /* "backup", "21-101": unique in the walk */
	const char *label;
	const struct step_kind *kind;
	const struct migration *migration; /* NULL unless it comes from the kit */
};

/* The kinds, one file each. */
extern const struct step_kind step_preflight, step_freeze, step_backup, step_ensure, step_backfill,
	step_object_store, step_validate, step_resume_ingest;

/* By the name in a migration; NULL if this program knows no such kind. */
const struct step_kind *step_kind_by_name(const char *name);

#endif
