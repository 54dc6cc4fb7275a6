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
#include "base/clock.h"
#include "engine/control.h"
#include "engine/history.h"
#include "engine/lines.h"
#include "engine/lock.h"
#include "engine/server.h"

static const char *const WISHES[] = {
	[FEED_WATCH] = "watch",
	[FEED_COMMAND] = "command",
	[FEED_TAKE] = "take",
	[FEED_STATE] = "state",
};

static const char *const REQUESTS[] = {
	[FEED_STOP] = "stop",
	[FEED_SHUTDOWN] = "shutdown",
	[FEED_PAUSE] = "pause",
	[FEED_RESUME] = "resume",
	[FEED_TAKE_COMMAND] = "command",
};

/* ---- the engine's process */

/* Nothing of the terminal that started it stays with the engine. */
static void leave_terminal(void)
{
	sigset_t hangup;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid();
	(void)sigemptyset(&hangup);
	(void)sigaddset(&hangup, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &hangup, NULL);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	if (null > STDERR_FILENO)
		(void)close(null);
}

static int begin_child(
	const struct feed_options *options, int fd, struct server **ret_server, struct err *err)
{
	const struct server_options serving = {
		.state_dirfd = options->state_dirfd,
		.command = options->command,
		.yes = options->yes,
		.stop_fd = options->begin == NULL ? -1 : options->begin(),
	};
	int rc = 0;

	if (options->lock_fd >= 0)
		rc = lock_describe(options->lock_fd, options->command, err);
	if (rc < 0)
		return rc;
	return server_start(&serving, fd, ret_server, err);
}

static void child(feed_run *run, void *argument, const struct feed_options *options, int fd)
{
	struct err err = {.code = ERR_NONE};
	struct server *server = NULL;

	leave_terminal();
	if (begin_child(options, fd, &server, &err) < 0) {
		CLEANUP_STR struct str end = STR_INIT;
		server_end_line(&err, &end);
		(void)!send(fd, str_text(&end), end.size, MSG_NOSIGNAL);
		_exit(err_exit_code(err.code));
	}
	if (run(argument, server_face(server), &err) == 0)
		err.code = ERR_NONE;
	/* Whoever hears of the end can begin the next run at once. */
	server_hide(server);
	if (options->lock_fd >= 0)
		(void)close(options->lock_fd);
	server_end(server, &err);
	/* The parent's buffers and exit handlers are the parent's. */
	_exit(err_exit_code(err.code));
}

/* ---- the face's side */

struct feed {
	struct lines down;
	pid_t pid; /* of the engine, if it is a child; 0: it is not, or was waited for */
	bool ended, in_command;
	struct err outcome;
};

static int make(int fd, struct feed **ret_feed, struct err *err)
{
	struct feed *feed = calloc(1, sizeof *feed);

	if (feed == NULL)
		return err_no_memory(err);
	feed->down.fd = fd;
	*ret_feed = feed;
	return 0;
}

int feed_start(feed_run *run, void *argument, const struct feed_options *options,
	struct feed **ret_feed, struct err *err)
{
	CLEANUP_FD int ours = -1;
	CLEANUP_FD int theirs = -1;
	struct feed *feed = NULL;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "socketpair");
	ours = fds[0];
	theirs = fds[1];
	int rc = make(ours, &feed, err);
	if (rc < 0)
		return rc;
	feed->pid = fork();
	if (feed->pid < 0) {
		rc = err_set_errno(err, ERR_NO_MEMORY, errno, "fork");
		free(feed);
		return rc;
	}
	if (feed->pid == 0) {
		(void)close(ours);
		child(run, argument, options, theirs);
	}
	(void)steal_fd(&ours);
	feed->in_command = true;
	*ret_feed = feed;
	return 0;
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

int feed_attach(int state_dirfd, enum feed_wish wish, struct feed **ret_feed, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP_FD int fd = -1;
	int rc = control_connect(state_dirfd, &fd, err);

	if (rc == 0)
		rc = make(fd, ret_feed, err);
	if (rc < 0)
		return rc;
	(void)steal_fd(&fd);
	str_append_format(&text, "{\"attach\":\"%s\"}\n", WISHES[wish]);
	feed_send(*ret_feed, &text);
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

bool feed_in_command(const struct feed *feed)
{
	return feed->in_command;
}

/* ---- lines that are the feed's own */

static void take_end(struct feed *feed, const struct json *end)
{
	const char *code = history_text(end, "code");

	feed->ended = true;
	if (strcmp(code, "NONE") == 0)
		return;
	enum err_code by_name = err_by_name(code);
	err_set(&feed->outcome, by_name == ERR_NONE ? ERR_INTERNAL : by_name, "%s",
		history_text(end, "message"));
}

static void take_own(struct feed *feed, struct bytes line)
{
	static const char BEGINNING[] = "{\"event\":\"feed.";
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct err ignored;

	if (line.size < sizeof BEGINNING - 1 ||
		memcmp(line.data, BEGINNING, sizeof BEGINNING - 1) != 0 ||
		json_parse(line, JSON_LIMITS_OWN(FEED_LINE_MAX), &doc, &ignored) < 0)
		return;
	const struct json *own = json_root(doc);
	const char *name = history_text(own, "event");
	if (strcmp(name, "feed.end") == 0)
		take_end(feed, own);
	else if (strcmp(name, "feed.state") == 0) {
		const struct json *member = json_member(own, "inCommand");
		feed->in_command =
			member != NULL && json_type(member) == JSON_BOOL && json_bool(member);
	}
}

/* Whether it has ended, or does within a moment: its sockets close before it can be waited for. */
static bool reap(pid_t pid, int *ret_status)
{
	enum { PATIENCE = 10 * 1000, LOOK = 10 }; /* ms */
	const int64_t begun = clock_boottime();

	for (;;) {
		pid_t got = waitpid(pid, ret_status, WNOHANG);
		if (got == pid)
			return true;
		if ((got < 0 && errno != EINTR) || clock_boottime() - begun >= PATIENCE)
			return false;
		(void)poll(NULL, 0, LOOK);
	}
}

/* The engine's process says how it ended when its last line did not arrive. One that could not keep
 * this face is still at work. */
static int ended_without_a_word(struct feed *feed, struct err *err)
{
	int status = 0;
	pid_t pid = feed->pid;

	feed->pid = 0;
	if (pid == 0 || !reap(pid, &status))
		return err_set(err, ERR_ENGINE_LOST, "the connection to it was cut");
	if (WIFSIGNALED(status))
		return err_set(err, ERR_ENGINE_LOST, "process %lld was ended by signal %d (%s)",
			(long long)pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
	return err_set(err, ERR_ENGINE_LOST, "process %lld ended with code %d", (long long)pid,
		WEXITSTATUS(status));
}

int feed_next(struct feed *feed, struct bytes *ret_line, struct err *err)
{
	struct bytes line;

	if (feed->ended)
		return 0;
	int rc = lines_next(&feed->down, FEED_LINE_MAX, &line, err);
	if (rc < 0)
		return err->code == ERR_LIMIT ? err_recode(err, ERR_INTERNAL) : rc;
	if (rc == 0 && feed->down.closed) {
		rc = ended_without_a_word(feed, &feed->outcome);
		feed->ended = true;
		*err = feed->outcome;
		return rc;
	}
	if (rc == 0)
		return 0;
	take_own(feed, line);
	if (feed->ended)
		return 0;
	*ret_line = line;
	return 1;
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
	if (ended && feed->pid != 0)
		while (waitpid(feed->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	lines_release(&feed->down);
	free(feed);
	if (!ended)
		return err_set(err, ERR_DETACHED, "the run goes on by itself");
	if (outcome.code == ERR_NONE)
		return 0;
	*err = outcome;
	return -(int)outcome.code;
}
