/*
 * validate: what is in the database now, counted and followed on the server, against what the
 * backfills said that they wrote.
 *
 * Counts: of every collection that a backfill writes, what carries this run's id (rollback.json
 * names the path). Links: what a migration's "links" declare, each a question to the server for the
 * documents that lead nowhere. A sample of each phase's source is derived again and compared. Each
 * check stands in the report with its query.
 */
#include <string.h>

#include "base/cleanup.h"
#include "steps/outbox.h"
#include "steps/preflight.h"
#include "steps/validate_sample.h"
#include "text/text.h"

struct validation {
	const struct step_context *context;
	struct str failed;
	size_t failures, checks;
	struct str text; /* of the checkpoint */
	struct json_writer writer;
};

static int tell(struct validation *validation, const char *name, enum check_outcome outcome,
	const char *text, const char *query, int64_t found, struct err *err)
{
	static const char *const OUTCOMES[] = {"passed", "failed", "warning", "skipped"};
	const struct step_host *host = validation->context->host;
	struct json_writer *writer = &validation->writer;

	validation->checks++;
	if (outcome == CHECK_FAILED) {
		validation->failures++;
		str_append_format(
			&validation->failed, "%s%s", validation->failed.size > 0 ? "; " : "", text);
	}
	json_write_object(writer);
	json_member_string(writer, "name", name);
	json_member_string(writer, "outcome", OUTCOMES[outcome]);
	json_member_string(writer, "text", text);
	json_member_string(writer, "query", query);
	json_member_integer(writer, "found", found);
	json_write_end(writer);
	return host->check(host->self, name, outcome, text, err);
}

static const char *text_of(const struct json *object, const char *name)
{
	const struct json *member = object == NULL ? NULL : json_member(object, name);

	return member != NULL && json_type(member) == JSON_STRING ? json_string(member) : NULL;
}

/* ---- counts */

/* What the backfill's last checkpoint says that it wrote or found identical. -1: it does not say.
 */
static int64_t reported(const struct json *checkpoint, const char *collection)
{
	const struct json *rows = checkpoint == NULL ? NULL : json_member(checkpoint, "written");
	const struct json *count = rows == NULL ? NULL : json_member(rows, collection);

	if (count == NULL || json_type(count) != JSON_NUMBER || !json_is_integer(count))
		return -1;
	return json_integer(count);
}

static int count_collection(struct validation *validation, const struct step *step,
	const char *collection, const char *run_path, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	CLEANUP_STR struct str query = STR_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	const struct step_context *context = validation->context;
	char found_text[TEXT_COUNT_SIZE], wanted_text[TEXT_COUNT_SIZE];
	int64_t wanted =
		reported(context->checkpoint_of(context->host->self, step->name), collection);
	struct doc_writer writer;
	int64_t found = 0;

	doc_write_begin(&writer, &filter);
	doc_write_string(&writer, run_path, context->run_id);
	doc_write_end(&writer);
	str_append_format(&query, "db.%s.aggregate([{$match:{\"%s\":\"%s\"}},{$count:\"n\"}])",
		collection, run_path, context->run_id);
	int rc = str_check(&filter, err);
	if (rc == 0)
		rc = mongo_count(context->mongo, collection, str_bytes(&filter), &found, err);
	if (rc < 0)
		return rc;
	str_append_format(
		&text, "%s: %s documents of this run", collection, text_count(found, found_text));
	if (wanted >= 0)
		str_append_format(&text, ", %s were written", text_count(wanted, wanted_text));
	rc = str_check(&text, err);
	if (rc == 0)
		rc = str_check(&query, err);
	return rc < 0 ? rc
		      : tell(validation, "count",
				wanted < 0	  ? CHECK_SKIPPED
				: found == wanted ? CHECK_PASSED
						  : CHECK_FAILED,
				str_text(&text), str_text(&query), found, err);
}

static int count_step(struct validation *validation, const struct step *step, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const struct json *deletes;
	char name[MIGRATION_ID_MAX + 32];

	(void)snprintf(name, sizeof name, "migrations/%s/rollback.json", step->name);
	struct bytes text = trusted_kit_file(validation->context->kit, name);
	if (text.data == NULL)
		return 0;
	int rc = json_parse(text, JSON_LIMITS(MIGRATION_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = json_need(json_root(doc), "delete", JSON_ARRAY, &deletes, err);
	if (rc < 0)
		return err_context(err, "%s", name);
	for (const struct json *row = json_first(deletes); rc == 0 && row != NULL;
		row = json_next(row)) {
		const char *collection = text_of(row, "collection");
		const char *run_path = text_of(row, "run");
		if (collection != NULL && run_path != NULL)
			rc = count_collection(validation, step, collection, run_path, err);
	}
	return rc;
}

/* ---- links */

static void write_lookup(struct json_writer *writer, const char *from, const char *local,
	const char *key, const char *as)
{
	json_member_object(writer, "$lookup");
	json_member_string(writer, "from", from);
	json_member_string(writer, "localField", local);
	json_member_string(writer, "foreignField", key);
	json_member_string(writer, "as", as);
	json_write_end(writer);
}

static void write_nothing_found(struct json_writer *writer, const char *as)
{
	json_member_object(writer, "$match");
	json_member_object(writer, as);
	json_member_integer(writer, "$size", 0);
	json_write_end(writer);
	json_write_end(writer);
}

/* The stages as members "0", "1", … of an object: BSON has arrays so. */
static void begin_stage(struct json_writer *writer, int *stage)
{
	char name[16];

	(void)snprintf(name, sizeof name, "%d", (*stage)++);
	json_member_object(writer, name);
}

static void write_pipeline(struct json_writer *writer, const struct json *link)
{
	const struct json *unless = json_member(link, "unless");
	const char *field = text_of(link, "field"), *key = text_of(link, "key");
	char path[300];
	int stage = 0;

	(void)snprintf(path, sizeof path, "$%s", field);
	json_write_object(writer);
	begin_stage(writer, &stage);
	json_member_string(writer, "$unwind", path);
	json_write_end(writer);
	begin_stage(writer, &stage);
	write_lookup(writer, text_of(link, "to"), field, key == NULL ? "_id" : key, "offkit_link");
	json_write_end(writer);
	begin_stage(writer, &stage);
	write_nothing_found(writer, "offkit_link");
	json_write_end(writer);
	if (unless != NULL) {
		begin_stage(writer, &stage);
		write_lookup(writer, text_of(unless, "collection"), field, text_of(unless, "key"),
			"offkit_unless");
		json_write_end(writer);
		begin_stage(writer, &stage);
		write_nothing_found(writer, "offkit_unless");
		json_write_end(writer);
	}
	begin_stage(writer, &stage);
	json_member_string(writer, "$count", "n");
	json_write_end(writer);
	json_write_end(writer);
}

static int check_form(const struct json *link, struct err *err)
{
	const struct json *unless = json_member(link, "unless");

	if (text_of(link, "from") == NULL || text_of(link, "field") == NULL ||
		text_of(link, "to") == NULL ||
		(unless != NULL &&
			(text_of(unless, "collection") == NULL || text_of(unless, "key") == NULL)))
		return err_set(err, ERR_SYNTAX, "links: from, field and to are needed");
	return 0;
}

static int follow_link(struct validation *validation, const struct json *link, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str json = STR_INIT;
	CLEANUP_STR struct str pipeline = STR_INIT;
	CLEANUP_STR struct str query = STR_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	const char *from = text_of(link, "from");
	char count[TEXT_COUNT_SIZE];
	struct json_writer writer;
	struct bytes doc;
	int64_t broken = 0;
	int rc = check_form(link, err);

	if (rc < 0)
		return rc;
	json_write_begin(&writer, &json);
	write_pipeline(&writer, link);
	rc = bson_from_text(&json, &pipeline, err);
	if (rc == 0)
		rc = mongo_aggregate(
			validation->context->mongo, from, str_bytes(&pipeline), &cursor, err);
	if (rc == 0)
		rc = mongo_cursor_next(cursor, &doc, err);
	if (rc < 0)
		return rc;
	if (rc > 0)
		(void)doc_get_integer(doc, "n", &broken);
	str_append_format(&query, "db.%s.aggregate(%s)", from, str_text(&json));
	if (broken == 0)
		str_append_format(&text, "every %s.%s is found in %s", from, text_of(link, "field"),
			text_of(link, "to"));
	else
		str_append_format(&text, "%s of %s.%s lead to nothing in %s",
			text_count(broken, count), from, text_of(link, "field"),
			text_of(link, "to"));
	rc = str_check(&text, err);
	if (rc == 0)
		rc = str_check(&query, err);
	return rc < 0 ? rc
		      : tell(validation, "link", broken == 0 ? CHECK_PASSED : CHECK_FAILED,
				str_text(&text), str_text(&query), broken, err);
}

static int follow_links(struct validation *validation, const struct step *step, struct err *err)
{
	const struct json *links = NULL;
	int rc = json_optional(step->migration->body, "links", JSON_ARRAY, &links, err);

	for (const struct json *link = links == NULL ? NULL : json_first(links);
		rc == 0 && link != NULL; link = json_next(link)) {
		if (validation->context->host->stop_requested(validation->context->host->self))
			return err_set(err, ERR_STOPPED, "the operator asked for it");
		rc = follow_link(validation, link, err);
	}
	return rc;
}

/* ---- a sample, derived again */

/* What the backfill counted as conflicts and errors, because so many are allowed. */
static int64_t allowed_differences(const struct validation *validation, const struct step *step)
{
	const struct json *checkpoint =
		validation->context->checkpoint_of(validation->context->host->self, step->name);
	int64_t sum = 0;

	for (size_t i = 0; i < 2; i++) {
		const struct json *count =
			checkpoint == NULL
				? NULL
				: json_member(checkpoint, i == 0 ? "conflicts" : "errors");
		if (count != NULL && json_type(count) == JSON_NUMBER && json_is_integer(count))
			sum += json_integer(count);
	}
	return sum;
}

static void say_sample(struct str *text, const struct backfill_phase *phase,
	const struct sample_result *result, int64_t allowed)
{
	int64_t wrong = result->differing + result->failures;
	char units[TEXT_COUNT_SIZE], total[TEXT_COUNT_SIZE];

	str_append_format(text, "%s, %s: ", phase->collection, phase->name);
	if (result->units < result->total)
		str_append_format(text,
			"a sample of %s of %s derived again: ", text_count(result->units, units),
			text_count(result->total, total));
	else
		str_append_format(text, "all %s derived again: ", text_count(result->total, total));
	if (wrong == 0) {
		str_append_text(text, "identical");
		return;
	}
	text_plural(text, wrong, "differs", "differ");
	if (wrong <= allowed)
		str_append_text(text, ", as conflicts.ndjson says");
	else if (result->first[0] != '\0')
		str_append_format(text, ", first %s", result->first);
}

static int check_sample(struct validation *validation, const struct backfill_phase *phase,
	int64_t allowed, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP_STR struct str query = STR_INIT;
	struct sample_result result;
	int rc = sample_phase(validation->context, phase, &result, err);

	if (rc < 0)
		return rc;
	int64_t wrong = result.differing + result.failures;
	say_sample(&text, phase, &result, allowed);
	str_append_format(&query, "the %d of %s with the least SHA-256 of their key, derived again",
		SAMPLE_MAX, phase->collection);
	rc = str_check(&text, err);
	if (rc == 0)
		rc = str_check(&query, err);
	return rc < 0 ? rc
		      : tell(validation, "sample",
				wrong == 0	   ? CHECK_PASSED
				: wrong <= allowed ? CHECK_WARNING
						   : CHECK_FAILED,
				str_text(&text), str_text(&query), wrong, err);
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

/* ---- the balance of the shards */

static int check_balance(struct validation *validation, struct err *err)
{
	struct mongo_server server;
	int rc = mongo_server(validation->context->mongo, &server, err);

	if (rc < 0)
		return rc;
	return tell(validation, "balance", CHECK_SKIPPED,
		server.topology == TOPOLOGY_SHARDED
			? "shard balance: skipped, this offkit does not measure it"
			: "shard balance: skipped, this is not a sharded cluster",
		"", 0, err);
}

/* ---- the step */

static int validate_all(struct validation *validation, struct err *err)
{
	const struct step_context *context = validation->context;

	json_write_begin(&validation->writer, &validation->text);
	json_write_object(&validation->writer);
	json_member_array(&validation->writer, "checks");
	for (size_t i = 0; i < context->step_count; i++) {
		const struct step *step = &context->steps[i];
		if (!is_backfill(step))
			continue;
		int rc = count_step(validation, step, err);
		if (rc == 0)
			rc = follow_links(validation, step, err);
		if (rc == 0)
			rc = derive_again(validation, step, err);
		if (rc < 0)
			return err_context(err, "%s", step->name);
	}
	int rc = check_balance(validation, err);
	if (rc < 0)
		return rc;
	json_write_end(&validation->writer);
	json_member_integer(&validation->writer, "failures", (int64_t)validation->failures);
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
	struct validation validation = {.context = context};
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
