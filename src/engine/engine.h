/*
 * engine: carries out a walk of steps, and tells of everything that happens as events.
 *
 * The engine knows no face. A face is a table of functions; `--yes` prints the events, --plain asks
 * by number, the terminal UI draws them, all from processes of their own (feed.h), the report
 * quotes them. Every verb below returns 0 or the negative code of what ended the run.
 */
#ifndef OFFKIT_ENGINE_ENGINE_H
#define OFFKIT_ENGINE_ENGINE_H

#include "steps/step.h"

struct engine_face {
	void *self;
	/* Every event in order, journaled or not: one line of JSON without its line feed, and
	 * parsed. */
	void (*event)(void *self, struct bytes line, const struct json *event);
	/* Blocks until the question event's answer: ret_choice is one of its choices' names. */
	int (*ask)(void *self, const struct json *question, struct str *ret_choice,
		const char **ret_by, struct err *err);
	/* Looked at between batches and at gates: the operator wants to stop at a safe point. */
	bool (*stop_requested)(void *self);
	/* May be NULL. Whether a signal asked for the stop (a shutdown), and no operator. */
	bool (*signalled)(void *self);
	/* May be NULL. The journal (JOURNAL_NAME) is in this folder from now on: with what was told
	 * so far, or, of a run that goes on, with what was told before this process began. */
	void (*journal)(void *self, int run_dirfd);
};

struct engine_options {
	struct step_options step;
	const struct site *site;
	int state_dirfd;     /* -1 for plan: nothing is written, not even a lock */
	int lock_fd;	     /* lock.h; -1 for plan. The caller took it and closes it */
	const char *command; /* "install", for the evidence */
	const char *force_reason;
	const char *with;    /* the migration on request that is carried out too, NULL: none */
	bool adopt;	     /* resume: another state folder's run, with a reason */
	bool break_lease;    /* --break-lease, with a reason: of another host's */
	int64_t server_wait; /* ms that a server is waited for that goes away after effects */
	const char
		*staging_receipt;  /* --staging-receipt, NULL: the state folder's, if it has one */
	bool without_staging;	   /* --without-staging, with a reason */
	bool without_ui_questions; /* --yes: kit and plan pages are not asked for */
};

/* plan KIT: preflight and the plan of every step, as events; writes nothing. */
MUST_CHECK int engine_plan(const struct trusted_kit *kit, const struct engine_options *options,
	const struct engine_face *face, struct err *err);

/* A new run of the kit. If everything is done already it says so and changes nothing. */
MUST_CHECK int engine_install(const struct trusted_kit *kit, const struct engine_options *options,
	const struct engine_face *face, struct err *err);

/* Goes on with the newest run that is not finished, from its journal. */
MUST_CHECK int engine_resume(
	const struct engine_options *options, const struct engine_face *face, struct err *err);

/* Undoes the newest run's steps, newest first, down to step_name (NULL: all). */
MUST_CHECK int engine_rollback(const char *step_name, const struct engine_options *options,
	const struct engine_face *face, struct err *err);

#endif
