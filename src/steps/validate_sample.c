#include "steps/validate_sample.h"

#include <string.h>

#include "base/cleanup.h"

enum { SAMPLE_BATCH = 20 }; /* units that are compared in one question to the server */

struct place {
	struct sha256 rank;
	struct str key;
};

struct sample {
	const struct backfill_phase *phase;
	size_t count, room;
	size_t greatest; /* when all are taken: the place that gives way to a lesser one */
	int64_t total;
	struct place places[];
};

static void sample_release(struct sample **sample)
{
	if (*sample == NULL)
		return;
	for (size_t i = 0; i < (*sample)->count; i++)
		str_release(&(*sample)->places[i].key);
	free(*sample);
}

/* ---- choosing */

static int rank_order(const struct place *a, const struct place *b)
{
	return memcmp(a->rank.octets, b->rank.octets, sizeof a->rank.octets);
}

static void replace(struct str *text, const struct str *with)
{
	str_truncate(text, 0);
	str_append(text, with->text, with->size);
}

static int consider(struct sample *sample, const struct str *key, struct err *err)
{
	struct place candidate;
	size_t at = sample->count;
	int rc = sha256_of(str_bytes(key), &candidate.rank, err);

	if (rc < 0)
		return rc;
	sample->total++;
	if (at == sample->room) {
		at = sample->greatest;
		if (rank_order(&candidate, &sample->places[at]) >= 0)
			return 0;
	} else {
		sample->count++;
	}
	sample->places[at].rank = candidate.rank;
	replace(&sample->places[at].key, key);
	if (sample->count < sample->room)
		return str_check(&sample->places[at].key, err);
	sample->greatest = 0;
	for (size_t i = 1; i < sample->count; i++)
		if (rank_order(&sample->places[i], &sample->places[sample->greatest]) > 0)
			sample->greatest = i;
	return str_check(&sample->places[at].key, err);
}

/* The phase's key fields and nothing else, in the order in which the source is read. */
static int open_keys(struct mongo *mongo, const struct backfill_phase *phase,
	struct mongo_cursor **ret_cursor, struct err *err)
{
	CLEANUP_STR struct str order = STR_INIT, fields = STR_INIT;
	struct doc_writer writer;

	backfill_order(phase, &order);
	doc_write_begin(&writer, &fields);
	doc_write_int32(&writer, "_id", phase->key_count == 0);
	for (size_t i = 0; i < phase->key_count; i++)
		doc_write_int32(&writer, phase->keys[i], 1);
	doc_write_end(&writer);
	int rc = str_check(&order, err);
	if (rc == 0)
		rc = str_check(&fields, err);
	if (rc < 0)
		return rc;
	const struct mongo_find find = {
		.collection = phase->collection,
		.sort = str_bytes(&order),
		.projection = str_bytes(&fields),
		.no_timeout = true,
	};
	return mongo_find(mongo, &find, ret_cursor, err);
}

static int choose(const struct step_context *context, struct sample *sample, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str last = STR_INIT, key = STR_INIT;
	const struct step_host *host = context->host;
	struct bytes doc;
	int rc = open_keys(context->mongo, sample->phase, &cursor, err);

	while (rc == 0) {
		rc = mongo_cursor_next(cursor, &doc, err);
		if (rc <= 0)
			return rc;
		str_truncate(&key, 0);
		rc = backfill_key(sample->phase, doc, &key, err);
		if (rc < 0 || bytes_equal(str_bytes(&key), str_bytes(&last)))
			continue;
		replace(&last, &key);
		rc = consider(sample, &key, err);
		if (rc == 0 && host->stop_requested(host->self))
			rc = err_set(err, ERR_STOPPED, "the operator asked for it");
	}
	return rc;
}

/* ---- deriving again */

static void remember(struct sample_result *result, const struct backfill_derived *derived,
	struct finding *finding)
{
	char id[OBJECT_ID_HEX_SIZE];

	result->differing++;
	if (result->collection == NULL)
		result->collection = derived->write->collection;
	if (finding->example_count == EXAMPLES_MAX)
		return;
	object_id_to_hex(derived->id.object_id, id);
	str_append_format(&finding->examples[finding->example_count++], "%s %s %s",
		derived->write->collection, id,
		derived->fate == FATE_WRITE ? "is missing" : "has other content");
}

static void remember_failure(const struct backfill_batch *batch,
	const struct backfill_failure *failure, struct finding *finding)
{
	if (finding->example_count == EXAMPLES_MAX)
		return;
	struct str *text = &finding->examples[finding->example_count++];
	str_append_format(text, "%s ", batch->phase->collection);
	backfill_key_to_text(batch->units[failure->unit].key, text);
	str_append_format(text, ": %s", failure->err.message);
}

static int read_unit(const struct step_context *context, const struct backfill_phase *phase,
	struct bytes key, struct backfill_batch *batch, struct err *err)
{
	CLEANUP(backfill_source_cleanup) struct backfill_source *source = NULL;
	struct backfill_unit *unit = NULL;
	size_t count = 0;
	int rc = backfill_source_open_one(context->mongo, phase, key, &source, err);

	if (rc == 0)
		rc = backfill_source_read(source, batch->arena, &unit, &count, err);
	if (rc == 0 && count == 0)
		rc = err_set(err, ERR_VALIDATION, "%s changed while it was read: is ingest frozen?",
			phase->collection);
	if (rc == 0)
		batch->units[batch->unit_count++] = *unit;
	return rc;
}

static int look_at(const struct step_context *context, const struct backfill_phase *phase,
	const struct place *places, size_t count, struct sample_result *result,
	struct finding *finding, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct backfill_batch batch = {.phase = phase, .arena = &arena};
	int rc = 0;

	batch.units = arena_array(&arena, count, sizeof *batch.units);
	if (batch.units == NULL)
		return err_no_memory(err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = read_unit(context, phase, str_bytes(&places[i].key), &batch, err);
	if (rc == 0)
		rc = backfill_look_up(context->mongo, &batch, err);
	if (rc == 0)
		rc = backfill_derive(&batch, context->run_id, err);
	if (rc == 0)
		rc = backfill_compare(context->mongo, &batch, context->run_id, err);
	if (rc < 0)
		return rc;
	result->units += (int64_t)count;
	result->failures += (int64_t)batch.failure_count;
	for (size_t i = 0; i < batch.derived_count; i++)
		if (batch.derived[i].fate == FATE_WRITE || batch.derived[i].fate == FATE_CONFLICT)
			remember(result, &batch.derived[i], finding);
	for (size_t i = 0; i < batch.failure_count; i++)
		remember_failure(&batch, &batch.failures[i], finding);
	return 0;
}

int sample_phase(const struct step_context *context, const struct backfill_phase *phase,
	size_t size, struct sample_result *ret_result, struct finding *finding, struct err *err)
{
	CLEANUP(sample_release)
	struct sample *sample = calloc(1, sizeof *sample + size * sizeof sample->places[0]);
	const struct step_host *host = context->host;
	struct sample_result result = {0};

	if (sample == NULL)
		return err_no_memory(err);
	sample->phase = phase;
	sample->room = size;
	int rc = choose(context, sample, err);
	for (size_t i = 0; rc == 0 && i < sample->count; i += SAMPLE_BATCH) {
		size_t left = sample->count - i;
		if (host->stop_requested(host->self))
			return err_set(err, ERR_STOPPED, "the operator asked for it");
		rc = look_at(context, phase, &sample->places[i],
			left < SAMPLE_BATCH ? left : SAMPLE_BATCH, &result, finding, err);
	}
	if (rc < 0)
		return err_context(err, "phase %s", phase->name);
	result.total = sample->total;
	*ret_result = result;
	return 0;
}
