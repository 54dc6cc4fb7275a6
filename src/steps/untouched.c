#include "steps/untouched.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/backup_files.h"
#include "text/text.h"

enum { METADATA_SIZE_MAX = 64 * 1024 * 1024 };

struct proof {
	const struct step_context *context;
	struct backup_index index;
	int dirfd; /* the database's folder in the backup */
	struct mongo_collection *now;
	size_t now_count;
};

static int differs(struct err *err, const char *collection, const char *what)
{
	return err_set(err, ERR_ROLLBACK, "%s: %s", collection, what);
}

/* ---- options and indexes */

static int as_json(struct bytes doc, struct json_doc **ret_doc, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	int rc = doc_to_json(doc, true, &text, err);

	if (rc == 0)
		rc = json_parse(str_bytes(&text), JSON_LIMITS(METADATA_SIZE_MAX), ret_doc, err);
	return rc;
}

static int same_document(struct bytes a, struct bytes b, bool *ret_same, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *a_doc = NULL;
	CLEANUP(json_cleanup) struct json_doc *b_doc = NULL;

	if (a.size == 0 || b.size == 0) {
		*ret_same = (a.size == 0 ? 0 : doc_count(a)) == (b.size == 0 ? 0 : doc_count(b));
		return 0;
	}
	int rc = as_json(a, &a_doc, err);
	if (rc == 0)
		rc = as_json(b, &b_doc, err);
	if (rc == 0)
		*ret_same = json_equal(json_root(a_doc), json_root(b_doc));
	return rc;
}

/* A validator that is empty is none, and without one its level and action mean nothing; both have a
 * default when they are not given (strict, error). */
static bool has_validator(struct bytes options)
{
	struct value validator =
		options.size == 0 ? (struct value){VALUE_MISSING} : doc_get(options, "validator");

	return validator.type == VALUE_DOCUMENT && doc_count(validator.bytes) > 0;
}

static void normalize(struct bytes options, struct str *out)
{
	struct doc_writer writer;
	struct value value;
	const char *name;
	bool validated = has_validator(options);

	doc_write_begin(&writer, out);
	if (options.size > 0) {
		struct doc_iter iter = doc_iter_begin(options);
		while (doc_iter_next(&iter, &name, &value))
			if (strcmp(name, "validationLevel") != 0 &&
				strcmp(name, "validationAction") != 0 &&
				(strcmp(name, "validator") != 0 || validated))
				doc_write_value(&writer, name, &value);
	}
	if (validated) {
		const char *level = doc_get_string(options, "validationLevel");
		const char *action = doc_get_string(options, "validationAction");
		doc_write_string(&writer, "validationLevel", level == NULL ? "strict" : level);
		doc_write_string(&writer, "validationAction", action == NULL ? "error" : action);
	}
	doc_write_end(&writer);
}

static int same_options(struct bytes a, struct bytes b, bool *ret_same, struct err *err)
{
	CLEANUP_STR struct str a_text = STR_INIT;
	CLEANUP_STR struct str b_text = STR_INIT;

	normalize(a, &a_text);
	normalize(b, &b_text);
	int rc = str_check(&a_text, err);
	if (rc == 0)
		rc = str_check(&b_text, err);
	return rc < 0 ? rc : same_document(str_bytes(&a_text), str_bytes(&b_text), ret_same, err);
}

static struct bytes find_index(const struct bytes *indexes, size_t count, const char *name)
{
	for (size_t i = 0; name != NULL && i < count; i++) {
		const char *its = doc_get_string(indexes[i], "name");
		if (its != NULL && strcmp(its, name) == 0)
			return indexes[i];
	}
	return bytes_make(NULL, 0);
}

static int compare_indexes(struct proof *proof, const char *collection,
	const struct backup_metadata *then, struct err *err)
{
	struct bytes *now = NULL;
	size_t now_count = 0;
	int rc = mongo_indexes(
		proof->context->mongo, collection, proof->context->arena, &now, &now_count, err);

	if (rc == 0 && now_count != then->index_count)
		return differs(err, collection, "there are other indexes than in the backup");
	for (size_t i = 0; rc == 0 && i < now_count; i++) {
		struct bytes old = find_index(
			then->indexes, then->index_count, doc_get_string(now[i], "name"));
		bool same = false;
		if (old.size == 0)
			return differs(err, collection, "an index is not in the backup");
		rc = same_document(old, now[i], &same, err);
		if (rc == 0 && !same)
			return differs(err, collection, "an index differs from the backup's");
	}
	return rc;
}

static int read_metadata(struct proof *proof, const struct backup_collection *then,
	struct str *text, struct err *err)
{
	CLEANUP(backup_reader_cleanup) struct backup_reader *reader = NULL;
	int rc = backup_reader_new(
		proof->dirfd, then->metadata.name, proof->index.compression, &reader, err);

	if (rc == 0)
		rc = backup_reader_all(reader, METADATA_SIZE_MAX, text, err);
	if (rc == 0)
		rc = backup_reader_check(reader, &then->metadata, err);
	return rc < 0 ? err_context(err, "%s", then->metadata.name) : 0;
}

static int compare_definition(struct proof *proof, const struct backup_collection *then,
	const struct mongo_collection *now, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP_STR struct str doc = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *json = NULL;
	struct backup_metadata metadata = {0};
	bool same = false;
	int rc = read_metadata(proof, then, &text, err);

	if (rc == 0)
		rc = json_parse(str_bytes(&text), JSON_LIMITS(METADATA_SIZE_MAX), &json, err);
	if (rc == 0)
		rc = doc_from_json(json_root(json), &doc, err);
	if (rc == 0)
		rc = backup_metadata_read(str_bytes(&doc), proof->context->arena, &metadata, err);
	if (rc == 0)
		rc = same_options(metadata.options, now->options, &same, err);
	if (rc == 0 && !same)
		return differs(
			err, then->name, "its options or validator differ from the backup's");
	if (rc == 0 && strcmp(now->type, "collection") == 0)
		rc = compare_indexes(proof, then->name, &metadata, err);
	return rc;
}

/* ---- collections */

static const struct mongo_collection *find_now(const struct proof *proof, const char *name)
{
	for (size_t i = 0; i < proof->now_count; i++)
		if (strcmp(proof->now[i].name, name) == 0)
			return &proof->now[i];
	return NULL;
}

/* Others have written since: what was there must at least not have become less. */
static int compare_count(struct proof *proof, const struct backup_collection *then, struct err *err)
{
	int64_t count = 0;
	int rc = mongo_count(proof->context->mongo, then->name, bytes_make(NULL, 0), &count, err);

	if (rc == 0 && (uint64_t)count < then->count)
		rc = differs(err, then->name, "it has fewer documents than the backup");
	return rc;
}

static int compare_collection(
	struct proof *proof, const struct backup_collection *then, struct err *err)
{
	const struct step_context *context = proof->context;
	const struct mongo_collection *now = find_now(proof, then->name);
	const char *difference = NULL;

	if (now == NULL)
		return differs(err, then->name, "it is in the backup and not in the database");
	if (context->host->stop_requested(context->host->self))
		return err_set(err, ERR_STOPPED, "the operator asked for it");
	if (strcmp(now->type, "collection") != 0)
		return compare_definition(proof, then, now, err);
	if (context->ingest_resumed)
		return compare_count(proof, then, err);
	int rc = backup_compare(
		&proof->index, context->mongo, then->name, context->arena, &difference, err);
	if (rc == 0 && difference != NULL)
		return err_set(err, ERR_ROLLBACK, "%s", difference);
	return rc < 0 ? rc : compare_definition(proof, then, now, err);
}

static int compare_all(struct proof *proof, struct err *err)
{
	for (size_t i = 0; i < proof->index.count; i++) {
		int rc = compare_collection(proof, &proof->index.collections[i], err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; !proof->context->ingest_resumed && i < proof->now_count; i++)
		if (backup_find(&proof->index, proof->now[i].name) == NULL)
			return differs(err, proof->now[i].name, "it was not there before");
	return 0;
}

static int tell(struct proof *proof, struct err *err)
{
	const struct step_host *host = proof->context->host;
	CLEANUP_STR struct str text = STR_INIT;
	char count[TEXT_COUNT_SIZE];
	uint64_t documents = 0;

	for (size_t i = 0; i < proof->index.count; i++)
		documents += proof->index.collections[i].count;
	str_append_text(
		&text, proof->context->ingest_resumed
			       ? "nothing that the backup has is missing by count: "
			       : "the database is as before, proved by the backup's digests: ");
	text_plural(&text, (int64_t)proof->index.count, "collection", "collections");
	str_append_format(&text, ", %s documents", text_count((int64_t)documents, count));
	int rc = str_check(&text, err);
	return rc < 0 ? rc : host->check(host->self, "proof", CHECK_PASSED, str_text(&text), err);
}

static int open_database_dir(struct proof *proof, struct err *err)
{
	CLEANUP_FD int dirfd = -1;
	const struct step_context *context = proof->context;
	struct sha256 expected;
	const char *dir;
	int rc = backup_of_checkpoint(
		context->checkpoint_of(context->host->self, "backup"), &dir, &expected, err);

	if (rc == 0)
		rc = folder_open(dir, &dirfd, err);
	if (rc == 0)
		rc = folder_open_at(dirfd, proof->index.database, &proof->dirfd, err);
	return rc;
}

int untouched_prove(const struct step_context *context, struct err *err)
{
	struct proof proof = {.context = context, .dirfd = -1};
	int rc = backup_of_run(context, &proof.index, err);

	if (rc < 0)
		return rc;
	rc = proof.index.count == 0 ? 0 : open_database_dir(&proof, err);
	if (rc == 0)
		rc = mongo_collections(
			context->mongo, context->arena, &proof.now, &proof.now_count, err);
	if (rc == 0)
		rc = compare_all(&proof, err);
	if (rc == 0)
		rc = tell(&proof, err);
	cleanup_close(&proof.dirfd);
	backup_index_release(&proof.index);
	return rc;
}
