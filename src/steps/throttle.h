/*
 * throttle: the copy waits while the replicas are too far behind.
 *
 * Over the limit it pauses between two batches, and goes on when the lag has fallen to half of it.
 * A lag that cannot be measured stops nothing: that is said once, and again when it becomes
 * measurable. With --max-rate it copies no more documents a second than that, so that the service's
 * own load has room. One throttle serves all workers of a step; throttle_pass may be called in any
 * thread, throttle_tell only in the step's own, because it talks to the host.
 */
#ifndef OFFKIT_STEPS_THROTTLE_H
#define OFFKIT_STEPS_THROTTLE_H

#include "steps/step.h"

struct throttle;

/* The limit is the options' --max-lag, or else the site's; the clock is clock_boottime's. */
MUST_CHECK int throttle_new(
	const struct step_context *context, struct throttle **ret_throttle, struct err *err);
void throttle_free(struct throttle *throttle);
void throttle_cleanup(struct throttle **throttle);

/*
 * Between two batches: returns when the next one may be sent. Measures, over the worker's own
 * connection, when that was not done for two seconds. While it waits it calls `waiting` some five
 * times a second; what that returns ends the wait (ERR_STOPPED).
 */
MUST_CHECK int throttle_pass(struct throttle *throttle, struct mongo *mongo,
	int (*waiting)(void *self, struct err *err), void *self, struct err *err);

/* So many of the source's documents were copied: with --max-rate the next batch waits for them. */
void throttle_spend(struct throttle *throttle, int64_t documents, int64_t now);

/* Tells the host what changed since it was told last: the alert "oplog-lag", the check "lag". */
MUST_CHECK int throttle_tell(
	struct throttle *throttle, const struct step_host *host, struct err *err);

/* The last lag, ms; -1: not measured, or it cannot be. */
int64_t throttle_lag(struct throttle *throttle);

/* ---- what throttle_pass does with a measurement; pure but for the state, for its test */

struct lag;
void throttle_take(struct throttle *throttle, const struct lag *lag, int64_t now);
bool throttle_paused(struct throttle *throttle);
/* ms that --max-rate asks to wait, 0: none. */
int64_t throttle_rest(struct throttle *throttle, int64_t now);

#endif
