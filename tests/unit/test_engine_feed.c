#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "engine/control.h"
#include "engine/feed.h"

static const char QUESTION[] = "{\"event\":\"question\",\"id\":\"q1\"}";

/* A run in the child: tells a question, asks it, and ends as it is answered. */
static int asking(void *argument, const struct engine_face *face, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str choice = STR_INIT;
	const char *by = "";

	(void)argument;
	int rc = json_parse(bytes_of_string(QUESTION), JSON_LIMITS(1024), &doc, err);
	if (rc < 0)
		return rc;
	face->event(face->self, bytes_of_string(QUESTION), json_root(doc));
	rc = face->ask(face->self, json_root(doc), &choice, &by, err);
	if (rc < 0)
		return rc;
	if (strcmp(str_text(&choice), "begin") == 0)
		return 0;
	return err_set(err, ERR_CANCELLED, "%s by %s", str_text(&choice), by);
}

static int pausing(void *argument, const struct engine_face *face, struct err *err)
{
	(void)argument;
	while (!face->stop_requested(face->self))
		(void)poll(NULL, 0, 1);
	return err_set(err, ERR_STOPPED, "as was asked");
}

static int dying(void *argument, const struct engine_face *face, struct err *err)
{
	(void)argument;
	(void)face;
	(void)err;
	(void)kill(getpid(), SIGKILL);
	return 0;
}

enum { TOLD = 2000 };

/* Tells more than a socket holds, and says on the pipe when it is through. */
static int telling(void *argument, const struct engine_face *face, struct err *err)
{
	static const char PROGRESS[] = "{\"event\":\"progress\",\"step\":\"x\"}";
	CLEANUP(json_cleanup) struct json_doc *progress = NULL;
	CLEANUP(json_cleanup) struct json_doc *note = NULL;
	CLEANUP_STR struct str line = STR_INIT;

	str_append_format(&line, "{\"event\":\"note\",\"text\":\"%01024d\"}", 0);
	if (json_parse(bytes_of_string(PROGRESS), JSON_LIMITS(4096), &progress, err) < 0 ||
		json_parse(str_bytes(&line), JSON_LIMITS(4096), &note, err) < 0)
		return -(int)err->code;
	for (int i = 0; i < TOLD; i++) {
		face->event(face->self, bytes_of_string(PROGRESS), json_root(progress));
		face->event(face->self, str_bytes(&line), json_root(note));
	}
	return write(*(int *)argument, "", 1) == 1 ? 0 : err_set(err, ERR_INTERNAL, "pipe");
}

static const struct feed_options OPTIONS = {.state_dirfd = -1, .lock_fd = -1, .command = "plan"};

/* The next line of the run's, "" at the end. */
static const char *next(struct feed *feed, struct str *text)
{
	struct bytes line;
	struct err err;

	for (;;) {
		int rc = feed_next(feed, &line, &err);
		assert_true(rc >= 0);
		if (rc == 0 && feed_ended(feed))
			return "";
		if (rc > 0 && strncmp((const char *)line.data, "{\"event\":\"feed.", 15) != 0) {
			str_truncate(text, 0);
			str_append(text, line.data, line.size);
			return str_text(text);
		}
		struct pollfd poll_fd = {.fd = feed_fd(feed), .events = POLLIN};
		assert_true(rc > 0 || poll(&poll_fd, 1, -1) > 0);
	}
}

static void an_answer_reaches_its_question(void **state)
{
	(void)state;
	CLEANUP_STR struct str text = STR_INIT;
	struct feed *feed;
	struct err err;

	assert_int_equal(feed_start(asking, NULL, &OPTIONS, &feed, &err), 0);
	assert_string_equal(next(feed, &text), QUESTION);
	feed_answer(feed, "q0", "later");
	feed_answer(feed, "q1", "begin");
	assert_string_equal(next(feed, &text), "");
	assert_int_equal(feed_finish(feed, &err), 0);
}

static void its_failure_comes_back_with_its_words(void **state)
{
	(void)state;
	CLEANUP_STR struct str text = STR_INIT;
	struct feed *feed;
	struct err err;

	assert_int_equal(feed_start(asking, NULL, &OPTIONS, &feed, &err), 0);
	assert_string_equal(next(feed, &text), QUESTION);
	feed_answer(feed, "q1", "not \"now\"");
	assert_string_equal(next(feed, &text), "");
	assert_int_equal(feed_finish(feed, &err), -ERR_CANCELLED);
	assert_string_equal(err.message, "not \"now\" by operator");
}

static void a_stop_at_a_question_stops_the_run(void **state)
{
	(void)state;
	CLEANUP_STR struct str text = STR_INIT;
	struct feed *feed;
	struct err err;

	assert_int_equal(feed_start(asking, NULL, &OPTIONS, &feed, &err), 0);
	assert_string_equal(next(feed, &text), QUESTION);
	feed_request(feed, FEED_STOP);
	assert_string_equal(next(feed, &text), "");
	assert_int_equal(feed_finish(feed, &err), -ERR_STOPPED);
}

static void a_pause_is_told_and_ends_when_it_is_asked(void **state)
{
	(void)state;
	CLEANUP_STR struct str text = STR_INIT;
	struct feed *feed;
	struct err err;

	assert_int_equal(feed_start(pausing, NULL, &OPTIONS, &feed, &err), 0);
	feed_request(feed, FEED_PAUSE);
	assert_string_equal(next(feed, &text), "{\"event\":\"paused\",\"paused\":true}");
	feed_request(feed, FEED_RESUME);
	assert_string_equal(next(feed, &text), "{\"event\":\"paused\",\"paused\":false}");
	feed_request(feed, FEED_STOP);
	assert_string_equal(next(feed, &text), "");
	assert_int_equal(feed_finish(feed, &err), -ERR_STOPPED);
}

/* Without a state folder nobody could ever come again. */
static void without_a_face_it_stops_at_its_question(void **state)
{
	(void)state;
	struct feed *feed;
	struct err err;
	int status = 0;

	assert_int_equal(feed_start(asking, NULL, &OPTIONS, &feed, &err), 0);
	assert_int_equal(feed_finish(feed, &err), -ERR_DETACHED);
	assert_true(wait(&status) > 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), err_exit_code(ERR_STOPPED));
}

static void a_process_that_dies_is_noticed(void **state)
{
	(void)state;
	struct feed *feed;
	struct bytes line;
	struct err err;
	int rc;

	assert_int_equal(feed_start(dying, NULL, &OPTIONS, &feed, &err), 0);
	while ((rc = feed_next(feed, &line, &err)) >= 0)
		(void)poll(NULL, 0, 1);
	assert_int_equal(rc, -ERR_ENGINE_LOST);
	assert_non_null(strstr(err.message, "signal 9"));
	assert_true(feed_ended(feed));
	assert_int_equal(feed_finish(feed, &err), -ERR_ENGINE_LOST);
	assert_int_equal(err_exit_code(err.code), 75);
}

static void a_face_that_is_held_holds_no_run(void **state)
{
	(void)state;
	CLEANUP_STR struct str text = STR_INIT;
	struct feed *feed;
	struct err err;
	int through[2], notes = 0, progress = 0;

	assert_int_equal(pipe(through), 0);
	assert_int_equal(feed_start(telling, &through[1], &OPTIONS, &feed, &err), 0);
	struct pollfd poll_fd = {.fd = through[0], .events = POLLIN};
	assert_int_equal(poll(&poll_fd, 1, 60000), 1); /* nothing was read from the feed so far */
	for (const char *line = next(feed, &text); *line != '\0'; line = next(feed, &text)) {
		notes += strstr(line, "\"note\"") != NULL;
		progress += strstr(line, "\"progress\"") != NULL;
	}
	assert_int_equal(notes, TOLD); /* what is journaled is never left out */
	assert_true(progress > 0 && progress < TOLD);
	assert_int_equal(feed_finish(feed, &err), 0);
	(void)close(through[0]);
	(void)close(through[1]);
}

/* A line that is too long costs this face its connection, and nothing else. */
static void a_connection_that_is_cut_is_no_run_that_ended(void **state)
{
	(void)state;
	CLEANUP_STR struct str text = STR_INIT, over = STR_INIT;
	char path[] = "/tmp/offkit-feed-XXXXXX";
	struct feed_options options = OPTIONS;
	struct feed *feed, *again;
	struct bytes line;
	struct err err;
	int rc, status = 0;

	assert_non_null(mkdtemp(path));
	assert_int_equal(folder_open(path, &options.state_dirfd, &err), 0);
	assert_int_equal(feed_start(asking, NULL, &options, &feed, &err), 0);
	assert_string_equal(next(feed, &text), QUESTION);
	str_append_format(&over, "%05000d", 0);
	feed_answer(feed, "q1", str_text(&over));
	while ((rc = feed_next(feed, &line, &err)) >= 0)
		(void)poll(NULL, 0, 1);
	assert_int_equal(rc, -ERR_ENGINE_LOST);
	assert_non_null(strstr(err.message, "cut"));
	assert_int_equal(feed_finish(feed, &err), -ERR_ENGINE_LOST);

	assert_int_equal(feed_attach(options.state_dirfd, FEED_COMMAND, &again, &err), 0);
	assert_string_equal(next(again, &text), QUESTION);
	feed_answer(again, "q1", "begin");
	assert_string_equal(next(again, &text), "");
	assert_int_equal(feed_finish(again, &err), 0);
	assert_true(wait(&status) > 0);
	(void)close(options.state_dirfd);
	assert_int_equal(rmdir(path), 0);
}

/* As an engine that is stopped: it listens and takes nobody in. */
static void a_stopped_engine_holds_nobody_who_asks(void **state)
{
	enum { MORE_THAN_MAY_WAIT = 32 };
	(void)state;
	char path[] = "/tmp/offkit-feed-XXXXXX";
	int state_dirfd = -1, listen_fd = -1, fds[MORE_THAN_MAY_WAIT], count = 0, rc = 0;
	struct err err;

	assert_non_null(mkdtemp(path));
	assert_int_equal(folder_open(path, &state_dirfd, &err), 0);
	assert_int_equal(control_listen(state_dirfd, &listen_fd, &err), 0);
	while (count < MORE_THAN_MAY_WAIT &&
		(rc = control_connect(state_dirfd, &fds[count], &err)) == 0)
		count++;
	assert_true(count < MORE_THAN_MAY_WAIT);
	assert_int_equal(rc, -ERR_STATE_FOLDER);
	assert_non_null(strstr(err.message, "takes nobody in"));
	while (count > 0)
		(void)close(fds[--count]);
	(void)close(listen_fd);
	control_remove(state_dirfd);
	(void)close(state_dirfd);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_reaches_its_question),
		cmocka_unit_test(its_failure_comes_back_with_its_words),
		cmocka_unit_test(a_stop_at_a_question_stops_the_run),
		cmocka_unit_test(a_pause_is_told_and_ends_when_it_is_asked),
		cmocka_unit_test(without_a_face_it_stops_at_its_question),
		cmocka_unit_test(a_process_that_dies_is_noticed),
		cmocka_unit_test(a_face_that_is_held_holds_no_run),
		cmocka_unit_test(a_connection_that_is_cut_is_no_run_that_ended),
		cmocka_unit_test(a_stopped_engine_holds_nobody_who_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
