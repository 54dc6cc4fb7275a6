#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "engine/control.h"
#include "engine/feed.h"
#include "engine/lines.h"
#include "engine/server.h"

static const char QUESTION[] =
	"{\"event\":\"question\",\"id\":\"q1\",\"kind\":\"gate\",\"text\":\"Begin it?\","
	"\"choices\":[{\"name\":\"begin\"},{\"name\":\"later\"}],\"default\":\"begin\"}";

enum { PATIENCE = 60000 };

/* A state folder whose path is longer than an address can be. */
static char path[512];
static int state_dirfd = -1;

static int make_folder(void **state)
{
	struct err err;

	(void)state;
	(void)strcpy(path, "/tmp/offkit-server-XXXXXX");
	if (mkdtemp(path) == NULL)
		return -1;
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path + strlen(path), sizeof path - strlen(path), "/%0100d", i);
		if (mkdir(path, 0700) != 0)
			return -1;
	}
	return folder_open(path, &state_dirfd, &err);
}

static int remove_folder(void **state)
{
	(void)state;
	control_remove(state_dirfd);
	(void)close(state_dirfd);
	for (int i = 0; i < 3; i++) {
		(void)rmdir(path);
		*strrchr(path, '/') = '\0';
	}
	return 0;
}

static struct server *start(bool yes, int stop_fd)
{
	const struct server_options options = {
		.state_dirfd = state_dirfd, .command = "install", .yes = yes, .stop_fd = stop_fd};
	struct server *server = NULL;
	struct err err;

	assert_int_equal(server_start(&options, -1, &server, &err), 0);
	return server;
}

static void end(struct server *server, enum err_code code)
{
	struct err err = {.code = code};

	server_hide(server);
	server_end(server, &err);
}

static struct feed *attach(enum feed_wish wish)
{
	struct feed *feed = NULL;
	struct err err;

	assert_int_equal(feed_attach(state_dirfd, wish, &feed, &err), 0);
	return feed;
}

static void leave(struct feed *feed)
{
	struct err err;

	assert_int_equal(feed_finish(feed, &err), -ERR_DETACHED);
}

/* Reads until a line has that text. */
static void hear(struct feed *feed, const char *text)
{
	CLEANUP_STR struct str copy = STR_INIT;
	struct bytes line;
	struct err err;

	for (;;) {
		int rc = feed_next(feed, &line, &err);
		if (rc < 0)
			fail_msg("instead of %s: %s", text, err.message);
		str_truncate(&copy, 0);
		if (rc > 0)
			str_append(&copy, line.data, line.size);
		if (rc > 0 && strstr(str_text(&copy), text) != NULL)
			return;
		struct pollfd polled = {.fd = feed_fd(feed), .events = POLLIN};
		if (rc == 0 && poll(&polled, 1, PATIENCE) != 1)
			fail_msg("nobody said %s", text);
	}
}

static void tell(struct server *server, const char *line)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const struct engine_face *face = server_face(server);
	struct err err;

	assert_int_equal(json_parse(bytes_of_string(line), JSON_LIMITS(1 << 20), &doc, &err), 0);
	face->event(face->self, bytes_of_string(line), json_root(doc));
}

/* The run asks in a thread of its own. */
struct asking {
	struct server *server;
	pthread_t thread;
	struct str choice;
	int rc;
	struct err err;
};

static void *ask(void *argument)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct asking *asking = argument;
	const struct engine_face *face = server_face(asking->server);
	const char *by = "";

	if (json_parse(bytes_of_string(QUESTION), JSON_LIMITS(1000), &doc, &asking->err) == 0)
		asking->rc =
			face->ask(face->self, json_root(doc), &asking->choice, &by, &asking->err);
	return NULL;
}

static void begin_asking(struct asking *asking, struct server *server)
{
	*asking = (struct asking){.server = server, .rc = 1};
	tell(server, QUESTION);
	assert_int_equal(pthread_create(&asking->thread, NULL, ask, asking), 0);
}

static void wait_for(struct asking *asking, int rc, const char *choice)
{
	assert_int_equal(pthread_join(asking->thread, NULL), 0);
	assert_int_equal(asking->rc, rc);
	assert_string_equal(str_text(&asking->choice), choice);
	str_release(&asking->choice);
}

/* ---- the socket */

static void the_socket_is_its_users_alone(void **state)
{
	(void)state;
	struct stat st;
	mode_t before = umask(0);
	struct server *server = start(false, -1);

	(void)umask(before);
	assert_int_equal(fstatat(state_dirfd, CONTROL_NAME, &st, 0), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	end(server, ERR_NONE);
	assert_int_not_equal(fstatat(state_dirfd, CONTROL_NAME, &st, 0), 0);
}

static void a_stale_socket_is_replaced_and_nothing_else(void **state)
{
	(void)state;
	struct server *server;
	struct err err;
	int fd = -1;

	assert_int_equal(control_listen(state_dirfd, &fd, &err), 0);
	(void)close(fd);
	assert_int_equal(control_connect(state_dirfd, &fd, &err), -ERR_NOT_FOUND);
	server = start(false, -1);
	leave(attach(FEED_WATCH));
	end(server, ERR_NONE);
	assert_int_equal(
		file_write_durable_at(state_dirfd, CONTROL_NAME, bytes_of_string("x"), 0600, &err),
		0);
	assert_int_equal(control_listen(state_dirfd, &fd, &err), -ERR_STATE_FOLDER);
	assert_int_equal(faccessat(state_dirfd, CONTROL_NAME, F_OK, 0), 0);
	control_remove(state_dirfd);
	assert_int_equal(control_connect(state_dirfd, &fd, &err), -ERR_NOT_FOUND);
}

/* 0: it was closed without a word; 1: it was refused at the door; 2: it was let in. */
static int as_a_stranger(void)
{
	struct err err;
	char octet;
	int fd = -1;

	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 3;
	if (control_connect(state_dirfd, &fd, &err) < 0)
		return 1;
	return recv(fd, &octet, 1, 0) <= 0 ? 0 : 2;
}

static int stranger_ends(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(as_a_stranger());
	assert_true(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void another_user_is_refused_by_mode_and_by_credentials(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	struct server *server = start(false, -1);
	assert_int_equal(stranger_ends(), 1);
	/* Whoever opened the door all the same: the kernel says who it is. The stranger's own check
	 * finds root at the other end, and that is allowed. */
	assert_int_equal(fchmodat(state_dirfd, CONTROL_NAME, 0666, 0), 0);
	assert_int_equal(fchmod(state_dirfd, 0711), 0);
	assert_int_equal(stranger_ends(), 0);
	assert_int_equal(fchmod(state_dirfd, 0700), 0);
	end(server, ERR_NONE);
}

/* Root looks at the engine of somebody else. */
static void root_may_attach_to_anybodys(void **state)
{
	(void)state;
	struct err err;
	int ready[2], fd = -1;
	char octet = 1;

	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(fchown(state_dirfd, 65534, 65534), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0 ||
			control_listen(state_dirfd, &fd, &err) < 0)
			octet = 0;
		(void)!write(ready[1], &octet, 1);
		struct pollfd polled = {.fd = fd, .events = POLLIN};
		_exit(octet == 1 && poll(&polled, 1, PATIENCE) == 1 && control_accept(fd, &fd) == 1
				? 0
				: 1);
	}
	int status = 1;
	assert_int_equal(read(ready[0], &octet, 1), 1);
	assert_int_equal(octet, 1);
	assert_int_equal(control_connect(state_dirfd, &fd, &err), 0);
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	(void)close(fd);
	(void)close(ready[0]);
	(void)close(ready[1]);
	assert_int_equal(fchown(state_dirfd, 0, 0), 0);
	control_remove(state_dirfd);
}

/* ---- command */

static void exactly_one_is_in_command(void **state)
{
	(void)state;
	struct server *server = start(false, -1);
	struct feed *first = attach(FEED_COMMAND);
	struct asking asking;

	hear(first, "\"inCommand\":true");
	assert_true(feed_in_command(first));
	struct feed *second = attach(FEED_COMMAND);
	hear(second, "\"faces\":2,\"taken\":true,\"inCommand\":false");
	begin_asking(&asking, server);
	hear(second, "\"question\":\"q1\",\"text\":\"Begin it?\"");
	feed_answer(second, "q1", "later");
	hear(second, "another one is in command");
	feed_request(second, FEED_STOP);
	hear(second, "another one is in command");
	feed_answer(first, "q1", "begin");
	wait_for(&asking, 0, "begin");
	leave(first);
	hear(second, "\"taken\":false");
	feed_request(second, FEED_STOP);
	hear(second, "nobody is in command");
	feed_request(second, FEED_TAKE_COMMAND);
	hear(second, "\"inCommand\":true");
	struct feed *third = attach(FEED_TAKE);
	hear(third, "\"inCommand\":true");
	hear(second, "\"inCommand\":false");
	assert_false(feed_in_command(second));
	leave(second);
	leave(third);
	end(server, ERR_NONE);
}

static void a_watcher_is_never_in_command_unasked(void **state)
{
	(void)state;
	struct server *server = start(false, -1);
	struct feed *watcher = attach(FEED_WATCH);

	hear(watcher, "\"faces\":1,\"taken\":false,\"inCommand\":false");
	leave(watcher);
	end(server, ERR_NONE);
}

static void an_answer_that_is_none_leaves_the_question_open(void **state)
{
	(void)state;
	struct server *server = start(false, -1);
	struct feed *feed = attach(FEED_COMMAND);
	struct asking asking;

	begin_asking(&asking, server);
	hear(feed, "\"question\":\"q1\"");
	feed_answer(feed, "q1", "never");
	hear(feed, "no answer to the question");
	feed_answer(feed, "q7", "begin");
	hear(feed, "no answer to the question");
	feed_answer(feed, "q1", "later");
	wait_for(&asking, 0, "later");
	leave(feed);
	end(server, ERR_NONE);
}

static void without_a_face_a_question_waits(void **state)
{
	(void)state;
	struct server *server = start(false, -1);
	struct feed *feed = attach(FEED_COMMAND);
	struct asking asking;

	begin_asking(&asking, server);
	hear(feed, "\"question\":\"q1\"");
	leave(feed);
	feed = attach(FEED_STATE);
	hear(feed, "\"taken\":false,\"inCommand\":false,\"paused\":false,\"pausing\":false,"
		   "\"stopping\":"
		   "false,\"question\":\"q1\"");
	struct err err;
	assert_int_equal(feed_finish(feed, &err), -ERR_DETACHED);
	feed = attach(FEED_COMMAND);
	hear(feed, "\"inCommand\":true");
	feed_answer(feed, "q1", "begin");
	wait_for(&asking, 0, "begin");
	leave(feed);
	end(server, ERR_NONE);
}

static void a_signal_is_a_stop(void **state)
{
	(void)state;
	int stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct server *server = start(false, stop);
	const struct engine_face *face = server_face(server);
	struct asking asking;

	assert_false(face->stop_requested(face->self));
	begin_asking(&asking, server);
	assert_int_equal(eventfd_write(stop, 1), 0);
	wait_for(&asking, -ERR_STOPPED, "");
	assert_true(face->stop_requested(face->self));
	end(server, ERR_STOPPED);
	(void)close(stop);
}

static void yes_is_answered_by_the_engine_itself(void **state)
{
	static const char CONFIRM[] = "{\"id\":\"q2\",\"kind\":\"confirm\",\"text\":\"Really?\"}";
	(void)state;
	CLEANUP(json_cleanup) struct json_doc *gate = NULL;
	CLEANUP(json_cleanup) struct json_doc *confirm = NULL;
	CLEANUP_STR struct str choice = STR_INIT;
	struct server *server = start(true, -1);
	const struct engine_face *face = server_face(server);
	const char *by = "";
	struct err err;

	assert_int_equal(json_parse(bytes_of_string(QUESTION), JSON_LIMITS(1000), &gate, &err), 0);
	assert_int_equal(
		json_parse(bytes_of_string(CONFIRM), JSON_LIMITS(1000), &confirm, &err), 0);
	assert_int_equal(face->ask(face->self, json_root(gate), &choice, &by, &err), 0);
	assert_string_equal(str_text(&choice), "begin");
	assert_string_equal(by, "--yes");
	assert_int_equal(
		face->ask(face->self, json_root(confirm), &choice, &by, &err), -ERR_PREFLIGHT);
	end(server, ERR_NONE);
}

/* ---- limits */

static int connect_raw(const char *first_line)
{
	struct err err;
	int fd = -1;

	assert_int_equal(control_connect(state_dirfd, &fd, &err), 0);
	assert_true(send(fd, first_line, strlen(first_line), MSG_NOSIGNAL) ==
		    (ssize_t)strlen(first_line));
	return fd;
}

/* The next line of that connection that has the text; false at its end. */
static bool raw_hears(int fd, const char *text)
{
	struct lines lines = {.fd = fd};
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	struct bytes line;
	struct err err;
	bool heard = false;

	while (!heard && !lines.closed) {
		if (poll(&polled, 1, PATIENCE) != 1)
			fail_msg("neither \"%s\" nor an end", text);
		while (!heard && lines_next(&lines, 1 << 20, &line, &err) > 0)
			heard = memmem(line.data, line.size, text, strlen(text)) != NULL;
	}
	lines_release(&lines);
	return heard;
}

static void send_line(int fd, size_t size)
{
	CLEANUP_STR struct str line = STR_INIT;

	str_append_format(&line, "{\"request\":\"command\",\"x\":\"%0*d\"}", (int)size - 28, 0);
	assert_int_equal(line.size, size);
	str_append_char(&line, '\n');
	assert_true(send(fd, line.text, line.size, MSG_NOSIGNAL) == (ssize_t)line.size);
}

static void a_line_has_a_limit(void **state)
{
	(void)state;
	struct server *server = start(false, -1);
	int fits = connect_raw("{\"attach\":\"watch\"}\n");
	int over = connect_raw("{\"attach\":\"watch\"}\n");

	send_line(fits, SERVER_LINE_MAX);
	assert_true(raw_hears(fits, "\"inCommand\":true"));
	send_line(over, SERVER_LINE_MAX + 1);
	assert_false(raw_hears(over, "\"inCommand\":true"));
	(void)close(fits);
	(void)close(over);
	end(server, ERR_NONE);
}

static void so_many_faces_and_no_more(void **state)
{
	(void)state;
	struct server *server = start(false, -1);
	struct feed *feeds[SERVER_FACES_MAX];

	for (int i = 0; i < SERVER_FACES_MAX; i++)
		feeds[i] = attach(FEED_WATCH);
	hear(feeds[0], "\"faces\":16");
	int more = connect_raw("");
	assert_true(raw_hears(more, "too many faces"));
	leave(feeds[1]);
	hear(feeds[0], "\"faces\":15");
	feeds[1] = attach(FEED_COMMAND);
	hear(feeds[1], "\"inCommand\":true");
	for (int i = 0; i < SERVER_FACES_MAX; i++)
		leave(feeds[i]);
	(void)close(more);
	end(server, ERR_NONE);
}

static void nothing_is_told_before_a_face_says_what_it_wants(void **state)
{
	(void)state;
	struct server *server = start(false, -1);
	int silent = connect_raw("");
	int fd = connect_raw("[]\nnonsense\n{\"request\":7}\n");

	tell(server, QUESTION);
	int other = connect_raw("{\"attach\":\"watch\"}\n");
	assert_true(raw_hears(other, "feed.state"));
	/* The server has had a word with everybody that came before. */
	struct pollfd polled = {.fd = silent, .events = POLLIN};
	assert_int_equal(poll(&polled, 1, 0), 0);
	polled.fd = fd;
	/* The third line was no introduction either: any object is one that only watches. */
	assert_int_equal(poll(&polled, 1, PATIENCE), 1);
	assert_true(raw_hears(fd, "\"inCommand\":false"));
	(void)close(silent);
	(void)close(fd);
	(void)close(other);
	end(server, ERR_NONE);
}

/* Neither the run nor its end waits for a face that takes nothing, and the others have it all. */
static void a_held_face_holds_nobody(void **state)
{
	enum { NOTES = 3000 };
	(void)state;
	CLEANUP_STR struct str note = STR_INIT;
	struct server *server = start(false, -1);
	int held = connect_raw("{\"attach\":\"watch\"}\n");
	int heard = 0, rc = 1;
	struct bytes line;
	struct err err;

	struct feed *feed = attach(FEED_WATCH);
	str_append_format(&note, "{\"event\":\"note\",\"text\":\"%01000d\"}", 0);
	for (int i = 0; i < NOTES; i++)
		tell(server, str_text(&note));
	while (heard < NOTES && (rc = feed_next(feed, &line, &err)) >= 0) {
		heard += rc == 1 && line.size == note.size;
		struct pollfd polled = {.fd = feed_fd(feed), .events = POLLIN};
		assert_true(rc == 1 || poll(&polled, 1, PATIENCE) == 1);
	}
	assert_int_equal(heard, NOTES);
	leave(feed);
	end(server, ERR_STOPPED);
	(void)close(held);
}

static void every_face_hears_of_the_end(void **state)
{
	(void)state;
	struct server *server = start(false, -1);
	struct feed *feeds[3];
	struct err err = {.code = ERR_CONFLICT};

	for (int i = 0; i < 3; i++) {
		feeds[i] = attach(FEED_WATCH);
		hear(feeds[i], "feed.state");
	}
	(void)strcpy(err.message, "one \"differs\"");
	server_hide(server);
	server_end(server, &err);
	for (int i = 0; i < 3; i++) {
		struct bytes line;
		while (!feed_ended(feeds[i]))
			assert_true(feed_next(feeds[i], &line, &err) >= 0);
		assert_int_equal(feed_finish(feeds[i], &err), -ERR_CONFLICT);
		assert_string_equal(err.message, "one \"differs\"");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_socket_is_its_users_alone),
		cmocka_unit_test(a_stale_socket_is_replaced_and_nothing_else),
		cmocka_unit_test(another_user_is_refused_by_mode_and_by_credentials),
		cmocka_unit_test(root_may_attach_to_anybodys),
		cmocka_unit_test(exactly_one_is_in_command),
		cmocka_unit_test(a_watcher_is_never_in_command_unasked),
		cmocka_unit_test(an_answer_that_is_none_leaves_the_question_open),
		cmocka_unit_test(without_a_face_a_question_waits),
		cmocka_unit_test(a_signal_is_a_stop),
		cmocka_unit_test(yes_is_answered_by_the_engine_itself),
		cmocka_unit_test(a_line_has_a_limit),
		cmocka_unit_test(so_many_faces_and_no_more),
		cmocka_unit_test(nothing_is_told_before_a_face_says_what_it_wants),
		cmocka_unit_test(a_held_face_holds_nobody),
		cmocka_unit_test(every_face_hears_of_the_end),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
