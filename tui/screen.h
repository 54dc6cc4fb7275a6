/*
 * screen: the terminal, by ncurses; the only file that knows it.
 *
 * One screen a process: a terminal is a process-wide thing. Errors are ERR_NO_TERMINAL. Handlers of
 * SIGINT and SIGTERM must be set before screen_open: those that are not, ncurses sets.
 */
#ifndef OFFKIT_TUI_SCREEN_H
#define OFFKIT_TUI_SCREEN_H

#include <stdbool.h>

#include "tui/grid.h"

struct screen;

/* color: whether colours may be used. */
MUST_CHECK int screen_open(bool color, struct screen **ret_screen, struct err *err);
/* As it is now; never more than a grid can hold. */
void screen_size(const struct screen *screen, int *ret_columns, int *ret_rows);
void screen_draw(struct screen *screen, const struct grid *grid);

/*
 * Waits at most milliseconds for a key (model.h), until fd (-1: none) can be read, the window
 * changes or a signal comes: *ret_key is 0 if there is none. ERR_NO_TERMINAL: the terminal went
 * away.
 */
MUST_CHECK int screen_key(
	struct screen *screen, int fd, int milliseconds, uint32_t *ret_key, struct err *err);

/* Forgets keys that were pressed before what is drawn now could be read. */
void screen_forget_keys(struct screen *screen);

/* Gives the terminal back as it was. NULL is fine. */
void screen_close(struct screen *screen);

/* Whether TERM names a terminal that is known here, or a variant of one; "dumb" and none are not.
 */
bool screen_possible(void);

/* Whether the locale of the environment (LC_ALL, LC_CTYPE, LANG, in this order) is UTF-8. */
bool screen_utf8(void);

#endif
