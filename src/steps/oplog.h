/*
 * oplog: whether anybody but this run wrote to certain collections since a position of the oplog of
 * a replica set (local.oplog.rs).
 *
 * A write is ours when it inserts a document that carries the run's id into a collection that the
 * kit's backfills write, or touches offkit's own collections; nothing else that this program does
 * on its way forward writes documents. Changes of indexes and options are no writes: no document is
 * another for them.
 */
#ifndef OFFKIT_STEPS_OPLOG_H
#define OFFKIT_STEPS_OPLOG_H

#include "mongo/mongo.h"

/* A collection that a run of this kit writes to, and where its documents have the run's id. */
struct oplog_target {
	const char *collection, *run_path;
};

struct oplog_watch {
	const char *database;
	const char *run_id;
	const char *const *collections; /* that are to be silent */
	size_t collection_count;	/* 0: all of the database */
	const struct oplog_target *targets;
	size_t target_count;
};

enum { OPLOG_EXAMPLES_MAX = 5, OPLOG_EXAMPLE_SIZE = 320 };

struct oplog_result {
	int64_t foreign; /* writes that are not ours */
	int64_t newest;	 /* position of the last entry that was looked at; at least since */
	size_t example_count;
	char examples[OPLOG_EXAMPLES_MAX]
		     [OPLOG_EXAMPLE_SIZE]; /* "insert advisory_raw 65f1c0… at …" */
};

/*
 * The position of the newest entry (seconds and counter, as in a timestamp). *ret_position 0: there
 * is no oplog that could be read, and *ret_why says why not.
 */
MUST_CHECK int oplog_newest(
	struct mongo *mongo, int64_t *ret_position, const char **ret_why, struct err *err);

struct oplog_window {
	int64_t reaches_back; /* ms, from the oldest entry to the newest; -1: it could not be read
			       */
	int64_t octets, max_octets; /* of the collection; max_octets 0: the server does not say */
};

/* *ret_why as in oplog_newest. */
MUST_CHECK int oplog_window(struct mongo *mongo, struct oplog_window *ret_window,
	const char **ret_why, struct err *err);

/*
 * Reads all entries after since. *ret_whole false: the oplog does not reach back to it any more,
 * and what it has left says nothing; the result is then void.
 */
MUST_CHECK int oplog_read(struct mongo *mongo, const struct oplog_watch *watch, int64_t since,
	struct oplog_result *ret_result, bool *ret_whole, struct err *err);

/* ---- pure */

/* Takes one entry into the result. Hostile entries are counted as what they can be at worst. */
void oplog_take(const struct oplog_watch *watch, struct bytes entry, struct oplog_result *result);

enum { OPLOG_POSITION_SIZE = 24 };
/* "1766221200:12" */
void oplog_position_to_text(int64_t position, char text[static OPLOG_POSITION_SIZE]);
/* 0: it is none. */
int64_t oplog_position_of_text(const char *text);

#endif
