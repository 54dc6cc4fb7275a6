/*
 * restore: this run's backup brought back, as a choice after a failure.
 */
#ifndef OFFKIT_ENGINE_RESTORE_H
#define OFFKIT_ENGINE_RESTORE_H

#include "base/err.h"

struct run;

/*
 * Asks for the database's name to be typed, restores, and tells that the migrations are undone.
 * ERR_STOPPED if something else was typed.
 */
MUST_CHECK int run_restore(struct run *run, struct err *err);

/*
 * Ends what the journal has begun to undo, by a step's own undo or by the backup, and has not
 * ended: a step whose work is half gone must not go on from its checkpoint. Nothing is asked again.
 */
MUST_CHECK int run_finish_undo(struct run *run, struct err *err);

#endif
