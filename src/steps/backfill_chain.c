/*
 * Chains of documents that name one another, with the rings that bad data have.
 *
 * Every ring has one document that names one which is not before it in the order of _id: its
 * smallest. So only documents that do that are followed, which in good data are few: from each the
 * chain is followed until it ends, goes below the document (then another one tells of the ring, if
 * it is one), or comes back. A ring into which a chain leads without coming back is its own
 * smallest document's business; that it is one is found by Brent's method.
 */
#include "steps/backfill.h"

#include <stdlib.h>

#include "base/cleanup.h"

const char *backfill_oddity_name(enum backfill_oddity oddity)
{
	static const char *const names[ODDITY_COUNT] = {"missing", "rings", "longChains"};

	return names[oddity];
}

enum { WALK_OCTETS = 1024 * 1024 }; /* that a step leaves to the one after the next */

struct walker {
	size_t unit;
	bool walking;
	struct value own, next; /* _id of the unit, and of the document that is to be looked at */
	struct value mark;	/* where the walk was when it had a power of two behind it */
	size_t steps, mark_steps;
};

struct walk {
	const struct backfill_lookup *lookup;
	struct backfill_batch *batch;
	struct walker *walkers;
	size_t count, walking;
	struct arena arenas[2]; /* of one step's documents and the one's before: their ids are views
				 */
	size_t newest;
};

/* A mark is looked at for many steps: it outlives the documents of its own. */
static int set_mark(
	struct walk *walk, struct walker *walker, const struct value *to, struct err *err)
{
	CLEANUP_STR struct str copy = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &copy);
	doc_write_value(&writer, "v", to);
	doc_write_end(&writer);
	int result = str_check(&copy, err);
	if (result != 0)
		return result;
	struct bytes kept = arena_bytes(walk->batch->arena, str_bytes(&copy));
	if (kept.data == NULL)
		return err_no_memory(err);
	walker->mark = doc_get(kept, "v");
	walker->mark_steps = walker->steps;
	return 0;
}

static int end_walk(struct walk *walk, struct walker *walker, const enum backfill_oddity *oddity,
	const struct value *key, struct err *err)
{
	walker->walking = false;
	walk->walking--;
	if (oddity == NULL)
		return 0;
	if (*oddity == ODDITY_RING)
		walk->batch->units[walker->unit].variables[walk->lookup->slot] =
			(struct value){.type = VALUE_MISSING};
	return backfill_find_odd(walk->batch, walker->unit, *oddity, walk->lookup, key, err);
}

/* The chain goes on to a document; whether it is followed to there. */
static int step_on(struct walk *walk, struct walker *walker, const struct value *to,
	const struct value *key, struct err *err)
{
	static const enum backfill_oddity ring = ODDITY_RING, long_chain = ODDITY_LONG_CHAIN;
	bool none = to->type == VALUE_MISSING || to->type == VALUE_NULL;
	int order = none ? -1 : value_compare(to, &walker->own);

	if (order == 0)
		return end_walk(walk, walker, &ring, key, err);
	if (order < 0 ||
		(walker->mark.type != VALUE_MISSING && value_compare(to, &walker->mark) == 0))
		return end_walk(walk, walker, NULL, key, err);
	if (++walker->steps > BACKFILL_CHAIN_MAX)
		return end_walk(walk, walker, &long_chain, key, err);
	walker->next = *to;
	return walker->steps >= 2 * walker->mark_steps ? set_mark(walk, walker, to, err) : 0;
}

/* Those whose document names one that is not before it. */
static int begin_walks(struct walk *walk, const struct value *keys, struct err *err)
{
	struct backfill_batch *batch = walk->batch;
	int result = 0;

	walk->walkers = arena_array(batch->arena, batch->unit_count + 1, sizeof *walk->walkers);
	if (walk->walkers == NULL)
		return err_no_memory(err);
	for (size_t i = 0; result == 0 && i < batch->unit_count; i++) {
		struct walker walker = {.unit = i, .walking = true, .mark_steps = 1};
		if (batch->units[i].variables[walk->lookup->slot].type == VALUE_MISSING)
			continue;
		walker.own = doc_get(batch->units[i].root, "_id");
		if (value_compare(&keys[i], &walker.own) < 0)
			continue;
		walk->walkers[walk->count] = walker;
		walk->walking++;
		result = step_on(walk, &walk->walkers[walk->count++], &keys[i], &keys[i], err);
	}
	return result;
}

static int one_step(
	struct walk *walk, struct mongo *mongo, const struct value *keys, struct err *err)
{
	const struct backfill_lookup *lookup = walk->lookup;
	struct backfill_found *found = NULL;
	size_t wanted = 0, count = 0;
	struct arena *arena = &walk->arenas[walk->newest ^= 1];
	arena_reset(arena, WALK_OCTETS);
	struct value *values = arena_array(arena, walk->walking, sizeof *values);

	if (values == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < walk->count; i++)
		if (walk->walkers[i].walking)
			values[wanted++] = walk->walkers[i].next;
	int result = backfill_find_in(mongo, lookup->collection, "_id", values, wanted,
		&lookup->chain, 1, arena, &found, &count, err);
	for (size_t i = 0; result == 0 && i < walk->count; i++) {
		struct walker *walker = &walk->walkers[i];
		struct value to = {.type = VALUE_MISSING};
		if (!walker->walking)
			continue;
		size_t at = backfill_found_at(found, count, &walker->next);
		if (at != SIZE_MAX)
			to = doc_get_path(found[at].document, lookup->chain);
		result = step_on(walk, walker, &to, &keys[walker->unit], err);
	}
	return result;
}

int backfill_follow_chain(struct mongo *mongo, const struct backfill_lookup *lookup,
	struct backfill_batch *batch, const struct value *keys, struct err *err)
{
	struct walk walk = {.lookup = lookup, .batch = batch, .arenas = {ARENA_INIT, ARENA_INIT}};
	int result = begin_walks(&walk, keys, err);

	while (result == 0 && walk.walking > 0)
		result = one_step(&walk, mongo, keys, err);
	arena_release(&walk.arenas[0]);
	arena_release(&walk.arenas[1]);
	return result;
}
