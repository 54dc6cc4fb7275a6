/* Questions and findings: how a check is asked and how it is told. */
#include "steps/validate.h"

#include <string.h>

#include "base/cleanup.h"
#include "steps/preflight.h"

void question_begin(struct question *question, const char *collection)
{
	*question = (struct question){.collection = collection};
	json_write_begin(&question->writer, &question->pipeline);
	json_write_array(&question->writer);
}

void question_end(struct question *question)
{
	json_write_end(&question->writer);
}

void question_release(struct question *question)
{
	str_release(&question->pipeline);
}

void question_match(struct question *question, const char *path, const char *text)
{
	struct json_writer *writer = &question->writer;

	if (path == NULL)
		return;
	json_write_object(writer);
	json_member_object(writer, "$match");
	json_member_string(writer, path, text);
	json_write_end(writer);
	json_write_end(writer);
}

void question_count(struct question *question)
{
	json_write_object(&question->writer);
	json_member_string(&question->writer, "$count", "n");
	json_write_end(&question->writer);
}

/* The pipeline as BSON: the array within a document that is appended to out. */
static int to_bson(
	const struct question *question, struct str *out, struct bytes *ret_array, struct err *err)
{
	CLEANUP_STR struct str wrapped = STR_INIT;

	str_append_format(&wrapped, "{\"pipeline\":%s}", str_text(&question->pipeline));
	int rc = bson_from_text(&wrapped, out, err);
	if (rc == 0)
		*ret_array = doc_get(str_bytes(out), "pipeline").bytes;
	return rc;
}

int question_open(const struct question *question, struct mongo *mongo,
	struct mongo_cursor **ret_cursor, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT;
	struct bytes pipeline;
	int rc = str_check(&question->pipeline, err);

	if (rc == 0)
		rc = to_bson(question, &doc, &pipeline, err);
	if (rc == 0)
		rc = mongo_aggregate(mongo, question->collection, pipeline, ret_cursor, err);
	return rc < 0 ? err_context(err, "%s", question->collection) : 0;
}

int question_ask(
	const struct question *question, struct mongo *mongo, int64_t *ret_n, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	struct bytes doc;
	int64_t n = 0;
	int rc = question_open(question, mongo, &cursor, err);

	if (rc == 0)
		rc = mongo_cursor_next(cursor, &doc, err);
	if (rc < 0)
		return rc;
	if (rc == 1 && !doc_get_integer(doc, "n", &n))
		return err_set(
			err, ERR_VALIDATION, "%s: the count is no number", question->collection);
	*ret_n = n;
	return 0;
}

void finding_release(struct finding *finding)
{
	str_release(&finding->text);
	for (size_t i = 0; i < EXAMPLES_MAX; i++)
		str_release(&finding->examples[i]);
}

/* The pipeline once as JSON, for programs, and once as the line for mongosh. */
static int write_question(
	struct json_writer *writer, const struct question *question, struct err *err)
{
	CLEANUP_STR struct str query = STR_INIT, name = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct json_writer quoted;

	json_write_begin(&quoted, &name);
	json_write_string(&quoted, question->collection);
	str_append_format(&query, "db.getCollection(%s).aggregate(%s)", str_text(&name),
		str_text(&question->pipeline));
	int rc = str_check(&query, err);
	if (rc == 0)
		rc = json_parse(str_bytes(&question->pipeline),
			JSON_LIMITS_OWN(question->pipeline.size), &doc, err);
	if (rc < 0)
		return rc;
	json_member_string(writer, "collection", question->collection);
	json_member_value(writer, "pipeline", json_root(doc));
	json_member_string(writer, "query", str_text(&query));
	return 0;
}

static int write_finding(struct json_writer *writer, const struct finding *finding, struct err *err)
{
	static const char *const OUTCOMES[] = {"passed", "failed", "warning", "skipped"};
	int rc = 0;

	json_write_object(writer);
	json_member_string(writer, "name", finding->name);
	json_member_string(writer, "outcome", OUTCOMES[finding->outcome]);
	json_member_string(writer, "text", str_text(&finding->text));
	if (finding->question != NULL)
		rc = write_question(writer, finding->question, err);
	else
		json_member_string(writer, "query", finding->how == NULL ? "" : finding->how);
	if (finding->expected >= 0)
		json_member_integer(writer, "expected", finding->expected);
	json_member_integer(writer, "found", finding->found);
	if (finding->example_count > 0) {
		json_member_array(writer, "examples");
		for (size_t i = 0; i < finding->example_count; i++)
			json_write_string(writer, str_text(&finding->examples[i]));
		json_write_end(writer);
	}
	json_write_end(writer);
	return rc;
}

int finding_tell(struct validation *validation, const struct finding *finding, struct err *err)
{
	const struct step_host *host = validation->context->host;
	int rc = str_check(&finding->text, err);

	for (size_t i = 0; rc == 0 && i < finding->example_count; i++)
		rc = str_check(&finding->examples[i], err);
	if (rc == 0)
		rc = write_finding(&validation->writer, finding, err);
	if (rc < 0)
		return rc;
	validation->checks++;
	if (finding->outcome == CHECK_FAILED) {
		validation->failures++;
		str_append_format(&validation->failed, "%s%s",
			validation->failed.size > 0 ? "; " : "", str_text(&finding->text));
	}
	const struct step_progress progress = {
		.phase = "",
		.done = validation->checks,
		.total = validation->planned,
		.unit = "checks",
		.left = -1,
		.lag = -1,
	};
	host->progress(host->self, &progress);
	rc = host->check(
		host->self, finding->name, finding->outcome, str_text(&finding->text), err);
	if (rc == 0 && host->stop_requested(host->self))
		rc = err_set(err, ERR_STOPPED, "the operator asked for it");
	return rc;
}
