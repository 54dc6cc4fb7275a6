/*
 * crew: work on many items at once, each thread with a connection of its own.
 *
 * Threads take the items in order. What a thread finished is handed to `done` in the caller's
 * thread, which alone talks to the host. The first failure, and a request to stop, make every
 * thread end at its next look at crew_cancelled; crew_run returns when all have ended.
 */
#ifndef OFFKIT_STEPS_CREW_H
#define OFFKIT_STEPS_CREW_H

#include <stdatomic.h>
#include <stdint.h>

#include "mongo/mongo.h"

/* As many items as there turn out to be: work says when there are no more. */
#define CREW_OPEN_END SIZE_MAX

struct crew_tally {
	_Atomic int64_t documents;
	_Atomic int64_t octets;
	_Atomic bool cancelled;
};

struct crew {
	void *self;
	const struct mongo *mongo; /* the server to connect to; NULL: the work needs none */
	const char *database;	   /* NULL: the same as mongo's */
	size_t workers;
	/* In a worker's thread. Positive: there was no such item, nor is one after it. */
	int (*work)(void *self, size_t item, struct mongo *mongo, struct crew_tally *tally,
		struct err *err);
	/* In the caller's thread; each may be NULL. */
	int (*done)(void *self, size_t item, struct err *err);
	void (*tell)(void *self, const struct crew_tally *tally); /* some ten times a second */
	int (*look)(void *self, struct err *err); /* as often; its failure ends the crew */
	bool (*stop_requested)(void *self);
};

/* So many workers as are asked for; 0: by the number of cores, and few enough to leave the service
 * its server. At most `most`. */
size_t crew_workers(int64_t asked, size_t most);

/* 0 when every item was worked on and done; else what failed first, or ERR_STOPPED. */
MUST_CHECK int crew_run(const struct crew *crew, size_t items, struct err *err);

/* To be looked at between documents. ERR_STOPPED. */
MUST_CHECK int crew_cancelled(const struct crew_tally *tally, struct err *err);

#endif
