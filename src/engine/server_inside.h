/*
 * server_inside: what the server's files share. server.c is the run's side, server_faces.c the
 * thread that speaks with the faces.
 */
#ifndef OFFKIT_ENGINE_SERVER_INSIDE_H
#define OFFKIT_ENGINE_SERVER_INSIDE_H

#include <pthread.h>

#include "engine/lines.h"
#include "engine/server.h"
#include "engine/told.h"

/* A face at the other end of a socket. */
struct face_link {
	struct lines up; /* up.fd -1: a free place */
	struct told_cursor cursor;
	bool introduced; /* it said what it is for */
	bool only_state; /* one line about how the run stands, and it goes */
	uint64_t state_seen;
	const char *refusal; /* due to be told, NULL: none */
	bool ended;	     /* everything was put into out */
	struct str out;
	size_t out_done;
};

struct server {
	struct server_options options;
	struct engine_face face;
	int listen_fd; /* -1: none */
	int wake_fd;   /* an eventfd: something changed for the thread */
	pthread_t thread;
	struct face_link links[SERVER_FACES_MAX]; /* the thread's own */

	pthread_mutex_t mutex; /* guards the rest */
	pthread_cond_t changed;
	struct told told;
	uint64_t version; /* of the state line */
	size_t faces;
	int commander; /* the place of the face in command, -1: none */
	bool stop, pause;
	bool signalled;	       /* the stop came by a signal */
	bool stopping, paused; /* the run knows it */
	bool asking;
	struct str question_id, question_text; /* of the open question */
	struct str answer_id, answer;
	bool answer_refused; /* the run could not take the last one */
	struct str step;
	int64_t step_since; /* boottime; 0: none */
	struct str end;	    /* the last line; empty while the run is at work */
};

void server_lock(struct server *server);
void server_unlock(struct server *server);
void server_wake(const struct server *server);

/* The line that says how the run stands, for the face at that place. Under the lock. */
void server_state_line(const struct server *server, int place, struct str *out);

void *server_thread(void *server);

#endif
