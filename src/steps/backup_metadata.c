/* NAME.metadata.json: options and indexes as mongodump writes and mongorestore reads them. */
#include <stdio.h>
#include <string.h>

#include "steps/backup_files.h"

bool backup_is_servers_field(const char *name, const struct value *value)
{
	/* A real storageEngine option is for wiredTiger; DocumentDB puts its own there. */
	return strcmp(name, "ns") == 0 ||
	       (strcmp(name, "storageEngine") == 0 && value->type == VALUE_DOCUMENT &&
		       doc_get(value->bytes, "wiredTiger").type == VALUE_MISSING);
}

static void write_uuid(struct doc_writer *writer, const uint8_t *uuid)
{
	char hex[33];

	for (size_t i = 0; i < 16; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", uuid[i]);
	doc_write_string(writer, "uuid", hex);
}

int backup_metadata_write(const struct backup_metadata *metadata, const uint8_t *uuid,
	struct str *out, struct err *err)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	if (doc_count(metadata->options) > 0)
		doc_write_raw(&writer, "options", metadata->options);
	doc_write_array(&writer, "indexes");
	for (size_t i = 0; i < metadata->index_count; i++)
		doc_write_raw(&writer, NULL, metadata->indexes[i]);
	doc_write_end(&writer);
	if (uuid != NULL)
		write_uuid(&writer, uuid);
	doc_write_string(&writer, "collectionName", metadata->name);
	doc_write_string(&writer, "type", metadata->type);
	doc_write_end(&writer);
	return str_check(out, err);
}

static int take_indexes(
	struct bytes doc, struct arena *arena, struct backup_metadata *metadata, struct err *err)
{
	struct value list = doc_get(doc, "indexes"), value;
	const char *name;

	if (list.type != VALUE_ARRAY)
		return list.type == VALUE_MISSING || list.type == VALUE_NULL
			       ? 0
			       : err_set(err, ERR_RESTORE, "indexes is no array");
	struct doc_iter iter = doc_iter_begin(list.bytes);
	metadata->indexes = arena_array(arena, doc_count(list.bytes), sizeof(struct bytes));
	if (metadata->indexes == NULL)
		return err_no_memory(err);
	while (doc_iter_next(&iter, &name, &value)) {
		if (value.type != VALUE_DOCUMENT ||
			doc_get(value.bytes, "key").type != VALUE_DOCUMENT ||
			doc_get_string(value.bytes, "name") == NULL)
			return err_set(err, ERR_RESTORE, "an index has no key or no name");
		metadata->indexes[metadata->index_count++] = value.bytes;
	}
	return 0;
}

int backup_metadata_read(struct bytes untrusted_doc, struct arena *arena,
	struct backup_metadata *ret_metadata, struct err *err)
{
	static const uint8_t empty[DOC_SIZE_MIN] = {DOC_SIZE_MIN};
	struct backup_metadata metadata = {.options = bytes_make(empty, sizeof empty)};

	int result = doc_check(untrusted_doc, err);
	if (result != 0)
		return err_recode(err, ERR_RESTORE);
	metadata.name = doc_get_string(untrusted_doc, "collectionName");
	metadata.type = doc_get_string(untrusted_doc, "type");
	struct value options = doc_get(untrusted_doc, "options");
	if (options.type == VALUE_DOCUMENT)
		metadata.options = options.bytes;
	result = take_indexes(untrusted_doc, arena, &metadata, err);
	if (result == 0)
		*ret_metadata = metadata;
	return result;
}
