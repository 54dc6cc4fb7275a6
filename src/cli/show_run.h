/*
 * show_run: the newest run of the state folder and how it stands, for status, report and attach.
 */
#ifndef OFFKIT_CLI_SHOW_RUN_H
#define OFFKIT_CLI_SHOW_RUN_H

#include "cli/face.h"
#include "engine/history.h"

struct newest_run {
	struct history history;
	char id[RUN_ID_SIZE];
	struct journal_head head;
	const char *holder; /* of the lock, "" if nobody works here */
	struct json_doc
		*standing; /* the engine's feed.state line (kit-layout/feed.md), NULL: none */
	bool found;	   /* there is a run */
	bool elsewhere;	   /* the database says that it goes on elsewhere, or that another does */
};

/* Zero-initialise newest; release it in every case. A state folder that is not there has no run. */
MUST_CHECK int newest_run_find(struct face *face, struct newest_run *newest, struct err *err);
void newest_run_release(struct newest_run *newest);

/* How it stands, as lines of the result. */
/* Columns of the labels of status, in English; a longer one has its own. */
enum { SHOW_RUN_LABEL = 7 };

void newest_run_show(struct face *face, const struct newest_run *newest);

#endif
