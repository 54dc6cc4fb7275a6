/*
 * screen: the terminal, by ncurses; the only file that knows it.
 *
 * One screen a process: a terminal is a process-wide thing. Errors are ERR_NO_TERMINAL.
 */
#ifndef OFFKIT_TUI_SCREEN_H
#define OFFKIT_TUI_SCREEN_H

#include <stdbool.h>

#include "tui/grid.h"

struct screen;

/* color: whether colours may be used; ascii: whether only ASCII may be shown. */
MUST_CHECK int screen_open(bool color, struct screen **ret_screen, struct err *err);
void screen_size(const struct screen *screen, int *ret_columns, int *ret_rows);
void screen_draw(struct screen *screen, const struct grid *grid);

/* Waits at most milliseconds for a key (model.h) or until fd (-1: none) can be read; 0: no key. */
uint32_t screen_key(struct screen *screen, int fd, int milliseconds);

/* Gives the terminal back as it was. NULL is fine. */
void screen_close(struct screen *screen);

/* Whether TERM names a terminal that is known here; "dumb" and none are not. */
bool screen_possible(void);

/* Whether the locale of the environment (LC_ALL, LC_CTYPE, LANG, in this order) is UTF-8. */
bool screen_utf8(void);

#endif
