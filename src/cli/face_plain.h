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
	struct arena arena;
};

void plain_face_init(struct plain_face *plain, struct face *face, struct engine_face *ret_face);
void plain_face_release(struct plain_face *plain);

#endif
