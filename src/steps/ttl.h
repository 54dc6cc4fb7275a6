/*
 * ttl: indexes by which documents expire, disarmed while ingest is frozen.
 *
 * Disarmed means an expiry of 68 years (TTL_DISARMED): the index stays, and nothing dies. What it
 * was stands in the freeze step's checkpoint, {"ttl": [{"collection", "index", "seconds"}]}.
 */
#ifndef OFFKIT_STEPS_TTL_H
#define OFFKIT_STEPS_TTL_H

#include "steps/step.h"

#define TTL_DISARMED INT64_C(2147483647)

struct ttl_index {
	const char *collection;
	const char *index;
	int64_t seconds;
};

/* The TTL indexes of a collection that are armed, appended to list. */
MUST_CHECK int ttl_find(struct mongo *mongo, const char *collection, struct arena *arena,
	struct ttl_index *list, size_t room, size_t *count, struct err *err);

/* By collMod. An index or collection that is gone is no error. */
MUST_CHECK int ttl_set(
	struct mongo *mongo, const struct ttl_index *index, int64_t seconds, struct err *err);

enum { TTL_INDEXES_MAX = 256 };

void ttl_write(struct json_writer *writer, const struct ttl_index *list, size_t count);
/* From the freeze step's checkpoint (NULL: none); the texts live as long as the checkpoint. */
size_t ttl_read(const struct json *checkpoint, struct ttl_index list[static TTL_INDEXES_MAX]);

/* Arms again what is still disarmed; *ret_count: how many those were. */
MUST_CHECK int ttl_arm(const struct step_context *context, size_t *ret_count, struct err *err);

/* What an index's expiry is when the freeze that is in force is thought away. */
int64_t ttl_effective(const struct json *freeze_checkpoint, const char *collection,
	const char *index, int64_t seconds);

#endif
