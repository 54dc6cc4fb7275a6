/* What is there is compared first; then what is missing is inserted, in order. */
#include "steps/backfill.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { DUPLICATE_KEY = 11000, ROUNDS_MAX = 1000 };

/* The ids of a write's documents that still have to be settled. */
static int ids_of(struct backfill_batch *batch, const struct backfill_write *write,
	struct value **ret_ids, size_t *ret_count, struct err *err)
{
	struct value *ids = arena_array(batch->arena, batch->derived_count + 1, sizeof *ids);
	size_t count = 0;

	if (ids == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < batch->derived_count; i++)
		if (batch->derived[i].write == write && batch->derived[i].fate == FATE_WRITE)
			ids[count++] = batch->derived[i].id;
	*ret_ids = ids;
	*ret_count = count;
	return 0;
}

static int judge(struct backfill_batch *batch, struct backfill_derived *derived,
	struct bytes existing, const char *run_id, struct err *err)
{
	struct sha256 leaf;
	int result = backfill_leaf(batch, existing, derived->write, &leaf, err);

	if (result != 0)
		return result;
	if (!sha256_equal(&leaf, &derived->leaf)) {
		derived->fate = FATE_CONFLICT;
		derived->existing = existing;
		batch->conflict_count++;
		return 0;
	}
	struct value run = doc_get_path(existing, derived->write->run_path);
	bool ours = run.type == VALUE_STRING && bytes_equal(run.bytes, bytes_of_string(run_id));
	derived->fate = !ours ? FATE_SKIPPED : batch->fresh ? FATE_REPEATED : FATE_FOUND;
	return 0;
}

static int compare_write(struct mongo *mongo, struct backfill_batch *batch,
	const struct backfill_write *write, const char *run_id, struct err *err)
{
	struct backfill_found *found = NULL;
	struct value *ids = NULL;
	size_t count = 0, id_count = 0;
	int result = ids_of(batch, write, &ids, &id_count, err);

	if (result == 0)
		result = backfill_find_in(mongo, write->collection, "_id", ids, id_count, NULL, 0,
			batch->arena, &found, &count, err);
	for (size_t i = 0; result == 0 && i < batch->derived_count; i++) {
		struct backfill_derived *derived = &batch->derived[i];
		if (derived->write != write || derived->fate != FATE_WRITE)
			continue;
		size_t at = backfill_found_at(found, count, &derived->id);
		if (at != SIZE_MAX)
			result = judge(batch, derived, found[at].document, run_id, err);
	}
	return result;
}

/* Two units of one batch may derive one document: the second is the first again, or a conflict. */
static int by_target_and_id(const void *left, const void *right)
{
	const struct backfill_derived *a = *(struct backfill_derived *const *)left,
				      *b = *(struct backfill_derived *const *)right;

	if (a->write->target != b->write->target)
		return a->write->target < b->write->target ? -1 : 1;
	int order = memcmp(a->id.object_id, b->id.object_id, OBJECT_ID_SIZE);
	if (order != 0)
		return order;
	return (a->unit > b->unit) - (a->unit < b->unit);
}

static int settle_twins(struct backfill_batch *batch, struct err *err)
{
	struct backfill_derived **order =
		arena_array(batch->arena, batch->derived_count + 1, sizeof *order);

	if (order == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < batch->derived_count; i++)
		order[i] = &batch->derived[i];
	if (batch->derived_count > 0)
		qsort(order, batch->derived_count, sizeof *order, by_target_and_id);
	for (size_t i = 1, first = 0; i < batch->derived_count; i++) {
		struct backfill_derived *one = order[first], *other = order[i];
		if (one->write->target != other->write->target ||
			memcmp(one->id.object_id, other->id.object_id, OBJECT_ID_SIZE) != 0) {
			first = i;
			continue;
		}
		if (other->fate != FATE_WRITE)
			continue;
		other->fate = FATE_REPEATED;
		if (!sha256_equal(&one->leaf, &other->leaf)) {
			other->fate = FATE_CONFLICT;
			other->existing = one->document;
			batch->conflict_count++;
		}
	}
	return 0;
}

int backfill_compare(
	struct mongo *mongo, struct backfill_batch *batch, const char *run_id, struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < batch->phase->write_count; i++)
		result = compare_write(mongo, batch, &batch->phase->writes[i], run_id, err);
	return result == 0 ? settle_twins(batch, err) : result;
}

/* ---- writing */

static struct backfill_derived *nth_to_write(
	struct backfill_batch *batch, const struct backfill_write *write, size_t index)
{
	for (size_t i = 0; i < batch->derived_count; i++) {
		struct backfill_derived *derived = &batch->derived[i];
		if (derived->write == write && derived->fate == FATE_WRITE && index-- == 0)
			return derived;
	}
	return NULL;
}

static int refused(const struct backfill_derived *derived, const struct mongo_write_error *refusal,
	struct err *err)
{
	char id[OBJECT_ID_HEX_SIZE];

	object_id_to_hex(derived->id.object_id, id);
	return err_set(err, refusal->code == DUPLICATE_KEY ? ERR_CONFLICT : ERR_MIGRATION,
		"%s %s: the server refused it: %s (code %d)", derived->write->collection, id,
		refusal->message, refusal->code);
}

/*
 * One ordered bulk of what is still to be written. *ret_done says that nothing is left: a duplicate
 * ends the bulk, is compared with what is there, and the rest is sent again.
 */
static int write_round(struct mongo *mongo, struct backfill_batch *batch,
	const struct backfill_write *write, const char *run_id, bool *ret_done, struct err *err)
{
	struct mongo_bulk *bulk CLEANUP(mongo_bulk_cleanup) = NULL;
	struct mongo_bulk_result done;
	size_t count = 0;
	int result = 0;

	for (size_t i = 0; result == 0 && i < batch->derived_count; i++) {
		const struct backfill_derived *derived = &batch->derived[i];
		if (derived->write != write || derived->fate != FATE_WRITE)
			continue;
		if (bulk == NULL)
			result = mongo_bulk_begin(mongo, write->collection, &bulk, err);
		if (result == 0)
			result = mongo_bulk_insert(bulk, derived->document, err);
		count++;
	}
	*ret_done = true;
	if (result != 0 || count == 0)
		return result;
	result = mongo_bulk_run(bulk, &done, err);
	if (result != 0)
		return result;
	size_t written = done.error_count == 0 ? count : done.errors[0].index;
	struct backfill_derived *stopped =
		done.error_count == 0 ? NULL : nth_to_write(batch, write, written);
	for (size_t i = 0; i < batch->derived_count && written > 0; i++) {
		struct backfill_derived *derived = &batch->derived[i];
		if (derived->write == write && derived->fate == FATE_WRITE) {
			derived->fate = FATE_WRITTEN;
			written--;
		}
	}
	if (done.error_count == 0)
		return 0;
	*ret_done = false;
	if (stopped == NULL)
		return err_set(err, ERR_INTERNAL, "a bulk write refused what was not in it");
	if (done.errors[0].code != DUPLICATE_KEY)
		return refused(stopped, &done.errors[0], err);
	/* From now on a document with this run's id may be of this very attempt. */
	batch->fresh = false;
	result = compare_write(mongo, batch, write, run_id, err);
	/* Not our _id, then: a document with another one has what must be unique. */
	if (result == 0 && stopped->fate == FATE_WRITE) {
		stopped->fate = FATE_CONFLICT;
		stopped->reason = arena_string(batch->arena, done.errors[0].message);
		batch->conflict_count++;
		if (stopped->reason == NULL)
			return err_no_memory(err);
	}
	return result;
}

int backfill_write(
	struct mongo *mongo, struct backfill_batch *batch, const char *run_id, struct err *err)
{
	for (size_t i = 0; i < batch->phase->write_count; i++) {
		bool done = false;
		for (int round = 0; !done; round++) {
			if (round == ROUNDS_MAX)
				return err_set(err, ERR_CONFLICT,
					"%s: another writer is at work there",
					batch->phase->writes[i].collection);
			int result = write_round(
				mongo, batch, &batch->phase->writes[i], run_id, &done, err);
			if (result != 0)
				return result;
		}
	}
	return 0;
}
