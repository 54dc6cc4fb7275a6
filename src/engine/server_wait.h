/*
 * server_wait: what a run does when the server goes away under it.
 *
 * It waits, asking again and again with growing pauses, for as long as the options say; each second
 * it tells how it stands. When the server answers, whoever lost it does again what it was at: every
 * step may be applied again. What may be waited is counted anew only after something more became
 * durable, so that a server that always comes back and always fails is not waited for without end.
 */
#ifndef OFFKIT_ENGINE_SERVER_WAIT_H
#define OFFKIT_ENGINE_SERVER_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct run;

/*
 * After a failure: true if it was the loss of the server (ERR_DATABASE_LOST after effects) and the
 * server is there again; the connection is closed, run_connect makes another one. False leaves in
 * err what the run ends with: that failure, or ERR_STOPPED if the operator did not want to wait.
 *
 *	do
 *		rc = work(run, err);
 *	while (rc < 0 && run_server_came_back(run, err));
 */
bool run_server_came_back(struct run *run, struct err *err);

/* ms before the next try, after so many: 0, 1 s, then doubled up to half a minute. */
int64_t run_pause_before(unsigned tries);

/* Something became durable: a checkpoint, the end of a step. */
void run_progressed(struct run *run);

#endif
