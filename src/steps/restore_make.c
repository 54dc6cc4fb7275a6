/* Collections, validators and indexes as a backup has them. */
#include <string.h>

#include "base/cleanup.h"
#include "steps/restore_run.h"

static int command(struct mongo *mongo, const struct str *octets, struct err *err)
{
	CLEANUP_STR struct str reply = STR_INIT;
	int result = str_check(octets, err);

	return result != 0 ? result : mongo_command(mongo, str_bytes(octets), &reply, NULL, err);
}

/* Set after the documents are there: what was valid once may not be by today's validator. */
bool restore_is_validation(const char *name)
{
	return strcmp(name, "validator") == 0 || strcmp(name, "validationLevel") == 0 ||
	       strcmp(name, "validationAction") == 0;
}

int restore_metadata(const struct backup_collection *collection, struct arena *arena,
	struct backup_metadata *metadata, struct err *err)
{
	int result = backup_metadata_read(collection->definition, arena, metadata, err);

	return result != 0 ? err_context(err, "%s", collection->name) : 0;
}

int restore_create(struct mongo *mongo, const struct backup_collection *collection, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str octets = STR_INIT;
	struct backup_metadata metadata;
	struct doc_writer writer;
	struct value value;
	const char *name;
	int result = restore_metadata(collection, &arena, &metadata, err);

	if (result != 0)
		return result;
	struct doc_iter iter = doc_iter_begin(metadata.options);
	doc_write_begin(&writer, &octets);
	doc_write_string(&writer, "create", collection->name);
	while (doc_iter_next(&iter, &name, &value))
		if (!restore_is_validation(name) && strcmp(name, "autoIndexId") != 0)
			doc_write_value(&writer, name, &value);
	doc_write_end(&writer);
	result = command(mongo, &octets, err);
	return result != 0 ? err_context(err, "making %s", collection->name) : 0;
}

int restore_validation(struct mongo *mongo, const struct backup_collection *collection,
	struct bytes options, struct err *err)
{
	CLEANUP_STR struct str octets = STR_INIT;
	struct doc_iter iter = doc_iter_begin(options);
	struct doc_writer writer;
	struct value value;
	const char *name;
	bool any = false;

	doc_write_begin(&writer, &octets);
	doc_write_string(&writer, "collMod", collection->name);
	while (doc_iter_next(&iter, &name, &value)) {
		if (!restore_is_validation(name))
			continue;
		doc_write_value(&writer, name, &value);
		any = true;
	}
	doc_write_end(&writer);
	if (!any)
		return 0;
	int result = command(mongo, &octets, err);
	return result != 0 ? err_context(err, "the validator of %s", collection->name) : 0;
}

static bool is_of_id(struct bytes index)
{
	struct bytes key = doc_get(index, "key").bytes;

	return doc_count(key) == 1 && doc_get(key, "_id").type != VALUE_MISSING &&
	       strcmp(doc_get_string(index, "name"), "_id_") == 0;
}

static bool expires(struct bytes index)
{
	return doc_get(index, "expireAfterSeconds").type != VALUE_MISSING;
}

static int make_index(
	struct mongo *mongo, const char *collection, struct bytes index, struct err *err)
{
	CLEANUP_STR struct str octets = STR_INIT;
	struct doc_iter iter = doc_iter_begin(index);
	struct doc_writer writer;
	struct value value;
	const char *name;

	doc_write_begin(&writer, &octets);
	doc_write_string(&writer, "createIndexes", collection);
	doc_write_array(&writer, "indexes");
	doc_write_document(&writer, NULL);
	while (doc_iter_next(&iter, &name, &value))
		if (!backup_is_servers_field(name, &value))
			doc_write_value(&writer, name, &value);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int result = command(mongo, &octets, err);
	return result != 0 ? err_context(err, "index %s of %s", doc_get_string(index, "name"),
				     collection)
			   : 0;
}

int restore_indexes(struct mongo *mongo, const char *collection,
	const struct backup_metadata *metadata, bool expiring, const struct crew_tally *tally,
	struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < metadata->index_count; i++) {
		struct bytes index = metadata->indexes[i];
		if (is_of_id(index) || expires(index) != expiring)
			continue;
		result = tally == NULL ? 0 : crew_cancelled(tally, err);
		if (result == 0)
			result = make_index(mongo, collection, index, err);
	}
	return result;
}
