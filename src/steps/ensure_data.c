/* What the data that are there mean for a change: documents that would expire, keys that a unique
 * index would refuse. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/ensure.h"
#include "text/text.h"

/* ---- documents that a TTL would delete */

static bool sets_expiry(const struct ensure_change *change)
{
	if (change->wanted == NULL || change->wanted->expiry < 0 || !change->over_documents)
		return false;
	/* A longer expiry than before deletes nothing that would not have died anyway. */
	return change->kind == ENSURE_CREATE_INDEX || change->kind == ENSURE_REPLACE_INDEX ||
	       (change->kind == ENSURE_SET_TTL && change->way_back == WAY_BACK_RESTORE);
}

/* As the server's own monitor looks for them: by its clock, within a partial index. */
static int count_expiring(const struct step_context *context, struct ensure_change *change,
	int64_t now, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	struct doc_iter iter = doc_iter_begin(change->wanted->keys);
	struct value partial = doc_get(change->wanted->spec, "partialFilterExpression"), ignored;
	struct doc_writer writer;
	const char *field;

	if (!doc_iter_next(&iter, &field, &ignored))
		return err_set(err, ERR_INTERNAL, "an index without keys");
	doc_write_begin(&writer, &filter);
	doc_write_array(&writer, "$and");
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, field);
	doc_write_date(&writer, "$lt", now - change->wanted->expiry * 1000);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_value(&writer, NULL, &partial);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int rc = str_check(&filter, err);
	return rc < 0 ? rc
		      : mongo_count(context->mongo, change->collection, str_bytes(&filter),
				&change->expiring, err);
}

int ensure_measure(const struct step_context *context, struct ensure_diff *diff, struct err *err)
{
	struct mongo_server server;
	bool asked = false;

	for (size_t i = 0; i < diff->count; i++) {
		struct ensure_change *change = &diff->changes[i];
		int rc = 0;
		if (!sets_expiry(change))
			continue;
		if (!asked)
			rc = mongo_server(context->mongo, &server, err);
		asked = true;
		if (rc == 0)
			rc = count_expiring(
				context, change, clock_now() + server.clock_difference, err);
		if (rc < 0)
			return rc;
		if (change->expiring > 0)
			change->way_back = WAY_BACK_RESTORE;
	}
	return 0;
}

void ensure_expiry_question(const struct ensure_change *change, struct str *text)
{
	text_plural(text, change->expiring, "document", "documents");
	str_append_text(text, " of ");
	text_escape(text, bytes_of_string(change->collection), 0);
	str_append_format(text, " would expire by index %s; only the backup would have %s",
		change->index, change->expiring == 1 ? "it" : "them");
}

/* ---- keys that more than one document has */

/*
 * The keys that a document has in the index, one a value (mongo: BtreeKeyGenerator): what is
 * missing is null, an array is each of its elements, once a document, and an empty one is a value
 * of its own, which cannot be written in a group's _id and is written as {empty: true}. Field i of
 * an index becomes the array k<i>, which grows a component of its path longer in each stage.
 */
enum {
	EXAMPLES = 3,
	COMPONENTS_MAX = 16, /* what is behind them is looked up as one */
};

/* [v], its elements if it is an array, [null] if it is missing. */
static void write_values(struct json_writer *writer, const char *path, bool last)
{
	json_write_object(writer);
	json_member_object(writer, "$let");
	json_member_object(writer, "vars");
	json_member_string(writer, "v", path);
	json_write_end(writer);
	json_member_object(writer, "in");
	json_member_array(writer, "$cond");
	json_write_object(writer);
	json_member_string(writer, "$isArray", "$$v");
	json_write_end(writer);
	json_write_object(writer);
	json_member_array(writer, "$cond");
	json_write_object(writer);
	json_member_array(writer, "$eq");
	json_write_string(writer, "$$v");
	json_write_array(writer);
	json_write_end(writer);
	json_write_end(writer);
	json_write_end(writer);
	json_write_array(writer);
	if (last) {
		json_write_object(writer);
		json_member_bool(writer, "empty", true);
		json_write_end(writer);
	} else {
		json_write_null(writer);
	}
	json_write_end(writer);
	json_write_string(writer, "$$v");
	json_write_end(writer);
	json_write_end(writer);
	json_write_array(writer);
	json_write_object(writer);
	json_member_array(writer, "$ifNull");
	json_write_string(writer, "$$v");
	json_write_null(writer);
	json_write_end(writer);
	json_write_end(writer);
	json_write_end(writer);
	json_write_end(writer);
	json_write_end(writer);
	json_write_end(writer);
	json_write_end(writer);
}

/* Of each value so far what is at the next component. */
static void write_next(struct json_writer *writer, const char *key, const char *path, bool last)
{
	json_write_object(writer);
	json_member_object(writer, "$reduce");
	json_member_string(writer, "input", key);
	json_member_array(writer, "initialValue");
	json_write_end(writer);
	json_member_object(writer, "in");
	json_member_array(writer, "$concatArrays");
	json_write_string(writer, "$$value");
	write_values(writer, path, last);
	json_write_end(writer);
	json_write_end(writer);
	json_write_end(writer);
	json_write_end(writer);
}

/* Component i of a path, after base; false: it has no such. */
static bool append_component(
	struct str *out, const char *base, const char *path, size_t i, bool *ret_last)
{
	for (size_t k = 0; k < i; k++) {
		path = strchr(path, '.');
		if (path == NULL)
			return false;
		path++;
	}
	const char *dot = i + 1 == COMPONENTS_MAX ? NULL : strchr(path, '.');
	str_append_text(out, base);
	str_append(out, path, dot == NULL ? strlen(path) : (size_t)(dot - path));
	*ret_last = dot == NULL;
	return true;
}

static void begin_stage(struct json_writer *writer, const char *name)
{
	json_write_object(writer);
	json_member_object(writer, name);
}

static void end_stage(struct json_writer *writer)
{
	json_write_end(writer);
	json_write_end(writer);
}

/* What is in the index at all: partial, or of a sparse one what has any of the fields. */
static void write_match(
	struct json_writer *writer, const struct json *partial, const struct ensure_index *wanted)
{
	struct doc_iter iter = doc_iter_begin(wanted->keys);
	struct value value;
	const char *field;

	if (partial == NULL && !wanted->sparse)
		return;
	if (partial != NULL) {
		json_write_object(writer);
		json_member_value(writer, "$match", partial);
		json_write_end(writer);
		return;
	}
	begin_stage(writer, "$match");
	json_member_array(writer, "$or");
	while (doc_iter_next(&iter, &field, &value)) {
		json_write_object(writer);
		json_member_object(writer, field);
		json_member_bool(writer, "$exists", true);
		json_write_end(writer);
		json_write_end(writer);
	}
	json_write_end(writer);
	end_stage(writer);
}

/* One stage for the components i of all fields; false: none has one. */
static bool write_components(struct json_writer *writer, struct bytes keys, size_t i)
{
	struct doc_iter iter = doc_iter_begin(keys);
	struct value value;
	const char *field;
	bool any = false, last = true;

	begin_stage(writer, "$project");
	for (size_t k = 0; doc_iter_next(&iter, &field, &value); k++) {
		CLEANUP_STR struct str component = STR_INIT;
		char key[32];
		bool has = append_component(&component, i == 0 ? "$" : "$$this.", field, i, &last);
		(void)snprintf(key, sizeof key, "$k%zu", k);
		json_write_name(writer, key + 1);
		if (i == 0)
			write_values(writer, str_text(&component), last);
		else if (has)
			write_next(writer, key, str_text(&component), last);
		else
			json_write_string(writer, key);
		any = any || (has && !last);
	}
	end_stage(writer);
	return any;
}

/* The same value twice in a document is one key. */
static void write_sets(struct json_writer *writer, size_t keys)
{
	char path[32];

	begin_stage(writer, "$project");
	for (size_t i = 0; i < keys; i++) {
		(void)snprintf(path, sizeof path, "$k%zu", i);
		json_member_object(writer, path + 1);
		json_member_array(writer, "$setUnion");
		json_write_string(writer, path);
		json_write_end(writer);
		json_write_end(writer);
	}
	end_stage(writer);
}

static void write_group(struct json_writer *writer, size_t keys)
{
	char path[32];

	for (size_t i = 0; i < keys; i++) {
		(void)snprintf(path, sizeof path, "$k%zu", i);
		json_write_object(writer);
		json_member_string(writer, "$unwind", path);
		json_write_end(writer);
	}
	begin_stage(writer, "$group");
	json_member_object(writer, "_id");
	for (size_t i = 0; i < keys; i++) {
		(void)snprintf(path, sizeof path, "$k%zu", i);
		json_member_string(writer, path + 1, path);
	}
	json_write_end(writer);
	json_member_object(writer, "n");
	json_member_integer(writer, "$sum", 1);
	json_write_end(writer);
	json_member_object(writer, "first");
	json_member_string(writer, "$min", "$_id");
	json_write_end(writer);
	json_member_object(writer, "last");
	json_member_string(writer, "$max", "$_id");
	json_write_end(writer);
	end_stage(writer);
}

static void write_worst(struct json_writer *writer)
{
	begin_stage(writer, "$match");
	json_member_object(writer, "n");
	json_member_integer(writer, "$gt", 1);
	json_write_end(writer);
	end_stage(writer);
	begin_stage(writer, "$sort");
	json_member_integer(writer, "n", -1);
	json_member_integer(writer, "first", 1);
	end_stage(writer);
	json_write_object(writer);
	json_member_integer(writer, "$limit", EXAMPLES + 1);
	json_write_end(writer);
}

static int write_search(const char *collection, const struct ensure_index *wanted,
	const struct json *options, struct str *out)
{
	const struct json *collation = json_member(options, "collation");
	struct json_writer writer;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_string(&writer, "aggregate", collection);
	json_member_array(&writer, "pipeline");
	write_match(&writer, json_member(options, "partialFilterExpression"), wanted);
	for (size_t i = 0; write_components(&writer, wanted->keys, i); i++)
		;
	write_sets(&writer, doc_count(wanted->keys));
	write_group(&writer, doc_count(wanted->keys));
	write_worst(&writer);
	json_write_end(&writer);
	json_member_bool(&writer, "allowDiskUse", true);
	if (collation != NULL)
		json_member_value(&writer, "collation", collation);
	json_member_object(&writer, "cursor");
	json_write_end(&writer);
	json_write_end(&writer);
	return 0;
}

/* {"k0": "a", "k1": null} as the fields are called. */
static void append_key(struct str *text, struct bytes key, struct bytes keys)
{
	struct doc_iter key_iter = doc_iter_begin(key), field_iter = doc_iter_begin(keys);
	struct value value, ignored;
	const char *name, *field, *separator = "";

	while (doc_iter_next(&key_iter, &name, &value) &&
		doc_iter_next(&field_iter, &field, &ignored)) {
		str_append_text(text, separator);
		text_escape(text, bytes_of_string(field), 60);
		str_append_char(text, ' ');
		if (value.type == VALUE_DOCUMENT && doc_get_bool(value.bytes, "empty"))
			str_append_text(text, "[]");
		else
			value_to_text(&value, text);
		separator = ", ";
	}
}

static void append_example(
	struct str *text, struct bytes found, const struct ensure_index *wanted, bool more)
{
	struct value key = doc_get(found, "_id"), first = doc_get(found, "first"),
		     last = doc_get(found, "last");
	int64_t count = 0;
	char number[TEXT_COUNT_SIZE];

	(void)doc_get_integer(found, "n", &count);
	if (more)
		str_append_text(text, "; ");
	str_append_format(text, "%s documents have the key ", text_count(count, number));
	if (key.type == VALUE_DOCUMENT)
		append_key(text, key.bytes, wanted->keys);
	str_append_text(text, count == 2 ? " (_id " : " (from _id ");
	value_to_text(&first, text);
	str_append_text(text, count == 2 ? ", " : " to ");
	value_to_text(&last, text);
	str_append_char(text, ')');
}

static void append_found(struct str *text, struct bytes reply, const struct ensure_index *wanted)
{
	struct value batch = doc_get_path(reply, "cursor.firstBatch"), found;
	struct doc_iter iter;
	const char *name;
	size_t count = 0;

	if (batch.type != VALUE_ARRAY)
		return;
	iter = doc_iter_begin(batch.bytes);
	while (doc_iter_next(&iter, &name, &found)) {
		if (count == EXAMPLES)
			str_append_text(text, "; and more");
		else if (found.type == VALUE_DOCUMENT)
			append_example(text, found.bytes, wanted, count > 0);
		count++;
	}
}

int ensure_find_duplicates(const struct step_context *context, const char *collection,
	const struct ensure_index *wanted, struct str *text, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *options = NULL;
	CLEANUP_STR struct str spec = STR_INIT;
	CLEANUP_STR struct str search = STR_INIT;
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str reply = STR_INIT;
	int rc = doc_to_json(wanted->spec, true, &spec, err);

	if (rc == 0)
		rc = json_parse(
			str_bytes(&spec), JSON_LIMITS_OWN(MIGRATION_SIZE_MAX), &options, err);
	if (rc == 0)
		rc = write_search(collection, wanted, json_root(options), &search);
	if (rc == 0)
		rc = str_check(&search, err);
	if (rc == 0)
		rc = doc_from_json_text(str_bytes(&search), &command, err);
	if (rc == 0)
		rc = mongo_command(context->mongo, str_bytes(&command), &reply, NULL, err);
	if (rc < 0)
		return err_context(
			err, "looking for keys that index %s would refuse", wanted->name);
	append_found(text, str_bytes(&reply), wanted);
	return str_check(text, err);
}
