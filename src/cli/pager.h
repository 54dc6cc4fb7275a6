/*
 * pager: a result that is longer than the terminal, shown by the pager of whoever reads it.
 */
#ifndef OFFKIT_CLI_PAGER_H
#define OFFKIT_CLI_PAGER_H

#include "base/bytes.h"

/*
 * Shows text by $PAGER, by less if that is not set and less is there, and waits until it ends. Only
 * when stdout and stdin are a terminal and the text has more lines than it. The pager is found in
 * PATH and run without a shell; it gets LESS=FRX unless that is set, no variable that has a secret,
 * and under root LESSSECURE, so that nobody gets a shell out of it.
 *
 * false: it was not shown, and whoever asked prints it.
 */
bool pager_show(struct bytes text);

#endif
