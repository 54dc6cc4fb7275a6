/*
 * notify: what a service manager is told: sd_notify(3)'s datagrams to NOTIFY_SOCKET, nothing where
 * there is none.
 */
#ifndef OFFKIT_CLI_NOTIFY_H
#define OFFKIT_CLI_NOTIFY_H

#include "base/err.h"

/* "READY=1", "STATUS=...": one assignment a line. A manager that does not listen is no error. */
void notify_manager(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
