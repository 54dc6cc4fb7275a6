/*
 * record: what the database itself says of migrations that were done: the collection
 * schema_migrations, one document a migration:
 *
 *	{_id: "21-101", kit: "lnm", version: "2025.12.1", digest: SHA-256 of its migration.json,
 *runId, startedAt, finishedAt, durationMs, status: "running" | "done" | "undoing"}
 *
 * A record is changed where it stands, never removed and written again; a rollback puts it back as
 * it was when everything that it stands for is undone. Every write names the state that it expects;
 * an unknown outcome is answered by reading again.
 */
#ifndef OFFKIT_STEPS_RECORD_H
#define OFFKIT_STEPS_RECORD_H

#include "steps/step.h"

#define RECORD_COLLECTION "schema_migrations"

/* RECORD_OTHER: a state that this program does not know. */
enum record_status {
	RECORD_NONE,
	RECORD_RUNNING,
	RECORD_DONE,
	RECORD_UNDOING,
	RECORD_OTHER,
};

struct record {
	enum record_status status;
	const char *kit, *version, *digest, *run_id; /* "": it does not say; in the arena */
	int64_t started, finished;		     /* ms, 0: not */
	bool other_content; /* done, of another migration.json than the kit's of the context */
};

/* Of the context's step. */
MUST_CHECK int record_look(
	const struct step_context *context, struct record *ret_record, struct err *err);

/*
 * What is there before the first write, to be journaled: the record as canonical Extended JSON
 * ("null" if there is none), and whether there is such a collection at all.
 */
MUST_CHECK int record_before(struct mongo *mongo, const char *migration_id, struct str *before,
	bool *ret_collection, struct err *err);

/* Before apply: status running with this run's id, whatever was there. */
MUST_CHECK int record_begin(const struct step_context *context, struct err *err);
/* After verify. */
MUST_CHECK int record_done(const struct step_context *context, int64_t duration, struct err *err);
/* Before undo: from here on the record no longer says that it is done. */
MUST_CHECK int record_undoing(const struct step_context *context, struct err *err);
/*
 * After undo: the record goes back to before (as record_before gave it, parsed), and the
 * collection, if it is empty then and was not there, goes too. A record that is another run's
 * stays.
 */
MUST_CHECK int record_undone(const struct step_context *context, const struct json *before,
	bool collection, struct err *err);

#endif
