#include "steps/outbox.h"

#include <string.h>

#include "base/cleanup.h"

bool is_backfill(const struct step *step)
{
	return step->migration != NULL && strcmp(step->migration->kind, "backfill") == 0;
}

void outboxes_release(struct outboxes *outboxes)
{
	for (size_t i = 0; i < outboxes->doc_count; i++)
		json_release(outboxes->docs[i]);
	*outboxes = (struct outboxes){0};
}

static bool text_is(const struct json *object, const char *name, const char *text)
{
	const struct json *member = json_member(object, name);

	return member != NULL && json_type(member) == JSON_STRING &&
	       strcmp(json_string(member), text) == 0;
}

static int load_rollback(const struct trusted_kit *kit, const char *id, struct outboxes *outboxes,
	const struct json **ret_deletes, struct err *err)
{
	char name[MIGRATION_ID_MAX + 32];

	(void)snprintf(name, sizeof name, "migrations/%s/rollback.json", id);
	struct bytes text = trusted_kit_file(kit, name);
	*ret_deletes = NULL;
	if (text.data == NULL || outboxes->doc_count == OUTBOXES_MAX)
		return 0;
	int rc = json_parse(
		text, JSON_LIMITS(MIGRATION_SIZE_MAX), &outboxes->docs[outboxes->doc_count], err);
	if (rc < 0)
		return err_context(err, "%s", name);
	*ret_deletes = json_member(json_root(outboxes->docs[outboxes->doc_count++]), "delete");
	return 0;
}

static const char *run_path(const struct json *deletes, const char *collection)
{
	if (deletes == NULL)
		return NULL;
	for (const struct json *row = json_first(deletes); row != NULL; row = json_next(row)) {
		const struct json *path = json_member(row, "run");
		if (text_is(row, "collection", collection) && path != NULL &&
			json_type(path) == JSON_STRING)
			return json_string(path);
	}
	return NULL;
}

static int add_writes(const struct json *phase, const struct json *deletes, bool publish,
	struct outboxes *outboxes, struct err *err)
{
	const struct json *writes;
	int rc = json_need(phase, "write", JSON_ARRAY, &writes, err);

	if (rc < 0)
		return rc;
	for (const struct json *write = json_first(writes); write != NULL;
		write = json_next(write)) {
		struct outbox outbox = {.publish = publish};
		if (!text_is(write, "role", "events"))
			continue;
		rc = json_need_string(write, "collection", 200, &outbox.collection, err);
		if (rc < 0)
			return rc;
		if (outboxes->count == OUTBOXES_MAX)
			return err_set(err, ERR_LIMIT, "more than %d outboxes", (int)OUTBOXES_MAX);
		outbox.run_path = run_path(deletes, outbox.collection);
		outboxes->list[outboxes->count++] = outbox;
	}
	return 0;
}

static int find_in(const struct trusted_kit *kit, const struct migration *migration,
	struct outboxes *outboxes, struct err *err)
{
	const struct json *phases, *deletes = NULL,
				   *events = json_member(migration->body, "events");
	const struct json *publish = events == NULL ? NULL : json_member(events, "publish");
	int rc = json_need(migration->body, "phases", JSON_ARRAY, &phases, err);

	if (rc == 0)
		rc = load_rollback(kit, migration->id, outboxes, &deletes, err);
	if (rc < 0)
		return err_context(err, "%s", migration->id);
	for (const struct json *phase = json_first(phases); phase != NULL && rc == 0;
		phase = json_next(phase))
		rc = add_writes(phase, deletes,
			publish != NULL && json_type(publish) == JSON_BOOL && json_bool(publish),
			outboxes, err);
	return rc;
}

int outboxes_find(const struct trusted_kit *kit, const struct step *steps, size_t step_count,
	struct outboxes *ret_outboxes, struct err *err)
{
	struct outboxes outboxes = {0};

	for (size_t i = 0; i < step_count; i++) {
		if (!is_backfill(&steps[i]))
			continue;
		int rc = find_in(kit, steps[i].migration, &outboxes, err);
		if (rc < 0) {
			outboxes_release(&outboxes);
			return rc;
		}
	}
	*ret_outboxes = outboxes;
	return 0;
}

int outbox_backlog(
	struct mongo *mongo, const struct outbox *outbox, int64_t *ret_count, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &filter);
	doc_write_null(&writer, "publishedAt");
	doc_write_end(&writer);
	int rc = str_check(&filter, err);
	return rc < 0 ? rc
		      : mongo_count(mongo, outbox->collection, str_bytes(&filter), ret_count, err);
}

static void write_own(
	struct str *filter, const struct outbox *outbox, const char *run_id, bool published)
{
	struct doc_writer writer;

	doc_write_begin(&writer, filter);
	doc_write_string(&writer, outbox->run_path, run_id);
	if (published) {
		doc_write_document(&writer, "publishedAt");
		doc_write_null(&writer, "$ne");
		doc_write_end(&writer);
	} else {
		doc_write_null(&writer, "publishedAt");
	}
	doc_write_end(&writer);
}

int outbox_own(struct mongo *mongo, const struct outbox *outbox, const char *run_id, bool published,
	int64_t *ret_count, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;

	if (outbox->run_path == NULL) {
		*ret_count = 0;
		return 0;
	}
	write_own(&filter, outbox, run_id, published);
	int rc = str_check(&filter, err);
	return rc < 0 ? rc
		      : mongo_count(mongo, outbox->collection, str_bytes(&filter), ret_count, err);
}

int outbox_published_example(struct mongo *mongo, const struct outbox *outbox, const char *run_id,
	struct str *ret_id, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	CLEANUP_STR struct str doc = STR_INIT;
	bool found = false;

	if (outbox->run_path == NULL)
		return 0;
	write_own(&filter, outbox, run_id, true);
	const struct mongo_find find = {
		.collection = outbox->collection,
		.filter = str_bytes(&filter),
		.limit = 1,
	};
	int rc = mongo_find_one(mongo, &find, &doc, &found, err);
	if (rc == 0 && found) {
		struct value id = doc_get(str_bytes(&doc), "_id");
		value_to_text(&id, ret_id);
		rc = str_check(ret_id, err);
	}
	return rc;
}
