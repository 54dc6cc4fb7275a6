/*
 * face_plain: a run as lines: one an event, choices by number. --yes prints the same lines and asks
 * nothing; --output json prints the events themselves.
 */
#ifndef OFFKIT_CLI_FACE_PLAIN_H
#define OFFKIT_CLI_FACE_PLAIN_H

#include "cli/face.h"
#include "engine/engine.h"

enum { PLAIN_PLANS_MAX = 300 };

struct plain_face {
	struct face *face;
	int64_t started;      /* events before it are history, and not shown again */
	int64_t progress_due; /* boottime */
	const char *planned[PLAIN_PLANS_MAX]; /* steps whose plan was shown */
	size_t planned_count;
	struct str details; /* of the newest plan: what a gate's "details" shows */
	struct arena arena;
};

void plain_face_init(struct plain_face *plain, struct face *face, struct engine_face *ret_face);
void plain_face_release(struct plain_face *plain);

/* The engine's question, answered by the operator or by --yes. */
int plain_ask(void *self, const struct json *question, struct str *ret_choice, const char **ret_by,
	struct err *err);

/* Of an event run.begin, appended to out: a line each, each after a line's end. */
void plain_kit_page(const struct face *face, const struct json *event, struct str *out);

/* ---- what its files share: an event's members, "" or 0 where there is none, and lines */

#define PLAIN_INDENT "         "

const char *plain_text(const struct json *event, const char *name);
int64_t plain_number(const struct json *event, const char *name);
bool plain_true(const struct json *event, const char *name);
void plain_escaped(struct str *out, const char *text);
/* "09:24:55 ", of the event */
void plain_begin_line(struct str *out, const struct json *event);
void plain_say(struct plain_face *plain, const struct str *line);

#endif
