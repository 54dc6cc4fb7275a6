/*
 * told: everything that a run has told, as a stream that each face reads at its own pace.
 *
 * The journaled events are the journal: until it is on the disk they are kept here, from then on
 * they are read from the file, so that a face that does not keep up, or comes late, costs an offset
 * and no memory. The others (progress, paused, stopping) are states: of each only the newest is
 * kept, and it is told after everything that was journaled; what a step told of its progress is
 * forgotten when a step begins or ends.
 *
 * Not for two threads at once: the server guards it.
 */
#ifndef OFFKIT_ENGINE_TOLD_H
#define OFFKIT_ENGINE_TOLD_H

#include <sys/types.h>

#include "engine/event.h"
#include "json/json.h"

struct told_state {
	struct str line;  /* with its line feed; empty: none */
	uint64_t version; /* 0: none */
};

/* Zero-initialise it but for journal_fd, -1. */
struct told {
	struct str lines; /* until there is a journal */
	int journal_fd;
	off_t size;    /* octets of the journaled lines so far */
	off_t history; /* of these, what the journal had when this process began */
	uint64_t version;
	struct told_state states[EVENT_COUNT];
};

#define TOLD_INIT ((struct told){.journal_fd = -1})

struct told_cursor {
	off_t offset;
	bool begun;    /* the line between history and what is told now was given */
	uint64_t seen; /* version of the newest state that was given */
};

/* One line without its line feed, and parsed. ERR_NO_MEMORY: the stream has a gap now. */
MUST_CHECK int told_event(
	struct told *told, struct bytes line, const struct json *event, struct err *err);

/* The journal is in that folder from now on. */
MUST_CHECK int told_journal(struct told *told, int run_dirfd, struct err *err);

/*
 * Appends what comes next for that cursor, whole lines or the part of them that fits into some 64
 * KiB. 1: something was appended; 0: the cursor has everything, and stands at a line's begin. Where
 * this process begins a line {"event":"feed.begin"} stands.
 */
MUST_CHECK int told_next(
	struct told *told, struct told_cursor *cursor, struct str *out, struct err *err);

void told_release(struct told *told);

#endif
