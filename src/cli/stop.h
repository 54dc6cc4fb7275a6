/*
 * stop: SIGINT, SIGQUIT, SIGTERM and SIGHUP as wishes that are looked at, never as an end.
 */
#ifndef OFFKIT_CLI_STOP_H
#define OFFKIT_CLI_STOP_H

#include <stdbool.h>

/*
 * From now on the signals only set what follows, and a read that waits is interrupted. SIGPIPE is
 * ignored: a face that went away is no reason to leave a database half way. SIGHUP too, if whoever
 * started the program ignores it (nohup).
 */
void stop_watch(void);

/* The same for an engine, in its own process: no hangup reaches it. Returns stop_fd(). */
int stop_watch_engine(void);

bool stop_wanted(void);
/* The signal that came since this was asked last (SIGHUP: the terminal closed), 0: none. */
int stop_take(void);

/* Readable when a signal has come; -1: there is none. stop_take empties it. */
int stop_fd(void);

#endif
