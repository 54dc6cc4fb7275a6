/*
 * The feed between a run and its face. Octet 0, bit 0: the input is what the run sends (lines, cut
 * off anywhere); else what the face sends, while the run asks a question, before it answers.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/feed.h"
#include "tests/fuzz/aid.h"

static struct bytes sent;

static int tell(void *argument, const struct engine_face *face, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;

	(void)argument;
	if (json_parse(bytes_of_string("{}"), JSON_LIMITS(10), &doc, err) < 0)
		return -(int)err->code;
	face->event(face->self, sent, json_root(doc));
	return 0;
}

static int ask(void *argument, const struct engine_face *face, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str choice = STR_INIT;
	const char *by = NULL;

	(void)argument;
	if (json_parse(bytes_of_string("{\"id\":\"q1\"}"), JSON_LIMITS(100), &doc, err) < 0)
		return -(int)err->code;
	int rc = face->ask(face->self, json_root(doc), &choice, &by, err);
	return rc < 0 ? rc : err_set(err, ERR_CANCELLED, "%s", str_text(&choice));
}

/* Until the run's end is read, or it sent something else. */
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
	HOLDS(rc >= 0 || rc == -ERR_INTERNAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_make(data, size);
	struct feed *feed;
	struct err err = {0};

	if (size == 0)
		return 0;
	sent = bytes_make(data + 1, size - 1);
	bool down = (octet_of(input, 0) & 1) != 0;
	HOLDS(feed_start(down ? tell : ask, NULL, &feed, &err) == 0);
	if (!down) {
		HOLDS(send(feed_fd(feed), sent.data, sent.size, MSG_NOSIGNAL) >= 0 ||
			errno == EPIPE);
		HOLDS(send(feed_fd(feed), "\n", 1, MSG_NOSIGNAL) >= 0 || errno == EPIPE);
		feed_answer(feed, "q1", "begin");
	}
	read_all(feed);
	bool ended = feed_ended(feed);
	int rc = feed_finish(feed, &err);
	HOLDS(down || rc == -ERR_STOPPED || rc == -ERR_CANCELLED || rc == -ERR_DETACHED);
	HOLDS(ended == (rc != -ERR_DETACHED) || down);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	return 0;
}
