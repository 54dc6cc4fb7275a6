/*
 * face_plain: a run as lines: one an event, choices by number. --yes prints the same lines and asks
 * nothing; --output json prints the events themselves.
 */
#ifndef OFFKIT_CLI_FACE_PLAIN_H
#define OFFKIT_CLI_FACE_PLAIN_H

#include "cli/face.h"
#include "engine/feed.h"

enum { PLAIN_PLANS_MAX = 300 };

struct plain_face {
	struct face *face;
	struct feed *feed;
	bool live;	 /* events are shown; those before are history */
	bool asks;	 /* stdin is a terminal on which somebody answers */
	bool in_command; /* as the newest feed.state says */
	bool known;	 /* there was one */
	bool stop_asked; /* Ctrl+C was pressed */
	bool paused;
	int64_t progress_due; /* boottime */
	int64_t batch_size;   /* of the newest progress, 0: none */
	double rate;
	int64_t waiting_attempt, waiting_due; /* of the countdown that was shown last */
	const char *planned[PLAIN_PLANS_MAX]; /* steps whose plan was shown */
	size_t planned_count;
	struct str details;	       /* of the newest plan: what a gate's "details" shows */
	struct json_doc *question_doc; /* the open question, NULL: none */
	bool prompted;		       /* its prompt stands there */
	bool input_ended;
	struct str typed; /* lines that were not taken yet */
	struct arena arena;
	struct arena shown; /* texts of the event that is shown */
};

void plain_face_init(struct plain_face *plain, struct face *face);
void plain_face_release(struct plain_face *plain);

/* One event of the feed, as a line on stderr, or on stdout as it is. */
void plain_event(struct plain_face *plain, struct bytes text, const struct json *event);

enum plain_want {
	PLAIN_STARTS, /* the command that started the run: its history is not shown */
	PLAIN_COMES,  /* one that comes later: everything is shown */
};

/* Shows the run until it ends or this face goes (feed_finish says which); errors are the feed's. */
MUST_CHECK int plain_follow(
	struct face *face, struct feed *feed, enum plain_want want, struct err *err);

/* ---- face_plain_ask.c: the open question */

/* Says it, and offers the choices. */
void plain_prompt(struct plain_face *plain);

/* Whether the open question is answered by words of its own. */
bool plain_wants_words(const struct plain_face *plain);

/* A line that was typed: answers the question, or prompts again. */
void plain_answer(struct plain_face *plain, const char *line);

/* Of an event run.begin, appended to out: a line each, each after a line's end. */
void plain_kit_page(struct plain_face *plain, const struct json *event, struct str *out);

/* ---- what its files share: an event's members, "" or 0 where there is none, and lines */

#define PLAIN_INDENT "         "

const char *plain_text(const struct json *event, const char *name);
int64_t plain_number(const struct json *event, const char *name);
bool plain_true(const struct json *event, const char *name);
void plain_escaped(struct str *out, const char *text);
/* The same of what the record says, in the face's language as far as it is known there. */
void plain_record(struct plain_face *plain, struct str *out, const char *text);
/* A member, escaped, for a message's arguments: until the next event. */
const char *plain_shown(struct plain_face *plain, const struct json *event, const char *name);
/* "09:24:55 ", of the event */
void plain_begin_line(struct str *out, const struct json *event);
void plain_say(struct plain_face *plain, const struct str *line);

#endif
