#include "steps/untouched.h"

#include <string.h>

#include "base/cleanup.h"
#include "steps/backup_files.h"
#include "text/text.h"

enum { OPTIONS_JSON_MAX = 64 * 1024 * 1024 };

struct proof {
	const struct step_context *context;
	struct backup_index index;
	struct mongo_collection *now;
	size_t now_count;
	size_t same;	    /* collections that are as before, by digest and definition */
	uint64_t documents; /* in them */
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
		rc = json_parse(str_bytes(&text), JSON_LIMITS_OWN(OPTIONS_JSON_MAX), ret_doc, err);
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

static bool same_index(struct bytes a, struct bytes b)
{
	struct doc_iter iter = doc_iter_begin(a);
	struct value value, other;
	const char *name;

	while (doc_iter_next(&iter, &name, &value)) {
		other = doc_get(b, name);
		if (!value_like(&value, &other))
			return false;
	}
	return doc_count(a) == doc_count(b);
}

static int compare_index(struct proof *proof, const char *collection, struct bytes now,
	const struct backup_metadata *then, struct err *err)
{
	const char *name = doc_get_string(now, "name");
	struct bytes old = find_index(then->indexes, then->index_count, name), clean;
	int rc = backup_clean_index(proof->context, collection, now, &clean, err);

	if (rc < 0)
		return rc;
	if (old.size == 0)
		return err_set(err, ERR_ROLLBACK, "%s: index %s is not in the backup", collection,
			name == NULL ? "without a name" : name);
	if (!same_index(old, clean))
		return err_set(err, ERR_ROLLBACK, "%s: index %s differs from the backup's",
			collection, name);
	return 0;
}

static int compare_indexes(struct proof *proof, const char *collection,
	const struct backup_metadata *then, struct err *err)
{
	struct bytes *now = NULL;
	size_t now_count = 0;
	int rc = mongo_indexes(
		proof->context->mongo, collection, proof->context->arena, &now, &now_count, err);

	for (size_t i = 0; rc == 0 && i < now_count; i++)
		rc = compare_index(proof, collection, now[i], then, err);
	for (size_t i = 0; rc == 0 && i < then->index_count; i++) {
		const char *name = doc_get_string(then->indexes[i], "name");
		if (find_index(now, now_count, name).size == 0)
			return err_set(err, ERR_ROLLBACK,
				"%s: index %s of the backup is not in the database", collection,
				name);
	}
	return rc;
}

static int compare_definition(struct proof *proof, const struct backup_collection *then,
	const struct mongo_collection *now, struct err *err)
{
	struct backup_metadata metadata = {0};
	bool same = false;
	int rc = backup_metadata_read(then->definition, proof->context->arena, &metadata, err);

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

static int count_same(struct proof *proof, const struct backup_collection *then)
{
	proof->same++;
	proof->documents += then->count;
	return 0;
}

static int warn(struct proof *proof, const char *what, struct err *err)
{
	const struct step_host *host = proof->context->host;
	CLEANUP_STR struct str text = STR_INIT;

	str_append_format(&text, "changed since ingest was %s: %s",
		proof->context->ingest_resumed ? "resumed" : "frozen, and not by this run", what);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : host->check(host->self, "proof", CHECK_WARNING, str_text(&text), err);
}

/* After ingest was resumed it may be others' work: told, and no failure unless something is gone.
 * The same where an operator says, with a reason, that he knows who wrote during the freeze. */
static int settle_difference(struct proof *proof, const struct backup_collection *then,
	const char *difference, struct err *err)
{
	const struct step_options *options = proof->context->options;

	if (!proof->context->ingest_resumed &&
		(!options->accept_inexact || options->reason == NULL))
		return err_set(err, ERR_ROLLBACK,
			"%s; offkit rollback --accept-inexact --reason TEXT leaves it as it is",
			difference);
	int rc = compare_count(proof, then, err);
	return rc < 0 ? rc : warn(proof, difference, err);
}

static int compare_collection(
	struct proof *proof, const struct backup_collection *then, struct err *err)
{
	const struct step_context *context = proof->context;
	const struct mongo_collection *now = find_now(proof, then->name);
	const char *difference = NULL;
	int rc = 0;

	if (now == NULL)
		return differs(err, then->name, "it is in the backup and not in the database");
	if (context->host->stop_requested(context->host->self))
		return err_set(err, ERR_STOPPED, "the operator asked for it");
	if (strcmp(now->type, "collection") == 0)
		rc = backup_compare(&proof->index, context->mongo, then->name, context->arena,
			&difference, err);
	if (rc == 0 && difference != NULL)
		return settle_difference(proof, then, difference, err);
	if (rc == 0)
		rc = compare_definition(proof, then, now, err);
	if (rc < 0 && err->code == ERR_ROLLBACK && context->ingest_resumed) {
		const struct err definition = *err;
		return warn(proof, definition.message, err);
	}
	return rc < 0 ? rc : count_same(proof, then);
}

static int compare_all(struct proof *proof, struct err *err)
{
	for (size_t i = 0; i < proof->index.count; i++) {
		int rc = compare_collection(proof, &proof->index.collections[i], err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < proof->now_count; i++) {
		const char *name = proof->now[i].name;
		if (backup_find(&proof->index, name) != NULL)
			continue;
		int rc = differs(err, name, "it was not there before");
		if (proof->context->ingest_resumed) {
			const struct err difference = *err;
			rc = warn(proof, difference.message, err);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int tell(struct proof *proof, struct err *err)
{
	const struct step_host *host = proof->context->host;
	CLEANUP_STR struct str text = STR_INIT;
	char count[TEXT_COUNT_SIZE], all[TEXT_COUNT_SIZE];
	bool whole = proof->same == proof->index.count;

	if (whole)
		str_append_text(
			&text, "the database is as before, proved by the backup's digests: ");
	else
		str_append_format(&text,
			"as before, proved by the backup's digests, of %s collections: ",
			text_count((int64_t)proof->index.count, all));
	text_plural(&text, (int64_t)proof->same, "collection", "collections");
	str_append_format(&text, ", %s documents%s", text_count((int64_t)proof->documents, count),
		whole ? "" : "; in the others nothing is missing by count");
	int rc = str_check(&text, err);
	return rc < 0 ? rc : host->check(host->self, "proof", CHECK_PASSED, str_text(&text), err);
}

int untouched_prove(const struct step_context *context, struct err *err)
{
	struct proof proof = {.context = context};
	const struct step_host *host = context->host;
	bool complete = false;

	/* Without a whole backup no later step has begun, so that there is nothing to prove. */
	if (context->checkpoint == NULL)
		return 0;
	int rc = json_need_bool(context->checkpoint, "complete", &complete, err);
	if (rc < 0)
		return err_recode(err, ERR_JOURNAL);
	if (!complete)
		return host->note(host->self,
			"the backup was not whole yet: nothing was done that it would have to "
			"prove",
			err);
	rc = backup_of_run(context, &proof.index, err);
	if (rc < 0)
		return rc;
	rc = mongo_collections(context->mongo, context->arena, &proof.now, &proof.now_count, err);
	if (rc == 0)
		rc = compare_all(&proof, err);
	if (rc == 0)
		rc = tell(&proof, err);
	backup_index_release(&proof.index);
	return rc;
}
