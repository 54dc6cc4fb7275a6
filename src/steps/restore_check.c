/* Before anything is touched: that the files are whole, and the ones that were written. */
#include <string.h>

#include "base/cleanup.h"
#include "steps/restore_run.h"

/* Without digests: that it can be decoded to its end, and that a server will take what it has. */
static int check_foreign(struct restoring *restoring, const struct backup_file *file,
	struct crew_tally *tally, struct err *err)
{
	CLEANUP(backup_reader_cleanup) struct backup_reader *reader = NULL;
	struct bytes doc;

	if (file->name == NULL)
		return 0;
	int result = backup_reader_new(
		restoring->dirfd, file->name, restoring->index.compression, &reader, err);
	while (result == 0 && (result = backup_reader_next(reader, &doc, err)) == 1) {
		result = doc_check(doc, err);
		if (result != 0)
			return err_context(err, "%s", file->name);
		result = crew_cancelled(tally, err);
	}
	return result;
}

/* An index that no journal knows may say anything. */
static int check_definition(const struct backup_collection *collection, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct backup_metadata metadata;

	return restore_metadata(collection, &arena, &metadata, err);
}

int restore_check_collection(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	struct restoring *restoring = self;
	const struct backup_collection *collection =
		&restoring->index.collections[restoring->items[item].place];
	int result = check_definition(collection, err);

	(void)mongo;
	if (result == 0 && restoring->index.foreign)
		result = check_foreign(restoring, &collection->documents, tally, err);
	else if (result == 0)
		result = backup_file_check(restoring->dirfd, &collection->documents, tally, err);
	if (result == 0 && !restoring->index.foreign)
		result = backup_file_check(restoring->dirfd, &collection->metadata, tally, err);
	if (restoring->index.foreign)
		atomic_fetch_add(&tally->octets, (int64_t)collection->documents.size);
	return result != 0 ? result : crew_cancelled(tally, err);
}
