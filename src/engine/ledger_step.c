/* What the database knows of a run's steps: a document each. */
#include "engine/ledger.h"

#include "base/cleanup.h"

static const char *const MEMBERS[] = {"begin", "checkpoint", "end", "undo"};
enum { MEMBER_COUNT = sizeof MEMBERS / sizeof *MEMBERS };

static void write_id(struct doc_writer *writer, const char *name)
{
	CLEANUP_STR struct str id = STR_INIT;

	str_append_format(&id, "step:%s", name);
	writer->out->failed = writer->out->failed || id.failed;
	doc_write_string(writer, "_id", str_text(&id));
}

static void write_step(
	struct str *out, const char *run_id, int64_t token, const struct ledger_step *step)
{
	const char *texts[MEMBER_COUNT] = {step->begin, step->checkpoint, step->end, step->undo};
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	write_id(&writer, step->name);
	doc_write_string(&writer, "run", run_id);
	doc_write_int64(&writer, "token", token);
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		doc_write_string(&writer, MEMBERS[i], texts[i]);
	doc_write_end(&writer);
}

int ledger_put_step(struct mongo *mongo, const char *run_id, int64_t token,
	const struct ledger_step *step, struct err *err)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	CLEANUP_STR struct str filter = STR_INIT, doc = STR_INIT;
	struct mongo_bulk_result result;
	struct doc_writer writer;

	/* A newer owner's stays: then there is nothing to replace, and to insert it is refused. */
	doc_write_begin(&writer, &filter);
	write_id(&writer, step->name);
	doc_write_document(&writer, "token");
	doc_write_int64(&writer, "$lte", token);
	doc_write_end(&writer);
	doc_write_end(&writer);
	write_step(&doc, run_id, token, step);
	int rc = str_check(&filter, err);
	if (rc == 0)
		rc = str_check(&doc, err);
	if (rc == 0)
		rc = mongo_bulk_begin(mongo, MONGO_OWN_COLLECTION, &bulk, err);
	if (rc == 0)
		rc = mongo_bulk_replace(bulk, str_bytes(&filter), str_bytes(&doc), true, err);
	if (rc == 0)
		rc = mongo_bulk_run(bulk, &result, err);
	if (rc == 0 && result.error_count > 0)
		rc = err_set(err,
			result.errors[0].code == 11000 ? ERR_LEASE_LOST : ERR_DATABASE_LOST,
			MONGO_OWN_COLLECTION ": %s", result.errors[0].message);
	return rc;
}

int ledger_get_step(struct mongo *mongo, const char *run_id, const char *name, struct arena *arena,
	struct ledger_step *ret_step, bool *ret_found, struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT, doc = STR_INIT;
	const char *texts[MEMBER_COUNT];
	struct doc_writer writer;

	doc_write_begin(&writer, &filter);
	write_id(&writer, name);
	doc_write_string(&writer, "run", run_id);
	doc_write_end(&writer);
	int rc = str_check(&filter, err);
	const struct mongo_find find = {
		.collection = MONGO_OWN_COLLECTION,
		.filter = str_bytes(&filter),
	};
	if (rc == 0)
		rc = mongo_find_one(mongo, &find, &doc, ret_found, err);
	if (rc < 0 || !*ret_found)
		return rc;
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		const char *text = doc_get_string(str_bytes(&doc), MEMBERS[i]);
		texts[i] = arena_string(arena, text == NULL ? "" : text);
		if (texts[i] == NULL)
			return err_no_memory(err);
	}
	*ret_step = (struct ledger_step){name, texts[0], texts[1], texts[2], texts[3]};
	return 0;
}
