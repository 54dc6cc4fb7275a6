/*
 * lock: one run at a time on a state folder.
 *
 * An open-file-description lock on state/lock: it ends with the last process that has it, also by
 * kill -9. The file says who holds it (pid, host, command, since), for the message and for status;
 * it stays when the lock is released.
 */
#ifndef OFFKIT_ENGINE_LOCK_H
#define OFFKIT_ENGINE_LOCK_H

#include "base/err.h"

/*
 * ERR_LOCKED, naming who holds it; a holder of this host that was killed and is still being taken
 * apart is waited for, two seconds at most. ERR_STATE_FOLDER if the folder cannot be written.
 */
MUST_CHECK int lock_take(int state_dirfd, const char *command, int *ret_fd, struct err *err);

/* Writes down this process as the holder, after a fork. */
MUST_CHECK int lock_describe(int lock_fd, const char *command, struct err *err);

/* Looks only: ERR_LOCKED, naming who is at work; 0 if nobody is. */
MUST_CHECK int lock_look(int state_dirfd, struct err *err);

/* Closing the descriptor releases. */

#endif
