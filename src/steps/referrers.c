#include "steps/referrers.h"

#include <string.h>

#include "base/cleanup.h"
#include "steps/outbox.h"
#include "steps/preflight.h"
#include "text/text.h"

static const char *text_of(const struct json *object, const char *name)
{
	const struct json *member = object == NULL ? NULL : json_member(object, name);

	return member != NULL && json_type(member) == JSON_STRING ? json_string(member) : NULL;
}

/* Where a document of a collection has the id of the run that wrote it. NULL: not known. */
static const char *run_path(const struct json *deletes, const char *collection)
{
	for (const struct json *row = json_first(deletes); row != NULL; row = json_next(row)) {
		const char *name = text_of(row, "collection");
		if (name != NULL && strcmp(name, collection) == 0)
			return text_of(row, "run");
	}
	return NULL;
}

struct link {
	const char *from, *field, *to, *key, *from_run, *to_run;
};

/* The stages as members "0", "1", … of an object: BSON has arrays so. */
static void write_pipeline(struct json_writer *writer, const struct link *link, const char *run_id)
{
	CLEANUP_STR struct str field = STR_INIT, owner = STR_INIT;

	str_append_format(&field, "$%s", link->field);
	str_append_format(&owner, "offkit_link.%s", link->to_run);
	json_write_object(writer);
	json_member_object(writer, "0");
	json_member_object(writer, "$match");
	if (link->from_run != NULL) {
		json_member_object(writer, link->from_run);
		json_member_string(writer, "$ne", run_id);
		json_write_end(writer);
	}
	json_write_end(writer);
	json_write_end(writer);
	json_member_object(writer, "1");
	json_member_string(writer, "$unwind", str_text(&field));
	json_write_end(writer);
	json_member_object(writer, "2");
	json_member_object(writer, "$lookup");
	json_member_string(writer, "from", link->to);
	json_member_string(writer, "localField", link->field);
	json_member_string(writer, "foreignField", link->key);
	json_member_string(writer, "as", "offkit_link");
	json_write_end(writer);
	json_write_end(writer);
	json_member_object(writer, "3");
	json_member_object(writer, "$match");
	json_member_string(writer, str_text(&owner), run_id);
	json_write_end(writer);
	json_write_end(writer);
	json_member_object(writer, "4");
	json_member_string(writer, "$count", "n");
	json_write_end(writer);
	json_write_end(writer);
}

static int count_references(const struct step_context *context, const struct link *link,
	int64_t *ret_count, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str json = STR_INIT, pipeline = STR_INIT;
	struct json_writer writer;
	struct bytes doc;

	json_write_begin(&writer, &json);
	write_pipeline(&writer, link, context->run_id);
	int rc = bson_from_text(&json, &pipeline, err);
	if (rc == 0)
		rc = mongo_aggregate(
			context->mongo, link->from, str_bytes(&pipeline), &cursor, err);
	if (rc == 0)
		rc = mongo_cursor_next(cursor, &doc, err);
	*ret_count = 0;
	if (rc > 0)
		(void)doc_get_integer(doc, "n", ret_count);
	return rc < 0 ? rc : 0;
}

static int add_link(const struct step_context *context, const struct json *declared,
	const struct json *deletes, struct str *text, struct err *err)
{
	struct link link = {
		.from = text_of(declared, "from"),
		.field = text_of(declared, "field"),
		.to = text_of(declared, "to"),
		.key = text_of(declared, "key"),
	};
	int64_t count = 0;

	if (link.from == NULL || link.field == NULL || link.to == NULL)
		return err_set(err, ERR_SYNTAX, "links: from, field and to are needed");
	if (link.key == NULL)
		link.key = "_id";
	link.from_run = run_path(deletes, link.from);
	link.to_run = run_path(deletes, link.to);
	if (link.to_run == NULL)
		return 0;
	int rc = count_references(context, &link, &count, err);
	if (rc < 0 || count == 0)
		return rc;
	str_append_text(text, "; ");
	text_plural(text, count, "reference of others", "references of others");
	str_append_format(text, " (%s.%s) lead%s to %s of this run", link.from, link.field,
		count == 1 ? "s" : "", link.to);
	return str_check(text, err);
}

static int list_step(const struct step_context *context, const struct step *step, struct str *text,
	struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const struct json *deletes, *links = NULL;
	char name[MIGRATION_ID_MAX + 32];

	(void)snprintf(name, sizeof name, "migrations/%s/rollback.json", step->name);
	struct bytes file = trusted_kit_file(context->kit, name);
	if (file.data == NULL)
		return 0;
	int rc = json_parse(file, JSON_LIMITS(MIGRATION_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = json_need(json_root(doc), "delete", JSON_ARRAY, &deletes, err);
	if (rc == 0)
		rc = json_optional(step->migration->body, "links", JSON_ARRAY, &links, err);
	for (const struct json *link = rc < 0 || links == NULL ? NULL : json_first(links);
		rc == 0 && link != NULL; link = json_next(link))
		rc = add_link(context, link, deletes, text, err);
	return rc;
}

int referrers_list(const struct step_context *context, struct str *text, struct err *err)
{
	for (size_t i = 0; i < context->step_count; i++) {
		if (!is_backfill(&context->steps[i]))
			continue;
		int rc = list_step(context, &context->steps[i], text, err);
		if (rc < 0)
			return err_context(err, "%s", context->steps[i].name);
	}
	return 0;
}
