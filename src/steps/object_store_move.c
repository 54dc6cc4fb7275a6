/*
 * The move: a batch of files at a time, each file read once. What is staged is compared with what
 * the store has, noted, placed, read back; and only then are the batch's pointers written, at once.
 *
 * A digest that two workers stage at the same time is placed by one, so that it is counted once,
 * whatever their number: while one is at it the other waits.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/object_store.h"

enum { LOOK_INTERVAL = 100 /* ms */ };

struct move {
	const struct object_migration *migration;
	struct object_store *store;
	struct throttle *throttle;
	struct object_notes notes;
	const struct manifest_file **seeds;
	size_t seed_count;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	/* with the mutex held: what is being placed */
	struct sha256 claims[OBJECT_WORKERS_MAX * OBJECT_BATCH_MAX];
	size_t claim_count;
};

/* ---- claims */

static bool is_claimed(const struct move *move, const struct sha256 *digest)
{
	for (size_t i = 0; i < move->claim_count; i++)
		if (sha256_equal(&move->claims[i], digest))
			return true;
	return false;
}

static void release(struct move *move, const struct sha256 *digests, size_t count)
{
	(void)pthread_mutex_lock(&move->mutex);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < move->claim_count; j++)
			if (sha256_equal(&move->claims[j], &digests[i])) {
				move->claims[j] = move->claims[--move->claim_count];
				break;
			}
	(void)pthread_cond_broadcast(&move->changed);
	(void)pthread_mutex_unlock(&move->mutex);
}

/* digests: sorted, each once. In their order, so that no two wait for each other. */
static int claim(struct move *move, const struct sha256 *digests, size_t count,
	const struct crew_tally *tally, struct err *err)
{
	size_t held = 0;
	int rc = 0;

	(void)pthread_mutex_lock(&move->mutex);
	while (rc == 0 && held < count) {
		if (!is_claimed(move, &digests[held])) {
			move->claims[move->claim_count++] = digests[held++];
			continue;
		}
		const struct timespec until = clock_deadline(LOOK_INTERVAL);
		rc = crew_cancelled(tally, err);
		if (rc == 0)
			(void)pthread_cond_timedwait(&move->changed, &move->mutex, &until);
	}
	(void)pthread_mutex_unlock(&move->mutex);
	if (rc < 0)
		release(move, digests, held);
	return rc;
}

/* ---- what the store has */

/* One of that name whose octets are others is told, and stored again. */
static int is_stored(struct move *move, struct object_batch *batch, const struct sha256 *digest,
	int64_t size, bool *ret_stored, struct err *err)
{
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
	if (rc == -ERR_CHECKSUM) {
		const char *text =
			arena_format(batch->context.arena, "%s; it is stored again", bad.message);
		return text == NULL ? err_no_memory(err) : object_crew_warn(batch->crew, text, err);
	}
	*err = bad;
	return rc;
}

/* ---- a batch of files */

struct move_file {
	struct object_file file;
	struct object_file_reader reader;
	bool is_open;		  /* the reader */
	bool has_pointer, is_own; /* its pointer is this run's */
	bool done;		  /* pointer and object are there */
	bool stored;		  /* this run put the object */
	struct object_pointer pointer;
	struct object_staged *staged; /* NULL: nothing of it is to be placed */
	struct sha256 digest;
};

struct files {
	struct move *move;
	struct object_batch *batch;
	struct move_file list[OBJECT_BATCH_MAX];
};

static void files_release(struct files *files)
{
	for (size_t i = 0; i < files->batch->count; i++) {
		object_store_discard(files->list[i].staged);
		if (files->list[i].is_open)
			object_file_close(&files->list[i].reader);
	}
}

static int keep_pointer(void *self, struct bytes doc, struct err *err)
{
	struct files *files = self;
	struct value id = doc_get(doc, "_id");
	const char *run_id = doc_get_string(doc, "runId");

	for (size_t i = 0; i < files->batch->count; i++) {
		struct move_file *one = &files->list[i];
		if (!value_like(&one->file.grid.id, &id))
			continue;
		int rc = object_pointer_read(doc, &one->pointer, err);
		if (rc < 0)
			return rc;
		one->pointer.doc = bytes_make(NULL, 0); /* the cursor's */
		one->has_pointer = true;
		one->is_own = run_id != NULL && strcmp(run_id, files->batch->context.run_id) == 0;
	}
	return 0;
}

static int look_up(struct files *files, struct err *err)
{
	struct value ids[OBJECT_BATCH_MAX];
	struct object_batch *batch = files->batch;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < batch->count; i++) {
		rc = object_file_read(
			files->move->migration->bucket, batch->docs[i], &files->list[i].file, err);
		ids[i] = files->list[i].file.grid.id;
	}
	return rc < 0 ? rc
		      : object_pointers_find(&batch->context, files->move->migration, ids,
				batch->count, keep_pointer, files, err);
}

/*
 * What a pointer leads to. This run's own was read back before its pointer was written, and will be
 * read again when all of it is verified: a look at its name is enough. Another run's is read.
 */
static int look_at_object(struct files *files, struct move_file *one, struct err *err)
{
	struct move *move = files->move;
	int64_t size = one->file.grid.length, there = 0;
	bool has = false;
	int rc;

	if (!one->has_pointer)
		return 0;
	if (one->is_own) {
		rc = object_store_stat(move->store, &one->pointer.digest, &has, &there, err);
		has = has && there == size;
	} else {
		rc = is_stored(move, files->batch, &one->pointer.digest, size, &has, err);
	}
	if (rc == 0 && has) {
		one->done = true;
		atomic_fetch_add(&files->batch->tally->octets, size);
	}
	return rc;
}

static int stage(struct files *files, struct move_file *one, struct err *err)
{
	int rc = object_file_open(files->batch, &one->file, &one->reader, err);

	if (rc < 0)
		return rc;
	one->is_open = true;
	const struct object_source source = {
		.self = &one->reader, .next = object_file_next, .rewind = object_file_rewind};
	rc = object_store_stage(
		files->move->store, &source, one->file.grid.length, &one->staged, err);
	if (rc < 0)
		return rc;
	one->digest = one->staged->digest;
	if (!one->has_pointer || sha256_equal(&one->digest, &one->pointer.digest))
		return 0;
	return gridfs_wrong(&one->file.grid, "its pointer says another SHA-256", err);
}

static int by_octets(const void *a, const void *b)
{
	return memcmp(a, b, SHA256_SIZE);
}

/* Of what is staged, sorted, each once. */
static size_t list_digests(const struct files *files, struct sha256 *digests)
{
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < files->batch->count; i++)
		if (files->list[i].staged != NULL)
			digests[count++] = files->list[i].digest;
	qsort(digests, count, sizeof *digests, by_octets);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || !sha256_equal(&digests[i], &digests[kept - 1]))
			digests[kept++] = digests[i];
	return kept;
}

static bool is_before(const struct files *files, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (files->list[j].staged != NULL &&
			sha256_equal(&files->list[j].digest, &files->list[i].digest))
			return true;
	return false;
}

/* What the store has is not placed again. */
static int leave_out(struct files *files, size_t i, struct err *err)
{
	struct move_file *one = &files->list[i];
	bool there = is_before(files, i);
	int rc = 0;

	if (one->staged == NULL)
		return 0;
	/* What a pointer leads to was looked at already, and is not there or not whole. */
	if (!there && !one->has_pointer) {
		rc = is_stored(files->move, files->batch, &one->digest, one->file.grid.length,
			&there, err);
		one->stored = !there || object_notes_had(&files->move->notes, &one->digest);
	}
	if (rc == 0 && there) {
		object_store_discard(one->staged);
		one->staged = NULL;
	}
	return rc;
}

static int place_all(struct files *files, struct err *err)
{
	struct object_batch *batch = files->batch;
	struct sha256 digests[OBJECT_BATCH_MAX];
	int rc = 0;

	/* From behind: the first of those that are the same is the one that is placed. */
	for (size_t i = batch->count; rc == 0 && i > 0; i--)
		rc = leave_out(files, i - 1, err);
	size_t count = list_digests(files, digests);
	if (rc == 0)
		rc = object_notes_write(&files->move->notes, batch->worker, digests, count, err);
	for (size_t i = 0; rc == 0 && i < batch->count; i++) {
		struct move_file *one = &files->list[i];
		if (one->staged == NULL)
			continue;
		rc = object_store_place(one->staged, err);
		if (rc == 0)
			rc = object_store_check(
				files->move->store, &one->digest, one->file.grid.length, err);
	}
	return rc;
}

static int write_pointers(struct files *files, struct err *err)
{
	const struct step_context *context = &files->batch->context;
	struct str docs[OBJECT_BATCH_MAX];
	struct bytes list[OBJECT_BATCH_MAX];
	size_t count = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < files->batch->count; i++) {
		const struct move_file *one = &files->list[i];
		if (one->has_pointer)
			continue;
		docs[count] = (struct str)STR_INIT;
		rc = object_pointer_make(context, files->move->migration, &one->file, &one->digest,
			one->stored, &docs[count], err);
		list[count] = str_bytes(&docs[count]);
		count++;
	}
	if (rc == 0)
		rc = object_pointers_insert(context, files->move->migration, list, count, err);
	for (size_t i = 0; i < count; i++)
		str_release(&docs[i]);
	return rc;
}

static int move_files(void *self, struct object_batch *batch, struct err *err)
{
	CLEANUP(files_release) struct files files = {.move = self, .batch = batch};
	struct sha256 digests[OBJECT_BATCH_MAX];
	int rc = look_up(&files, err);

	for (size_t i = 0; rc == 0 && i < batch->count; i++) {
		rc = look_at_object(&files, &files.list[i], err);
		if (rc == 0 && !files.list[i].done)
			rc = stage(&files, &files.list[i], err);
	}
	size_t count = list_digests(&files, digests);
	if (rc == 0)
		rc = claim(self, digests, count, batch->tally, err);
	if (rc < 0)
		return rc;
	rc = place_all(&files, err);
	release(self, digests, count);
	if (rc == 0)
		rc = write_pointers(&files, err);
	if (rc == 0)
		atomic_fetch_add(&batch->tally->documents, (int64_t)batch->count);
	return rc;
}

/* ---- a seed of the kit */

static int put_seed(struct move *move, struct object_batch *batch, const struct manifest_file *seed,
	struct err *err)
{
	struct object_seed_reader reader;
	int rc = object_seed_open(batch, seed, &reader, err);

	if (rc < 0)
		return rc;
	const struct object_source source = {
		.self = &reader, .next = object_seed_next, .rewind = object_seed_rewind};
	rc = object_notes_write(&move->notes, batch->worker, &seed->digest, 1, err);
	if (rc == 0)
		rc = object_store_put(move->store, &seed->digest, seed->size, &source, err);
	object_seed_close(&reader);
	return rc < 0 ? rc : object_store_check(move->store, &seed->digest, seed->size, err);
}

static int write_seed_pointer(struct move *move, struct object_batch *batch,
	const struct manifest_file *seed, bool stored, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT;
	int rc =
		object_pointer_make_seed(&batch->context, move->migration, seed, stored, &doc, err);
	const struct bytes docs = str_bytes(&doc);

	return rc < 0 ? rc
		      : object_pointers_insert(&batch->context, move->migration, &docs, 1, err);
}

static int move_seed(void *self, struct object_batch *batch, struct err *err)
{
	struct move *move = self;
	const struct manifest_file *seed = move->seeds[batch->item];
	bool there = false;
	int rc = claim(move, &seed->digest, 1, batch->tally, err);

	if (rc == 0) {
		rc = is_stored(move, batch, &seed->digest, seed->size, &there, err);
		if (rc == 0 && there)
			atomic_fetch_add(&batch->tally->octets, seed->size);
		if (rc == 0 && !there)
			rc = put_seed(move, batch, seed, err);
		release(move, &seed->digest, 1);
	}
	if (rc == 0)
		rc = write_seed_pointer(move, batch, seed,
			!there || object_notes_had(&move->notes, &seed->digest), err);
	if (rc < 0)
		return err_context(err, "%s", seed->name);
	atomic_fetch_add(&batch->tally->documents, 1);
	return 0;
}

/* ---- the whole */

static int move_seeds(const struct step_context *context, struct move *move, struct err *err)
{
	const struct manifest *manifest =
		context->kit == NULL ? NULL : trusted_kit_manifest(context->kit);
	struct object_crew crew = {
		.context = context,
		.store = move->store,
		.phase = "seeds",
		.throttle = move->throttle,
		.self = move,
		.work = move_seed,
	};

	if (manifest == NULL)
		return 0;
	move->seeds = arena_array(context->arena, manifest->file_count + 1, sizeof *move->seeds);
	if (move->seeds == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < manifest->file_count; i++) {
		if (!object_is_seed(&manifest->files[i]))
			continue;
		move->seeds[move->seed_count++] = &manifest->files[i];
		crew.total += manifest->files[i].size;
	}
	crew.items = move->seed_count;
	return crew.items == 0 ? 0 : object_crew_run(&crew, err);
}

static int move_bucket(
	const struct step_context *context, struct move *move, int64_t total, struct err *err)
{
	struct object_crew crew = {
		.context = context,
		.store = move->store,
		.phase = "objects",
		.total = total,
		.collection = arena_format(context->arena, "%s.files", move->migration->bucket),
		.weighs = "length",
		.throttle = move->throttle,
		.self = move,
		.work = move_files,
	};

	return crew.collection == NULL ? err_no_memory(err) : object_crew_run(&crew, err);
}

int object_move(const struct step_context *context, const struct object_migration *migration,
	struct object_store *store, int64_t total, struct err *err)
{
	struct move move = {.migration = migration, .store = store};
	pthread_condattr_t clock;

	(void)pthread_mutex_init(&move.mutex, NULL);
	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&move.changed, &clock);
	(void)pthread_condattr_destroy(&clock);
	int rc = object_notes_open(context->run_dirfd, &move.notes, err);
	if (rc == 0)
		rc = throttle_new(context, &move.throttle, err);
	if (rc == 0)
		rc = move_seeds(context, &move, err);
	if (rc == 0)
		rc = move_bucket(context, &move, total, err);
	if (rc == 0)
		object_notes_done(&move.notes);
	object_notes_close(&move.notes);
	throttle_free(move.throttle);
	(void)pthread_cond_destroy(&move.changed);
	(void)pthread_mutex_destroy(&move.mutex);
	return rc;
}
