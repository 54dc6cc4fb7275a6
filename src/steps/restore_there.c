/* What the target has: before, so that what is right stays; and after, as the proof. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/restore_run.h"

/* ---- digests of collections, by ranges */

static int digest_item(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	struct restoring *restoring = self;
	size_t place = restoring->items[item].place;
	struct restore_target *target = &restoring->targets[place];
	const struct backup_reading reading = {
		restoring->index.collections[place].name, target->average, COMPRESSION_NONE};
	int result =
		backup_read_range(&reading, &target->ranges.ranges[restoring->items[item].part],
			target->open, mongo, tally, err);

	return result != 0 ? err_context(err, "%s", reading.collection) : 0;
}

static int add_digest(
	struct restoring *restoring, size_t place, struct mongo *mongo, struct err *err)
{
	struct restore_target *target = &restoring->targets[place];
	const struct restore *restore = restoring->restore;
	int result = backup_ranges_make_for_digest(mongo, restoring->index.collections[place].name,
		target->octets, restore->workers > 1 ? restore->divide_octets : 0, &target->ranges,
		err);

	if (result == 0)
		result = backup_open_new(&target->open, err);
	for (size_t i = 0; result == 0 && i < target->ranges.count; i++)
		result = restore_add_item(restoring, place, i, err);
	return result;
}

/* *ret_digest, *ret_sum: of what add_digest was called for; it is forgotten. */
static int take_digest(struct restore_target *target, struct lthash *ret_sum,
	struct sha256 *ret_digest, struct err *err)
{
	*ret_sum = target->open->sum;
	backup_open_free(target->open);
	target->open = NULL;
	backup_ranges_release(&target->ranges);
	return lthash_digest(ret_sum, ret_digest, err);
}

/* ---- before */

/* The same fields but for those that the server adds, and but for those that are left out. */
static bool same_fields(struct bytes a, struct bytes b, bool (*left_out)(const char *name))
{
	struct doc_iter iter = doc_iter_begin(a);
	struct value value;
	const char *name;

	while (doc_iter_next(&iter, &name, &value)) {
		struct value other = doc_get(b, name);
		if (backup_is_servers_field(name, &value) || (left_out != NULL && left_out(name)))
			continue;
		if (!value_equal(&value, &other))
			return false;
	}
	return true;
}

/* What is set last may be missing yet; what is there must be what it will be. */
static bool validation_fits(struct bytes there, struct bytes wanted)
{
	struct doc_iter iter = doc_iter_begin(there);
	struct value value;
	const char *name;

	while (doc_iter_next(&iter, &name, &value)) {
		struct value other = doc_get(wanted, name);
		if (restore_is_validation(name) && !value_equal(&value, &other))
			return false;
	}
	return true;
}

static bool options_fit(struct bytes there, struct bytes wanted)
{
	return same_fields(there, wanted, restore_is_validation) &&
	       same_fields(wanted, there, restore_is_validation) && validation_fits(there, wanted);
}

/* Some may be missing yet, none may be of another kind. */
static int indexes_fit(struct mongo *mongo, const char *collection,
	const struct backup_metadata *wanted, struct arena *arena, bool *ret_fit, struct err *err)
{
	struct bytes *there = NULL;
	size_t count = 0;
	int result = mongo_indexes(mongo, collection, arena, &there, &count, err);

	*ret_fit = true;
	for (size_t i = 0; result == 0 && i < count && *ret_fit; i++) {
		bool found = false;
		for (size_t k = 0; k < wanted->index_count && !found; k++)
			found = same_fields(there[i], wanted->indexes[k], NULL) &&
				same_fields(wanted->indexes[k], there[i], NULL);
		*ret_fit = found;
	}
	return result;
}

static int definition_fits(struct mongo *mongo, const struct mongo_collection *there,
	const struct backup_collection *collection, bool *ret_fits, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct backup_metadata wanted;
	int result = restore_metadata(collection, &arena, &wanted, err);

	*ret_fits = false;
	if (result != 0 || strcmp(there->type, collection->type) != 0 ||
		!options_fit(there->options, wanted.options))
		return result;
	return indexes_fit(mongo, collection->name, &wanted, &arena, ret_fits, err);
}

/* Only what has as many documents is worth reading. */
static int may_be_kept(struct mongo *mongo, const struct mongo_collection *there,
	const struct backup_collection *collection, bool *ret_may, struct err *err)
{
	int64_t count = -1;
	int result = definition_fits(mongo, there, collection, ret_may, err);

	if (result == 0 && *ret_may)
		result = mongo_count(mongo, collection->name, bytes_make(NULL, 0), &count, err);
	*ret_may = *ret_may && count == (int64_t)collection->count;
	return result;
}

static size_t place_of(const struct restoring *restoring, const char *name)
{
	const struct backup_collection *found = backup_find(&restoring->index, name);

	return found == NULL ? SIZE_MAX : (size_t)(found - restoring->index.collections);
}

int restore_look(struct restoring *restoring, struct mongo *target,
	const struct mongo_collection *there, size_t count, struct err *err)
{
	int64_t octets = 0;
	int result = 0;

	for (size_t i = 0; result == 0 && i < count; i++) {
		size_t place = place_of(restoring, there[i].name);
		bool may = false;
		if (place == SIZE_MAX)
			continue;
		struct backup_collection *collection = &restoring->index.collections[place];
		restoring->targets[place].is_there = true;
		/* Of what mongodump wrote no digest is known. */
		if (restoring->index.foreign || restore_is_view(collection))
			continue;
		result = may_be_kept(target, &there[i], collection, &may, err);
		if (result == 0 && may)
			result = add_digest(restoring, place, target, err);
		octets += may ? (int64_t)collection->octets : 0;
	}
	if (result == 0)
		result = restore_phase(restoring, "comparing", octets, true, digest_item, err);
	for (size_t i = 0; result == 0 && i < restoring->index.count; i++) {
		struct restore_target *one = &restoring->targets[i];
		struct sha256 digest;
		struct lthash sum;
		if (one->open == NULL)
			continue;
		result = take_digest(one, &sum, &digest, err);
		one->kept = result == 0 &&
			    sha256_equal(&digest, &restoring->index.collections[i].digest);
	}
	return result;
}

/* ---- after */

/* What the server has now is what the file had, and that what the index says. */
static int compare(struct restoring *restoring, size_t place, struct err *err)
{
	struct restore_target *target = &restoring->targets[place];
	struct backup_collection *collection = &restoring->index.collections[place];
	struct sha256 written, there;
	struct lthash sum;
	int result = take_digest(target, &sum, &there, err);

	if (result == 0)
		result = lthash_digest(&target->written, &written, err);
	if (result != 0)
		return result;
	if (restoring->index.foreign) {
		collection->count = target->written.count;
		collection->octets = target->written.octets;
	} else if (!sha256_equal(&written, &collection->digest)) {
		return err_set(err, ERR_RESTORE, "%s: its file has other documents than the index",
			collection->name);
	}
	if (!sha256_equal(&written, &there))
		return err_set(err, ERR_RESTORE,
			"%s: the server has other documents than were written to it (%" PRIu64
			" of %" PRIu64 ")",
			collection->name, sum.count, target->written.count);
	return 0;
}

int restore_prove(struct restoring *restoring, struct mongo *target, struct err *err)
{
	int64_t octets = 0;
	int result = 0;

	for (size_t i = 0; result == 0 && i < restoring->index.count; i++) {
		struct restore_target *one = &restoring->targets[i];
		if (one->kept || restore_is_view(&restoring->index.collections[i]))
			continue;
		one->octets = (int64_t)one->written.octets;
		one->average = one->written.count > 0
				       ? (int64_t)(one->written.octets / one->written.count)
				       : 0;
		octets += one->octets;
		result = add_digest(restoring, i, target, err);
	}
	if (result == 0)
		result = restore_phase(restoring, "proving", octets, true, digest_item, err);
	for (size_t i = 0; result == 0 && i < restoring->index.count; i++)
		if (restoring->targets[i].open != NULL)
			result = compare(restoring, i, err);
	return result;
}
