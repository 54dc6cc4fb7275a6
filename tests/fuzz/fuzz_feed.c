/*
 * The feed between an engine and its faces. Octet 0, bit 0: the input is what an engine sends
 * (lines, cut off anywhere); else what a face sends at the control socket, beside one that is in
 * command and asks for nothing, while the run asks a question.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/control.h"
#include "engine/feed.h"
#include "engine/server.h"
#include "tests/fuzz/aid.h"

/* Until the other end is closed. */
static void read_all(struct feed *feed)
{
	struct bytes line;
	struct err err;
	int rc;

	while ((rc = feed_next(feed, &line, &err)) >= 0 && !feed_ended(feed)) {
		struct pollfd wait = {.fd = feed_fd(feed), .events = POLLIN};
		HOLDS(rc == 0 || line.data != NULL);
		HOLDS(rc == 1 || poll(&wait, 1, 10000) == 1);
	}
	HOLDS(rc >= 0 || rc == -ERR_INTERNAL || rc == -ERR_ENGINE_LOST);
}

static void an_engine_says(struct bytes sent)
{
	struct feed *feed;
	struct err err = {0};
	int listening, fd = -1;

	HOLDS(control_listen(scratch_folder(), &listening, &err) == 0);
	HOLDS(feed_attach(scratch_folder(), FEED_WATCH, &feed, &err) == 0);
	HOLDS(control_accept(listening, &fd) == 1);
	HOLDS(send(fd, sent.data, sent.size, MSG_NOSIGNAL) >= 0 || errno == EAGAIN);
	(void)close(fd);
	read_all(feed);
	bool ended = feed_ended(feed);
	int rc = feed_finish(feed, &err);
	HOLDS(ended == (rc != -ERR_DETACHED));
	(void)close(listening);
}

/* What a face sent was taken in when the server closes its end. */
static void a_face_says(struct bytes sent)
{
	static const char GONE[] = "\n";
	struct pollfd wait = {.events = POLLIN};
	struct err err = {0};
	char heard[4096];

	HOLDS(control_connect(scratch_folder(), &wait.fd, &err) == 0);
	HOLDS(send(wait.fd, sent.data, sent.size, MSG_NOSIGNAL) >= 0 || errno == EPIPE);
	HOLDS(send(wait.fd, GONE, 1, MSG_NOSIGNAL) >= 0 || errno == EPIPE);
	(void)shutdown(wait.fd, SHUT_WR);
	do {
		HOLDS(poll(&wait, 1, 10000) == 1);
	} while (recv(wait.fd, heard, sizeof heard, 0) > 0);
	(void)close(wait.fd);
}

static void a_run_hears(struct bytes sent)
{
	static const char QUESTION[] = "{\"event\":\"question\",\"id\":\"q1\",\"choices\":[{"
				       "\"name\":\"begin\"},{\"name\":\"later\"}]}";
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str choice = STR_INIT;
	CLEANUP_FD int stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	const struct server_options options = {
		.state_dirfd = scratch_folder(), .command = "install", .stop_fd = stop};
	struct server *server;
	struct err err = {0};
	const char *by = NULL;
	int fds[2];

	HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	HOLDS(json_parse(bytes_of_string(QUESTION), JSON_LIMITS(1000), &doc, &err) == 0);
	HOLDS(server_start(&options, fds[0], &server, &err) == 0);
	const struct engine_face *face = server_face(server);
	face->event(face->self, bytes_of_string(QUESTION), json_root(doc));
	a_face_says(sent);
	HOLDS(eventfd_write(stop, 1) == 0);
	int rc = face->ask(face->self, json_root(doc), &choice, &by, &err);
	HOLDS(rc == -ERR_STOPPED || strcmp(str_text(&choice), "begin") == 0 ||
		strcmp(str_text(&choice), "later") == 0);
	(void)close(fds[1]);
	server_hide(server);
	err.code = ERR_NONE;
	server_end(server, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct bytes sent = bytes_make(data + 1, size - 1);
	if ((octet_of(bytes_make(data, size), 0) & 1) != 0)
		an_engine_says(sent);
	else
		a_run_hears(sent);
	return 0;
}
