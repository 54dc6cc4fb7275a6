/* What a database consists of, before the first document is read. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/backup_run.h"
#include "steps/ttl.h"

int backup_clean_index(const struct step_context *context, const char *collection,
	struct bytes index, struct bytes *ret_clean, struct err *err)
{
	CLEANUP_STR struct str out = STR_INIT;
	struct doc_iter iter = doc_iter_begin(index);
	const struct json *freeze = context->checkpoint_of(context->host->self, "freeze");
	const char *index_name = doc_get_string(index, "name"), *name;
	struct doc_writer writer;
	struct value value;
	int64_t seconds;

	doc_write_begin(&writer, &out);
	while (doc_iter_next(&iter, &name, &value)) {
		if (strcmp(name, "expireAfterSeconds") == 0 && index_name != NULL &&
			doc_get_integer(index, name, &seconds) && seconds == TTL_DISARMED)
			doc_write_int64(&writer, name,
				ttl_effective(freeze, collection, index_name, seconds));
		else if (!backup_is_servers_field(name, &value))
			doc_write_value(&writer, name, &value);
	}
	doc_write_end(&writer);
	int result = str_check(&out, err);
	if (result != 0)
		return result;
	struct bytes clean = arena_bytes(context->arena, str_bytes(&out));
	if (clean.data == NULL)
		return err_no_memory(err);
	*ret_clean = clean;
	return 0;
}

static const uint8_t *uuid_of(const struct mongo_collection *collection)
{
	struct value uuid = doc_get(collection->info, "uuid");

	/* length, subtype, octets */
	return uuid.type == VALUE_BINARY && uuid.bytes.size == 21 && uuid.bytes.data[4] == 4
		       ? uuid.bytes.data + 5
		       : NULL;
}

static int define(struct backup_run *run, const struct mongo_collection *from,
	struct backup_collection *to, struct err *err)
{
	const struct step_context *context = run->context;
	CLEANUP_STR struct str definition = STR_INIT;
	struct backup_metadata metadata = {
		.name = from->name, .type = from->type, .options = from->options};
	int result = 0;

	if (strcmp(from->type, "view") != 0)
		result = mongo_indexes(context->mongo, from->name, context->arena,
			&metadata.indexes, &metadata.index_count, err);
	for (size_t i = 0; result == 0 && i < metadata.index_count; i++)
		result = backup_clean_index(
			context, from->name, metadata.indexes[i], &metadata.indexes[i], err);
	if (result == 0)
		result = backup_metadata_write(&metadata, uuid_of(from), &definition, err);
	if (result != 0)
		return result;
	to->definition = arena_bytes(&run->index.arena, str_bytes(&definition));
	return to->definition.data == NULL ? err_no_memory(err) : 0;
}

static int name_file(struct backup_run *run, const char *collection, const char *kind,
	const char **ret_name, struct err *err)
{
	char name[BACKUP_NAME_SIZE];
	int result = backup_file_name(collection, kind, run->index.compression, name, err);

	if (result != 0)
		return result;
	*ret_name = arena_string(&run->index.arena, name);
	return *ret_name == NULL ? err_no_memory(err) : 0;
}

static int survey_one(
	struct backup_run *run, const struct mongo_collection *from, size_t place, struct err *err)
{
	struct backup_collection *to = &run->index.collections[place];
	bool is_view = strcmp(from->type, "view") == 0;
	struct mongo_stats stats = {0};
	int result = 0;

	if (!is_view && strcmp(from->type, "collection") != 0)
		return err_set(err, ERR_BACKUP,
			"%s is of type %s: this version can back up collections and views only",
			from->name, from->type);
	to->name = arena_string(&run->index.arena, from->name);
	to->type = is_view ? "view" : "collection";
	if (to->name == NULL)
		return err_no_memory(err);
	if (!is_view)
		result = mongo_collection_stats(run->context->mongo, from->name, &stats, err);
	if (result == 0)
		result = define(run, from, to, err);
	if (result == 0)
		result = name_file(run, from->name, ".metadata.json", &to->metadata.name, err);
	if (result == 0 && !is_view)
		result = name_file(run, from->name, ".bson", &to->documents.name, err);
	run->expected[place] = stats.octets > 0 ? stats.octets : 0;
	run->average[place] = stats.count > 0 ? stats.octets / stats.count : 0;
	run->capped[place] = doc_get_bool(from->options, "capped");
	return result;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct mongo_collection *)a)->name,
		((const struct mongo_collection *)b)->name);
}

int backup_run_survey(struct backup_run *run, struct err *err)
{
	const struct step_context *context = run->context;
	struct arena *arena = &run->index.arena;
	struct mongo_collection *collections = NULL;
	size_t count = 0;
	int result = mongo_collections(context->mongo, context->arena, &collections, &count, err);

	if (result != 0)
		return result;
	if (count > BACKUP_COLLECTIONS_MAX)
		return err_set(err, ERR_BACKUP, "there are more than %d collections",
			BACKUP_COLLECTIONS_MAX);
	run->index.collections = arena_array(arena, count, sizeof *run->index.collections);
	run->finished = arena_array(arena, count, sizeof *run->finished);
	run->changed = arena_array(arena, count, sizeof *run->changed);
	run->capped = arena_array(arena, count, sizeof *run->capped);
	run->expected = arena_array(arena, count, sizeof *run->expected);
	run->average = arena_array(arena, count, sizeof *run->average);
	run->ranges = arena_array(arena, count, sizeof *run->ranges);
	run->open = arena_array(arena, count, sizeof *run->open);
	if (run->index.collections == NULL || run->finished == NULL || run->changed == NULL ||
		run->capped == NULL || run->expected == NULL || run->average == NULL ||
		run->ranges == NULL || run->open == NULL)
		return err_no_memory(err);
	if (count > 0)
		qsort(collections, count, sizeof *collections, by_name);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = survey_one(run, &collections[i], i, err);
	run->index.count = count;
	return result;
}
