/*
 * A backup's index: what is read is what is written. And a file of documents, in each compression,
 * and the description of a collection: whatever they are made of, what comes out is BSON.
 *
 * Octet 0: index, file (plain, gzip, zstd), description.
 */
#include <string.h>

#include "base/cleanup.h"
#include "steps/backup_files.h"
#include "tests/fuzz/aid.h"

static void index_survives(struct bytes text)
{
	CLEANUP_STR struct str once = STR_INIT, twice = STR_INIT;
	struct backup_index index, again;
	struct err err = {0};

	scratch_put(BACKUP_INDEX_NAME, text);
	int rc = backup_index_load(scratch_folder(), NULL, &index, &err);
	HOLDS(rc == 0 || rc == -ERR_RESTORE);
	if (rc < 0)
		return;
	HOLDS(index.count <= BACKUP_COLLECTIONS_MAX);
	for (size_t i = 0; i < index.count; i++) {
		const struct backup_collection *collection = &index.collections[i];
		HOLDS(backup_find(&index, collection->name) == collection);
		HOLDS(collection->documents.name == NULL ||
			strchr(collection->documents.name, '/') == NULL);
		HOLDS(collection->definition.size == 0 ||
			doc_check(collection->definition, &err) == 0);
	}
	HOLDS(backup_index_write(&index, &once, &err) == 0);
	scratch_put(BACKUP_INDEX_NAME, str_bytes(&once));
	HOLDS(backup_index_load(scratch_folder(), NULL, &again, &err) == 0);
	HOLDS(backup_index_write(&again, &twice, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&once), str_bytes(&twice)));
	backup_index_release(&again);
	backup_index_release(&index);
}

static void documents(enum compression compression, struct bytes content)
{
	CLEANUP(backup_reader_cleanup) struct backup_reader *reader = NULL;
	struct bytes doc;
	struct err err = {0};
	int rc;

	scratch_put("c.bson", content);
	HOLDS(backup_reader_new(scratch_folder(), "c.bson", compression, &reader, &err) == 0);
	for (int count = 0; count < 10000; count++) {
		rc = backup_reader_next(reader, &doc, &err);
		HOLDS(rc >= 0 || rc == -ERR_TRUNCATED || rc == -ERR_LIMIT);
		if (rc <= 0)
			return;
		HOLDS(doc.size >= 5);
	}
}

static void description(struct bytes doc)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct backup_metadata metadata, again;
	struct err err = {0};

	if (doc_check(doc, &err) < 0)
		return;
	int rc = backup_metadata_read(doc, &arena, &metadata, &err);
	HOLDS(rc == 0 || rc == -ERR_RESTORE);
	if (rc < 0)
		return;
	HOLDS(metadata.options.size == 0 || doc_check(metadata.options, &err) == 0);
	for (size_t i = 0; i < metadata.index_count; i++)
		HOLDS(doc_check(metadata.indexes[i], &err) == 0);
	if (metadata.name == NULL || metadata.type == NULL)
		return;
	HOLDS(backup_metadata_write(&metadata, NULL, &text, &err) == 0);
	HOLDS(backup_metadata_read(str_bytes(&text), &arena, &again, &err) == 0);
	HOLDS(again.index_count == metadata.index_count && strcmp(again.name, metadata.name) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum compression compressions[] = {
		COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD};
	struct bytes input = bytes_make(data, size);

	if (size == 0)
		return 0;
	struct bytes rest = bytes_make(data + 1, size - 1);
	unsigned what = octet_of(input, 0) % 5;
	if (what == 0)
		index_survives(rest);
	else if (what < 4)
		documents(compressions[what - 1], rest);
	else
		description(rest);
	return 0;
}
