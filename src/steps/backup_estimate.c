/* How large a backup becomes and how long it takes: the server's sizes, and a piece that is tried.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/backup_run.h"

enum {
	EXPECTED_RATE = 60, /* octets a microsecond and more, when nothing could be tried */
	SAMPLE_OCTETS = 2 * 1024 * 1024,
	SAMPLE_MAX = 5000,
};

struct sample {
	const struct step_context *context;
	const char *collection; /* the largest */
	struct mongo_stats stats;
	int64_t octets, file_octets, took /* ms */;
};

static int count_out(void *self, struct bytes data, struct err *err)
{
	(void)err;
	((struct sample *)self)->file_octets += (int64_t)data.size;
	return 0;
}

static int read_sample(struct sample *sample, struct mongo_cursor *cursor,
	struct stream_writer *stream, struct err *err)
{
	CLEANUP(lthash_stream_cleanup) struct lthash_stream *digest = NULL;
	struct lthash sum;
	struct bytes doc;
	int result = lthash_stream_new(&digest, err);

	lthash_reset(&sum);
	while (result == 0 && sample->octets < SAMPLE_OCTETS &&
		(result = mongo_cursor_next(cursor, &doc, err)) == 1) {
		sample->octets += (int64_t)doc.size;
		result = lthash_add(digest, &sum, doc, err);
		if (result == 0)
			result = stream_write(stream, doc, err);
	}
	return result != 0 ? result : stream_writer_finish(stream, err);
}

/* What is read is read as it will be, and thrown away. */
static int try_sample(struct sample *sample, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP(stream_writer_cleanup) struct stream_writer *stream = NULL;
	struct stream_sink sink = {.self = sample, .write = count_out};
	int64_t average = sample->stats.count > 0 ? sample->stats.octets / sample->stats.count : 0;
	int64_t limit = average > 0 ? 1 + SAMPLE_OCTETS / average : 1;
	int64_t begun = clock_boottime();
	const struct mongo_find find = {
		.collection = sample->collection,
		.limit = limit < SAMPLE_MAX ? limit : SAMPLE_MAX,
		.batch_size = (uint32_t)(limit < SAMPLE_MAX ? limit : SAMPLE_MAX),
		.unchecked = true,
	};
	int result =
		stream_writer_new(sample->context->site->backup_compression, sink, &stream, err);

	if (result == 0)
		result = mongo_find(sample->context->mongo, &find, &cursor, err);
	if (result == 0)
		result = read_sample(sample, cursor, stream, err);
	sample->took = clock_boottime() - begun;
	return result;
}

static int measure(struct sample *sample, struct backup_estimate *estimate, struct err *err)
{
	const struct step_context *context = sample->context;
	struct mongo_collection *collections = NULL;
	size_t count = 0;
	int result = mongo_collections(context->mongo, context->arena, &collections, &count, err);

	for (size_t i = 0; result == 0 && i < count; i++) {
		struct mongo_stats stats = {0};
		if (strcmp(collections[i].type, "collection") == 0)
			result = mongo_collection_stats(
				context->mongo, collections[i].name, &stats, err);
		estimate->documents += stats.count > 0 ? stats.count : 0;
		estimate->octets += stats.octets > 0 ? stats.octets : 0;
		if (stats.octets > sample->stats.octets) {
			sample->stats = stats;
			sample->collection = collections[i].name;
		}
	}
	estimate->collections = count;
	return result;
}

int backup_estimate(
	const struct step_context *context, struct backup_estimate *ret_estimate, struct err *err)
{
	struct backup_estimate estimate = {0};
	struct sample sample = {.context = context};
	int result = measure(&sample, &estimate, err);

	if (result == 0 && sample.collection != NULL)
		result = try_sample(&sample, err);
	if (result != 0)
		return result;
	estimate.takes = estimate.octets / (EXPECTED_RATE * 1000);
	estimate.file_octets = estimate.octets;
	if (sample.octets > 0) {
		double factor = (double)estimate.octets / (double)sample.octets;
		estimate.file_octets = (int64_t)(factor * (double)sample.file_octets);
		/* A piece is mostly a round trip; several connections work beside each other. */
		if (sample.octets >= SAMPLE_OCTETS)
			estimate.takes = (int64_t)(factor * (double)sample.took /
						   (context->site->backup_workers > 1 ? 2 : 1));
	}
	*ret_estimate = estimate;
	return 0;
}
