/*
 * history: what the events of a run say when they are taken together: which steps began and ended,
 * their last checkpoints, how the run stands.
 *
 * The same fold reads a journal and follows a run at work, so that a run that is resumed knows what
 * one that was never disturbed knows. It owns the events it keeps.
 */
#ifndef OFFKIT_ENGINE_HISTORY_H
#define OFFKIT_ENGINE_HISTORY_H

#include "base/arena.h"
#include "engine/journal.h"

enum { HISTORY_STEPS_MAX = 300, RUN_ID_SIZE = sizeof "20251220T091207Z-3f9a" };

struct history_step {
	const char *name, *label, *kind;
	const struct json *begin;      /* the first step.begin since it was last undone */
	const struct json *end;	       /* step.end */
	const struct json *undo_begin; /* the last undo.begin */
	const struct json *undo;       /* the last undo.end; NULL unless it is undone */
	const struct json *plan;       /* the last plan */
	const struct json *failure;    /* the last failure since begin or resume */
	const struct json *checkpoint; /* "data" of the last one, NULL: none */
	struct json_doc *checkpoint_doc;
	bool undoing;	 /* undo.begin without undo.end */
	bool restoring;	 /* the same, and by the backup: together with all that are */
	int64_t spent;	 /* ms, of what was interrupted */
	int64_t segment; /* time at which the part at work began; 0: none */
};

enum history_state {
	RUN_EMPTY,     /* no run.begin */
	RUN_OPEN,      /* interrupted, stopped or failed: resume goes on, rollback undoes */
	RUN_DONE,      /* everything is done */
	RUN_UNDONE,    /* rolled back, whole */
	RUN_CANCELLED, /* ended before its first effect, whatever ended it */
};

struct history {
	struct arena arena;
	struct json_doc **docs;
	size_t doc_count, doc_room;
	const struct json **events;  /* kept, in order; not the checkpoints */
	const struct json *begin;    /* run.begin */
	const struct json *end;	     /* run.end that nothing followed */
	const struct json *question; /* the last one */
	struct history_step steps[HISTORY_STEPS_MAX];
	size_t step_count;
	struct history_step *current; /* the step at work, or that was when it was interrupted */
	int64_t last_time;
	int64_t question_count;
	bool taken_over;	   /* it began in another state folder: run.adopt */
	bool begun;		   /* a step began that may have changed something */
	bool ingest_resumed;	   /* a checkpoint said so */
	const struct json *resume; /* the last run.resume */
	bool went_back;		   /* something was undone, or its undoing began */
	bool rolling_back;	   /* a rollback began and has not ended well */
};

void history_release(struct history *history);

/* Room for one event more, so that history_add of it does not fail for want of memory. */
MUST_CHECK int history_reserve(struct history *history, struct err *err);

/* Takes over the event's document. ERR_JOURNAL if it is no event of ours. */
MUST_CHECK int history_add(struct history *history, struct json_doc *event, struct err *err);

/* For journal_open and journal_read, with a struct history as argument. */
int history_visit(
	void *history, struct bytes line, struct json_doc *doc, bool *keep, struct err *err);

bool history_is_run_id(const char *name); /* "20251220T091207Z-3f9a" */
/* A run's name, sorted as they were begun; random keeps two sites apart. now: ms. */
void run_id_of(char id[static RUN_ID_SIZE], int64_t now, uint32_t random);
void run_new_id(char id[static RUN_ID_SIZE]); /* of one that begins now */
struct history_step *history_step(struct history *history, const char *name);
enum history_state history_state(const struct history *history);

/* An open run that nobody ended: it was killed, a shutdown stopped it, or it lost its database or
 * disk. One that an operator stopped, or that failed, is none. */
bool history_interrupted(const struct history *history);
/* "done", "failed", "begun", "waiting", …; in a run that is undone no step waits. */
const char *history_outcome(const struct history *history, const struct history_step *step);
const char *history_state_name(enum history_state state);	      /* "open" */
const char *history_text(const struct json *event, const char *name); /* "" if it is none */

/* ms that a step worked, without the time it lay interrupted; for one that ended or not. */
int64_t history_spent(const struct history_step *step);

/*
 * The newest run folder of a state folder that wanted() says yes to (NULL: any); ERR_NOT_FOUND if
 * there is none. history must be released by the caller in every case.
 */
MUST_CHECK int history_newest(int state_dirfd, bool (*wanted)(const struct history *history),
	struct history *history, char ret_id[static RUN_ID_SIZE], struct err *err);

/*
 * Opens the folder of a run that has a journal: of that id, or if it is "" of the newest, whose id
 * is put there. Nothing of the journal is read. ERR_NOT_FOUND.
 */
MUST_CHECK int run_open(int state_dirfd, char id[static RUN_ID_SIZE], int *ret_fd, struct err *err);

/*
 * Removes what killed processes left in a state folder that the caller has locked: temporaries, and
 * the folders of runs that ended before their first line was written.
 */
void runs_tidy(int state_dirfd);

#endif
