/* The loop of the face in lines: events from the feed, lines from the terminal, signals. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/face_plain.h"
#include "cli/notify.h"
#include "cli/stop.h"
#include "engine/event.h"
#include "text/text.h"

enum { TYPED_MAX = 64 * 1024, LINE_MAX_TYPED = 1024 };

/* ---- the feed */

static void say_aside(struct plain_face *plain, enum message which)
{
	face_note(plain->face, "%s%s", PLAIN_INDENT, face_text(plain->face, which));
}

static void take_state(struct plain_face *plain, const struct json *state)
{
	bool in_command = feed_in_command(plain->feed);

	if (plain->asks && plain->known && !in_command && plain->in_command)
		say_aside(plain, MSG_FOLLOW_TAKEN_AWAY);
	if (plain->asks && !plain->known && !in_command)
		say_aside(plain, plain_true(state, "taken") ? MSG_FOLLOW_TAKEN : MSG_FOLLOW_FREE);
	if (in_command != plain->in_command)
		plain->prompted = false;
	plain->known = true;
	plain->in_command = in_command;
}

static void forget_question(struct plain_face *plain)
{
	json_release(plain->question_doc);
	plain->question_doc = NULL;
	plain->prompted = false;
}

/* What the loop itself has to know. */
static void note_event(struct plain_face *plain, enum event which, const struct json *event)
{
	const struct json *rate = json_member(event, "rate");

	if (which == EVENT_PROGRESS) {
		plain->batch_size = plain_number(event, "batchSize");
		plain->rate =
			rate != NULL && json_type(rate) == JSON_NUMBER ? json_number(rate) : 0;
	} else if (which == EVENT_ANSWER || which == EVENT_RUN_RESUME || which == EVENT_RUN_END) {
		forget_question(plain);
	}
}

/* A service's status line. */
static void tell_manager(enum event which, const struct json *event)
{
	const char *step = plain_text(event, "step");
	int64_t total = plain_number(event, "total");

	if (which == EVENT_STEP_BEGIN || which == EVENT_UNDO_BEGIN || which == EVENT_RUN_RESUME)
		notify_manager("READY=1\nSTATUS=%s %s", step,
			which == EVENT_UNDO_BEGIN ? "is being undone" : "is at work");
	else if (which == EVENT_PROGRESS && total > 0)
		notify_manager("STATUS=%s %lld %%", step,
			(long long)(plain_number(event, "done") * 100 / total));
	else if (which == EVENT_WAITING && plain_true(event, "waiting"))
		/* After a reboot that comes first, and may take longer than a start is given. */
		notify_manager("READY=1\nSTATUS=waiting for the server");
	else if (which == EVENT_STOPPING)
		notify_manager("STOPPING=1\nSTATUS=stopping at the next safe point");
	else if (which == EVENT_RUN_END)
		notify_manager("STATUS=%s", plain_text(event, "text"));
}

static int take_line(struct plain_face *plain, struct bytes line, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	int rc = json_parse(line, JSON_LIMITS_OWN(FEED_LINE_MAX), &doc, err);

	if (rc < 0)
		return rc;
	const struct json *event = json_root(doc);
	const char *name = plain_text(event, "event");
	enum event which = event_by_name(name);
	if (strcmp(name, "feed.state") == 0) {
		take_state(plain, event);
	} else if (strcmp(name, "feed.begin") == 0) {
		plain->live = true;
	} else if (strcmp(name, "feed.refused") == 0) {
		face_note(plain->face, "%s%s", PLAIN_INDENT,
			message_of_record(plain->face->language, plain_text(event, "text")));
		plain->prompted = false;
	} else {
		note_event(plain, which, event);
		if (plain->live)
			tell_manager(which, event);
		plain_event(plain, line, event);
	}
	if (which == EVENT_QUESTION) {
		forget_question(plain);
		plain->question_doc = STEAL(doc);
	}
	return 0;
}

static int take_lines(struct plain_face *plain, struct err *err)
{
	struct bytes line;
	int rc;

	while ((rc = feed_next(plain->feed, &line, err)) > 0) {
		rc = take_line(plain, line, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* ---- the terminal */

static bool may_answer(const struct plain_face *plain)
{
	return plain->question_doc != NULL && plain->in_command;
}

/* What an operator can say at any time, with a letter and Enter; what is to be typed word for word
 * may be a letter. */
static bool obey(struct plain_face *plain, const char *line, bool *ret_leaves)
{
	static const struct {
		const char *word;
		enum feed_request request;
	} REQUESTS[] = {
		{"p", FEED_PAUSE},
		{"r", FEED_RESUME},
		{"x", FEED_STOP},
		{"c", FEED_TAKE_COMMAND},
	};

	if (strcmp(line, "d") == 0) {
		*ret_leaves = true;
		return true;
	}
	for (size_t i = 0; i < sizeof REQUESTS / sizeof *REQUESTS; i++)
		if (strcmp(line, REQUESTS[i].word) == 0) {
			feed_request(plain->feed, REQUESTS[i].request);
			return true;
		}
	return false;
}

static void read_typed(struct plain_face *plain)
{
	char chunk[1024];
	ssize_t got = read(STDIN_FILENO, chunk, sizeof chunk);

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0 || plain->typed.size > TYPED_MAX)
		plain->input_ended = true;
	else
		str_append(&plain->typed, chunk, (size_t)got);
}

/* The first line of what was typed, taken off. */
static bool next_typed(struct plain_face *plain, struct str *line)
{
	const char *text = str_text(&plain->typed);
	const char *end = strchr(text, '\n');

	if (end == NULL)
		return false;
	size_t size = (size_t)(end - text);
	str_append(line, text, size > LINE_MAX_TYPED ? LINE_MAX_TYPED : size);
	size_t rest = plain->typed.size - size - 1;
	memmove(plain->typed.text, end + 1, rest);
	str_truncate(&plain->typed, rest);
	return true;
}

/* What was typed before a question was there does not answer it. */
static void ask_anew(struct plain_face *plain)
{
	(void)tcflush(STDIN_FILENO, TCIFLUSH);
	str_truncate(&plain->typed, 0);
	plain_prompt(plain);
}

static void use_typed(struct plain_face *plain, bool *ret_leaves)
{
	CLEANUP_STR struct str line = STR_INIT;

	if (may_answer(plain) && !plain->prompted)
		ask_anew(plain);
	while (!*ret_leaves && next_typed(plain, &line)) {
		if (may_answer(plain) && plain->prompted &&
			(plain_wants_words(plain) || !obey(plain, str_text(&line), ret_leaves)))
			plain_answer(plain, str_text(&line));
		else if (!may_answer(plain) && !obey(plain, str_text(&line), ret_leaves))
			say_aside(plain,
				plain->in_command ? MSG_FOLLOW_KEYS : MSG_FOLLOW_KEYS_WATCHING);
		str_truncate(&line, 0);
	}
}

/* ---- signals */

static void say_how_long(struct plain_face *plain)
{
	CLEANUP_STR struct str text = STR_INIT;

	text_until_safe(&text, plain->face->language, plain->batch_size, plain->rate);
	plain_say(plain, &text);
}

/* Whoever only watches, or whose terminal has gone, leaves; the face in command stops the run. */
static void take_signal(struct plain_face *plain, bool *ret_leaves)
{
	int number = stop_take();

	if (number == 0)
		return;
	if (number == SIGHUP || (plain->known && !plain->in_command)) {
		*ret_leaves = true;
		return;
	}
	feed_request(plain->feed, number == SIGTERM ? FEED_SHUTDOWN : FEED_STOP);
	if (plain->stop_asked)
		say_how_long(plain);
	else if (!plain->face->json)
		face_note(plain->face, "%s", face_text(plain->face, MSG_FOLLOW_STOPPING));
	plain->stop_asked = true;
}

/* ---- the loop */

/* true: this face only watches, and nobody reads what it says any more (a pipe to head). */
static bool wait_for_something(struct plain_face *plain)
{
	bool reads = plain->asks && !plain->input_ended;
	bool only_tells = plain->face->json && plain->known && !plain->in_command;
	struct pollfd polled[] = {
		{.fd = feed_fd(plain->feed), .events = POLLIN},
		{.fd = stop_fd(), .events = POLLIN},
		{.fd = reads ? STDIN_FILENO : -1, .events = POLLIN},
		{.fd = only_tells ? STDOUT_FILENO : -1, .events = 0},
	};

	if (poll(polled, sizeof polled / sizeof *polled, -1) <= 0)
		return false;
	if (polled[2].revents != 0)
		read_typed(plain);
	return (polled[3].revents & POLLERR) != 0;
}

static int follow(struct plain_face *plain, struct err *err)
{
	bool leaves = false;

	for (;;) {
		int rc = take_lines(plain, err);
		if (rc < 0 || feed_ended(plain->feed))
			return rc;
		take_signal(plain, &leaves);
		if (plain->asks)
			use_typed(plain, &leaves);
		/* There is nobody here any more who could answer. */
		if (plain->asks && plain->input_ended && may_answer(plain))
			leaves = true;
		if (leaves)
			return 0;
		leaves = wait_for_something(plain);
	}
}

int plain_follow(struct face *face, struct feed *feed, enum plain_want want, struct err *err)
{
	CLEANUP(plain_face_release) struct plain_face plain;

	plain_face_init(&plain, face);
	plain.feed = feed;
	plain.live = want == PLAIN_COMES;
	plain.in_command = feed_in_command(feed);
	plain.asks = isatty(STDIN_FILENO) == 1 && !face->json && !face->options.yes;
	return follow(&plain, err);
}
