/*
 * validate: what is in the database now, counted and followed on the server, against what the
 * backfills said that they wrote.
 *
 * Sources: as many documents as the report says that were read. Counts: of every collection that a
 * backfill writes, what carries this run's id (rollback.json names the path), and all there are,
 * against what was there at the backup. Links: what a migration's "links" declare. A sample of each
 * phase's source is derived again and compared. Each check stands in the report with its question.
 */
#include "steps/validate.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/backup.h"
#include "steps/outbox.h"
#include "steps/silence.h"
#include "steps/targets.h"
#include "steps/validate_sample.h"
#include "text/text.h"

static const char *text_of(const struct json *object, const char *name)
{
	const struct json *member = object == NULL ? NULL : json_member(object, name);

	return member != NULL && json_type(member) == JSON_STRING ? json_string(member) : NULL;
}

/* -1: there is no such number. */
static int64_t number_of(const struct json *object, const char *name)
{
	const struct json *member = object == NULL ? NULL : json_member(object, name);

	if (member == NULL || json_type(member) != JSON_NUMBER || !json_is_integer(member))
		return -1;
	return json_integer(member);
}

static const struct json *checkpoint_of(
	const struct validation *validation, const struct step *step)
{
	const struct step_context *context = validation->context;

	return context->checkpoint_of(context->host->self, step->name);
}

int validate_run_path(const struct step_context *context, const struct step *step,
	const char *collection, const char **ret_path, struct err *err)
{
	struct oplog_target *targets = NULL;
	size_t count = 0;
	int rc = targets_of_step(context, step, &targets, &count, err);

	*ret_path = NULL;
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (strcmp(targets[i].collection, collection) == 0)
			*ret_path = targets[i].run_path;
	return rc;
}

/* ---- counts */

static int ask_count(struct validation *validation, struct question *question, const char *run_path,
	struct finding *finding, struct err *err)
{
	question_match(question, run_path, validation->context->run_id);
	question_count(question);
	question_end(question);
	finding->question = question;
	return question_ask(question, validation->context->mongo, &finding->found, err);
}

/* What carries this run's id is what was counted as written. */
static int count_ours(struct validation *validation, const struct step *step,
	const char *collection, const char *run_path, struct err *err)
{
	CLEANUP(finding_release) struct finding finding = FINDING_INIT("count");
	CLEANUP(question_release) struct question question;
	const struct json *checkpoint = checkpoint_of(validation, step);
	char found[TEXT_COUNT_SIZE], wanted[TEXT_COUNT_SIZE];

	question_begin(&question, collection);
	int rc = ask_count(validation, &question, run_path, &finding, err);
	if (rc < 0)
		return rc;
	finding.expected = number_of(
		checkpoint == NULL ? NULL : json_member(checkpoint, "written"), collection);
	finding.outcome = finding.expected < 0		      ? CHECK_SKIPPED
			  : finding.found == finding.expected ? CHECK_PASSED
							      : CHECK_FAILED;
	str_append_format(&finding.text, "%s: %s documents of this run", collection,
		text_count(finding.found, found));
	if (finding.expected >= 0)
		str_append_format(
			&finding.text, ", %s were written", text_count(finding.expected, wanted));
	else
		str_append_text(&finding.text, "; this run did not say what it wrote");
	return finding_tell(validation, &finding, err);
}

/* Nothing that was there before has become less: the backup's count and what was written. */
static int count_all(struct validation *validation, const struct step *step,
	const struct backup_index *backup, const char *collection, struct err *err)
{
	CLEANUP(finding_release) struct finding finding = FINDING_INIT("total");
	CLEANUP(question_release) struct question question;
	const struct backup_collection *before = backup_find(backup, collection);
	const struct json *checkpoint = checkpoint_of(validation, step);
	int64_t written = number_of(
		checkpoint == NULL ? NULL : json_member(checkpoint, "written"), collection);
	int64_t had = before == NULL ? 0 : (int64_t)before->count;
	char found[TEXT_COUNT_SIZE], was[TEXT_COUNT_SIZE], ours[TEXT_COUNT_SIZE];

	if (written < 0)
		return 0;
	question_begin(&question, collection);
	int rc = ask_count(validation, &question, NULL, &finding, err);
	if (rc < 0)
		return rc;
	finding.expected = had + written;
	finding.outcome = finding.found < finding.expected   ? CHECK_FAILED
			  : finding.found > finding.expected ? CHECK_WARNING
							     : CHECK_PASSED;
	str_append_format(&finding.text, "%s: %s documents in all, %s were there and %s written",
		collection, text_count(finding.found, found), text_count(had, was),
		text_count(written, ours));
	if (finding.found > finding.expected)
		str_append_text(&finding.text, "; somebody else has written too");
	return finding_tell(validation, &finding, err);
}

static int count_step(struct validation *validation, const struct step *step,
	const struct backup_index *backup, struct err *err)
{
	struct oplog_target *targets = NULL;
	size_t count = 0;
	int rc = targets_of_step(validation->context, step, &targets, &count, err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		rc = count_ours(validation, step, targets[i].collection, targets[i].run_path, err);
		if (rc == 0 && backup != NULL)
			rc = count_all(validation, step, backup, targets[i].collection, err);
	}
	return rc;
}

/* ---- sources, against the backfill's report */

static int load_report(const struct step_context *context, const struct step *step,
	struct json_doc **ret_doc, struct err *err)
{
	enum { REPORT_SIZE_MAX = 16 * 1024 * 1024 };
	CLEANUP_STR struct str text = STR_INIT;
	char name[MIGRATION_ID_MAX + 32];

	(void)snprintf(name, sizeof name, "backfill-%s.json", step->name);
	int rc = file_read_at(context->run_dirfd, name, REPORT_SIZE_MAX, &text, err);
	if (rc == 0)
		rc = json_parse(str_bytes(&text), JSON_LIMITS_OWN(REPORT_SIZE_MAX), ret_doc, err);
	return rc < 0 ? err_context(err, "%s", name) : 0;
}

static int count_source(struct validation *validation, const struct json *phase, struct err *err)
{
	CLEANUP(finding_release) struct finding finding = FINDING_INIT("source");
	CLEANUP(question_release) struct question question;
	const char *collection = text_of(phase, "source"), *name = text_of(phase, "name");
	char found[TEXT_COUNT_SIZE], wanted[TEXT_COUNT_SIZE];

	if (collection == NULL || name == NULL)
		return err_set(err, ERR_VALIDATION, "the backfill's report names no source");
	question_begin(&question, collection);
	int rc = ask_count(validation, &question, NULL, &finding, err);
	if (rc < 0)
		return rc;
	finding.expected = number_of(phase, "read");
	finding.outcome = finding.found == finding.expected ? CHECK_PASSED : CHECK_FAILED;
	str_append_format(&finding.text, "%s, %s: %s documents, %s were read", collection, name,
		text_count(finding.found, found), text_count(finding.expected, wanted));
	return finding_tell(validation, &finding, err);
}

static int count_sources(struct validation *validation, const struct step *step, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const struct json *phases = NULL;

	/* A backfill that found nothing to do has left no report. */
	if (checkpoint_of(validation, step) == NULL)
		return 0;
	int rc = load_report(validation->context, step, &doc, err);
	if (rc == 0)
		rc = json_need(json_root(doc), "phases", JSON_ARRAY, &phases, err);
	for (const struct json *phase = rc < 0 ? NULL : json_first(phases);
		rc == 0 && phase != NULL; phase = json_next(phase))
		rc = count_source(validation, phase, err);
	return rc;
}

/* ---- a sample, derived again */

/* What the backfill counted as conflicts and errors, because so many are allowed. */
static int64_t allowed_differences(const struct validation *validation, const struct step *step)
{
	const struct json *checkpoint = checkpoint_of(validation, step);
	int64_t conflicts = number_of(checkpoint, "conflicts");
	int64_t errors = number_of(checkpoint, "errors");

	return (conflicts < 0 ? 0 : conflicts) + (errors < 0 ? 0 : errors);
}

static void say_sample(struct finding *finding, const struct backfill_phase *phase,
	const struct sample_result *result, int64_t allowed)
{
	struct str *text = &finding->text;
	char units[TEXT_COUNT_SIZE], total[TEXT_COUNT_SIZE];

	str_append_format(text, "%s, %s: ", phase->collection, phase->name);
	if (result->units < result->total)
		str_append_format(text,
			"a sample of %s of %s derived again: ", text_count(result->units, units),
			text_count(result->total, total));
	else
		str_append_format(text, "all %s derived again: ", text_count(result->total, total));
	if (finding->found == 0) {
		str_append_text(text, "identical");
		return;
	}
	text_plural(text, finding->found, "differs", "differ");
	if (finding->found <= allowed)
		str_append_text(text, ", as conflicts.ndjson says");
	else if (finding->example_count > 0)
		str_append_format(text, ", first %s", str_text(&finding->examples[0]));
}

static int check_sample(struct validation *validation, const struct backfill_phase *phase,
	int64_t allowed, struct err *err)
{
	CLEANUP(finding_release) struct finding finding = FINDING_INIT("sample");
	CLEANUP_STR struct str how = STR_INIT;
	int64_t size = validation->context->options->sample_size;
	struct sample_result result;

	size = size < 1 ? SAMPLE_DEFAULT : size > SAMPLE_MAX ? SAMPLE_MAX : size;
	int rc = sample_phase(validation->context, phase, (size_t)size, &result, &finding, err);
	if (rc < 0)
		return rc;
	finding.expected = 0;
	finding.found = result.differing + result.failures;
	finding.outcome = finding.found == 0	     ? CHECK_PASSED
			  : finding.found <= allowed ? CHECK_WARNING
						     : CHECK_FAILED;
	say_sample(&finding, phase, &result, allowed);
	str_append_format(&how,
		"offkit: the %lld of %s with the least SHA-256 of their key, derived again by "
		"phase %s and compared",
		(long long)size, phase->collection, phase->name);
	rc = str_check(&how, err);
	finding.how = str_text(&how);
	return rc < 0 ? rc : finding_tell(validation, &finding, err);
}

static int derive_again(struct validation *validation, const struct step *step, struct err *err)
{
	struct backfill backfill;
	int64_t allowed = allowed_differences(validation, step);
	int rc = backfill_load(step->migration, validation->context->arena, &backfill, err);

	for (size_t i = 0; rc == 0 && i < backfill.phase_count; i++)
		rc = check_sample(validation, &backfill.phases[i], allowed, err);
	return rc;
}

/* ---- silence */

static int check_silence(struct validation *validation, struct silence *silence, struct err *err)
{
	CLEANUP(finding_release) struct finding finding = FINDING_INIT("silence");
	int rc = silence_look(validation->context, silence, err);

	if (rc < 0)
		return rc;
	finding.found = silence->state == SILENCE_BROKEN ? silence->result.foreign : 0;
	switch (silence->state) {
	case SILENCE_PROVED:
		finding.outcome = CHECK_PASSED;
		str_append_text(&finding.text,
			"silence proved: since the freeze the oplog has no write but our own");
		break;
	case SILENCE_OBSERVED:
		finding.outcome = CHECK_SKIPPED;
		str_append_format(&finding.text,
			"silence is observed only and cannot be proved: %s", silence->why);
		break;
	case SILENCE_BROKEN:
		finding.outcome =
			validation->context->options->accept_inexact ? CHECK_WARNING : CHECK_FAILED;
		silence_say(silence, &finding.text);
		if (finding.outcome == CHECK_FAILED)
			str_append_text(&finding.text, "; offkit resume --accept-inexact --reason "
						       "TEXT goes on without it");
		break;
	}
	finding.how = "offkit: the entries of local.oplog.rs since the freeze";
	return finding_tell(validation, &finding, err);
}

/* ---- the step */

static size_t count_array(const struct json *object, const char *name)
{
	const struct json *array = json_member(object, name);

	return array != NULL && json_type(array) == JSON_ARRAY ? json_count(array) : 0;
}

/* How many checks there will be, about: for the progress. */
static int64_t plan_checks(const struct step_context *context)
{
	size_t count = 2;

	for (size_t i = 0; i < context->step_count; i++)
		if (is_backfill(&context->steps[i]))
			count += count_array(context->steps[i].migration->body, "links") +
				 5 * count_array(context->steps[i].migration->body, "phases");
	return (int64_t)count;
}

static int validate_step(struct validation *validation, const struct step *step,
	const struct backup_index *backup, struct err *err)
{
	int rc = count_sources(validation, step, err);

	if (rc == 0)
		rc = count_step(validation, step, backup, err);
	if (rc == 0)
		rc = validate_links(validation, step, err);
	if (rc == 0)
		rc = derive_again(validation, step, err);
	return rc < 0 ? err_context(err, "%s", step->name) : 0;
}

static int validate_steps(struct validation *validation, struct err *err)
{
	const struct step_context *context = validation->context;
	const struct step_host *host = context->host;
	struct backup_index backup = {0};
	int rc = backup_of_run(context, &backup, err);
	/* A run that was taken over may have left its backup on the other host. */
	bool away = rc == -ERR_NOT_FOUND && context->taken_over;

	if (away)
		rc = host->check(host->self, "total", CHECK_SKIPPED,
			"counts against the backup: skipped, the backup of this run is not here",
			err);
	for (size_t i = 0; rc == 0 && i < context->step_count; i++)
		if (is_backfill(&context->steps[i]))
			rc = validate_step(
				validation, &context->steps[i], away ? NULL : &backup, err);
	backup_index_release(&backup);
	return rc;
}

static int validate_all(struct validation *validation, struct err *err)
{
	const struct step_context *context = validation->context;
	struct silence silence;

	json_write_begin(&validation->writer, &validation->text);
	json_write_object(&validation->writer);
	json_member_array(&validation->writer, "checks");
	int rc = validate_steps(validation, err);
	if (rc == 0)
		rc = validate_balance(validation, err);
	if (rc == 0)
		rc = check_silence(validation, &silence, err);
	if (rc < 0)
		return rc;
	json_write_end(&validation->writer);
	json_member_integer(&validation->writer, "failures", validation->failures);
	silence_write(&silence, &validation->writer);
	json_write_end(&validation->writer);
	rc = str_check(&validation->text, err);
	if (rc == 0)
		rc = context->host->checkpoint(
			context->host->self, str_bytes(&validation->text), err);
	if (rc == 0 && validation->failures > 0)
		rc = err_set(err, ERR_VALIDATION, "%s", str_text(&validation->failed));
	return rc;
}

static int validate_apply(const struct step_context *context, struct err *err)
{
	struct validation validation = {.context = context, .planned = plan_checks(context)};
	int rc = validate_all(&validation, err);

	str_release(&validation.failed);
	str_release(&validation.text);
	return rc;
}

static int validate_plan(
	const struct step_context *context, struct step_plan *plan, struct err *err)
{
	(void)context;
	(void)err;
	plan->what[plan->what_count++] =
		"Counts what the backfills wrote, and follows every link between documents, on "
		"the server.";
	plan->what[plan->what_count++] =
		"Derives a sample again from its source, and compares it with what is there.";
	plan->size = "";
	plan->changes = "nothing in the database";
	plan->way_back = WAY_BACK_EXACT;
	plan->way_back_text = "nothing to take back";
	return 0;
}

static int validate_report(
	const struct step_context *context, struct json_writer *writer, struct err *err)
{
	CLEANUP_STR struct str summary = STR_INIT;
	const struct json *checks =
		context->checkpoint == NULL ? NULL : json_member(context->checkpoint, "checks");

	if (checks == NULL)
		return 0;
	text_plural(&summary, (int64_t)json_count(checks), "check, all good", "checks, all good");
	int rc = str_check(&summary, err);
	if (rc < 0)
		return rc;
	json_member_string(writer, "summary", str_text(&summary));
	json_member_value(writer, "checks", checks);
	return 0;
}

const struct step_kind step_validate = {
	.name = "validate",
	.label = "Validate",
	.weight = 10,
	.failure = ERR_VALIDATION,
	.plan = validate_plan,
	.apply = validate_apply,
	.report = validate_report,
};
