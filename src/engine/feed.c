#include "engine/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/event.h"

enum { READ_SIZE = 64 * 1024, REQUEST_MAX = 4096 };

static const char *const REQUESTS[] = {
	[FEED_STOP] = "stop",
	[FEED_PAUSE] = "pause",
	[FEED_RESUME] = "resume",
};

/* Lines from a socket, taken off one by one. */
struct lines {
	int fd;
	struct str buffer;
	size_t used; /* octets of the buffer that were taken */
	bool closed;
};

/* 1: a line; 0: none yet, or never more if it is closed; negative: err. */
static int lines_next(struct lines *lines, size_t max, struct bytes *ret_line, struct err *err)
{
	for (;;) {
		const char *begin = str_text(&lines->buffer) + lines->used;
		size_t size = lines->buffer.size - lines->used;
		const char *end = size == 0 ? NULL : memchr(begin, '\n', size);
		if (end != NULL) {
			*ret_line = bytes_make(begin, (size_t)(end - begin));
			lines->used += (size_t)(end - begin) + 1;
			return 1;
		}
		if (size > max)
			return err_set(err, ERR_INTERNAL, "a line of the feed is too long");
		if (lines->closed)
			return 0;
		if (lines->used > 0) {
			memmove(lines->buffer.text, begin, size);
			str_truncate(&lines->buffer, size);
			lines->used = 0;
		}
		char chunk[READ_SIZE];
		ssize_t got = recv(lines->fd, chunk, sizeof chunk, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (got <= 0)
			lines->closed = true;
		else
			str_append(&lines->buffer, chunk, (size_t)got);
		int rc = str_check(&lines->buffer, err);
		if (rc < 0)
			return rc;
	}
}

/* ---- the child's side: a face */

struct speaker {
	struct lines up;
	bool gone; /* the face went away */
	bool stop, pause;
	struct str answer_id, answer; /* an answer that came, "" if none */
	struct str queue;	      /* what the face has not taken yet */
};

/* Sends what the socket takes now. A face that is held (Ctrl+Z, Ctrl+S) must not hold the run. */
static void speaker_flush(struct speaker *speaker)
{
	size_t done = 0;

	while (!speaker->gone && done < speaker->queue.size) {
		ssize_t sent = send(speaker->up.fd, speaker->queue.text + done,
			speaker->queue.size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (sent < 0)
			speaker->gone = true;
		else
			done += (size_t)sent;
	}
	if (speaker->gone || done == speaker->queue.size) {
		str_truncate(&speaker->queue, 0);
		return;
	}
	if (done > 0)
		memmove(speaker->queue.text, speaker->queue.text + done,
			speaker->queue.size - done);
	str_truncate(&speaker->queue, speaker->queue.size - done);
}

static void speaker_line(struct speaker *speaker, struct bytes line)
{
	struct err ignored;

	str_append(&speaker->queue, line.data, line.size);
	str_append_char(&speaker->queue, '\n');
	/* A face that misses a line would draw what is not so: better none. */
	if (str_check(&speaker->queue, &ignored) < 0)
		speaker->gone = true;
	speaker_flush(speaker);
}

static void take_up(struct speaker *speaker, const struct json *message)
{
	const char *request = "", *answer = "", *choice = "";
	struct err ignored;

	if (json_optional_string(message, "request", 16, &request, &ignored) < 0 ||
		json_optional_string(message, "answer", 64, &answer, &ignored) < 0 ||
		json_optional_string(message, "choice", REQUEST_MAX, &choice, &ignored) < 0)
		return;
	if (strcmp(request, REQUESTS[FEED_STOP]) == 0)
		speaker->stop = true;
	if (strcmp(request, REQUESTS[FEED_PAUSE]) == 0)
		speaker->pause = true;
	if (strcmp(request, REQUESTS[FEED_RESUME]) == 0)
		speaker->pause = false;
	if (*answer != '\0') {
		str_truncate(&speaker->answer_id, 0);
		str_append_text(&speaker->answer_id, answer);
		str_truncate(&speaker->answer, 0);
		str_append_text(&speaker->answer, choice);
	}
}

/* Takes in what has come; what is not understood is left out: the face is no authority. */
static void listen_once(struct speaker *speaker)
{
	struct bytes line;
	struct err ignored;
	int rc;

	while ((rc = lines_next(&speaker->up, REQUEST_MAX, &line, &ignored)) > 0) {
		CLEANUP(json_cleanup) struct json_doc *doc = NULL;
		if (json_parse(line, JSON_LIMITS_OWN(REQUEST_MAX), &doc, &ignored) == 0)
			take_up(speaker, json_root(doc));
	}
	if (rc < 0 || speaker->up.closed)
		speaker->gone = true;
}

static void listen_wait(struct speaker *speaker)
{
	struct pollfd poll_fd = {.fd = speaker->up.fd, .events = POLLIN};

	if (speaker->queue.size > 0)
		poll_fd.events |= POLLOUT;
	(void)poll(&poll_fd, 1, -1);
	speaker_flush(speaker);
	listen_once(speaker);
}

/* Progress is worth nothing later, so it is left out while a face does not keep up. */
static void speaker_event(void *self, struct bytes line, const struct json *event)
{
	struct speaker *speaker = self;
	const struct json *name = json_member(event, "event");

	speaker_flush(speaker);
	if (speaker->queue.size == 0 || name == NULL ||
		strcmp(json_string(name), event_name(EVENT_PROGRESS)) != 0)
		speaker_line(speaker, line);
}

static int speaker_ask(void *self, const struct json *question, struct str *ret_choice,
	const char **ret_by, struct err *err)
{
	struct speaker *speaker = self;
	const struct json *id = json_member(question, "id");

	for (;;) {
		listen_once(speaker);
		if (speaker->answer_id.size > 0 &&
			strcmp(str_text(&speaker->answer_id), json_string(id)) == 0)
			break;
		if (speaker->gone)
			return err_set(err, ERR_STOPPED,
				"there is nobody any more who could answer: the terminal went "
				"away");
		if (speaker->stop)
			return err_set(err, ERR_STOPPED, "the operator asked for it");
		listen_wait(speaker);
	}
	str_append(ret_choice, speaker->answer.text, speaker->answer.size);
	str_truncate(&speaker->answer_id, 0);
	*ret_by = "operator";
	return 0;
}

static bool speaker_stop_requested(void *self)
{
	struct speaker *speaker = self;
	bool waited = false;

	listen_once(speaker);
	while (speaker->pause && !speaker->stop && !speaker->gone) {
		if (!waited)
			speaker_line(
				speaker, bytes_of_string("{\"event\":\"paused\",\"paused\":true}"));
		waited = true;
		listen_wait(speaker);
	}
	if (waited)
		speaker_line(speaker, bytes_of_string("{\"event\":\"paused\",\"paused\":false}"));
	return speaker->stop;
}

static void speaker_end(struct speaker *speaker, const struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	json_member_string(&writer, "event", "feed.end");
	json_member_string(&writer, "code", err->code == ERR_NONE ? "NONE" : err_name(err->code));
	json_member_integer(&writer, "exit", err_exit_code(err->code));
	json_member_string(&writer, "message", err->message);
	json_write_end(&writer);
	speaker_line(speaker, str_bytes(&text));
	while (!speaker->gone && speaker->queue.size > 0)
		listen_wait(speaker);
}

static void child(feed_run *run, void *argument, int fd)
{
	struct speaker speaker = {.up.fd = fd};
	const struct engine_face face = {
		.self = &speaker,
		.event = speaker_event,
		.ask = speaker_ask,
		.stop_requested = speaker_stop_requested,
	};
	struct err err = {.code = ERR_NONE};
	sigset_t hangup;

	/* No terminal's end reaches a session of its own, but a HUP could still be sent by hand. */
	(void)setsid();
	(void)sigemptyset(&hangup);
	(void)sigaddset(&hangup, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &hangup, NULL);
	if (run(argument, &face, &err) == 0)
		err.code = ERR_NONE;
	speaker_end(&speaker, &err);
	/* The parent's buffers and exit handlers are the parent's. */
	_exit(err_exit_code(err.code));
}

/* ---- the face's side */

struct feed {
	struct lines down;
	pid_t pid;
	bool ended;
	struct err outcome;
};

int feed_start(feed_run *run, void *argument, struct feed **ret_feed, struct err *err)
{
	int fds[2];
	struct feed *feed = calloc(1, sizeof *feed);

	if (feed == NULL)
		return err_no_memory(err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
		free(feed);
		return err_set_errno(err, ERR_INTERNAL, errno, "socketpair");
	}
	feed->pid = fork();
	if (feed->pid < 0) {
		int errnum = errno;
		(void)close(fds[0]);
		(void)close(fds[1]);
		free(feed);
		return err_set_errno(err, ERR_INTERNAL, errnum, "fork");
	}
	if (feed->pid == 0) {
		(void)close(fds[0]);
		child(run, argument, fds[1]);
	}
	(void)close(fds[1]);
	feed->down.fd = fds[0];
	*ret_feed = feed;
	return 0;
}

int feed_fd(const struct feed *feed)
{
	return feed->down.fd;
}

bool feed_ended(const struct feed *feed)
{
	return feed->ended;
}

/* The last line, which is ours and not the face's. */
static bool take_end(struct feed *feed, struct bytes line)
{
	static const char BEGINNING[] = "{\"event\":\"feed.end\"";
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const char *code = "INTERNAL", *message = "";
	struct err ignored;

	if (line.size < sizeof BEGINNING - 1 ||
		memcmp(line.data, BEGINNING, sizeof BEGINNING - 1) != 0)
		return false;
	if (json_parse(line, JSON_LIMITS_OWN(FEED_LINE_MAX), &doc, &ignored) < 0)
		return false;
	if (json_optional_string(json_root(doc), "code", 64, &code, &ignored) < 0)
		return false;
	const struct json *member = json_member(json_root(doc), "message");
	if (member != NULL && json_type(member) == JSON_STRING)
		message = json_string(member);
	feed->ended = true;
	if (strcmp(code, "NONE") != 0) {
		enum err_code by_name = err_by_name(code);
		err_set(&feed->outcome, by_name == ERR_NONE ? ERR_INTERNAL : by_name, "%s",
			message);
	}
	return true;
}

int feed_next(struct feed *feed, struct bytes *ret_line, struct err *err)
{
	struct bytes line;

	if (feed->ended)
		return 0;
	int rc = lines_next(&feed->down, FEED_LINE_MAX, &line, err);
	if (rc < 0)
		return rc;
	if (rc == 0 && feed->down.closed)
		return err_set(err, ERR_INTERNAL, "the engine's process ended without a word");
	if (rc == 0 || take_end(feed, line))
		return 0;
	*ret_line = line;
	return 1;
}

static void feed_send(struct feed *feed, struct str *text)
{
	struct bytes rest = str_bytes(text);

	while (rest.size > 0) {
		ssize_t sent = send(feed->down.fd, rest.data, rest.size, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return;
		rest = bytes_make(rest.data + sent, rest.size - (size_t)sent);
	}
}

void feed_answer(struct feed *feed, const char *question_id, const char *choice)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	json_member_string(&writer, "answer", question_id);
	json_member_string(&writer, "choice", choice);
	json_write_end(&writer);
	str_append_char(&text, '\n');
	feed_send(feed, &text);
}

void feed_request(struct feed *feed, enum feed_request request)
{
	CLEANUP_STR struct str text = STR_INIT;

	str_append_format(&text, "{\"request\":\"%s\"}\n", REQUESTS[request]);
	feed_send(feed, &text);
}

int feed_finish(struct feed *feed, struct err *err)
{
	struct err outcome = feed->outcome;
	bool ended = feed->ended;

	(void)close(feed->down.fd);
	if (ended)
		while (waitpid(feed->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	str_release(&feed->down.buffer);
	free(feed);
	if (!ended)
		return err_set(err, ERR_DETACHED, "the run goes on by itself");
	if (outcome.code == ERR_NONE)
		return 0;
	*err = outcome;
	return -(int)outcome.code;
}
