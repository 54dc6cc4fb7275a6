/* Documents by values, many at once: what the lookups of a batch need, and what is there already.
 */
#include "steps/backfill.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct found_list {
	struct backfill_found *list;
	size_t count, room;
};

static int by_key(const void *left, const void *right)
{
	const struct backfill_found *a = left, *b = right;
	int order = value_compare(&a->key, &b->key);

	if (order != 0)
		return order;
	struct value id_a = doc_get(a->document, "_id"), id_b = doc_get(b->document, "_id");
	return value_compare(&id_a, &id_b);
}

static int add_found(struct found_list *found, struct bytes doc, const char *field,
	struct arena *arena, struct err *err)
{
	if (found->count == found->room) {
		size_t room = found->room == 0 ? 64 : 2 * found->room;
		struct backfill_found *list = arena_array(arena, room, sizeof *list);
		if (list == NULL)
			return err_no_memory(err);
		if (found->count > 0)
			memcpy(list, found->list, found->count * sizeof *list);
		found->list = list;
		found->room = room;
	}
	struct bytes copy = arena_bytes(arena, doc);
	if (copy.data == NULL)
		return err_no_memory(err);
	found->list[found->count++] = (struct backfill_found){doc_get_path(copy, field), copy};
	return 0;
}

static int find_some(struct mongo *mongo, const struct mongo_find *find, const char *field,
	struct found_list *found, struct arena *arena, struct err *err)
{
	struct mongo_cursor *cursor CLEANUP(mongo_cursor_cleanup) = NULL;
	struct bytes doc;
	int result = mongo_find(mongo, find, &cursor, err);

	while (result == 0) {
		int more = mongo_cursor_next(cursor, &doc, err);
		if (more <= 0)
			return more;
		result = add_found(found, doc, field, arena, err);
	}
	return result;
}

static void write_projection(
	struct str *out, const char *field, const char *const *fields, size_t count)
{
	struct doc_writer writer;
	bool has_field = strcmp(field, "_id") == 0;

	doc_write_begin(&writer, out);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i], "_id") == 0)
			continue;
		doc_write_int32(&writer, fields[i], 1);
		has_field = has_field || strcmp(fields[i], field) == 0;
	}
	if (!has_field)
		doc_write_int32(&writer, field, 1);
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
}

int backfill_find_in(struct mongo *mongo, const char *collection, const char *field,
	const struct value *values, size_t value_count, const char *const *fields,
	size_t field_count, struct arena *arena, struct backfill_found **ret_found,
	size_t *ret_count, struct err *err)
{
	CLEANUP_STR struct str projection = STR_INIT;
	struct found_list found = {NULL, 0, 0};
	int result = 0;

	if (field_count > 0)
		write_projection(&projection, field, fields, field_count);
	for (size_t from = 0; result == 0 && from < value_count; from += BACKFILL_IN_MAX) {
		CLEANUP_STR struct str filter = STR_INIT;
		struct doc_writer writer;
		size_t to =
			from + BACKFILL_IN_MAX < value_count ? from + BACKFILL_IN_MAX : value_count;
		doc_write_begin(&writer, &filter);
		doc_write_document(&writer, field);
		doc_write_array(&writer, "$in");
		for (size_t i = from; i < to; i++)
			doc_write_value(&writer, NULL, &values[i]);
		doc_write_end(&writer);
		doc_write_end(&writer);
		doc_write_end(&writer);
		result = str_check(&filter, err);
		if (result == 0)
			result = str_check(&projection, err);
		const struct mongo_find find = {
			.collection = collection,
			.filter = str_bytes(&filter),
			.projection = str_bytes(&projection),
			.batch_size = BACKFILL_IN_MAX,
		};
		if (result == 0)
			result = find_some(mongo, &find, field, &found, arena, err);
	}
	if (result != 0)
		return result;
	if (found.count > 0)
		qsort(found.list, found.count, sizeof *found.list, by_key);
	*ret_found = found.list;
	*ret_count = found.count;
	return 0;
}

size_t backfill_found_at(
	const struct backfill_found *found, size_t count, const struct value *value)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (value_compare(&found[middle].key, value) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && value_compare(&found[low].key, value) == 0 ? low : SIZE_MAX;
}

/* ---- the lookups of a batch */

int backfill_find_odd(struct backfill_batch *batch, size_t unit, enum backfill_oddity oddity,
	const struct backfill_lookup *lookup, const struct value *key, struct err *err)
{
	if (batch->finding_count == batch->finding_room) {
		size_t room = 2 * batch->finding_room + 16;
		struct backfill_finding *findings =
			arena_array(batch->arena, room, sizeof *findings);
		if (findings == NULL)
			return err_no_memory(err);
		if (batch->finding_count > 0)
			memcpy(findings, batch->findings, batch->finding_count * sizeof *findings);
		batch->findings = findings;
		batch->finding_room = room;
	}
	batch->findings[batch->finding_count++] = (struct backfill_finding){
		.unit = unit, .oddity = oddity, .lookup = lookup, .key = *key};
	return 0;
}

struct wanted {
	struct value *values;
	size_t count, room;
};

static int want(
	struct wanted *wanted, const struct value *value, struct arena *arena, struct err *err)
{
	if (value->type == VALUE_MISSING || value->type == VALUE_NULL)
		return 0;
	if (wanted->count == wanted->room) {
		size_t room = wanted->room == 0 ? 256 : 2 * wanted->room;
		struct value *values = arena_array(arena, room, sizeof *values);
		if (values == NULL)
			return err_no_memory(err);
		if (wanted->count > 0)
			memcpy(values, wanted->values, wanted->count * sizeof *values);
		wanted->values = values;
		wanted->room = room;
	}
	wanted->values[wanted->count++] = *value;
	return 0;
}

/* The key of each unit; what a template cannot compute is that unit's failure, told by deriving. */
static int compute_keys(const struct backfill_lookup *lookup, struct backfill_batch *batch,
	struct value *keys, struct wanted *wanted, struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < batch->unit_count; i++) {
		struct value element;
		struct err failed;
		const char *name;
		struct derive_run run = {.root = batch->units[i].root,
			.variables = batch->units[i].variables,
			.scratch = batch->arena,
			.sha256 = batch->sha256};
		keys[i] = (struct value){.type = VALUE_MISSING};
		if (derive_evaluate(lookup->key, &run, &keys[i], &failed) != 0) {
			batch->units[i].failed = (const struct err *)arena_bytes(
				batch->arena, bytes_make(&failed, sizeof failed))
							 .data;
			if (batch->units[i].failed == NULL)
				return err_no_memory(err);
			continue;
		}
		if (!lookup->many || keys[i].type != VALUE_ARRAY) {
			result = want(wanted, &keys[i], batch->arena, err);
			continue;
		}
		struct doc_iter iter = doc_iter_begin(keys[i].bytes);
		while (result == 0 && doc_iter_next(&iter, &name, &element))
			result = want(wanted, &element, batch->arena, err);
	}
	return result;
}

static int by_id(const void *left, const void *right)
{
	const struct backfill_found *a = *(const struct backfill_found *const *)left,
				    *b = *(const struct backfill_found *const *)right;
	struct value id_a = doc_get(a->document, "_id"), id_b = doc_get(b->document, "_id");

	return value_compare(&id_a, &id_b);
}

/* All that were found for a key, or for each element of one that is an array; each once. */
static int gather(const struct value *key, const struct backfill_found *found, size_t count,
	struct arena *arena, struct value *ret_value, struct err *err)
{
	CLEANUP_STR struct str out = STR_INIT;
	struct doc_writer writer;
	struct value element = *key;
	const char *name;
	struct doc_iter iter =
		doc_iter_begin(key->type == VALUE_ARRAY ? key->bytes : bytes_make(NULL, 0));
	const struct backfill_found **all = arena_array(arena, count + 1, sizeof *all);
	size_t used = 0;

	if (all == NULL)
		return err_no_memory(err);
	bool more = key->type != VALUE_ARRAY || doc_iter_next(&iter, &name, &element);
	while (more) {
		size_t at = backfill_found_at(found, count, &element);
		for (; at < count && value_compare(&found[at].key, &element) == 0; at++)
			if (used < count)
				all[used++] = &found[at];
		more = key->type == VALUE_ARRAY && doc_iter_next(&iter, &name, &element);
	}
	if (used > 0)
		qsort(all, used, sizeof *all, by_id);
	doc_write_begin(&writer, &out);
	doc_write_array(&writer, "a");
	for (size_t i = 0; i < used; i++)
		if (i == 0 || all[i] != all[i - 1])
			doc_write_raw(&writer, NULL, all[i]->document);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int result = str_check(&out, err);
	if (result != 0)
		return result;
	struct bytes copy = arena_take(arena, &out);
	if (copy.data == NULL)
		return err_no_memory(err);
	*ret_value = doc_get(copy, "a");
	return 0;
}

static int look_up_one(struct mongo *mongo, const struct backfill_lookup *lookup,
	struct backfill_batch *batch, struct err *err)
{
	struct value *keys = arena_array(batch->arena, batch->unit_count + 1, sizeof *keys);
	struct wanted wanted = {NULL, 0, 0};
	struct backfill_found *found = NULL;
	size_t count = 0;

	if (keys == NULL)
		return err_no_memory(err);
	int result = compute_keys(lookup, batch, keys, &wanted, err);
	if (result == 0)
		result = backfill_find_in(mongo, lookup->collection, lookup->field, wanted.values,
			wanted.count, lookup->fields, lookup->field_count, batch->arena, &found,
			&count, err);
	for (size_t i = 0; result == 0 && i < batch->unit_count; i++) {
		struct value *variable = &batch->units[i].variables[lookup->slot];
		bool none = keys[i].type == VALUE_MISSING || keys[i].type == VALUE_NULL;
		if (lookup->many) {
			result = gather(
				&keys[i], found, none ? 0 : count, batch->arena, variable, err);
			continue;
		}
		size_t at = none ? SIZE_MAX : backfill_found_at(found, count, &keys[i]);
		if (at != SIZE_MAX)
			*variable =
				(struct value){.type = VALUE_DOCUMENT, .bytes = found[at].document};
		else if (!none && lookup->missing_is_finding)
			result = backfill_find_odd(batch, i, ODDITY_MISSING, lookup, &keys[i], err);
		else if (!none)
			batch->units[i].not_found = lookup;
	}
	if (result == 0 && lookup->chain != NULL)
		result = backfill_follow_chain(mongo, lookup, batch, keys, err);
	return result;
}

int backfill_look_up(struct mongo *mongo, struct backfill_batch *batch, struct err *err)
{
	int result = 0;

	batch->mongo = mongo;
	/* Payloads are large: they are read one by one, when their document is derived. */
	for (size_t i = 0; result == 0 && i < batch->phase->lookup_count; i++)
		if (batch->phase->lookups[i].bucket == NULL)
			result = look_up_one(mongo, &batch->phase->lookups[i], batch, err);
	return result;
}
