/*
 * feed: a run in a process of its own, and a face at the other end of a socket.
 *
 * feed_start forks. The child is the engine: the leader of a session of its own without a
 * controlling terminal, its standard streams on /dev/null, so that a terminal that closes does not
 * reach it. It listens at the control socket in the state folder (control.h, server.h), and the
 * command that started it is its first face; feed_attach makes another one from another process.
 * The lines that go both ways are described in kit-layout/feed.md.
 *
 * A face that goes away changes nothing: the run goes on, and waits at its next question for
 * somebody who answers. Only a run without a state folder (plan) ends with its face.
 *
 * One struct feed belongs to the face's process and to one thread. No other thread may run when
 * feed_start is called.
 */
#ifndef OFFKIT_ENGINE_FEED_H
#define OFFKIT_ENGINE_FEED_H

#include "engine/engine.h"

enum { FEED_LINE_MAX = 4 * 1024 * 1024 };

struct feed;

/* Called in the child. What it returns and leaves in err becomes the end of the feed. */
typedef int feed_run(void *argument, const struct engine_face *face, struct err *err);

struct feed_options {
	int state_dirfd; /* for the control socket; -1: none */
	int lock_fd; /* of state_dirfd (lock.h), -1: none; the child closes its copy at the end */
	const char *command; /* "install" */
	bool yes;	     /* the engine answers by itself what the plan could foresee */
	/* Called in the child first; returns a descriptor that is readable when a signal asks the
	 * run to stop, -1: none. NULL: nothing is called. */
	int (*begin)(void);
};

/* The caller closes its own copy of lock_fd: the lock is the engine's. */
MUST_CHECK int feed_start(feed_run *run, void *argument, const struct feed_options *options,
	struct feed **ret_feed, struct err *err);

enum feed_wish {
	FEED_WATCH,   /* only to see */
	FEED_COMMAND, /* to be in command, if nobody is */
	FEED_TAKE,    /* to be in command, whoever is */
	FEED_STATE,   /* only the line that says how the run stands */
};

/* ERR_NOT_FOUND: nobody is at work there. */
MUST_CHECK int feed_attach(
	int state_dirfd, enum feed_wish wish, struct feed **ret_feed, struct err *err);

/* To poll for reading. feed_next never blocks. */
int feed_fd(const struct feed *feed);

/*
 * 1: *ret_line is the next line without its line feed, a view until the next call; 0: there is none
 * yet, or it is feed.end; negative: the engine's process ended without that line (ERR_ENGINE_LOST),
 * or sent something else (ERR_INTERNAL). After feed.end there are no more lines and feed_ended is
 * true.
 */
MUST_CHECK int feed_next(struct feed *feed, struct bytes *ret_line, struct err *err);
bool feed_ended(const struct feed *feed);

/* As the newest feed.state line says. */
bool feed_in_command(const struct feed *feed);

enum feed_request {
	FEED_STOP,
	FEED_SHUTDOWN, /* the same, and no operator's wish */
	FEED_PAUSE,
	FEED_RESUME,
	FEED_TAKE_COMMAND,
};

/* An engine that is gone is no error here: feed_next will say so. */
void feed_answer(struct feed *feed, const char *question_id, const char *choice);
void feed_request(struct feed *feed, enum feed_request request);

/*
 * Returns the outcome of the run, if it has ended: 0, or its negative code with its message in err;
 * the starting command waits for its engine's process then. If the run has not ended it is left to
 * itself and ERR_DETACHED is returned. Releases the feed.
 */
MUST_CHECK int feed_finish(struct feed *feed, struct err *err);

#endif
