/*
 * control: the socket in the state folder at which faces meet the engine.
 *
 * It is bound by the folder's descriptor, so that the path's length does not matter (sun_path has
 * 108 octets), and has mode 0600 from its first instant. One that a dead engine left behind is
 * replaced: only the holder of the state folder's lock (lock.h) calls control_listen. Both ends
 * ask the kernel who is at the other one (SO_PEERCRED): this user or root, else the connection is
 * closed; root may connect to anybody's.
 */
#ifndef OFFKIT_ENGINE_CONTROL_H
#define OFFKIT_ENGINE_CONTROL_H

#include "base/err.h"

#define CONTROL_NAME "control"

/* A listening socket, not blocking. ERR_STATE_FOLDER. */
MUST_CHECK int control_listen(int state_dirfd, int *ret_fd, struct err *err);

/* 1: *ret_fd is a new face of ours; 0: none (any more), or one that was refused. Never blocks. */
int control_accept(int listen_fd, int *ret_fd);

void control_remove(int state_dirfd);

/* ERR_NOT_FOUND: nobody listens; ERR_STATE_FOLDER. */
MUST_CHECK int control_connect(int state_dirfd, int *ret_fd, struct err *err);

#endif
