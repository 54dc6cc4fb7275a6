/* The work of a backup: documents on their way to files, and read once more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "steps/backup_run.h"

static bool is_view(const struct backup_collection *collection)
{
	return collection->documents.name == NULL;
}

/* ---- one collection, in a worker's thread */

static int write_metadata(
	struct backup_run *run, struct backup_collection *collection, struct err *err)
{
	CLEANUP(backup_writer_cleanup) struct backup_writer *writer = NULL;
	CLEANUP_STR struct str json = STR_INIT;
	int result = doc_to_json(collection->definition, true, &json, err);

	if (result == 0)
		result = backup_writer_new(run->database_dirfd, collection->metadata.name,
			run->index.compression, &writer, err);
	if (result == 0)
		result = backup_writer_write(writer, str_bytes(&json), err);
	return result != 0 ? result : backup_writer_end(writer, &collection->metadata, err);
}

static int for_each_document(const struct backup_collection *collection, struct mongo *mongo,
	struct backup_writer *writer /* NULL: digests only */, struct crew_tally *tally,
	struct lthash *sum, struct err *err)
{
	CLEANUP(lthash_stream_cleanup) struct lthash_stream *stream = NULL;
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	struct mongo_find find = {
		.collection = collection->name, .no_timeout = true, .unchecked = true};
	struct bytes doc;

	lthash_reset(sum);
	int result = lthash_stream_new(&stream, err);
	if (result == 0)
		result = mongo_find(mongo, &find, &cursor, err);
	while (result == 0 && (result = mongo_cursor_next(cursor, &doc, err)) == 1) {
		result = lthash_add(stream, sum, doc, err);
		if (result == 0 && writer != NULL)
			result = backup_writer_write(writer, doc, err);
		if (result == 0)
			result = crew_cancelled(tally, err);
		atomic_fetch_add_explicit(&tally->documents, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&tally->octets, (int64_t)doc.size, memory_order_relaxed);
	}
	return result;
}

static int read_collection(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	struct backup_run *run = self;
	struct backup_collection *collection = &run->index.collections[run->order[item]];
	CLEANUP(backup_writer_cleanup) struct backup_writer *writer = NULL;
	struct lthash sum;
	int result = write_metadata(run, collection, err);

	lthash_reset(&sum);
	if (result == 0 && !is_view(collection)) {
		result = backup_writer_new(run->database_dirfd, collection->documents.name,
			run->index.compression, &writer, err);
		if (result == 0)
			result = for_each_document(collection, mongo, writer, tally, &sum, err);
		if (result == 0)
			result = backup_writer_end(writer, &collection->documents, err);
	}
	if (result == 0)
		result = lthash_digest(&sum, &collection->digest, err);
	if (result != 0)
		return err_context(err, "%s", collection->name);
	collection->count = sum.count;
	collection->octets = sum.octets;
	return 0;
}

static int confirm_collection(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	struct backup_run *run = self;
	size_t place = run->order[item];
	struct backup_collection *collection = &run->index.collections[place];
	struct lthash sum;
	struct sha256 digest;
	int result = for_each_document(collection, mongo, NULL, tally, &sum, err);

	if (result == 0)
		result = lthash_digest(&sum, &digest, err);
	if (result != 0)
		return err_context(err, "%s", collection->name);
	collection->confirmed = sha256_equal(&digest, &collection->digest);
	run->changed[place] = !collection->confirmed;
	return 0;
}

/* ---- the crew */

static void tell(void *self, const struct crew_tally *tally)
{
	struct backup_run *run = self;
	const struct step_host *host = run->context->host;
	int64_t done = atomic_load(&tally->octets);
	int64_t took = clock_boottime() - run->started;
	/* The server's sizes lag behind. */
	int64_t total = done > run->total ? done : run->total;
	double rate = took > 0 ? (double)done * 1000 / (double)took : 0;
	struct step_progress progress = {
		.phase = run->phase,
		.done = done,
		.total = total,
		.unit = "octets",
		.rate = rate,
		.left = rate > 0 ? (int64_t)((double)(total - done) * 1000 / rate) : -1,
		.lag = -1,
		.counters = {{"documents", atomic_load(&tally->documents)}},
		.counter_count = 1,
	};

	host->progress(host->self, &progress);
}

static bool stop_requested(void *self)
{
	const struct step_host *host = ((struct backup_run *)self)->context->host;

	return host->stop_requested(host->self);
}

struct place {
	size_t number;
	int64_t size;
};

static int largest_first(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	if (left->size != right->size)
		return left->size > right->size ? -1 : 1;
	return (left->number > right->number) - (left->number < right->number);
}

/* What is chosen, the largest first, so that no large one is left for the end. */
static int put_in_order(struct backup_run *run, bool (*chosen)(const struct backup_run *, size_t),
	size_t *ret_count, struct err *err)
{
	size_t count = 0;
	CLEANUP_FREE struct place *places = calloc(run->index.count + 1, sizeof *places);

	if (places == NULL)
		return err_no_memory(err);
	run->total = 0;
	for (size_t i = 0; i < run->index.count; i++) {
		if (!chosen(run, i))
			continue;
		places[count++] = (struct place){i, run->expected[i]};
		run->total += run->expected[i];
	}
	qsort(places, count, sizeof *places, largest_first);
	for (size_t i = 0; i < count; i++)
		run->order[i] = places[i].number;
	*ret_count = count;
	return 0;
}

static int run_crew(struct backup_run *run, const char *phase,
	bool (*chosen)(const struct backup_run *, size_t),
	int (*work)(void *, size_t, struct mongo *, struct crew_tally *, struct err *),
	int (*done)(void *, size_t, struct err *), struct err *err)
{
	size_t count = 0;
	struct crew crew = {
		.self = run,
		.mongo = run->context->mongo,
		.workers = (size_t)run->context->site->backup_workers,
		.work = work,
		.done = done,
		.tell = tell,
		.stop_requested = stop_requested,
	};
	int result = put_in_order(run, chosen, &count, err);

	run->phase = phase;
	run->started = clock_boottime();
	return result != 0 ? result : crew_run(&crew, count, err);
}

/* ---- reading */

static bool is_not_finished(const struct backup_run *run, size_t place)
{
	return !run->finished[place];
}

static int collection_is_finished(void *self, size_t item, struct err *err)
{
	struct backup_run *run = self;
	size_t place = run->order[item];

	run->finished[place] = true;
	run->expected[place] = (int64_t)run->index.collections[place].octets;
	return backup_run_checkpoint(run, err);
}

int backup_run_read(struct backup_run *run, struct err *err)
{
	return run_crew(
		run, "reading", is_not_finished, read_collection, collection_is_finished, err);
}

/* Only the finished ones, for the file that an interrupted run goes on from. */
static int write_partial(struct backup_run *run, const char *name, struct sha256 *ret_sha256,
	size_t *ret_count, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct backup_index part = run->index;
	CLEANUP_FREE struct backup_collection *list = calloc(run->index.count + 1, sizeof *list);

	if (list == NULL)
		return err_no_memory(err);
	part.collections = list;
	part.count = 0;
	for (size_t i = 0; i < run->index.count; i++)
		if (run->finished[i])
			list[part.count++] = run->index.collections[i];
	int result = backup_index_write(&part, &text, err);
	if (result == 0)
		result = sha256_of(str_bytes(&text), ret_sha256, err);
	if (result == 0)
		result = file_write_durable_at(run->dirfd, name, str_bytes(&text), 0600, err);
	*ret_count = part.count;
	return result;
}

int backup_run_checkpoint(struct backup_run *run, struct err *err)
{
	const struct step_host *host = run->context->host;
	CLEANUP_STR struct str fields = STR_INIT;
	char before[sizeof run->partial], hex[SHA256_HEX_SIZE];
	struct json_writer writer;
	struct sha256 sha256;
	size_t count = 0;

	memcpy(before, run->partial, sizeof before);
	/* Two names in turn: the one that the journal names stays until it names the other. */
	(void)snprintf(run->partial, sizeof run->partial, "backup.partial-%c.json",
		strcmp(before, "backup.partial-a.json") == 0 ? 'b' : 'a');
	int result = write_partial(run, run->partial, &sha256, &count, err);
	if (result != 0)
		return result;
	sha256_to_hex(&sha256, hex);
	json_write_begin(&writer, &fields);
	json_write_object(&writer);
	json_member_string(&writer, "dir", run->dir);
	json_member_string(&writer, "index", run->partial);
	json_member_string(&writer, "indexSha256", hex);
	json_member_bool(&writer, "complete", false);
	json_member_integer(&writer, "collections", (int64_t)count);
	json_write_end(&writer);
	result = str_check(&fields, err);
	return result != 0 ? result : host->checkpoint(host->self, str_bytes(&fields), err);
}

/* ---- confirming */

static bool has_documents(const struct backup_run *run, size_t place)
{
	return !is_view(&run->index.collections[place]);
}

/* Whether silence was asked for in this collection. */
static bool must_be_silent(const struct step_context *context, const char *name)
{
	const struct site *site = context->site;

	if (context->options->unfrozen)
		return false;
	for (size_t i = 0; i < site->frozen_count; i++)
		if (strcmp(site->frozen[i], name) == 0)
			return true;
	return site->frozen_count == 0;
}

static int note_change(struct backup_run *run, const char *name, struct err *err)
{
	const struct step_host *host = run->context->host;
	char text[512];

	(void)snprintf(text, sizeof text,
		"%s changed while the backup was made: the backup has it as it was when it was "
		"read",
		name);
	return host->note(host->self, text, err);
}

int backup_run_confirm(struct backup_run *run, struct err *err)
{
	const char *loud = NULL;
	int result = run_crew(run, "confirming", has_documents, confirm_collection, NULL, err);

	for (size_t i = 0; result == 0 && i < run->index.count; i++) {
		struct backup_collection *collection = &run->index.collections[i];
		if (!run->changed[i])
			continue;
		if (must_be_silent(run->context, collection->name)) {
			run->finished[i] = false;
			loud = collection->name;
		} else {
			result = note_change(run, collection->name, err);
		}
	}
	if (result != 0 || loud == NULL)
		return result;
	/* What changed is read again when it goes on. */
	result = backup_run_checkpoint(run, err);
	return result != 0
		       ? result
		       : err_set(err, ERR_NOT_SILENT, "%s changed while the backup was made", loud);
}
