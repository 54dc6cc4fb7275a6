/*
 * server: the engine's end of the feed: what a run tells goes to every face that is attached, and
 * what the one in command asks for comes to the run.
 *
 * A thread of its own speaks with the faces, so that none of them ever waits for a long step, and
 * no step for a face: one that is held (Ctrl+Z, a dead SSH connection) costs the journal's offset
 * that it has reached. The protocol stands in kit-layout/feed.md.
 *
 * Exactly one face is in command, or none: the first that asked for it, until it goes away or
 * another takes over. Without one a question waits.
 */
#ifndef OFFKIT_ENGINE_SERVER_H
#define OFFKIT_ENGINE_SERVER_H

#include "engine/engine.h"

enum {
	SERVER_FACES_MAX = 16,
	SERVER_LINE_MAX = 4096,	    /* octets of what a face may say at once */
	SERVER_END_PATIENCE = 3000, /* ms that the end waits for faces which take nothing */
};

struct server_options {
	int state_dirfd; /* where the control socket goes; -1: none. Then a run ends with its face
			  */
	const char *command;
	bool yes;    /* nobody is asked: what the plan could foresee is answered here */
	int stop_fd; /* readable: somebody wants the run to stop (a signal); -1: none */
};

struct server;

/* first_fd is the starting command's end of a socket, in command at once; the server closes it,
 * unless it could not start. -1: none. */
MUST_CHECK int server_start(const struct server_options *options, int first_fd,
	struct server **ret_server, struct err *err);

/* What the run is given: it lives as long as the server. */
const struct engine_face *server_face(struct server *server);

/* No face finds it any more. Before the state folder's lock is given up. */
void server_hide(struct server *server);

/* The last line of a feed. */
void server_end_line(const struct err *outcome, struct str *out);

/* Tells every face how it ended (ERR_NONE: well), waits until they know, and frees. */
void server_end(struct server *server, const struct err *outcome);

#endif
