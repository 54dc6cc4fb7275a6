/*
 * stop: SIGINT, SIGQUIT and SIGTERM as a wish that is looked at, never as an end.
 */
#ifndef OFFKIT_CLI_STOP_H
#define OFFKIT_CLI_STOP_H

#include <stdbool.h>

/* From now on the signals only set the flag, and a read that waits is interrupted. SIGPIPE is
 * ignored: a face that went away is no reason to leave a database half way. */
void stop_watch(void);
bool stop_wanted(void);
/* The signal that came since this was asked last, 0: none. */
int stop_take(void);

#endif
