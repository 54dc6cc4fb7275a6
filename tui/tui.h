/*
 * tui: the terminal UI: the face of a run at the other end of a feed.
 */
#ifndef OFFKIT_TUI_TUI_H
#define OFFKIT_TUI_TUI_H

#include "engine/feed.h"

struct tui_options {
	bool color;
	bool ascii;
	/* Whether Ctrl+C was pressed or SIGTERM came since it was asked last; asked a few times a
	 * second. */
	bool (*interrupted)(void *argument);
	void *argument;
	int plan_dirfd; /* where "save plan" writes offkit-plan.txt; -1: nowhere */
};

/*
 * Draws the run until it has ended and the operator leaves. The outcome of the run is
 * feed_finish's; the errors here are the terminal's (ERR_NO_TERMINAL) and the feed's.
 */
MUST_CHECK int tui_run(struct feed *feed, const struct tui_options *options, struct err *err);

#endif
