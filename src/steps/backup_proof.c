/* Digests of what is in the database, and what they prove against a backup. */
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/backup.h"
#include "text/text.h"

int backup_digest_collection(struct mongo *mongo, const char *collection, struct bytes filter,
	struct lthash *ret_sum, struct err *err)
{
	CLEANUP(lthash_stream_cleanup) struct lthash_stream *stream = NULL;
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	struct mongo_find find = {
		.collection = collection, .filter = filter, .no_timeout = true, .unchecked = true};
	struct lthash sum;
	struct bytes doc;

	lthash_reset(&sum);
	int result = lthash_stream_new(&stream, err);
	if (result == 0)
		result = mongo_find(mongo, &find, &cursor, err);
	while (result == 0 && (result = mongo_cursor_next(cursor, &doc, err)) == 1)
		result = lthash_add(stream, &sum, doc, err);
	if (result != 0)
		return err_context(err, "%s", collection);
	*ret_sum = sum;
	return 0;
}

static int compare_unknown(struct mongo *mongo, const char *collection, struct arena *arena,
	const char **difference, struct err *err)
{
	int64_t count = 0;
	int result = mongo_count(mongo, collection, bytes_make(NULL, 0), &count, err);

	if (result != 0 || count == 0)
		return result;
	*difference = arena_format(
		arena, "%s was not there and has %" PRId64 " documents", collection, count);
	return *difference == NULL ? err_no_memory(err) : 0;
}

static int compare_known(const struct backup_collection *then, struct mongo *mongo,
	struct arena *arena, const char **difference, struct err *err)
{
	struct lthash sum;
	struct sha256 now;
	int result = backup_digest_collection(mongo, then->name, bytes_make(NULL, 0), &sum, err);

	if (result == 0)
		result = lthash_digest(&sum, &now, err);
	if (result != 0)
		return result;
	if (sum.count != then->count)
		*difference =
			arena_format(arena, "%s has %" PRIu64 " documents, the backup %" PRIu64,
				then->name, sum.count, then->count);
	else if (!sha256_equal(&now, &then->digest))
		*difference = arena_format(arena,
			"%s has other documents than the backup (the counts are equal)",
			then->name);
	else
		return 0;
	return *difference == NULL ? err_no_memory(err) : 0;
}

int backup_compare(const struct backup_index *index, struct mongo *mongo, const char *collection,
	struct arena *arena, const char **ret_difference, struct err *err)
{
	const struct backup_collection *then = backup_find(index, collection);
	const char *difference = NULL;
	int result = then == NULL ? compare_unknown(mongo, collection, arena, &difference, err)
				  : compare_known(then, mongo, arena, &difference, err);

	if (result == 0)
		*ret_difference = difference;
	return result;
}

int backup_of_checkpoint(const struct json *checkpoint, const char **ret_dir,
	struct sha256 *ret_index_sha256, struct err *err)
{
	const char *hex, *dir;
	struct sha256 sha256;

	if (checkpoint == NULL)
		return err_set(err, ERR_BACKUP, "this run has no backup");
	bool complete = false;
	int result = json_need_bool(checkpoint, "complete", &complete, err);
	if (result == 0 && !complete)
		return err_set(err, ERR_BACKUP, "this run's backup is not complete");
	if (result == 0)
		result = json_need_string(checkpoint, "dir", 4096, &dir, err);
	if (result == 0)
		result = json_need_string(checkpoint, "indexSha256", SHA256_HEX_SIZE, &hex, err);
	if (result == 0 && !sha256_from_hex(bytes_of_string(hex), &sha256))
		result = err_set(err, ERR_JOURNAL, "indexSha256 is no SHA-256");
	if (result != 0)
		return err_recode(err, ERR_JOURNAL);
	*ret_dir = dir;
	*ret_index_sha256 = sha256;
	return 0;
}

int backup_of_run(
	const struct step_context *context, struct backup_index *ret_index, struct err *err)
{
	CLEANUP_FD int dirfd = -1;
	struct sha256 expected;
	const char *dir;
	int result = backup_of_checkpoint(
		context->checkpoint_of(context->host->self, "backup"), &dir, &expected, err);

	if (result == 0)
		result = folder_open(dir, &dirfd, err);
	if (result != 0)
		return err_context(err, "the backup");
	result = backup_index_load(dirfd, &expected, ret_index, err);
	return result != 0 ? err_context(err, "%s", dir) : 0;
}

int backup_prove(const struct step_context *context, const char *const *collections, size_t count,
	enum err_code failure, struct err *err)
{
	struct backup_index index;
	int result = backup_of_run(context, &index, err);

	if (result != 0)
		return result;
	for (size_t i = 0; result == 0 && i < count; i++) {
		const char *difference = NULL;
		if (context->host->stop_requested(context->host->self))
			result = err_set(err, ERR_STOPPED, "stopped before %s", collections[i]);
		else
			result = backup_compare(&index, context->mongo, collections[i],
				context->arena, &difference, err);
		if (result == 0 && difference != NULL)
			result = err_set(err, failure, "%s", difference);
	}
	backup_index_release(&index);
	return result;
}
