/*
 * Links: what a migration declares under "links" (offkit-migration(5)), followed on the server.
 *
 * Every value of "field" in "from" is found in "key" of "to", unless it is found in "unless"; with
 * "once" it is there exactly once, and with "unless" in one of the two and not in both; with "ours"
 * only documents that carry this run's id are asked about.
 */
#include <string.h>

#include "base/cleanup.h"
#include "steps/validate.h"
#include "text/text.h"

#define LINK   "offkit_link"
#define UNLESS "offkit_unless"

struct link {
	const char *from, *field, *to, *key;
	const char *unless, *unless_key; /* NULL: there is none */
	const char *run_path;		 /* NULL: all documents are asked about */
	bool once;
};

static int is_true(const struct json *object, const char *name, bool *ret, struct err *err)
{
	const struct json *member = NULL;
	int rc = json_optional(object, name, JSON_BOOL, &member, err);

	*ret = rc == 0 && member != NULL && json_bool(member);
	return rc;
}

static int read_link(const struct validation *validation, const struct step *step,
	const struct json *object, struct link *link, struct err *err)
{
	enum { NAME_MAX_SIZE = 1024 };
	const struct json *unless = NULL, *key = NULL;
	bool ours = false;
	int rc = json_need_string(object, "from", NAME_MAX_SIZE, &link->from, err);

	link->key = "_id";
	if (rc == 0)
		rc = json_need_string(object, "field", NAME_MAX_SIZE, &link->field, err);
	if (rc == 0)
		rc = json_need_string(object, "to", NAME_MAX_SIZE, &link->to, err);
	if (rc == 0)
		rc = json_optional(object, "key", JSON_STRING, &key, err);
	if (rc == 0)
		rc = json_optional(object, "unless", JSON_OBJECT, &unless, err);
	if (rc == 0 && unless != NULL)
		rc = json_need_string(unless, "collection", NAME_MAX_SIZE, &link->unless, err);
	if (rc == 0 && unless != NULL)
		rc = json_need_string(unless, "key", NAME_MAX_SIZE, &link->unless_key, err);
	if (rc == 0)
		rc = is_true(object, "once", &link->once, err);
	if (rc == 0)
		rc = is_true(object, "ours", &ours, err);
	if (rc == 0 && ours)
		rc = validate_run_path(validation->context, step, link->from, &link->run_path, err);
	if (rc == 0 && ours && link->run_path == NULL)
		rc = err_set(err, ERR_SYNTAX,
			"\"ours\", and rollback.json does not say by which "
			"path a run's documents of %s are known",
			link->from);
	if (rc < 0)
		return err_context(err, "links");
	if (key != NULL)
		link->key = json_string(key);
	return 0;
}

/* ---- the pipeline */

static void write_lookup(struct json_writer *writer, const char *from, const char *local,
	const char *key, const char *as)
{
	json_write_object(writer);
	json_member_object(writer, "$lookup");
	json_member_string(writer, "from", from);
	json_member_string(writer, "localField", local);
	json_member_string(writer, "foreignField", key);
	json_member_string(writer, "as", as);
	json_write_end(writer);
	json_write_end(writer);
}

/* as: {$size: n}, or with not the opposite. */
static void member_size(struct json_writer *writer, const char *as, int n, bool is_not)
{
	json_member_object(writer, as);
	if (is_not)
		json_member_object(writer, "$not");
	json_member_integer(writer, "$size", n);
	if (is_not)
		json_write_end(writer);
	json_write_end(writer);
}

static void match_size(struct json_writer *writer, const char *as, int n, bool is_not)
{
	json_write_object(writer);
	json_member_object(writer, "$match");
	member_size(writer, as, n, is_not);
	json_write_end(writer);
	json_write_end(writer);
}

/* In neither, in one too often, or in both. */
static void match_not_once(struct json_writer *writer)
{
	json_write_object(writer);
	json_member_object(writer, "$match");
	json_member_array(writer, "$or");
	json_write_object(writer);
	member_size(writer, UNLESS, 0, false);
	member_size(writer, LINK, 1, true);
	json_write_end(writer);
	json_write_object(writer);
	member_size(writer, UNLESS, 0, true);
	member_size(writer, LINK, 0, true);
	json_write_end(writer);
	json_write_end(writer);
	json_write_end(writer);
	json_write_end(writer);
}

/* The documents themselves are large, and nobody looks at them. */
static void write_projection(struct json_writer *writer, const char *field)
{
	json_write_object(writer);
	json_member_object(writer, "$project");
	json_member_integer(writer, "_id", 1);
	if (strcmp(field, "_id") != 0)
		json_member_integer(writer, field, 1);
	json_write_end(writer);
	json_write_end(writer);
}

static void write_stages(
	struct question *question, const struct link *link, const struct step_context *context)
{
	struct json_writer *writer = &question->writer;
	char path[1100];

	(void)snprintf(path, sizeof path, "$%s", link->field);
	question_match(question, link->run_path, context->run_id);
	write_projection(writer, link->field);
	json_write_object(writer);
	json_member_string(writer, "$unwind", path);
	json_write_end(writer);
	write_lookup(writer, link->to, link->field, link->key, LINK);
	if (link->once && link->unless != NULL) {
		write_lookup(writer, link->unless, link->field, link->unless_key, UNLESS);
		match_not_once(writer);
		return;
	}
	match_size(writer, LINK, link->once ? 1 : 0, link->once);
	if (link->unless != NULL) {
		write_lookup(writer, link->unless, link->field, link->unless_key, UNLESS);
		match_size(writer, UNLESS, 0, false);
	}
}

/* ---- asking */

static void member_stage(struct json_writer *writer, const char *name, int number)
{
	json_write_object(writer);
	json_member_integer(writer, name, number);
	json_write_end(writer);
}

static int take_example(
	struct finding *finding, struct bytes doc, const char *field, struct err *err)
{
	struct str *text = &finding->examples[finding->example_count++];
	struct value id = doc_get(doc, "_id"), value = doc_get_path(doc, field);

	value_to_text(&id, text);
	if (strcmp(field, "_id") != 0) {
		str_append_format(text, " (%s ", field);
		value_to_text(&value, text);
		str_append_char(text, ')');
	}
	return str_check(text, err);
}

/* A few of those that lead nowhere, by the same stages. */
static int find_examples(const struct validation *validation, const struct link *link,
	struct finding *finding, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP(question_release) struct question question;
	struct bytes doc;

	question_begin(&question, link->from);
	write_stages(&question, link, validation->context);
	member_stage(&question.writer, "$limit", EXAMPLES_MAX);
	write_projection(&question.writer, link->field);
	question_end(&question);
	int rc = question_open(&question, validation->context->mongo, &cursor, err);
	while (rc == 0 && finding->example_count < EXAMPLES_MAX) {
		rc = mongo_cursor_next(cursor, &doc, err);
		if (rc != 1)
			break;
		rc = take_example(finding, doc, link->field, err);
	}
	return rc < 0 ? rc : 0;
}

static void say(const struct link *link, struct finding *finding)
{
	char count[TEXT_COUNT_SIZE];
	const char *once = link->once ? "exactly once " : "";

	if (finding->found == 0) {
		str_append_format(&finding->text, "every %s.%s%s is found %sin %s.%s", link->from,
			link->field, link->run_path == NULL ? "" : " of this run", once, link->to,
			link->key);
		if (link->unless != NULL)
			str_append_format(
				&finding->text, " or in %s.%s", link->unless, link->unless_key);
		return;
	}
	str_append_format(&finding->text, "%s of %s.%s%s ", text_count(finding->found, count),
		link->from, link->field, link->run_path == NULL ? "" : " of this run");
	if (link->once)
		str_append_format(&finding->text, "%s not exactly once in %s.%s",
			finding->found == 1 ? "is" : "are", link->to, link->key);
	else
		str_append_format(&finding->text, "%s to nothing in %s.%s",
			finding->found == 1 ? "leads" : "lead", link->to, link->key);
	if (link->once && link->unless != NULL)
		str_append_format(&finding->text, " or %s.%s", link->unless, link->unless_key);
	for (size_t i = 0; i < finding->example_count; i++)
		str_append_format(&finding->text, "%s%s", i == 0 ? ": " : ", ",
			str_text(&finding->examples[i]));
	if ((int64_t)finding->example_count < finding->found && finding->example_count > 0)
		str_append_text(&finding->text, ", ...");
}

static int follow(struct validation *validation, const struct step *step, const struct json *object,
	struct err *err)
{
	CLEANUP(finding_release) struct finding finding = FINDING_INIT("link");
	CLEANUP(question_release) struct question question = {0};
	struct link link = {0};
	int rc = read_link(validation, step, object, &link, err);

	if (rc < 0)
		return rc;
	question_begin(&question, link.from);
	write_stages(&question, &link, validation->context);
	question_count(&question);
	question_end(&question);
	rc = question_ask(&question, validation->context->mongo, &finding.found, err);
	if (rc == 0 && finding.found > 0)
		rc = find_examples(validation, &link, &finding, err);
	if (rc < 0)
		return rc;
	finding.question = &question;
	finding.expected = 0;
	finding.outcome = finding.found == 0 ? CHECK_PASSED : CHECK_FAILED;
	say(&link, &finding);
	return finding_tell(validation, &finding, err);
}

int validate_links(struct validation *validation, const struct step *step, struct err *err)
{
	const struct json *links = NULL;
	int rc = json_optional(step->migration->body, "links", JSON_ARRAY, &links, err);

	for (const struct json *link = links == NULL ? NULL : json_first(links);
		rc == 0 && link != NULL; link = json_next(link))
		rc = follow(validation, step, link, err);
	return rc;
}
