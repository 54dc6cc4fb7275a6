#include "steps/backup_verify.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "steps/backup_files.h"
#include "steps/crew.h"

enum { METADATA_SIZE_MAX = 64 * 1024 * 1024 };

struct verifying {
	const struct step_host *host;
	struct backup_index index;
	int dirfd;
	int64_t total, started;
};

/* ---- one collection, in a worker's thread */

static int read_documents(
	struct backup_reader *reader, struct crew_tally *tally, struct lthash *sum, struct err *err)
{
	CLEANUP(lthash_stream_cleanup) struct lthash_stream *stream = NULL;
	struct bytes doc;
	int result = lthash_stream_new(&stream, err);

	lthash_reset(sum);
	while (result == 0 && (result = backup_reader_next(reader, &doc, err)) == 1) {
		result = doc_check(doc, err);
		if (result == 0 && doc_get(doc, "_id").type == VALUE_MISSING)
			result = err_set(err, ERR_SYNTAX, "it has no _id");
		if (result != 0)
			return err_context(err, "document %" PRIu64, sum->count + 1);
		result = lthash_add(stream, sum, doc, err);
		if (result == 0)
			result = crew_cancelled(tally, err);
		atomic_fetch_add_explicit(&tally->documents, 1, memory_order_relaxed);
	}
	return result;
}

static int compare_sum(struct backup_collection *collection, bool foreign, const struct lthash *sum,
	struct err *err)
{
	struct sha256 digest;
	int result = lthash_digest(sum, &digest, err);

	if (result != 0)
		return result;
	if (foreign) {
		collection->count = sum->count;
		collection->octets = sum->octets;
	} else if (sum->count != collection->count || sum->octets != collection->octets) {
		return err_set(err, ERR_RESTORE,
			"it has %" PRIu64 " documents, %" PRIu64 " octets; the index has %" PRIu64
			" and %" PRIu64,
			sum->count, sum->octets, collection->count, collection->octets);
	} else if (!sha256_equal(&digest, &collection->digest)) {
		return err_set(
			err, ERR_RESTORE, "its documents have another digest than the index");
	}
	return 0;
}

static int check_documents(struct verifying *verifying, struct backup_collection *collection,
	struct crew_tally *tally, struct err *err)
{
	CLEANUP(backup_reader_cleanup) struct backup_reader *reader = NULL;
	const struct backup_file *file = &collection->documents;
	bool foreign = verifying->index.foreign;
	struct lthash sum;

	if (file->name == NULL)
		return 0;
	int result = backup_reader_new(
		verifying->dirfd, file->name, verifying->index.compression, &reader, err);
	if (result == 0)
		result = read_documents(reader, tally, &sum, err);
	if (result == 0 && !foreign)
		result = backup_reader_check(reader, file, err);
	if (result == 0)
		result = compare_sum(collection, foreign, &sum, err);
	atomic_fetch_add(&tally->octets, (int64_t)file->size);
	return result != 0 ? err_context(err, "%s", file->name) : 0;
}

/* What a metadata file says is what is restored from it by others; the index is what we restore. */
static int check_metadata(
	struct verifying *verifying, const struct backup_collection *collection, struct err *err)
{
	CLEANUP(backup_reader_cleanup) struct backup_reader *reader = NULL;
	CLEANUP_STR struct str text = STR_INIT, wanted = STR_INIT;
	const struct backup_file *file = &collection->metadata;
	int result = backup_reader_new(
		verifying->dirfd, file->name, verifying->index.compression, &reader, err);

	if (result == 0)
		result = backup_reader_all(reader, METADATA_SIZE_MAX, &text, err);
	if (result == 0 && !verifying->index.foreign)
		result = backup_reader_check(reader, file, err);
	if (result == 0 && !verifying->index.foreign)
		result = doc_to_json(collection->definition, true, &wanted, err);
	if (result == 0 && !verifying->index.foreign &&
		!bytes_equal(str_bytes(&text), str_bytes(&wanted)))
		result = err_set(err, ERR_RESTORE, "it is not what the index says");
	return result != 0 ? err_context(err, "%s", file->name) : 0;
}

static int verify_collection(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	struct verifying *verifying = self;
	struct backup_collection *collection = &verifying->index.collections[item];
	int result = check_metadata(verifying, collection, err);

	(void)mongo;
	return result != 0 ? result : check_documents(verifying, collection, tally, err);
}

/* ---- what belongs to nothing */

static bool is_known(const struct backup_index *index, const char *name)
{
	if (strncmp(name, "prelude.json", 12) == 0)
		return true;
	for (size_t i = 0; i < index->count; i++) {
		const struct backup_collection *one = &index->collections[i];
		if (strcmp(name, one->metadata.name) == 0 ||
			(one->documents.name != NULL && strcmp(name, one->documents.name) == 0))
			return true;
	}
	return false;
}

static int note_strangers(struct verifying *verifying, struct err *err)
{
	const struct dirent *entry;
	int result = 0, fd = openat(verifying->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	while (dir != NULL && result == 0 && (entry = readdir(dir)) != NULL) {
		char text[512];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			is_known(&verifying->index, entry->d_name))
			continue;
		(void)snprintf(text, sizeof text, "%s is no part of the backup", entry->d_name);
		result = verifying->host->note(verifying->host->self, text, err);
	}
	return result;
}

/* ---- the whole */

static void tell(void *self, const struct crew_tally *tally)
{
	const struct verifying *verifying = self;
	int64_t done = atomic_load(&tally->octets);
	int64_t took = clock_boottime() - verifying->started;
	double rate = took > 0 ? (double)done * 1000 / (double)took : 0;
	int64_t left = verifying->total > done ? verifying->total - done : 0;
	struct step_progress progress = {
		.phase = "verifying",
		.done = done,
		.total = verifying->total,
		.unit = "octets",
		.rate = rate,
		.left = rate > 0 ? (int64_t)((double)left * 1000 / rate) : -1,
		.lag = -1,
		.counters = {{"documents", atomic_load(&tally->documents)}},
		.counter_count = 1,
	};

	verifying->host->progress(verifying->host->self, &progress);
}

static bool stop_requested(void *self)
{
	const struct step_host *host = ((struct verifying *)self)->host;

	return host->stop_requested(host->self);
}

static int load(const char *dir, const struct sha256 *expected, struct verifying *verifying,
	struct err *err)
{
	CLEANUP_FD int dirfd = -1;
	int result = folder_open(dir, &dirfd, err);

	if (result != 0)
		return result;
	bool foreign = expected == NULL &&
		       faccessat(dirfd, BACKUP_INDEX_NAME, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
	result = foreign ? backup_index_scan(dirfd, &verifying->index, err)
			 : backup_index_load(dirfd, expected, &verifying->index, err);
	if (result == 0)
		result = folder_open_at(dirfd, verifying->index.database, &verifying->dirfd, err);
	return result;
}

static void sum_up(const struct backup_index *index, struct backup_verified *verified)
{
	*verified =
		(struct backup_verified){.collections = index->count, .confirmed = !index->foreign};
	for (size_t i = 0; i < index->count; i++) {
		const struct backup_collection *one = &index->collections[i];
		verified->documents += one->count;
		verified->octets += one->octets;
		verified->file_octets += one->documents.size + one->metadata.size;
		if (one->documents.name != NULL && !one->confirmed)
			verified->confirmed = false;
	}
}

static int check_all(struct verifying *verifying, size_t workers, struct err *err)
{
	const struct crew crew = {
		.self = verifying,
		.workers = workers,
		.work = verify_collection,
		.tell = tell,
		.stop_requested = stop_requested,
	};

	for (size_t i = 0; i < verifying->index.count; i++)
		verifying->total += (int64_t)verifying->index.collections[i].documents.size;
	verifying->started = clock_boottime();
	int result = crew_run(&crew, verifying->index.count, err);
	return result != 0 ? result : note_strangers(verifying, err);
}

int backup_verify(const char *dir, const struct sha256 *expected, size_t workers,
	const struct step_host *host, struct backup_verified *ret_verified, struct err *err)
{
	struct verifying verifying = {.host = host, .dirfd = -1};
	int result = load(dir, expected, &verifying, err);

	if (result == 0)
		result = check_all(&verifying, workers, err);
	if (result == 0)
		sum_up(&verifying.index, ret_verified);
	if (verifying.dirfd >= 0)
		(void)close(verifying.dirfd);
	backup_index_release(&verifying.index);
	if (result == 0)
		return 0;
	(void)err_context(err, "%s", dir);
	switch (err->code) {
	case ERR_STOPPED:
	case ERR_NO_MEMORY:
	case ERR_INTERNAL:
		return -(int)err->code;
	default:
		return err_recode(err, ERR_BACKUP);
	}
}
