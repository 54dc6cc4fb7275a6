#include "steps/object_store.h"
#include "steps/object_verify.h"

#include "base/cleanup.h"
#include "object/open.h"
#include "text/text.h"

/* ---- what there is */

static struct bytes doc_empty(void)
{
	static const uint8_t all[] = {5, 0, 0, 0, 0};

	return bytes_make(all, sizeof all);
}

/* name: the field whose sum is asked for. */
static int sum(struct mongo *mongo, const char *collection, const char *name, struct bytes match,
	int64_t *ret_count, int64_t *ret_sum, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str pipeline = STR_INIT, path = STR_INIT;
	struct doc_writer writer;
	struct bytes doc;
	int64_t count = 0, total = 0;

	str_append_format(&path, "$%s", name);
	doc_write_begin(&writer, &pipeline);
	/* An array is a document whose names are numbers. */
	doc_write_document(&writer, "0");
	doc_write_raw(&writer, "$match", match);
	doc_write_end(&writer);
	doc_write_document(&writer, "1");
	doc_write_document(&writer, "$group");
	doc_write_null(&writer, "_id");
	doc_write_document(&writer, "count");
	doc_write_int32(&writer, "$sum", 1);
	doc_write_end(&writer);
	doc_write_document(&writer, "total");
	doc_write_string(&writer, "$sum", str_text(&path));
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int rc = str_check(&pipeline, err);
	if (rc == 0)
		rc = str_check(&path, err);
	if (rc == 0)
		rc = mongo_aggregate(mongo, collection, str_bytes(&pipeline), &cursor, err);
	if (rc == 0)
		rc = mongo_cursor_next(cursor, &doc, err);
	if (rc < 0)
		return rc;
	if (rc > 0) {
		(void)doc_get_integer(doc, "count", &count);
		(void)doc_get_integer(doc, "total", &total);
	}
	*ret_count = count;
	*ret_sum = total;
	return 0;
}

static const char *files_name(const struct step_context *context, const char *bucket)
{
	return arena_format(context->arena, "%s.files", bucket);
}

static int sum_files(const struct step_context *context, const struct object_migration *migration,
	int64_t *ret_count, int64_t *ret_octets, struct err *err)
{
	const char *files = files_name(context, migration->bucket);

	if (files == NULL)
		return err_no_memory(err);
	return sum(context->mongo, files, "length", doc_empty(), ret_count, ret_octets, err);
}

/* ---- plan */

static int plan_text(const struct step_context *context, const struct object_migration *migration,
	int64_t files, int64_t octets, int64_t pointers, struct step_plan *plan, struct err *err)
{
	CLEANUP_STR struct str count = STR_INIT, seeds = STR_INIT, there = STR_INIT;
	CLEANUP_STR struct str store = STR_INIT;
	int64_t seed_octets = 0, seed_count = object_count_seeds(context, &seed_octets);
	char size[TEXT_SIZE_SIZE];
	struct arena *arena = context->arena;
	int rc = object_store_describe(context->site, &store, err);

	if (rc < 0)
		return rc;
	text_plural(&count, files, "file", "files");
	if (seed_count > 0) {
		str_append_text(&seeds, " and ");
		text_plural(&seeds, seed_count, "seed", NULL);
		str_append_format(
			&seeds, " of the kit (%s)", text_size((uint64_t)seed_octets, size));
	}
	text_plural(&there, pointers, "pointer is", "pointers are");
	if (*context->step->migration->what != '\0')
		plan->what[plan->what_count++] = context->step->migration->what;
	plan->what[plan->what_count++] = arena_format(arena,
		"Copies %s (%s) of GridFS bucket %s%s to the object store %s; %s there.",
		str_text(&count), text_size((uint64_t)octets, size), migration->bucket,
		str_text(&seeds), str_text(&store), str_text(&there));
	plan->what[plan->what_count++] = arena_format(arena,
		"Each is read back and compared before its pointer in %s is written.",
		migration->pointers);
	plan->what[plan->what_count++] = arena_format(arena,
		"%s.files and %s.chunks refuse writes from now on, and expire nothing, until it is "
		"undone: what stores files there must have been pointed elsewhere.",
		migration->bucket, migration->bucket);
	plan->size =
		arena_format(arena, "%s, %s", str_text(&count), text_size((uint64_t)octets, size));
	plan->changes = arena_format(arena, "%s", migration->pointers);
	for (size_t i = 0; i < plan->what_count; i++)
		if (plan->what[i] == NULL)
			return err_no_memory(err);
	if (plan->size == NULL || plan->changes == NULL)
		return err_no_memory(err);
	plan->octets = (uint64_t)(octets + seed_octets);
	plan->way_back = WAY_BACK_EXACT;
	plan->way_back_text = "undo: the pointers go, GridFS is as before";
	plan->proof = "a SHA-256 an object, read back";
	rc = str_check(&count, err);
	if (rc == 0)
		rc = str_check(&seeds, err);
	return rc < 0 ? rc : str_check(&there, err);
}

/* Whether each pointer has an object of its size; the octets are not read. */
static int has_all(const struct step_context *context, const struct object_migration *migration,
	bool *ret_all, struct err *err)
{
	CLEANUP(object_store_cleanup) struct object_store *store = NULL;
	struct object_verified verified;
	struct err opening;
	int rc = object_store_open_there(context->site, &store, &opening);

	if (rc == -ERR_NOT_FOUND) {
		*ret_all = false;
		return 0;
	}
	if (rc < 0) {
		*err = opening;
		return rc;
	}
	const struct object_verify verify = {
		.store = store,
		.mongo = context->mongo,
		.pointers = migration->pointers,
		.names_only = true,
	};
	rc = object_verify_run(&verify, context->arena, &verified, err);
	if (rc == 0)
		*ret_all = verified.counts[OBJECT_FAULT_MISSING] +
				   verified.counts[OBJECT_FAULT_POINTER] ==
			   0;
	return rc;
}

/* A server that cannot be used is found before anything is changed. */
static int reach(const struct step_context *context, struct err *err)
{
	CLEANUP(object_store_cleanup) struct object_store *store = NULL;

	return context->site->s3.endpoint == NULL ? 0
						  : object_store_open(context->site, &store, err);
}

static int plan(const struct step_context *context, struct step_plan *plan, struct err *err)
{
	struct object_migration migration;
	int64_t files = 0, octets = 0, pointers = 0;
	bool frozen = false;
	int rc = object_migration_load(context->step->migration->body, &migration, err);

	if (rc == 0)
		rc = sum_files(context, &migration, &files, &octets, err);
	if (rc == 0)
		rc = mongo_count(
			context->mongo, migration.pointers, bytes_make(NULL, 0), &pointers, err);
	if (rc == 0)
		rc = object_is_frozen(context, &migration, &frozen, err);
	if (rc == 0)
		rc = plan_text(context, &migration, files, octets, pointers, plan, err);
	if (rc == 0)
		rc = reach(context, err);
	if (rc == 0 && frozen && pointers == files + object_count_seeds(context, NULL))
		rc = has_all(context, &migration, &plan->nothing_to_do, err);
	return rc;
}

/* ---- apply */

static int begin(const struct step_context *context, struct object_migration *migration,
	struct object_store **ret_store, struct err *err)
{
	int rc = object_migration_load(context->step->migration->body, migration, err);

	return rc < 0 ? rc : object_store_open(context->site, ret_store, err);
}

static int apply(const struct step_context *context, struct err *err)
{
	CLEANUP(object_store_cleanup) struct object_store *store = NULL;
	struct object_migration migration;
	int64_t count = 0, total = 0;
	int rc = begin(context, &migration, &store, err);

	if (rc == 0)
		rc = object_store_sweep(store, err);
	if (rc == 0)
		rc = object_freeze(context, &migration, err);
	if (rc == 0)
		rc = sum_files(context, &migration, &count, &total, err);
	return rc < 0 ? rc : object_move(context, &migration, store, total, err);
}

/* ---- verify */

static int verify_pointers(void *self, struct object_batch *batch, struct err *err)
{
	struct object_store *store = self;
	struct object_pointer pointer;

	for (size_t i = 0; i < batch->count; i++) {
		int rc = object_pointer_read(batch->docs[i], &pointer, err);
		if (rc == 0)
			rc = object_store_check(store, &pointer.digest, pointer.size, err);
		if (rc == -ERR_CHECKSUM)
			(void)err_context(
				err, "move it out of the store, then resume stores it again");
		if (rc == -ERR_CHECKSUM || rc == -ERR_NOT_FOUND)
			return err_recode(err, ERR_MIGRATION);
		if (rc < 0)
			return rc;
		atomic_fetch_add(&batch->tally->octets, pointer.size);
		atomic_fetch_add(&batch->tally->documents, 1);
	}
	return 0;
}

static int verify_all(const struct step_context *context, const struct object_migration *migration,
	struct object_store *store, struct err *err)
{
	int64_t files = 0, pointers = 0, total = 0;
	bool frozen = false;
	int rc = sum_files(context, migration, &files, &total, err);

	if (rc == 0)
		rc = sum(context->mongo, migration->pointers, "size", doc_empty(), &pointers,
			&total, err);
	struct object_crew crew = {
		.context = context,
		.store = store,
		.phase = "verify",
		.total = total,
		.collection = migration->pointers,
		.weighs = "size",
		.self = store,
		.work = verify_pointers,
	};
	if (rc == 0)
		rc = object_crew_run(&crew, err);
	if (rc == 0)
		rc = object_is_frozen(context, migration, &frozen, err);
	if (rc < 0)
		return rc;
	files += object_count_seeds(context, NULL);
	if (!frozen)
		return err_set(err, ERR_MIGRATION, "GridFS bucket %s takes writes again",
			migration->bucket);
	if (pointers < files)
		return err_set(err, ERR_MIGRATION, "%lld pointers are fewer than %lld files",
			(long long)pointers, (long long)files);
	return 0;
}

static int verify(const struct step_context *context, struct err *err)
{
	CLEANUP(object_store_cleanup) struct object_store *store = NULL;
	struct object_migration migration;
	int rc = begin(context, &migration, &store, err);

	return rc < 0 ? rc : verify_all(context, &migration, store, err);
}

/* ---- undo, report */

/* What keeps a store from being used is no reason to stay with it: leftovers are no objects. */
static void sweep_if_there(const struct step_context *context)
{
	CLEANUP(object_store_cleanup) struct object_store *store = NULL;
	struct err ignored;

	if (context->site->s3.endpoint == NULL &&
		object_store_open_there(context->site, &store, &ignored) == 0)
		(void)!object_store_sweep(store, &ignored);
}

/* A store is needed only for what is removed from it: readers are with GridFS again also when it is
 * down for good. */
static int undo(const struct step_context *context, struct err *err)
{
	CLEANUP(object_store_cleanup) struct object_store *store = NULL;
	struct object_migration migration;
	int rc = object_migration_load(context->step->migration->body, &migration, err);

	if (rc == 0 && context->options->remove_objects)
		rc = object_store_open(context->site, &store, err);
	sweep_if_there(context);
	if (rc == 0)
		rc = object_pointers_undo(context, &migration, store, err);
	return rc < 0 ? rc : object_thaw(context, err);
}

static int undo_warning(const struct step_context *context, const char **ret_text, struct err *err)
{
	CLEANUP_STR struct str store = STR_INIT;

	if (!context->options->remove_objects)
		return 0;
	int rc = object_store_describe(context->site, &store, err);
	if (rc < 0)
		return rc;
	const char *text = arena_format(context->arena,
		"What this run stored in %s is removed as well, but for what pointers of database "
		"%s lead to. Pointers of any other database that shares this store are not known, "
		"and may lead to nothing then.",
		str_text(&store), context->site->database);
	if (text == NULL)
		return err_no_memory(err);
	*ret_text = text;
	return 0;
}

static int compile(const struct migration *migration, struct err *err)
{
	struct object_migration compiled;

	return object_migration_load(migration->body, &compiled, err);
}

static int report(const struct step_context *context, struct json_writer *writer, struct err *err)
{
	CLEANUP_STR struct str summary = STR_INIT, ours = STR_INIT;
	struct object_migration migration;
	struct doc_writer filter;
	char size[TEXT_SIZE_SIZE];
	int64_t objects = 0, octets = 0, stored = 0, stored_octets = 0;
	int rc = object_migration_load(context->step->migration->body, &migration, err);

	doc_write_begin(&filter, &ours);
	doc_write_string(&filter, "runId", context->run_id);
	doc_write_end(&filter);
	if (rc == 0)
		rc = str_check(&ours, err);
	if (rc == 0)
		rc = sum(context->mongo, migration.pointers, "size", str_bytes(&ours), &objects,
			&octets, err);
	str_release(&ours);
	doc_write_begin(&filter, &ours);
	doc_write_string(&filter, "runId", context->run_id);
	doc_write_bool(&filter, "stored", true);
	doc_write_end(&filter);
	if (rc == 0)
		rc = str_check(&ours, err);
	if (rc == 0)
		rc = sum(context->mongo, migration.pointers, "size", str_bytes(&ours), &stored,
			&stored_octets, err);
	text_plural(&summary, objects, "pointer written", "pointers written");
	str_append_format(&summary, " for %s, ", text_size((uint64_t)octets, size));
	text_plural(&summary, stored, "object stored", "objects stored");
	if (rc == 0)
		rc = str_check(&summary, err);
	if (rc < 0)
		return rc;
	json_member_string(writer, "summary", str_text(&summary));
	json_member_integer(writer, "pointers", objects);
	json_member_integer(writer, "octets", octets);
	json_member_integer(writer, "stored", stored);
	json_member_integer(writer, "storedOctets", stored_octets);
	return 0;
}

const struct step_kind step_object_store = {
	.name = "object-store",
	.weight = 30,
	.gate = true,
	.on_request = true,
	.takeover = TAKEOVER_AS_IT_IS,
	.failure = ERR_MIGRATION,
	.compile = compile,
	.plan = plan,
	.apply = apply,
	.verify = verify,
	.undo = undo,
	.undo_warning = undo_warning,
	.report = report,
};
