#include "steps/backfill.h"

#include <string.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "steps/record.h"
#include "steps/throttle.h"
#include "text/text.h"

enum {
	BATCH_SIZE_MAX = 100000,
	ESTIMATED_RATE = 1500, /* source documents a second, before anything was measured */
};

struct work {
	const struct step_context *context;
	struct backfill backfill;
	struct backfill_state *state;
	struct backfill_source *source;
	struct arena arena;	     /* one batch */
	int64_t started, started_at; /* this phase: boot time, and documents done then */
	int64_t total;		     /* documents of this phase's source */
	struct throttle *throttle;
};

static int64_t batch_size(const struct step_context *context)
{
	int64_t size = context->options->batch_size;

	return size < 1 ? 500 : size > BATCH_SIZE_MAX ? BATCH_SIZE_MAX : size;
}

static int64_t conflict_limit(const struct work *work)
{
	int64_t given = work->context->options->max_conflicts;

	return given >= 0 ? given : work->backfill.max_conflicts;
}

/* ---- plan */

static const char *written_collections(const struct backfill *backfill, struct arena *arena)
{
	CLEANUP_STR struct str text = STR_INIT;

	for (size_t i = 0; i < backfill->target_count; i++) {
		bool known = false;
		for (size_t j = 0; j < i; j++)
			known = known || strcmp(backfill->targets[j]->collection,
						 backfill->targets[i]->collection) == 0;
		if (!known)
			str_append_format(&text, "%s%s", text.size == 0 ? "" : ", ",
				backfill->targets[i]->collection);
	}
	return text.failed ? NULL : arena_string(arena, str_text(&text));
}

static int plan_lines(const struct step_context *context, const struct backfill *backfill,
	int64_t count, struct step_plan *plan, struct err *err)
{
	const struct migration *migration = context->step->migration;
	char number[TEXT_COUNT_SIZE], size[TEXT_COUNT_SIZE];
	const char *targets = written_collections(backfill, context->arena);

	if (migration->what[0] != '\0')
		plan->what[plan->what_count++] = migration->what;
	plan->size = arena_format(context->arena, "%s documents", text_count(count, number));
	const char *reads = arena_format(context->arena,
		"Reads %s documents of %s in batches of %s; each ends in a checkpoint.", number,
		backfill->phases[0].collection, text_count(batch_size(context), size));
	plan->changes = arena_format(context->arena, "new documents in %s", targets);
	if (targets == NULL || plan->size == NULL || reads == NULL || plan->changes == NULL)
		return err_no_memory(err);
	plan->what[plan->what_count++] = reads;
	plan->what[plan->what_count++] =
		backfill->publish_events
			? "Its events wait, and are published when ingest is resumed."
			: "Its events are stamped as published.";
	return 0;
}

static int backfill_plan(
	const struct step_context *context, struct step_plan *plan, struct err *err)
{
	static const struct bytes all = {NULL, 0};
	struct backfill backfill;
	struct record record;
	int64_t count = 0;
	int result = backfill_load(context->step->migration, context->arena, &backfill, err);

	if (result == 0)
		result = mongo_count(
			context->mongo, backfill.phases[0].collection, all, &count, err);
	if (result == 0)
		result = record_look(context->mongo, backfill.id, context->arena, &record, err);
	if (result == 0)
		result = plan_lines(context, &backfill, count, plan, err);
	if (result != 0)
		return result;
	plan->takes = 1000 + count * 1000 / ESTIMATED_RATE;
	plan->way_back = WAY_BACK_EXACT;
	plan->way_back_text = "undo, proved by digest";
	plan->proof = "a report with its SHA-256, the same on every run of the same data";
	plan->nothing_to_do = record.status == RECORD_DONE;
	return 0;
}

/* ---- progress and lag */

static void add_counter(struct step_progress *progress, const char *name, int64_t value)
{
	progress->counters[progress->counter_count].name = name;
	progress->counters[progress->counter_count++].value = value;
}

/* A role that this migration does not write has no counter. */
static void count_role(const struct work *work, struct step_progress *progress, const char *role)
{
	int64_t count = 0;
	bool has = false;

	for (size_t i = 0; i < work->backfill.target_count; i++)
		if (strcmp(work->backfill.targets[i]->role, role) == 0) {
			has = true;
			count += work->state->targets[i].written;
		}
	if (has)
		add_counter(progress, role, count);
}

static void tell(const struct work *work)
{
	const struct backfill_phase_state *done = &work->state->phases[work->state->phase];
	int64_t elapsed = clock_boottime() - work->started;
	int64_t fresh = done->documents - work->started_at, size = batch_size(work->context);
	struct step_progress progress = {
		.phase = work->backfill.phases[work->state->phase].name,
		.done = done->documents,
		.total = work->total,
		.unit = "documents",
		.left = -1,
		.lag = throttle_lag(work->throttle),
		.batch = work->state->batch,
		.batches = (work->total + size - 1) / size,
		.batch_size = size,
	};

	if (elapsed > 0 && fresh > 0) {
		progress.rate = (double)fresh * 1000 / (double)elapsed;
		progress.left =
			(int64_t)((double)(work->total - done->documents) * 1000 / progress.rate);
	}
	count_role(work, &progress, "observations");
	count_role(work, &progress, "linksets");
	count_role(work, &progress, "events");
	count_role(work, &progress, "tombstones");
	count_role(work, &progress, "documents");
	add_counter(&progress, "conflicts", work->state->conflicts);
	add_counter(&progress, "errors", work->state->errors);
	work->context->host->progress(work->context->host->self, &progress);
}

static int stop_if_asked(const struct work *work, struct err *err)
{
	const struct step_host *host = work->context->host;

	if (!host->stop_requested(host->self))
		return 0;
	return err_set(err, ERR_STOPPED, "stopped after batch %lld of %s",
		(long long)work->state->batch, work->backfill.id);
}

static int tell_while_waiting(void *self, struct err *err)
{
	struct work *work = self;
	int result = throttle_tell(work->throttle, work->context->host, err);

	tell(work);
	return result != 0 ? result : stop_if_asked(work, err);
}

static int mind_the_lag(struct work *work, struct err *err)
{
	int result =
		throttle_pass(work->throttle, work->context->mongo, tell_while_waiting, work, err);

	return result != 0 ? result : throttle_tell(work->throttle, work->context->host, err);
}

/* ---- a batch */

static int checkpoint(struct work *work, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	const struct step_host *host = work->context->host;
	int result = backfill_state_write(work->state, &work->backfill, &text, err);

	return result != 0 ? result : host->checkpoint(host->self, str_bytes(&text), err);
}

/* "1 conflict and 0 errors; --max-conflicts allows 0; batch 3 wrote nothing; see FILE" */
static void say_how_many(
	const struct work *work, const struct backfill_batch *batch, bool written, struct str *out)
{
	const struct step_context *context = work->context;
	int64_t conflicts = work->state->conflicts + (int64_t)batch->conflict_count;
	int64_t errors = work->state->errors + (int64_t)batch->failure_count;

	text_plural(out, conflicts, "conflict", NULL);
	str_append_text(out, " and ");
	text_plural(out, errors, "error", NULL);
	str_append_format(out, "; --max-conflicts allows %lld; batch %lld %s; see ",
		(long long)conflict_limit(work), (long long)work->state->batch + 1,
		written ? "was written in part" : "wrote nothing");
	if (context->site != NULL)
		str_append_format(out, "%s/runs/%s/", context->site->state_dir, context->run_id);
	str_append_text(out, "conflicts.ndjson");
}

/* The first conflict, or else the first document that could not be derived. */
static int say_why(
	const struct work *work, const struct backfill_batch *batch, bool written, struct err *err)
{
	CLEANUP_STR struct str how_many = STR_INIT, key = STR_INIT;
	const struct backfill_derived *first = NULL;
	char id[OBJECT_ID_HEX_SIZE];

	say_how_many(work, batch, written, &how_many);
	for (size_t i = 0; i < batch->derived_count && first == NULL; i++)
		if (batch->derived[i].fate == FATE_CONFLICT)
			first = &batch->derived[i];
	if (first == NULL) {
		backfill_key_to_text(batch->units[batch->failures[0].unit].key, &key);
		return err_set(err, ERR_MIGRATION, "%s %s: %s (%s)", batch->phase->collection,
			str_text(&key), batch->failures[0].err.message, str_text(&how_many));
	}
	object_id_to_hex(first->id.object_id, id);
	return err_set(err, ERR_CONFLICT, "%s %s %s (%s)", first->write->collection, id,
		first->reason != NULL ? "is refused because of another document"
				      : "exists with other content than this kit derives",
		str_text(&how_many));
}

/* Nothing of a batch is written that goes over the limit. */
static int judge(struct work *work, struct backfill_batch *batch, bool written, struct err *err)
{
	int64_t bad = (int64_t)batch->conflict_count + (int64_t)batch->failure_count;
	int64_t all = work->state->conflicts + work->state->errors + bad;

	if (bad == 0)
		return 0;
	int64_t before = work->state->conflicts_octets;
	int result =
		backfill_conflicts_write(work->context, &work->backfill, batch, work->state, err);
	if (result != 0)
		return result;
	if (work->context->options->stop_on_error || all > conflict_limit(work))
		return say_why(work, batch, written, err);
	if (!written) /* they are told of once more, with those that writing finds */
		work->state->conflicts_octets = before;
	return 0;
}

static int do_batch(struct work *work, struct backfill_batch *batch, struct err *err)
{
	const struct step_context *context = work->context;
	int result = backfill_look_up(context->mongo, batch, err);

	if (result == 0)
		result = backfill_derive(batch, context->run_id, err);
	if (result == 0)
		result = backfill_compare(context->mongo, batch, context->run_id, err);
	if (result == 0)
		result = judge(work, batch, false, err);
	if (result == 0)
		result = backfill_write(context->mongo, batch, context->run_id, err);
	if (result == 0)
		result = judge(work, batch, true, err);
	if (result != 0)
		return result;
	work->state->conflicts += (int64_t)batch->conflict_count;
	work->state->errors += (int64_t)batch->failure_count;
	result = backfill_state_add(work->state, batch, err);
	if (result == 0)
		result = checkpoint(work, err);
	if (result == 0)
		tell(work);
	return result;
}

/* ---- a phase */

static bool begins_with(struct bytes index, const struct backfill_phase *phase)
{
	struct value key = doc_get(index, "key"), direction;
	struct doc_iter iter =
		doc_iter_begin(key.type == VALUE_DOCUMENT ? key.bytes : bytes_make(NULL, 0));
	const char *name;

	for (size_t i = 0; i < phase->key_count; i++)
		if (!doc_iter_next(&iter, &name, &direction) || strcmp(name, phase->keys[i]) != 0)
			return false;
	return true;
}

/* Without it the server would sort the whole collection in memory, and refuse a large one. */
static int need_index(struct work *work, const struct backfill_phase *phase, struct err *err)
{
	struct bytes *indexes = NULL;
	size_t count = 0;

	if (phase->key_count == 0)
		return 0;
	int result = mongo_indexes(work->context->mongo, phase->collection, work->context->arena,
		&indexes, &count, err);
	if (result != 0)
		return result;
	for (size_t i = 0; i < count; i++)
		if (begins_with(indexes[i], phase))
			return 0;
	return err_set(err, ERR_MIGRATION,
		"phase %s: %s has no index that begins with the fields of groupBy", phase->name,
		phase->collection);
}

static int begin_phase(struct work *work, struct err *err)
{
	static const struct bytes all = {NULL, 0};
	const struct backfill_phase *phase = &work->backfill.phases[work->state->phase];
	int result = need_index(work, phase, err);

	if (result == 0)
		result = mongo_count(
			work->context->mongo, phase->collection, all, &work->total, err);
	if (result == 0)
		result = backfill_source_open(work->context->mongo, phase,
			str_bytes(&work->state->after), batch_size(work->context), &work->source,
			err);
	work->started = clock_boottime();
	work->started_at = work->state->phases[work->state->phase].documents;
	return result;
}

static int do_phase(struct work *work, struct err *err)
{
	int result = begin_phase(work, err);

	while (result == 0) {
		struct backfill_batch batch = {
			.phase = &work->backfill.phases[work->state->phase],
			.arena = &work->arena,
		};
		arena_reset(&work->arena);
		result = stop_if_asked(work, err);
		if (result == 0)
			result = mind_the_lag(work, err);
		if (result == 0)
			result = backfill_source_read(
				work->source, &work->arena, &batch.units, &batch.unit_count, err);
		if (result != 0 || batch.unit_count == 0)
			break;
		result = do_batch(work, &batch, err);
	}
	backfill_source_close(work->source);
	work->source = NULL;
	if (result == 0)
		result = backfill_state_end_phase(work->state, &work->backfill, err);
	if (result == 0)
		result = checkpoint(work, err);
	return result;
}

/* ---- apply */

static void report_name(const struct work *work, char *name, size_t size)
{
	(void)snprintf(name, size, "backfill-%s.json", work->backfill.id);
}

static int write_report(struct work *work, struct err *err)
{
	CLEANUP_STR struct str report = STR_INIT;
	struct sha256 digest;
	char name[MIGRATION_ID_MAX + 32];
	int result = backfill_report_write(work->state, &work->backfill, &report, err);

	if (result == 0)
		result = sha256_of(str_bytes(&report), &digest, err);
	if (result != 0)
		return result;
	sha256_to_hex(&digest, work->state->hash);
	report_name(work, name, sizeof name);
	result = file_write_durable_at(
		work->context->run_dirfd, name, str_bytes(&report), 0600, err);
	return result != 0 ? result : checkpoint(work, err);
}

static int work_begin(struct work *work, const struct step_context *context, struct err *err)
{
	struct stat status;

	work->context = context;
	int result = backfill_load(context->step->migration, context->arena, &work->backfill, err);
	if (result == 0)
		result = backfill_state_new(context->arena, &work->state, err);
	if (result == 0 && context->checkpoint != NULL)
		return backfill_state_read(context->checkpoint, &work->backfill, work->state, err);
	/* Another backfill of this run may have told of conflicts. */
	if (result == 0 && context->run_dirfd >= 0 &&
		fstatat(context->run_dirfd, "conflicts.ndjson", &status, AT_SYMLINK_NOFOLLOW) == 0)
		work->state->conflicts_octets = status.st_size;
	return result;
}

static void work_end(struct work *work)
{
	throttle_free(work->throttle);
	arena_release(&work->arena);
	if (work->state != NULL)
		backfill_state_release(work->state);
}

static int backfill_apply(const struct step_context *context, struct err *err)
{
	struct work work = {.arena = ARENA_INIT};
	int result = work_begin(&work, context, err);

	if (result == 0)
		result = throttle_new(context, &work.throttle, err);
	if (result == 0 && context->checkpoint == NULL)
		result = checkpoint(&work, err);
	while (result == 0 && work.state->phase < work.backfill.phase_count) {
		result = do_phase(&work, err);
		/* A document of the database, not one of the kit, was malformed or too large. */
		if (result != 0 && (err->code == ERR_SYNTAX || err->code == ERR_LIMIT))
			result = err_recode(err, ERR_MIGRATION);
	}
	if (result == 0)
		result = write_report(&work, err);
	work_end(&work);
	return result;
}

/* ---- verify and report */

static int verify_report(struct work *work, struct err *err)
{
	CLEANUP_STR struct str report = STR_INIT;
	struct sha256 digest;
	char name[MIGRATION_ID_MAX + 32], hex[SHA256_HEX_SIZE];

	report_name(work, name, sizeof name);
	int result = file_read_at(work->context->run_dirfd, name, MIGRATION_SIZE_MAX, &report, err);
	if (result == 0)
		result = sha256_of(str_bytes(&report), &digest, err);
	if (result != 0)
		return result;
	sha256_to_hex(&digest, hex);
	if (strcmp(hex, work->state->hash) != 0)
		return err_set(
			err, ERR_MIGRATION, "%s is not the report that the journal names", name);
	return 0;
}

/* Every document that was counted as written carries this run's id on the server. */
static int verify_counts(struct work *work, struct err *err)
{
	for (size_t i = 0; i < work->backfill.target_count; i++) {
		const struct backfill_write *write = work->backfill.targets[i];
		CLEANUP_STR struct str filter = STR_INIT;
		struct doc_writer writer;
		int64_t there = 0, written = 0;
		for (size_t j = 0; j < work->backfill.target_count; j++)
			if (strcmp(work->backfill.targets[j]->collection, write->collection) == 0 &&
				strcmp(work->backfill.targets[j]->run_path, write->run_path) == 0)
				written += work->state->targets[j].written;
		doc_write_begin(&writer, &filter);
		doc_write_string(&writer, write->run_path, work->context->run_id);
		doc_write_end(&writer);
		int result = str_check(&filter, err);
		if (result == 0)
			result = mongo_count(work->context->mongo, write->collection,
				str_bytes(&filter), &there, err);
		if (result == 0 && there != written)
			result = err_set(err, ERR_MIGRATION,
				"%s has %lld documents of this run, and %lld were written",
				write->collection, (long long)there, (long long)written);
		if (result != 0)
			return result;
	}
	return 0;
}

static int backfill_verify(const struct step_context *context, struct err *err)
{
	struct work work = {.arena = ARENA_INIT};
	int result = work_begin(&work, context, err);

	if (result == 0 &&
		(work.state->phase < work.backfill.phase_count || work.state->hash[0] == '\0'))
		result = err_set(err, ERR_MIGRATION, "the backfill is not at its end");
	if (result == 0)
		result = verify_report(&work, err);
	if (result == 0)
		result = verify_counts(&work, err);
	work_end(&work);
	return result;
}

static int write_result(const struct work *work, struct json_writer *writer, struct err *err)
{
	CLEANUP_STR struct str summary = STR_INIT;
	char number[TEXT_COUNT_SIZE], name[MIGRATION_ID_MAX + 32];

	json_member_array(writer, "derived");
	for (size_t i = 0; i < work->backfill.target_count; i++) {
		const struct backfill_write *write = work->backfill.targets[i];
		const struct backfill_target *target = &work->state->targets[i];
		str_append_format(&summary, "%s%s %s", i == 0 ? "" : ", ",
			text_count(target->written + target->skipped, number), write->role);
		json_write_object(writer);
		json_member_string(writer, "collection", write->collection);
		json_member_string(writer, "role", write->role);
		json_member_integer(writer, "written", target->written);
		json_member_integer(writer, "skipped", target->skipped);
		json_write_end(writer);
	}
	json_write_end(writer);
	str_append_text(&summary, "; ");
	text_plural(&summary, work->state->conflicts + work->state->errors, "conflict", NULL);
	int result = str_check(&summary, err);
	if (result != 0)
		return result;
	report_name(work, name, sizeof name);
	json_member_string(writer, "summary", str_text(&summary));
	json_member_integer(writer, "read", work->state->phases[0].documents);
	json_member_integer(writer, "batches", work->state->batch);
	json_member_integer(writer, "conflicts", work->state->conflicts);
	json_member_integer(writer, "errors", work->state->errors);
	json_member_string(writer, "reportFile", name);
	json_member_string(writer, "reportHash", work->state->hash);
	return 0;
}

static int backfill_report(
	const struct step_context *context, struct json_writer *writer, struct err *err)
{
	struct work work = {.arena = ARENA_INIT};
	int result = context->checkpoint == NULL ? 0 : work_begin(&work, context, err);

	if (result == 0 && context->checkpoint != NULL)
		result = write_result(&work, writer, err);
	work_end(&work);
	return result;
}

const struct step_kind step_backfill = {
	.name = "backfill",
	.weight = 60,
	.gate = true,
	.failure = ERR_MIGRATION,
	.plan = backfill_plan,
	.apply = backfill_apply,
	.verify = backfill_verify,
	.undo = backfill_undo,
	.report = backfill_report,
};
