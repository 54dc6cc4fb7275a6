/*
 * feed: a run in a process of its own, and its face at the other end of a socket.
 *
 * feed_start forks; the child is the leader of a session of its own (a terminal that closes does
 * not reach it, SIGHUP is blocked) and calls run with a face that speaks over the feed. Lines of
 * JSON go both ways, each ended by a line feed:
 *
 *	down	every event, as the engine wrote it
 *		{"event":"feed.end","code":"STOPPED","exit":75,"message":"..."}	the last line
 *	up	{"answer":"q3","choice":"begin"}	to the question event with that id
 *		{"request":"stop"} {"request":"pause"} {"request":"resume"}
 *
 * When the face goes away the run goes on to its next question and stops there with ERR_STOPPED.
 * A pause takes effect at the next safe point; the child then tells a "paused" event, waits for
 * "resume" or "stop", and tells it again when it goes on.
 *
 * One struct feed belongs to the face's process and to one thread. fork() is called in feed_start:
 * no other thread may run then.
 */
#ifndef OFFKIT_ENGINE_FEED_H
#define OFFKIT_ENGINE_FEED_H

#include "engine/engine.h"

enum { FEED_LINE_MAX = 4 * 1024 * 1024 };

struct feed;

/* Called in the child. What it returns and leaves in err becomes the feed.end line. */
typedef int feed_run(void *argument, const struct engine_face *face, struct err *err);

MUST_CHECK int feed_start(feed_run *run, void *argument, struct feed **ret_feed, struct err *err);

/* To poll for reading. feed_next never blocks. */
int feed_fd(const struct feed *feed);

/*
 * 1: *ret_line is the next line without its line feed, a view until the next call; 0: there is none
 * yet; negative: the engine's process ended without a feed.end line, or sent something else
 * (ERR_INTERNAL). After feed.end there are no more lines and feed_ended is true.
 */
MUST_CHECK int feed_next(struct feed *feed, struct bytes *ret_line, struct err *err);
bool feed_ended(const struct feed *feed);

enum feed_request { FEED_STOP, FEED_PAUSE, FEED_RESUME };

/* A child that is gone is no error here: feed_next will say so. */
void feed_answer(struct feed *feed, const char *question_id, const char *choice);
void feed_request(struct feed *feed, enum feed_request request);

/*
 * Waits for the end of the run, if it was read, and returns its outcome: 0, or its negative code
 * with its message in err. If the run has not ended it is left to itself (detached) and
 * ERR_DETACHED is returned. Releases the feed.
 */
MUST_CHECK int feed_finish(struct feed *feed, struct err *err);

#endif
