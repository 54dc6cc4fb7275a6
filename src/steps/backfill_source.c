/* The source in the order of its index, in batches, from where a checkpoint left it. */
#include "steps/backfill.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"

struct backfill_source {
	const struct backfill_phase *phase;
	struct mongo_cursor *cursor;
	int64_t batch_size;
	struct str pending; /* a document that was read and belongs to the next unit */
	bool has_pending, at_end;
};

/*
 * A query's $gt compares within one class of types, the index's order goes on with the next. Where
 * keys are of several types, what comes after a value is "greater, or of a later class".
 */
enum { RANK_MIN_KEY = 1, RANK_NULL, RANK_NUMBER, RANK_MAX_KEY = 15 };

static const struct {
	int rank;
	enum value_type type;
	const char *alias;
} classes[] = {
	{RANK_MIN_KEY, VALUE_MIN_KEY, "minKey"},
	{RANK_NULL, VALUE_NULL, "null"},
	{RANK_NULL, VALUE_MISSING, "null"},
	{RANK_NULL, VALUE_UNDEFINED, "undefined"},
	{RANK_NUMBER, VALUE_DOUBLE, "number"},
	{RANK_NUMBER, VALUE_INT32, "number"},
	{RANK_NUMBER, VALUE_INT64, "number"},
	{RANK_NUMBER, VALUE_DECIMAL128, "number"},
	{4, VALUE_STRING, "string"},
	{4, VALUE_SYMBOL, "symbol"},
	{5, VALUE_DOCUMENT, "object"},
	{7, VALUE_BINARY, "binData"},
	{8, VALUE_OBJECT_ID, "objectId"},
	{9, VALUE_BOOL, "bool"},
	{10, VALUE_DATE, "date"},
	{11, VALUE_TIMESTAMP, "timestamp"},
	{12, VALUE_DB_POINTER, "dbPointer"},
	{13, VALUE_JAVASCRIPT, "javascript"},
	{14, VALUE_JAVASCRIPT_SCOPE, "javascriptWithScope"},
	{RANK_MAX_KEY, VALUE_MAX_KEY, "maxKey"},
};

enum { CLASS_COUNT = sizeof classes / sizeof classes[0] };

static int rank_of(enum value_type type)
{
	for (size_t i = 0; i < CLASS_COUNT; i++)
		if (classes[i].type == type)
			return classes[i].rank;
	return 0;
}

static void write_later_types(struct doc_writer *writer, int rank)
{
	const char *before = "";

	doc_write_array(writer, "$type");
	for (size_t i = 0; i < CLASS_COUNT; i++) {
		if (classes[i].rank > rank && strcmp(classes[i].alias, before) != 0)
			doc_write_string(writer, NULL, classes[i].alias);
		before = classes[i].alias;
	}
	doc_write_end(writer);
}

/* No number is greater than one that is none, but in the order it is the first of them. */
static void write_greater(struct doc_writer *writer, const struct value *value)
{
	const struct value least = {.type = VALUE_DOUBLE, .number = -INFINITY};

	if (rank_of(value->type) == RANK_NUMBER && value_compare(value, &least) < 0)
		doc_write_value(writer, "$gte", &least);
	else
		doc_write_value(writer, "$gt", value);
}

/* An element of the $or being written: the keys before `last` equal, that one greater or later. */
static void write_branch(struct doc_writer *writer, const struct backfill_phase *phase,
	struct bytes after, size_t last, bool later)
{
	doc_write_document(writer, NULL);
	for (size_t i = 0; i <= last; i++) {
		const char *name = phase->key_count == 0 ? "_id" : phase->keys[i];
		struct value value = doc_get(after, name);
		if (value.type == VALUE_MISSING)
			value = (struct value){.type = VALUE_NULL};
		doc_write_document(writer, name);
		if (i < last) {
			doc_write_value(writer, "$eq", &value);
		} else if (!later) {
			write_greater(writer, &value);
		} else {
			write_later_types(writer, rank_of(value.type));
		}
		doc_write_end(writer);
	}
	doc_write_end(writer);
}

int backfill_filter_after(
	const struct backfill_phase *phase, struct bytes after, struct str *out, struct err *err)
{
	size_t count = phase->key_count == 0 ? 1 : phase->key_count;
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_array(&writer, "$or");
	for (size_t i = 0; i < count; i++) {
		struct value value = doc_get(after, phase->key_count == 0 ? "_id" : phase->keys[i]);
		int rank = rank_of(value.type);
		if (rank == 0)
			return err_set(err, ERR_MIGRATION,
				"%s: a key is of type %s, after which it cannot go on",
				phase->collection, value_type_name(value.type));
		if (rank >= RANK_NUMBER) /* nothing is greater than maxKey, which is right */
			write_branch(&writer, phase, after, i, false);
		if (rank < RANK_MAX_KEY)
			write_branch(&writer, phase, after, i, true);
	}
	doc_write_end(&writer);
	doc_write_end(&writer);
	return str_check(out, err);
}

void backfill_order(const struct backfill_phase *phase, struct str *out)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	for (size_t i = 0; i < phase->key_count; i++)
		doc_write_int32(&writer, phase->keys[i], 1);
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
}

static int open_filtered(struct mongo *mongo, const struct backfill_phase *phase,
	struct bytes filter, int64_t batch_size, struct backfill_source **ret_source,
	struct err *err)
{
	CLEANUP_STR struct str order = STR_INIT;

	backfill_order(phase, &order);
	int result = str_check(&order, err);
	if (result != 0)
		return result;
	struct backfill_source *source = calloc(1, sizeof *source);
	if (source == NULL)
		return err_no_memory(err);
	source->phase = phase;
	source->batch_size = batch_size;
	const struct mongo_find find = {
		.collection = phase->collection,
		.filter = filter,
		.sort = str_bytes(&order),
		.batch_size = batch_size > 1000 ? 1000 : (uint32_t)batch_size,
		.no_timeout = true,
	};
	result = mongo_find(mongo, &find, &source->cursor, err);
	if (result != 0) {
		backfill_source_close(source);
		return result;
	}
	*ret_source = source;
	return 0;
}

int backfill_source_open(struct mongo *mongo, const struct backfill_phase *phase,
	struct bytes after, int64_t batch_size, struct backfill_source **ret_source,
	struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	int result = after.size == 0 ? 0 : backfill_filter_after(phase, after, &filter, err);

	return result != 0 ? result
			   : open_filtered(
				     mongo, phase, str_bytes(&filter), batch_size, ret_source, err);
}

int backfill_source_open_one(struct mongo *mongo, const struct backfill_phase *phase,
	struct bytes key, struct backfill_source **ret_source, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	struct doc_iter iter = doc_iter_begin(key);
	struct doc_writer writer;
	struct value value;
	const char *name;

	doc_write_begin(&writer, &filter);
	while (doc_iter_next(&iter, &name, &value)) {
		doc_write_document(&writer, name);
		doc_write_value(&writer, "$eq", &value);
		doc_write_end(&writer);
	}
	doc_write_end(&writer);
	int result = str_check(&filter, err);
	return result != 0 ? result
			   : open_filtered(mongo, phase, str_bytes(&filter), 1, ret_source, err);
}

void backfill_source_close(struct backfill_source *source)
{
	if (source == NULL)
		return;
	mongo_cursor_cleanup(&source->cursor);
	str_release(&source->pending);
	free(source);
}

void backfill_source_cleanup(struct backfill_source **source)
{
	backfill_source_close(*source);
}

/* The next document, a view until the one after it; size 0 at the end. */
static int next_document(struct backfill_source *source, struct bytes *ret_doc, struct err *err)
{
	*ret_doc = bytes_make(NULL, 0);
	if (source->has_pending) {
		source->has_pending = false;
		*ret_doc = str_bytes(&source->pending);
		return 0;
	}
	if (source->at_end)
		return 0;
	int result = mongo_cursor_next(source->cursor, ret_doc, err);
	if (result < 0)
		return result;
	if (result == 0) {
		source->at_end = true;
		*ret_doc = bytes_make(NULL, 0);
		return 0;
	}
	return 0;
}

static int put_back(struct backfill_source *source, struct bytes doc, struct err *err)
{
	str_truncate(&source->pending, 0);
	str_append(&source->pending, doc.data, doc.size);
	source->has_pending = true;
	return str_check(&source->pending, err);
}

int backfill_key(
	const struct backfill_phase *phase, struct bytes doc, struct str *out, struct err *err)
{
	struct doc_writer writer;
	size_t count = phase->key_count == 0 ? 1 : phase->key_count;

	doc_write_begin(&writer, out);
	for (size_t i = 0; i < count; i++) {
		const char *name = phase->key_count == 0 ? "_id" : phase->keys[i];
		struct value value = doc_get(doc, name);
		/* An index has it once for each element: no place in the order to go on from. */
		if (value.type == VALUE_ARRAY)
			return err_set(err, ERR_MIGRATION,
				"%s: %s is an array, by which documents cannot be grouped",
				phase->collection, name);
		if (value.type == VALUE_MISSING)
			doc_write_null(&writer, name);
		else
			doc_write_value(&writer, name, &value);
	}
	doc_write_end(&writer);
	return str_check(out, err);
}

static int write_key(const struct backfill_phase *phase, struct bytes doc, struct arena *arena,
	struct bytes *ret_key, struct err *err)
{
	CLEANUP_STR struct str key = STR_INIT;
	int result = backfill_key(phase, doc, &key, err);

	if (result != 0)
		return result;
	*ret_key = arena_bytes(arena, str_bytes(&key));
	return ret_key->data == NULL ? err_no_memory(err) : 0;
}

void backfill_key_to_text(struct bytes key, struct str *out)
{
	struct value id = doc_get(key, "_id");
	struct value whole = {.type = VALUE_DOCUMENT, .bytes = key};

	value_to_text(id.type != VALUE_MISSING ? &id : &whole, out);
}

/* As the index orders them: 1 and 1.0 are one key, and what comes after it is after both. */
static bool same_key(struct bytes a, struct bytes b)
{
	struct doc_iter a_iter = doc_iter_begin(a), b_iter = doc_iter_begin(b);
	struct value a_value, b_value;
	const char *name;

	while (doc_iter_next(&a_iter, &name, &a_value) && doc_iter_next(&b_iter, &name, &b_value))
		if (value_compare(&a_value, &b_value) != 0)
			return false;
	return true;
}

static int read_document(struct backfill_source *source, struct arena *arena,
	struct backfill_unit *unit, struct err *err)
{
	struct bytes doc;
	int result = next_document(source, &doc, err);

	unit->root = bytes_make(NULL, 0);
	if (result != 0 || doc.size == 0)
		return result;
	unit->root = arena_bytes(arena, doc);
	unit->documents = 1;
	if (unit->root.data == NULL)
		return err_no_memory(err);
	return write_key(source->phase, unit->root, arena, &unit->key, err);
}

static int too_large(
	const struct backfill_source *source, const struct backfill_unit *unit, struct err *err)
{
	CLEANUP_STR struct str key = STR_INIT;

	backfill_key_to_text(unit->key, &key);
	return err_set(err, ERR_LIMIT, "%s: the documents of group %s have more than %d octets",
		source->phase->collection, str_text(&key), BACKFILL_GROUP_OCTETS);
}

/* From its first document on; the first of the next group is put back. */
static int write_group(struct backfill_source *source, struct arena *arena, struct bytes doc,
	struct backfill_unit *unit, struct str *root, struct doc_writer *writer, struct err *err)
{
	struct bytes key;

	for (unit->documents = 0; doc.size > 0; unit->documents++) {
		int result = 0;
		if (unit->documents > 0)
			result = write_key(source->phase, doc, arena, &key, err);
		if (result != 0)
			return result;
		if (unit->documents > 0 && !same_key(key, unit->key))
			return put_back(source, doc, err);
		doc_write_raw(writer, NULL, doc);
		if (root->size > BACKFILL_GROUP_OCTETS)
			return too_large(source, unit, err);
		result = next_document(source, &doc, err);
		if (result != 0)
			return result;
	}
	return 0;
}

/* All documents that agree with the first in their keys, as {the keys, documents: [...]}. */
static int read_group(struct backfill_source *source, struct arena *arena,
	struct backfill_unit *unit, struct err *err)
{
	CLEANUP_STR struct str root = STR_INIT;
	struct doc_writer writer;
	struct bytes doc;
	const char *name;
	struct value value;
	int result = next_document(source, &doc, err);

	unit->root = bytes_make(NULL, 0);
	if (result == 0 && doc.size > 0)
		result = write_key(source->phase, doc, arena, &unit->key, err);
	if (result != 0 || doc.size == 0)
		return result;
	doc_write_begin(&writer, &root);
	struct doc_iter iter = doc_iter_begin(unit->key);
	while (doc_iter_next(&iter, &name, &value))
		doc_write_value(&writer, name, &value);
	doc_write_array(&writer, "documents");
	result = write_group(source, arena, doc, unit, &root, &writer, err);
	doc_write_end(&writer);
	doc_write_end(&writer);
	if (result == 0)
		result = str_check(&root, err);
	if (result != 0)
		return result;
	unit->root = arena_take(arena, &root);
	return unit->root.data == NULL ? err_no_memory(err) : 0;
}

int backfill_source_read(struct backfill_source *source, struct arena *arena,
	struct backfill_unit **ret_units, size_t *ret_count, struct err *err)
{
	const struct backfill_phase *phase = source->phase;
	struct backfill_unit *units = arena_array(arena, (size_t)source->batch_size, sizeof *units);
	size_t count = 0, octets = 0;

	if (units == NULL)
		return err_no_memory(err);
	while (count < (size_t)source->batch_size && octets < BACKFILL_BATCH_OCTETS) {
		struct backfill_unit *unit = &units[count];
		int result = phase->key_count == 0 ? read_document(source, arena, unit, err)
						   : read_group(source, arena, unit, err);
		if (result != 0)
			return result;
		if (unit->root.data == NULL)
			break;
		unit->variables =
			arena_array(arena, phase->variable_count, sizeof *unit->variables);
		if (unit->variables == NULL)
			return err_no_memory(err);
		octets += unit->root.size;
		count++;
	}
	*ret_units = units;
	*ret_count = count;
	return 0;
}
