/*
 * follow: the face of a run that was asked for: the terminal UI, lines, or the events themselves.
 */
#ifndef OFFKIT_CLI_FOLLOW_H
#define OFFKIT_CLI_FOLLOW_H

#include "cli/face_plain.h"

/* Whether somebody can be asked: stdin and stdout are a terminal. */
bool has_terminal(void);

/*
 * Shows the run until it has ended or this face goes, and releases the feed. The outcome is the
 * run's; ERR_DETACHED if it goes on without us. stop_watch was called.
 */
MUST_CHECK int follow_run(
	struct face *face, struct feed *feed, enum plain_want want, struct err *err);

#endif
