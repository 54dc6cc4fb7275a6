#include "steps/backup_ranges.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	RANGE_OCTETS = 64 * 1024 * 1024, /* about */
	RANGES_LEAST = 4,
	DIVIDED_EARLIER = 8,
	SAMPLES = 64, /* a range: so that they are about as large as each other */
};

/* What can be asked for with $type and is compared with itself only. */
static const struct {
	enum value_type type;
	const char *class;
} classes[] = {
	{VALUE_DOUBLE, "number"},
	{VALUE_INT32, "number"},
	{VALUE_INT64, "number"},
	{VALUE_DECIMAL128, "number"},
	{VALUE_STRING, "string"},
	{VALUE_DOCUMENT, "object"},
	{VALUE_BINARY, "binData"},
	{VALUE_OBJECT_ID, "objectId"},
	{VALUE_BOOL, "bool"},
	{VALUE_DATE, "date"},
	{VALUE_TIMESTAMP, "timestamp"},
};

enum { TYPES = sizeof classes / sizeof classes[0] };

static const char rest[] = "";

/* Each class once; NULL at the end. */
static const char *next_class(size_t *at)
{
	while (*at > 0 && *at < TYPES && classes[*at].class == classes[*at - 1].class)
		(*at)++;
	return *at < TYPES ? classes[(*at)++].class : NULL;
}

static const char *class_of(enum value_type type)
{
	for (size_t i = 0; i < TYPES; i++)
		if (classes[i].type == type)
			return classes[i].class;
	return rest;
}

static const char *class_by_name(const char *name)
{
	for (size_t i = 0; i < TYPES; i++)
		if (strcmp(classes[i].class, name) == 0)
			return classes[i].class;
	return name[0] == '\0' ? rest : NULL;
}

static bool is_nan(const struct value *value)
{
	const struct value nan = {.type = VALUE_DOUBLE, .number = NAN};

	return value_is_number(value) && value_compare(value, &nan) == 0;
}

/* ---- making */

static int write_id(struct str *out, const struct value *id, struct err *err)
{
	struct doc_writer writer;

	str_truncate(out, 0);
	doc_write_begin(&writer, out);
	doc_write_value(&writer, "_id", id);
	doc_write_end(&writer);
	return str_check(out, err);
}

static int keep_id(struct arena *arena, struct bytes doc, struct bytes *ret_id, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct value id = doc_get(doc, "_id");
	int result = write_id(&text, &id, err);

	if (result != 0)
		return result;
	*ret_id = arena_bytes(arena, str_bytes(&text));
	return ret_id->data == NULL ? err_no_memory(err) : 0;
}

static void only_ids(struct str *out)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
}

/* The least _id, or the greatest. *ret_id: {_id: …}, empty if there is no document. */
static int find_end(struct mongo *mongo, const char *collection, int32_t direction,
	struct str *ret_id, struct err *err)
{
	CLEANUP_STR struct str sort = STR_INIT, projection = STR_INIT;
	struct doc_writer writer;
	bool found = false;

	doc_write_begin(&writer, &sort);
	doc_write_int32(&writer, "_id", direction);
	doc_write_end(&writer);
	only_ids(&projection);
	const struct mongo_find find = {
		.collection = collection,
		.sort = str_bytes(&sort),
		.projection = str_bytes(&projection),
	};
	int result = str_check(&sort, err);
	if (result == 0)
		result = str_check(&projection, err);
	return result != 0 ? result : mongo_find_one(mongo, &find, ret_id, &found, err);
}

static void write_sample(struct str *out, int32_t size)
{
	struct doc_writer writer;

	/* The names of a document's fields "0", "1" make it an array. */
	doc_write_begin(&writer, out);
	writer.is_array[0] = true;
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "$sample");
	doc_write_int32(&writer, "size", size);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "$project");
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "$sort");
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
}

static struct backup_range *add(struct backup_ranges *ranges, const char *class, bool ordered)
{
	struct backup_range *range = &ranges->ranges[ranges->count++];

	*range = (struct backup_range){.class = class, .ordered = ordered};
	return range;
}

/* Every SAMPLES-th is where a range ends and the next begins; the server may sample one twice. */
static int split_at(struct backup_ranges *ranges, struct mongo_cursor *cursor, struct err *err)
{
	struct backup_range *range = &ranges->ranges[ranges->count - 1];
	size_t number = 0;
	struct bytes doc, bound;
	int result = 0;

	while (result == 0 && ranges->count < BACKUP_RANGES_MAX &&
		(result = mongo_cursor_next(cursor, &doc, err)) == 1) {
		struct value id = doc_get(doc, "_id");
		result = 0;
		if (++number % SAMPLES != 0 || class_of(id.type) != range->class)
			continue;
		result = keep_id(&ranges->arena, doc, &bound, err);
		if (result != 0 || bytes_equal(bound, range->lower))
			continue;
		range->upper = bound;
		range = add(ranges, range->class, true);
		range->lower = bound;
	}
	return result;
}

static int split_by_sample(struct mongo *mongo, const char *collection, int64_t octets,
	struct backup_ranges *ranges, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str pipeline = STR_INIT;
	int64_t wanted = octets / RANGE_OCTETS;

	if (wanted < RANGES_LEAST)
		wanted = RANGES_LEAST;
	if (wanted > BACKUP_RANGES_MAX)
		wanted = BACKUP_RANGES_MAX;
	write_sample(&pipeline, (int32_t)wanted * SAMPLES);
	int result = str_check(&pipeline, err);
	if (result == 0)
		result = mongo_aggregate(mongo, collection, str_bytes(&pipeline), &cursor, err);
	if (result == 0)
		result = split_at(ranges, cursor, err);
	/* A server that does not sample has it read in one. */
	return result != 0 && err->code == ERR_MIGRATION ? 0 : result;
}

static void split_by_class(struct backup_ranges *ranges)
{
	const char *class;
	size_t at = 0;

	while ((class = next_class(&at)) != NULL)
		(void)add(ranges, class, true);
	(void)add(ranges, rest, false);
}

static int split(struct mongo *mongo, const char *collection, int64_t octets,
	struct backup_ranges *ranges, struct err *err)
{
	CLEANUP_STR struct str first = STR_INIT, last = STR_INIT;
	int result = find_end(mongo, collection, 1, &first, err);

	if (result == 0)
		result = find_end(mongo, collection, -1, &last, err);
	if (result != 0)
		return result;
	struct value least = doc_get(str_bytes(&first), "_id");
	struct value greatest = doc_get(str_bytes(&last), "_id");
	const char *class = class_of(least.type);
	if (first.size == 0 || last.size == 0 || is_nan(&least)) {
		(void)add(ranges, NULL, false);
		return 0;
	}
	if (class == rest || class != class_of(greatest.type)) {
		split_by_class(ranges);
		return 0;
	}
	(void)add(ranges, class, true);
	result = split_by_sample(mongo, collection, octets, ranges, err);
	/* A bound takes in a symbol among strings, which have one order; $type does not. */
	if (result == 0 && ranges->count == 1)
		result = keep_id(&ranges->arena, str_bytes(&first), &ranges->ranges[0].lower, err);
	return result;
}

int backup_ranges_make(struct mongo *mongo, const char *collection, int64_t octets,
	int64_t divide_from, struct backup_ranges *ret_ranges, struct err *err)
{
	struct backup_ranges ranges = {.arena = ARENA_INIT};
	bool large = divide_from > 0 && octets >= divide_from;
	int result = 0;

	ranges.ranges =
		arena_array(&ranges.arena, large ? BACKUP_RANGES_MAX : 1, sizeof *ranges.ranges);
	if (ranges.ranges == NULL)
		return err_no_memory(err);
	if (large)
		result = split(mongo, collection, octets, &ranges, err);
	else
		(void)add(&ranges, NULL, false);
	if (result != 0) {
		backup_ranges_release(&ranges);
		return err_context(err, "%s", collection);
	}
	*ret_ranges = ranges;
	return 0;
}

/* By a range without an order some servers need not sort before they answer. */
int backup_ranges_make_for_digest(struct mongo *mongo, const char *collection, int64_t octets,
	int64_t divide_from, struct backup_ranges *ret_ranges, struct err *err)
{
	struct backup_ranges ranges;
	int result = backup_ranges_make(
		mongo, collection, octets, divide_from / DIVIDED_EARLIER, &ranges, err);

	if (result != 0)
		return result;
	for (size_t i = 0; i < ranges.count; i++)
		ranges.ranges[i].ordered = false;
	*ret_ranges = ranges;
	return 0;
}

void backup_ranges_release(struct backup_ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++)
		str_release(&ranges->ranges[i].last);
	arena_release(&ranges->arena);
	*ranges = (struct backup_ranges){.arena = ARENA_INIT};
}

/* ---- asking */

static void write_bound(struct doc_writer *writer, const char *operator, struct bytes bound)
{
	struct value id = doc_get(bound, "_id");

	doc_write_value(writer, operator, & id);
}

/* Behind NaN, the least of the numbers, come all others: but nothing is greater than NaN. */
static void write_behind(struct doc_writer *writer, struct bytes last)
{
	struct value id = doc_get(last, "_id");

	if (is_nan(&id))
		doc_write_double(writer, "$gte", (double)-INFINITY);
	else
		doc_write_value(writer, "$gt", &id);
}

static void write_class(struct doc_writer *writer, const char *class)
{
	const char *other;
	size_t at = 0;

	if (class != rest) {
		doc_write_string(writer, "$type", class);
		return;
	}
	doc_write_document(writer, "$not");
	doc_write_array(writer, "$type");
	while ((other = next_class(&at)) != NULL)
		doc_write_string(writer, NULL, other);
	doc_write_end(writer);
	doc_write_end(writer);
}

int backup_range_filter(const struct backup_range *range, struct str *filter, struct err *err)
{
	bool goes_on = range->ordered && range->last.size > 0;
	struct doc_writer writer;

	if (range->class == NULL)
		return 0;
	doc_write_begin(&writer, filter);
	doc_write_document(&writer, "_id");
	if (goes_on)
		write_behind(&writer, str_bytes(&range->last));
	else if (range->lower.size > 0)
		write_bound(&writer, "$gte", range->lower);
	if (range->upper.size > 0)
		write_bound(&writer, "$lt", range->upper);
	if (!goes_on && range->lower.size == 0 && range->upper.size == 0)
		write_class(&writer, range->class);
	doc_write_end(&writer);
	doc_write_end(&writer);
	return str_check(filter, err);
}

int backup_range_advance(struct backup_range *range, struct bytes untrusted_doc, struct err *err)
{
	int result = doc_check(untrusted_doc, err);

	if (result != 0)
		return result;
	struct value id = doc_get(untrusted_doc, "_id");
	if (id.type == VALUE_MISSING)
		return err_set(err, ERR_SYNTAX, "a document has no _id");
	return write_id(&range->last, &id, err);
}

/* ---- for a checkpoint */

static void write_range(struct doc_writer *writer, const struct backup_range *range)
{
	doc_write_document(writer, NULL);
	if (range->class != NULL)
		doc_write_string(writer, "class", range->class);
	if (range->lower.size > 0)
		doc_write_raw(writer, "lower", range->lower);
	if (range->upper.size > 0)
		doc_write_raw(writer, "upper", range->upper);
	if (range->last.size > 0)
		doc_write_raw(writer, "last", str_bytes(&range->last));
	doc_write_bool(writer, "ordered", range->ordered);
	doc_write_bool(writer, "done", range->done);
	doc_write_end(writer);
}

int backup_ranges_write(const struct backup_ranges *ranges, struct str *out, struct err *err)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_array(&writer, "ranges");
	for (size_t i = 0; i < ranges->count; i++)
		write_range(&writer, &ranges->ranges[i]);
	doc_write_end(&writer);
	doc_write_end(&writer);
	return str_check(out, err);
}

static int take_id(struct arena *arena, struct bytes range, const char *name, struct bytes *ret_id,
	struct err *err)
{
	struct value value = doc_get(range, name);

	if (value.type == VALUE_MISSING)
		return 0;
	if (value.type != VALUE_DOCUMENT || doc_get(value.bytes, "_id").type == VALUE_MISSING)
		return err_set(err, ERR_SYNTAX, "a range's %s is no _id", name);
	return keep_id(arena, value.bytes, ret_id, err);
}

static int take_range(struct backup_ranges *ranges, struct bytes doc, struct err *err)
{
	const char *name = doc_get_string(doc, "class");
	const char *class = name == NULL ? NULL : class_by_name(name);
	struct bytes last = {NULL, 0};

	if (name != NULL && class == NULL)
		return err_set(err, ERR_SYNTAX, "a range's class is not known");
	struct backup_range *range = add(ranges, class, doc_get_bool(doc, "ordered"));
	range->done = doc_get_bool(doc, "done");
	int result = take_id(&ranges->arena, doc, "lower", &range->lower, err);
	if (result == 0)
		result = take_id(&ranges->arena, doc, "upper", &range->upper, err);
	if (result == 0)
		result = take_id(&ranges->arena, doc, "last", &last, err);
	str_append(&range->last, last.data, last.size);
	return result != 0 ? result : str_check(&range->last, err);
}

int backup_ranges_read(
	struct bytes untrusted_doc, struct backup_ranges *ret_ranges, struct err *err)
{
	struct backup_ranges ranges = {.arena = ARENA_INIT};
	struct value value;
	const char *name;
	int result = doc_check(untrusted_doc, err);

	if (result != 0)
		return result;
	struct value list = doc_get(untrusted_doc, "ranges");
	size_t count = list.type == VALUE_ARRAY ? doc_count(list.bytes) : 0;
	if (count == 0 || count > BACKUP_RANGES_MAX)
		return err_set(err, ERR_SYNTAX, "there are no ranges, or too many");
	ranges.ranges = arena_array(&ranges.arena, count, sizeof *ranges.ranges);
	if (ranges.ranges == NULL)
		return err_no_memory(err);
	struct doc_iter iter = doc_iter_begin(list.bytes);
	while (result == 0 && doc_iter_next(&iter, &name, &value))
		result = value.type == VALUE_DOCUMENT
				 ? take_range(&ranges, value.bytes, err)
				 : err_set(err, ERR_SYNTAX, "a range is no document");
	if (result != 0) {
		backup_ranges_release(&ranges);
		return result;
	}
	*ret_ranges = ranges;
	return 0;
}
