#include "steps/backfill.h"

#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "steps/crew.h"
#include "steps/record.h"
#include "steps/throttle.h"
#include "text/text.h"

enum {
	BATCH_SIZE_MAX = 100000,
	ESTIMATED_RATE = 1500, /* source documents a second, before anything was measured */
};

static int64_t batch_size(const struct step_context *context)
{
	int64_t size = context->options->batch_size;

	return size < 1 ? 500 : size > BATCH_SIZE_MAX ? BATCH_SIZE_MAX : size;
}

int64_t backfill_workers(const struct step_context *context)
{
	return (int64_t)crew_workers(context->options->workers, BACKFILL_WORKERS_MAX);
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
		result = record_look(context, &record, err);
	if (result == 0)
		result = plan_lines(context, &backfill, count, plan, err);
	if (result != 0)
		return result;
	plan->takes = 1000 + count * 1000 / ESTIMATED_RATE;
	plan->way_back = WAY_BACK_EXACT;
	plan->way_back_text = "undo, proved by digest";
	plan->proof = "a report with its SHA-256, the same on every run of the same data";
	/* Of another content it is none of ours: preflight says so. */
	plan->nothing_to_do = record.status == RECORD_DONE && !record.other_content;
	return 0;
}

/* ---- apply */

static void report_name(const struct backfill_work *work, char *name, size_t size)
{
	(void)snprintf(name, size, "backfill-%s.json", work->backfill.id);
}

static bool same_mark(const struct backfill_write *a, const struct backfill_write *b)
{
	return strcmp(a->collection, b->collection) == 0 && strcmp(a->run_path, b->run_path) == 0;
}

static int count_there(const struct backfill_work *work, const struct backfill_write *write,
	int64_t *ret_there, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &filter);
	doc_write_string(&writer, write->run_path, work->context->run_id);
	doc_write_end(&writer);
	int result = str_check(&filter, err);
	return result != 0 ? result
			   : mongo_count(work->context->mongo, write->collection,
				     str_bytes(&filter), ret_there, err);
}

static bool is_alone(const struct backfill *backfill, size_t target)
{
	for (size_t i = 0; i < backfill->target_count; i++)
		if (i != target && same_mark(backfill->targets[i], backfill->targets[target]))
			return false;
	return true;
}

/*
 * What an interrupted attempt wrote, and what two sources derive to, look alike to the one who
 * finds it. How many there are together is known, and how many are there: so each is.
 */
static int settle_counts(struct backfill_work *work, struct err *err)
{
	for (size_t i = 0; i < work->backfill.target_count; i++) {
		struct backfill_target *target = &work->state->targets[i];
		int64_t both = target->written + target->repeated, there = 0;
		if (target->found == 0 || !is_alone(&work->backfill, i))
			continue;
		int result = count_there(work, work->backfill.targets[i], &there, err);
		if (result != 0)
			return result;
		if (there < target->written - target->found || there > both)
			continue; /* verify says so */
		target->written = there;
		target->repeated = both - there;
		target->found = 0;
	}
	return 0;
}

static int write_report(struct backfill_work *work, struct err *err)
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
	return result != 0 ? result : backfill_checkpoint(work, err);
}

static int64_t octets_of(const struct step_context *context, const char *name)
{
	struct stat status;

	return context->run_dirfd >= 0 &&
			       fstatat(context->run_dirfd, name, &status, AT_SYMLINK_NOFOLLOW) == 0
		       ? status.st_size
		       : 0;
}

static int work_begin(
	struct backfill_work *work, const struct step_context *context, struct err *err)
{
	work->context = context;
	work->batch_size = batch_size(context);
	work->workers = backfill_workers(context);
	/* How far another host's attempt came, its checkpoints know, which are not here. */
	work->tried = context->taken_over ? BACKFILL_ALL : 0;
	int result = backfill_load(context->step->migration, context->arena, &work->backfill, err);
	if (result == 0)
		result = backfill_state_new(context->arena, &work->state, err);
	work->conflict_limit = context->options->max_conflicts >= 0
				       ? context->options->max_conflicts
				       : work->backfill.max_conflicts;
	if (result == 0 && context->checkpoint != NULL) {
		result =
			backfill_state_read(context->checkpoint, &work->backfill, work->state, err);
		if (work->tried < work->state->ahead)
			work->tried = work->state->ahead;
		return result;
	}
	if (result != 0)
		return result;
	/* Another backfill of this run may have told of something. */
	work->state->conflicts_octets = octets_of(context, "conflicts.ndjson");
	work->state->findings_octets = octets_of(context, "findings.ndjson");
	return 0;
}

static void work_end(struct backfill_work *work)
{
	throttle_free(work->throttle);
	if (work->state != NULL)
		backfill_state_release(work->state);
}

/* "findings: 2 missing, 1 rings of advisory_raw; see findings.ndjson" */
static int tell_findings(const struct backfill_work *work, struct err *err)
{
	const struct step_host *host = work->context->host;
	CLEANUP_STR struct str text = STR_INIT;

	for (size_t i = 0; i < work->backfill.phase_count; i++)
		for (int j = 0; j < ODDITY_COUNT; j++)
			if (work->state->phases[i].oddities[j] > 0)
				str_append_format(&text, "%s%s: %lld %s",
					text.size == 0 ? "" : ", ",
					work->backfill.phases[i].collection,
					(long long)work->state->phases[i].oddities[j],
					backfill_oddity_name(j));
	if (text.size == 0)
		return 0;
	str_append_text(&text, "; derived all the same, each is named in findings.ndjson");
	int result = str_check(&text, err);
	return result != 0
		       ? result
		       : host->check(host->self, "findings", CHECK_WARNING, str_text(&text), err);
}

static int backfill_apply(const struct step_context *context, struct err *err)
{
	struct backfill_work work = {0};
	int result = work_begin(&work, context, err);

	if (result == 0)
		result = throttle_new(context, &work.throttle, err);
	if (result == 0 && context->checkpoint == NULL)
		result = backfill_checkpoint(&work, err);
	while (result == 0 && work.state->phase < work.backfill.phase_count) {
		result = backfill_phase(&work, err);
		/* A document of the database, not one of the kit, was malformed or too large. */
		if (result != 0 && (err->code == ERR_SYNTAX || err->code == ERR_LIMIT))
			result = err_recode(err, ERR_MIGRATION);
	}
	if (result == 0)
		result = settle_counts(&work, err);
	if (result == 0)
		result = write_report(&work, err);
	if (result == 0)
		result = tell_findings(&work, err);
	work_end(&work);
	return result;
}

/* ---- verify and report */

static int verify_report(struct backfill_work *work, struct err *err)
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
static int verify_counts(struct backfill_work *work, struct err *err)
{
	for (size_t i = 0; i < work->backfill.target_count; i++) {
		const struct backfill_write *write = work->backfill.targets[i];
		int64_t there = 0, written = 0, found = 0, repeated = 0;
		for (size_t j = 0; j < work->backfill.target_count; j++) {
			const struct backfill_target *target = &work->state->targets[j];
			if (!same_mark(work->backfill.targets[j], write))
				continue;
			written += target->written;
			found += target->found;
			repeated += target->repeated;
		}
		int result = count_there(work, write, &there, err);
		if (result == 0 && (there < written - found || there > written + repeated))
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
	struct backfill_work work = {0};
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

static int64_t count_findings(const struct backfill_state *state, const struct backfill *backfill)
{
	int64_t count = 0;

	for (size_t i = 0; i < backfill->phase_count; i++)
		for (int j = 0; j < ODDITY_COUNT; j++)
			count += state->phases[i].oddities[j];
	return count;
}

static int write_result(
	const struct backfill_work *work, struct json_writer *writer, struct err *err)
{
	CLEANUP_STR struct str summary = STR_INIT;
	char number[TEXT_COUNT_SIZE], name[MIGRATION_ID_MAX + 32];

	json_member_array(writer, "derived");
	for (size_t i = 0; i < work->backfill.target_count; i++) {
		const struct backfill_write *write = work->backfill.targets[i];
		const struct backfill_target *target = &work->state->targets[i];
		str_append_format(&summary, "%s%s %s", i == 0 ? "" : ", ",
			text_count(target->written + target->skipped + target->repeated, number),
			write->role);
		json_write_object(writer);
		json_member_string(writer, "collection", write->collection);
		json_member_string(writer, "role", write->role);
		json_member_integer(writer, "written", target->written);
		json_member_integer(writer, "skipped", target->skipped);
		json_member_integer(writer, "repeated", target->repeated);
		json_write_end(writer);
	}
	json_write_end(writer);
	str_append_text(&summary, "; ");
	text_plural(&summary, work->state->conflicts + work->state->errors, "conflict", NULL);
	int64_t findings = count_findings(work->state, &work->backfill);
	if (findings > 0) {
		str_append_text(&summary, "; ");
		text_plural(&summary, findings, "finding", NULL);
	}
	int result = str_check(&summary, err);
	if (result != 0)
		return result;
	report_name(work, name, sizeof name);
	json_member_string(writer, "summary", str_text(&summary));
	json_member_integer(writer, "read", work->state->phases[0].documents);
	json_member_integer(writer, "batches", work->state->batch);
	json_member_integer(writer, "conflicts", work->state->conflicts);
	json_member_integer(writer, "errors", work->state->errors);
	json_member_integer(writer, "findings", findings);
	json_member_string(writer, "reportFile", name);
	json_member_string(writer, "reportHash", work->state->hash);
	return 0;
}

static int backfill_report(
	const struct step_context *context, struct json_writer *writer, struct err *err)
{
	struct backfill_work work = {0};
	int result = context->checkpoint == NULL ? 0 : work_begin(&work, context, err);

	if (result == 0 && context->checkpoint != NULL)
		result = write_result(&work, writer, err);
	work_end(&work);
	return result;
}

static int backfill_compile(const struct migration *migration, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct backfill compiled;

	return backfill_load(migration, &arena, &compiled, err);
}

const struct step_kind step_backfill = {
	.name = "backfill",
	.weight = 60,
	.gate = true,
	.failure = ERR_MIGRATION,
	.compile = backfill_compile,
	.plan = backfill_plan,
	.apply = backfill_apply,
	.verify = backfill_verify,
	.undo = backfill_undo,
	.report = backfill_report,
};
