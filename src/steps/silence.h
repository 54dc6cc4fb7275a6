/*
 * silence: whether something still writes to the collections that ingest fills.
 *
 * With an oplog it is proved: from its position at the freeze on it has no entry for them but our
 * own (oplog.h). That is looked at when ingest is frozen, by validate, and as the last thing before
 * ingest is resumed, so that a write at any time in between is noticed.
 *
 * Without one it is observed: of each collection a print is taken (exact count, greatest _id), and
 * again when the time that the site asks for has passed. What only changes documents in place is
 * not seen by that, but by the backup's second reading.
 */
#ifndef OFFKIT_STEPS_SILENCE_H
#define OFFKIT_STEPS_SILENCE_H

#include "steps/oplog.h"
#include "steps/step.h"

enum silence_state { SILENCE_OBSERVED, SILENCE_PROVED, SILENCE_BROKEN };

struct silence {
	enum silence_state state;
	const char *why;    /* SILENCE_OBSERVED: why it is not proved, in the context's arena */
	int64_t position;   /* of the oplog up to which was looked; 0: none */
	size_t collections; /* that are to be silent, of those that are there */
	struct oplog_result result; /* SILENCE_BROKEN: who has written */
};

/*
 * At the freeze: looks for the time that the site asks for. ERR_NOT_SILENT names what was written;
 * ERR_STOPPED.
 */
MUST_CHECK int silence_begin(
	const struct step_context *context, struct silence *ret_silence, struct err *err);

/*
 * Later in the run: whether the silence that the freeze found still holds, from the last position
 * that this run has looked up to (the checkpoints of freeze, backup and validate). A broken silence
 * is no error here.
 */
MUST_CHECK int silence_look(
	const struct step_context *context, struct silence *ret_silence, struct err *err);

/* The members "silence" (observed, proved, broken), "why" and "position" of an open object. */
void silence_write(const struct silence *silence, struct json_writer *writer);

/* "3 writes that are not ours since ingest was frozen: insert advisory_raw 65f1c0... at ..." */
void silence_say(const struct silence *silence, struct str *out);

/*
 * 0: nothing was written in context->site->silence; ERR_NOT_SILENT names the collection;
 * ERR_STOPPED. *ret_collections: how many were looked at.
 */
MUST_CHECK int silence_observe(
	const struct step_context *context, size_t *ret_collections, struct err *err);

/* Waits, looking for a request to stop. ERR_STOPPED. */
MUST_CHECK int wait_watching(
	const struct step_context *context, int64_t milliseconds, struct err *err);

#endif
