/* The thread that speaks with the faces. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/control.h"
#include "engine/server_inside.h"

enum {
	LINES_AT_ONCE = 64,  /* of one face, before the others have their turn */
	CHUNKS_AT_ONCE = 16, /* the same the other way */
};

static const char NOT_IN_COMMAND[] = "this face only watches: another one is in command";
static const char NOBODY_IN_COMMAND[] = "this face only watches: nobody is in command";
static const char NOT_A_CHOICE[] = "that is no answer to the question that is open";

/* ---- who is in command */

static void set_commander(struct server *server, int place)
{
	server->commander = place;
	server->answer_refused = false;
	server->version++;
}

static void drop(struct server *server, int place)
{
	struct face_link *link = &server->links[place];
	bool introduced = link->introduced && !link->only_state;

	(void)close(link->up.fd);
	lines_release(&link->up);
	str_release(&link->out);
	*link = (struct face_link){.up.fd = -1};
	server_lock(server);
	if (introduced) {
		server->faces--;
		server->version++;
	}
	if (server->commander == place)
		set_commander(server, -1);
	/* Nobody could ever come again. */
	if (server->listen_fd < 0 && server->faces == 0 && server->end.size == 0) {
		server->stop = true;
		(void)pthread_cond_broadcast(&server->changed);
	}
	server_unlock(server);
}

/* ---- what a face says */

static bool is(const char *text, const char *word)
{
	return strcmp(text, word) == 0;
}

static void introduce(struct server *server, int place, const char *what)
{
	struct face_link *link = &server->links[place];

	link->introduced = true;
	link->only_state = is(what, "state");
	if (link->only_state)
		return;
	server->faces++;
	server->version++;
	if (is(what, "take") || (is(what, "command") && server->commander < 0))
		set_commander(server, place);
}

static void take_answer(struct server *server, const char *id, const char *choice)
{
	str_truncate(&server->answer_id, 0);
	str_append_text(&server->answer_id, id);
	str_truncate(&server->answer, 0);
	str_append_text(&server->answer, choice);
}

/* Only from the face in command. */
static void obey(struct server *server, const char *request, const char *answer, const char *choice)
{
	if (is(request, "stop") || is(request, "shutdown"))
		server->stop = true;
	if (is(request, "shutdown"))
		server->signalled = true;
	if (is(request, "pause"))
		server->pause = true;
	if (is(request, "resume"))
		server->pause = false;
	if (*answer != '\0')
		take_answer(server, answer, choice);
	server->version++;
	(void)pthread_cond_broadcast(&server->changed);
}

static void take_message(struct server *server, int place, const struct json *message)
{
	struct face_link *link = &server->links[place];
	const char *request = "", *answer = "", *choice = "", *attach = "";
	struct err ignored;

	if (json_optional_string(message, "request", 16, &request, &ignored) < 0 ||
		json_optional_string(message, "attach", 16, &attach, &ignored) < 0 ||
		json_optional_string(message, "answer", 64, &answer, &ignored) < 0 ||
		json_optional_string(message, "choice", SERVER_LINE_MAX, &choice, &ignored) < 0)
		return;
	if (!link->introduced) {
		introduce(server, place, attach);
		return;
	}
	if (link->only_state)
		return;
	if (is(request, "command"))
		set_commander(server, place);
	else if (server->commander == place)
		obey(server, request, answer, choice);
	else if (*request != '\0' || *answer != '\0')
		link->refusal = server->commander < 0 ? NOBODY_IN_COMMAND : NOT_IN_COMMAND;
}

/* Takes in what has come. What is not understood is left out; what is too long ends the face. */
static bool listen_to(struct server *server, int place)
{
	struct lines *up = &server->links[place].up;
	struct bytes line;
	struct err ignored;
	int rc = 0;

	for (int i = 0; i < LINES_AT_ONCE; i++) {
		rc = lines_next(up, SERVER_LINE_MAX, &line, &ignored);
		if (rc <= 0)
			break;
		CLEANUP(json_cleanup) struct json_doc *doc = NULL;
		if (json_parse(line, JSON_LIMITS_OWN(SERVER_LINE_MAX), &doc, &ignored) < 0)
			continue;
		server_lock(server);
		take_message(server, place, json_root(doc));
		server_unlock(server);
	}
	return rc >= 0 && !up->closed;
}

/* ---- what a face is told */

static void add_refusal(struct face_link *link)
{
	struct json_writer writer;

	json_write_begin(&writer, &link->out);
	json_write_object(&writer);
	json_member_string(&writer, "event", "feed.refused");
	json_member_string(&writer, "text", link->refusal);
	json_write_end(&writer);
	str_append_char(&link->out, '\n');
	link->refusal = NULL;
}

static void add_state(struct server *server, int place)
{
	struct face_link *link = &server->links[place];

	link->state_seen = server->version;
	server_state_line(server, link->only_state ? -1 : place, &link->out);
}

/* Puts what is due next into out: 1; 0: it knows everything. Under the lock. */
static int fill(struct server *server, int place, struct err *err)
{
	struct face_link *link = &server->links[place];

	if (!link->introduced || link->ended)
		return 0;
	if (link->only_state) {
		add_state(server, place);
		link->ended = true;
		return 1;
	}
	int rc = told_next(&server->told, &link->cursor, &link->out, err);
	if (rc != 0)
		return rc;
	if (server->commander == place && server->answer_refused) {
		server->answer_refused = false;
		link->refusal = NOT_A_CHOICE;
	}
	if (link->state_seen != server->version)
		add_state(server, place);
	else if (link->refusal != NULL)
		add_refusal(link);
	else if (server->end.size > 0) {
		str_append(&link->out, server->end.text, server->end.size);
		link->ended = true;
	} else
		return 0;
	return 1;
}

/* false: the face is gone. */
static bool flush(struct face_link *link)
{
	while (link->out_done < link->out.size) {
		ssize_t sent = send(link->up.fd, link->out.text + link->out_done,
			link->out.size - link->out_done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		link->out_done += (size_t)sent;
	}
	str_truncate(&link->out, 0);
	link->out_done = 0;
	return true;
}

static bool has_more(const struct face_link *link)
{
	return link->out_done < link->out.size;
}

/* Sends what the socket takes now. false: the face is gone, or has all that it came for. */
static bool speak_to(struct server *server, int place, bool *ret_unfinished)
{
	struct face_link *link = &server->links[place];
	struct err err;

	for (int i = 0; i < CHUNKS_AT_ONCE; i++) {
		if (!flush(link))
			return false;
		if (has_more(link))
			return true;
		server_lock(server);
		int rc = fill(server, place, &err);
		server_unlock(server);
		/* One that missed a line would draw what is not so: better none. */
		if (rc < 0 || link->out.failed)
			return false;
		if (rc == 0)
			return !link->ended;
	}
	*ret_unfinished = true;
	return true;
}

/* ---- the thread */

static void add_face(struct server *server)
{
	static const char FULL[] = "{\"event\":\"feed.refused\",\"text\":"
				   "\"too many faces are attached already\"}\n";
	int fd;

	if (control_accept(server->listen_fd, &fd) == 0)
		return;
	for (size_t i = 0; i < SERVER_FACES_MAX; i++)
		if (server->links[i].up.fd < 0) {
			server->links[i].up.fd = fd;
			return;
		}
	(void)!send(fd, FULL, sizeof FULL - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
}

static void stop_by_signal(struct server *server)
{
	eventfd_t count;

	(void)eventfd_read(server->options.stop_fd, &count);
	server_lock(server);
	server->stop = server->signalled = true;
	server->version++;
	(void)pthread_cond_broadcast(&server->changed);
	server_unlock(server);
}

enum { WAKE, STOP, LISTEN, FIRST_FACE, POLLED = FIRST_FACE + SERVER_FACES_MAX };

static void prepare(const struct server *server, struct pollfd polled[static POLLED])
{
	polled[WAKE] = (struct pollfd){.fd = server->wake_fd, .events = POLLIN};
	polled[STOP] = (struct pollfd){.fd = server->options.stop_fd, .events = POLLIN};
	polled[LISTEN] = (struct pollfd){.fd = server->listen_fd, .events = POLLIN};
	for (int i = 0; i < SERVER_FACES_MAX; i++)
		polled[FIRST_FACE + i] = (struct pollfd){
			.fd = server->links[i].up.fd,
			.events = (short)(POLLIN | (has_more(&server->links[i]) ? POLLOUT : 0)),
		};
}

/* Everybody hears of it. true: somebody's turn was cut short. */
static bool serve(struct server *server, const struct pollfd polled[static POLLED])
{
	bool unfinished = false;

	for (int i = 0; i < SERVER_FACES_MAX; i++) {
		if (server->links[i].up.fd < 0)
			continue;
		bool spoke = polled[FIRST_FACE + i].fd >= 0 && polled[FIRST_FACE + i].revents != 0;
		if (spoke && !listen_to(server, i))
			drop(server, i);
	}
	for (int i = 0; i < SERVER_FACES_MAX; i++)
		if (server->links[i].up.fd >= 0 && !speak_to(server, i, &unfinished))
			drop(server, i);
	return unfinished;
}

static bool is_over(struct server *server, int64_t *deadline)
{
	bool waits = false;

	server_lock(server);
	bool ended = server->end.size > 0;
	server_unlock(server);
	if (!ended)
		return false;
	for (size_t i = 0; i < SERVER_FACES_MAX; i++)
		waits = waits || server->links[i].up.fd >= 0;
	if (*deadline == 0)
		*deadline = clock_boottime() + SERVER_END_PATIENCE;
	return !waits || clock_boottime() >= *deadline;
}

void *server_thread(void *argument)
{
	struct server *server = argument;
	struct pollfd polled[POLLED] = {0};
	int64_t deadline = 0;
	bool unfinished = false;
	eventfd_t count;

	for (int i = 0; i < POLLED; i++)
		polled[i].fd = -1;
	while (!is_over(server, &deadline)) {
		prepare(server, polled);
		(void)poll(polled, POLLED, unfinished ? 0 : deadline > 0 ? 100 : -1);
		if (polled[WAKE].revents != 0)
			(void)eventfd_read(server->wake_fd, &count);
		if (polled[STOP].revents != 0)
			stop_by_signal(server);
		if (polled[LISTEN].revents != 0)
			add_face(server);
		unfinished = serve(server, polled);
	}
	return NULL;
}
