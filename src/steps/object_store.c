#include "steps/object_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "object/folder.h"
#include "text/text.h"

enum { FILES_A_READ = 100 };

/* In the run's folder: the digest that is being put. Its pointer, which says whose the object is,
 * is written after it; who is cut off in between knows from here that it was his. */
#define PUTTING_NAME "object.putting"

struct move {
	const struct step_context *context;
	struct object_migration migration;
	struct object_store *store;
	struct sha256_stream *hash;
	int putting_fd; /* of PUTTING_NAME, -1: none */
	bool was_putting;
	struct sha256 putting; /* the object that a run was putting when it was cut off */
	int64_t files, octets, total, moved; /* moved: files whose pointer this call wrote */
};

/* ---- what there is */

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
	static const uint8_t all[] = {5, 0, 0, 0, 0};
	const char *files = files_name(context, migration->bucket);

	if (files == NULL)
		return err_no_memory(err);
	return sum(context->mongo, files, "length", bytes_make(all, sizeof all), ret_count,
		ret_octets, err);
}

/* ---- plan */

static int plan_text(const struct step_context *context, const struct object_migration *migration,
	int64_t files, int64_t octets, int64_t pointers, struct step_plan *plan, struct err *err)
{
	CLEANUP_STR struct str count = STR_INIT;
	char size[TEXT_SIZE_SIZE], there[TEXT_COUNT_SIZE];
	struct arena *arena = context->arena;

	text_plural(&count, files, "file", "files");
	if (*context->step->migration->what != '\0')
		plan->what[plan->what_count++] = context->step->migration->what;
	plan->what[plan->what_count++] = arena_format(arena,
		"Copies %s (%s) of GridFS bucket %s to the object store %s; %s of them are there.",
		str_text(&count), text_size((uint64_t)octets, size), migration->bucket,
		context->site->object_store, text_count(pointers, there));
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
	plan->octets = (uint64_t)octets;
	plan->way_back = WAY_BACK_EXACT;
	plan->way_back_text = "undo: the pointers go, GridFS is as before";
	plan->proof = "a SHA-256 an object, read back";
	return str_check(&count, err);
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
		plan->nothing_to_do = frozen && pointers == files + object_count_seeds(context);
	return rc;
}

/* ---- apply: one file */

static int digest_of(struct move *move, const struct object_file *file, struct sha256 *ret_digest,
	struct err *err)
{
	struct object_file_reader reader;
	struct bytes piece;
	int rc = object_file_open(move->context, file, &reader, err);

	if (rc < 0)
		return rc;
	do {
		rc = object_file_next(&reader, &piece, err);
		if (rc == 0)
			rc = sha256_stream_update(move->hash, piece, err);
	} while (rc == 0 && piece.size > 0);
	object_file_close(&reader);
	if (rc == 0)
		return sha256_stream_finish(move->hash, ret_digest, err);
	sha256_stream_restart(move->hash);
	return rc;
}

/* One of that name whose octets are others is told, and stored again. */
static int is_stored(struct move *move, const struct sha256 *digest, int64_t size, bool *ret_stored,
	struct err *err)
{
	const struct step_host *host = move->context->host;
	struct err bad;
	int64_t there = 0;
	bool has = false;
	int rc = object_store_stat(move->store, digest, &has, &there, err);

	if (rc < 0 || !has) {
		*ret_stored = false;
		return rc;
	}
	rc = object_store_check(move->store, digest, size, &bad);
	*ret_stored = rc == 0;
	if (rc == 0)
		return 0;
	if (rc == -ERR_CHECKSUM)
		return host->check(host->self, "object", CHECK_WARNING,
			arena_format(move->context->arena, "%s; it is stored again", bad.message),
			err);
	*err = bad;
	return rc;
}

static int open_putting(struct move *move, struct err *err)
{
	uint8_t hex[SHA256_HEX_SIZE - 1];

	if (move->context->run_dirfd < 0)
		return 0;
	move->putting_fd = openat(move->context->run_dirfd, PUTTING_NAME,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (move->putting_fd < 0)
		return err_set_errno(err, ERR_DISK, errno, PUTTING_NAME);
	move->was_putting = pread(move->putting_fd, hex, sizeof hex, 0) == sizeof hex &&
			    sha256_from_hex(bytes_make(hex, sizeof hex), &move->putting);
	return 0;
}

static int note_putting(struct move *move, const struct sha256 *digest, struct err *err)
{
	char hex[SHA256_HEX_SIZE];

	if (move->putting_fd < 0)
		return 0;
	sha256_to_hex(digest, hex);
	/* One write within one sector. */
	if (pwrite(move->putting_fd, hex, SHA256_HEX_SIZE - 1, 0) != SHA256_HEX_SIZE - 1 ||
		fdatasync(move->putting_fd) != 0)
		return err_set_errno(err, ERR_DISK, errno, PUTTING_NAME);
	return 0;
}

/* Whether one that is there was put by this run, just before it was cut off. */
static bool is_own(const struct move *move, const struct sha256 *digest)
{
	return move->was_putting && sha256_equal(&move->putting, digest);
}

static int put_file(struct move *move, const struct object_file *file, const struct sha256 *digest,
	struct err *err)
{
	struct object_file_reader reader;
	int rc = object_file_open(move->context, file, &reader, err);

	if (rc < 0)
		return rc;
	const struct object_source source = {
		.self = &reader, .next = object_file_next, .rewind = object_file_rewind};
	rc = object_store_put(move->store, digest, file->grid.length, &source, err);
	object_file_close(&reader);
	return rc < 0 ? rc : object_store_check(move->store, digest, file->grid.length, err);
}

static int move_file(struct move *move, struct bytes doc, struct err *err)
{
	CLEANUP_STR struct str there = STR_INIT;
	struct object_pointer pointer;
	struct object_file file;
	struct sha256 digest;
	bool found = false, stored = false;
	int rc = object_file_read(move->migration.bucket, doc, &file, err);

	if (rc == 0)
		rc = object_pointer_find(move->context, &move->migration, &file.grid.id, &there,
			&pointer, &found, err);
	if (rc == 0 && !found)
		rc = digest_of(move, &file, &digest, err);
	if (rc == 0 && !found)
		rc = is_stored(move, &digest, file.grid.length, &stored, err);
	if (rc == 0 && !found && !stored)
		rc = note_putting(move, &digest, err);
	if (rc == 0 && !found && !stored)
		rc = put_file(move, &file, &digest, err);
	if (rc == 0 && !found)
		rc = object_pointer_write(move->context, &move->migration, &file, &digest,
			!stored || is_own(move, &digest), err);
	if (rc < 0)
		return rc;
	move->files++;
	move->moved += !found;
	move->octets += file.grid.length;
	return 0;
}

static void tell(const struct move *move, const char *phase)
{
	const struct step_host *host = move->context->host;
	const struct step_progress progress = {
		.phase = phase,
		.done = move->octets,
		.total = move->total,
		.unit = "octets",
		.left = -1,
		.lag = -1,
		.counters = {{"files", move->files}},
		.counter_count = 1,
	};

	host->progress(host->self, &progress);
}

/* collection's documents, in the order of _id. */
static int for_each(struct move *move, const char *collection, const char *phase,
	int (*work)(struct move *move, struct bytes doc, struct err *err), struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str order = STR_INIT;
	const struct step_host *host = move->context->host;
	struct doc_writer writer;
	struct bytes doc;

	doc_write_begin(&writer, &order);
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
	int rc = str_check(&order, err);
	const struct mongo_find find = {
		.collection = collection,
		.sort = str_bytes(&order),
		.batch_size = FILES_A_READ,
		.no_timeout = true,
	};
	move->files = move->octets = 0;
	if (rc == 0)
		rc = mongo_find(move->context->mongo, &find, &cursor, err);
	while (rc == 0) {
		if (host->stop_requested(host->self))
			return err_set(err, ERR_STOPPED, "the operator asked for it");
		int more = mongo_cursor_next(cursor, &doc, err);
		if (more <= 0)
			return more;
		rc = work(move, doc, err);
		tell(move, phase);
	}
	return rc;
}

/* ---- apply: the seeds of the kit */

static int put_seed(struct move *move, const struct manifest_file *seed, struct err *err)
{
	struct object_seed_reader reader;
	int rc = object_seed_open(move->context, seed, &reader, err);

	if (rc < 0)
		return rc;
	const struct object_source source = {
		.self = &reader, .next = object_seed_next, .rewind = object_seed_rewind};
	rc = object_store_put(move->store, &seed->digest, seed->size, &source, err);
	object_seed_close(&reader);
	return rc < 0 ? rc : object_store_check(move->store, &seed->digest, seed->size, err);
}

static int load_seeds(struct move *move, struct err *err)
{
	const struct manifest *manifest =
		move->context->kit == NULL ? NULL : trusted_kit_manifest(move->context->kit);

	for (size_t i = 0; manifest != NULL && i < manifest->file_count; i++) {
		const struct manifest_file *seed = &manifest->files[i];
		bool stored = false;
		if (!object_is_seed(seed))
			continue;
		int rc = is_stored(move, &seed->digest, seed->size, &stored, err);
		if (rc == 0 && !stored)
			rc = note_putting(move, &seed->digest, err);
		if (rc == 0 && !stored)
			rc = put_seed(move, seed, err);
		if (rc == 0)
			rc = object_pointer_write_seed(move->context, &move->migration, seed,
				!stored || is_own(move, &seed->digest), err);
		if (rc < 0)
			return err_context(err, "%s", seed->name);
	}
	return 0;
}

/* ---- the step */

static void move_end(struct move *move)
{
	object_store_close(move->store);
	sha256_stream_free(move->hash);
	if (move->putting_fd >= 0)
		(void)close(move->putting_fd);
}

static int move_begin(const struct step_context *context, struct move *move, struct err *err)
{
	*move = (struct move){.context = context, .putting_fd = -1};
	int rc = object_migration_load(context->step->migration->body, &move->migration, err);
	if (rc == 0)
		rc = object_folder_open(context->site->object_store, &move->store, err);
	if (rc == 0)
		rc = sha256_stream_new(&move->hash, err);
	return rc;
}

static int apply_all(struct move *move, struct err *err)
{
	const struct step_context *context = move->context;
	const char *files = files_name(context, move->migration.bucket);
	int64_t count = 0;

	if (files == NULL)
		return err_no_memory(err);
	int rc = object_store_sweep(move->store, err);
	if (rc == 0)
		rc = object_freeze(context, &move->migration, err);
	if (rc == 0)
		rc = sum_files(context, &move->migration, &count, &move->total, err);
	if (rc == 0)
		rc = load_seeds(move, err);
	return rc < 0 ? rc : for_each(move, files, "objects", move_file, err);
}

static int apply(const struct step_context *context, struct err *err)
{
	struct move move;
	int rc = move_begin(context, &move, err);

	if (rc == 0)
		rc = open_putting(&move, err);
	if (rc == 0)
		rc = apply_all(&move, err);
	move_end(&move);
	return rc;
}

static int verify_pointer(struct move *move, struct bytes doc, struct err *err)
{
	struct object_pointer pointer;
	int rc = object_pointer_read(doc, &pointer, err);

	if (rc == 0)
		rc = object_store_check(move->store, &pointer.digest, pointer.size, err);
	if (rc < 0)
		return rc;
	move->files++;
	move->octets += pointer.size;
	return 0;
}

static int verify_all(struct move *move, struct err *err)
{
	const struct step_context *context = move->context;
	int64_t files = 0;
	bool frozen = false;
	int rc = sum_files(context, &move->migration, &files, &move->total, err);

	if (rc == 0)
		rc = for_each(move, move->migration.pointers, "verify", verify_pointer, err);
	if (rc == 0)
		rc = object_is_frozen(context, &move->migration, &frozen, err);
	if (rc < 0)
		return rc;
	if (!frozen)
		return err_set(err, ERR_MIGRATION, "GridFS bucket %s takes writes again",
			move->migration.bucket);
	if (move->files < files + object_count_seeds(context))
		return err_set(err, ERR_MIGRATION, "%lld pointers are fewer than %lld files",
			(long long)move->files, (long long)(files + object_count_seeds(context)));
	return 0;
}

static int verify(const struct step_context *context, struct err *err)
{
	struct move move;
	int rc = move_begin(context, &move, err);

	if (rc == 0)
		rc = verify_all(&move, err);
	move_end(&move);
	return rc;
}

static int undo(const struct step_context *context, struct err *err)
{
	struct move move;
	int rc = move_begin(context, &move, err);

	if (rc == 0)
		rc = object_pointers_undo(context, &move.migration, move.store, err);
	if (rc == 0)
		rc = object_thaw(context, err);
	move_end(&move);
	return rc;
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
	.plan = plan,
	.apply = apply,
	.verify = verify,
	.undo = undo,
	.report = report,
};
