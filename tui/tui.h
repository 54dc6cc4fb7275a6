/*
 * tui: the terminal UI: the face of a run at the other end of a feed.
 */
#ifndef OFFKIT_TUI_TUI_H
#define OFFKIT_TUI_TUI_H

#include "engine/feed.h"
#include "text/message.h"

enum tui_signal {
	TUI_NO_SIGNAL,
	TUI_INTERRUPT, /* Ctrl+C: stop at the next safe point; the pages stay */
	TUI_HANGUP,    /* the terminal has gone: leave, and nothing else */
	TUI_TERMINATE, /* SIGTERM: the same, and leave when it has ended */
};

struct tui_options {
	bool color;
	bool ascii;
	const struct language *language;
	/* What came since it was asked last; asked a few times a second, and at once when a signal
	 * came. */
	enum tui_signal (*signalled)(void *argument);
	void *argument;
	int plan_dirfd; /* where "save plan" writes offkit-plan.txt; -1: nowhere */
};

/*
 * Draws the run until it has ended and the operator leaves, or until the operator detaches. The
 * outcome of the run is feed_finish's; the errors here are the terminal's (ERR_NO_TERMINAL) and
 * the feed's. The terminal is as it was before, in every case; summary gets some lines for it
 * (none if the run failed: that is feed_finish's to say).
 */
MUST_CHECK int tui_run(
	struct feed *feed, const struct tui_options *options, struct str *summary, struct err *err);

#endif
