/*
 * lag: how far the slowest secondary of a replica set is behind its primary, as the server says it
 * (replSetGetStatus). A secondary that is delayed on purpose counts from its delay on.
 */
#ifndef OFFKIT_STEPS_LAG_H
#define OFFKIT_STEPS_LAG_H

#include "mongo/mongo.h"

struct lag {
	int64_t lag;	 /* ms, -1: it cannot be measured */
	const char *why; /* -1: why not, for people: "a standalone server has none"; else NULL */
};

/* A refusal is no error; a server that is gone is one. */
MUST_CHECK int lag_measure(struct mongo *mongo, struct lag *ret_lag, struct err *err);

/* The same from the reply to replSetGetStatus and the one to replSetGetConfig (size 0: none). */
struct lag lag_of_status(struct bytes status, struct bytes config);

#endif
