/*
 * object_store: the step kind "object-store": files of a GridFS bucket become objects of a store,
 * each with a pointer document. Internal to the files object_store*.c.
 *
 * A pointer's _id is the file's own, so that the same file has one however often it is moved; its
 * other members derive from the file, but for "runId" (who wrote it) and "stored" (whether that run
 * put the object, or found it). Seeds of the kit get pointers too, under "seed:NAME".
 *
 * Nothing in GridFS is deleted. From the freeze on, its collections refuse writes by a validator
 * that no document meets, and their TTL indexes are disarmed; both stay so until undo.
 */
#ifndef OFFKIT_STEPS_OBJECT_STORE_H
#define OFFKIT_STEPS_OBJECT_STORE_H

#include "object/store.h"
#include "steps/gridfs.h"
#include "steps/object_store_crew.h"
#include "steps/step.h"
#include "steps/ttl.h"

enum { OBJECT_BUCKET_NAME_MAX = 100, OBJECT_FILE_OCTETS_MAX_BITS = 42 };

#define OBJECT_SEEDS "seeds/object-store/"

/* The body of the migration; texts live as long as its document. */
struct object_migration {
	const char *bucket;		       /* of GridFS: "documents" */
	const char *pointers;		       /* the collection of the pointers */
	const char *store_bucket;	       /* the pointer's bucket is TENANT-store_bucket */
	const char *tenant;		       /* of a file that names none */
	const char *tenant_path, *format_path; /* in the file's document, NULL: none */
};

/* ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK int object_migration_load(
	const struct json *body, struct object_migration *ret_migration, struct err *err);

/* ---- object_store_file.c: one file of the bucket */

struct object_file {
	struct gridfs_file grid; /* views into doc */
	struct bytes doc;
};

/* ERR_MIGRATION names a file without length or chunkSize. */
MUST_CHECK int object_file_read(
	const char *bucket, struct bytes doc, struct object_file *ret_file, struct err *err);

struct object_file_reader {
	struct object_batch *batch;	/* whose connection reads it, and whose tally counts it */
	const struct object_file *file; /* lives as long as the reader */
	struct gridfs_reader grid;
	int64_t at, counted; /* octets: read, and told to the tally, which counts none twice */
};

/* What is wrong with its chunks is gridfs.h's to say; ERR_STOPPED. */
MUST_CHECK int object_file_open(struct object_batch *batch, const struct object_file *file,
	struct object_file_reader *ret_reader, struct err *err);
/* An object_source's next and rewind; self is a struct object_file_reader. */
MUST_CHECK int object_file_next(void *self, struct bytes *ret_piece, struct err *err);
MUST_CHECK int object_file_rewind(void *self, struct err *err);
void object_file_close(struct object_file_reader *reader);

/* ---- object_store_seed.c: one file of the kit's seeds/object-store/ */

bool object_is_seed(const struct manifest_file *file);
/* ret_octets: of all of them; may be NULL. */
int64_t object_count_seeds(const struct step_context *context, int64_t *ret_octets);

struct object_seed_reader {
	int fd;
	struct object_batch *batch;
	int64_t at, counted;
	uint8_t buffer[64 * 1024];
};

/* From the kit as it is installed, counted in the batch's tally. ERR_NOT_FOUND, ERR_UNREADABLE. */
MUST_CHECK int object_seed_open(struct object_batch *batch, const struct manifest_file *seed,
	struct object_seed_reader *ret_reader, struct err *err);
/* An object_source's next and rewind; self is a struct object_seed_reader. */
MUST_CHECK int object_seed_next(void *self, struct bytes *ret_piece, struct err *err);
MUST_CHECK int object_seed_rewind(void *self, struct err *err);
void object_seed_close(struct object_seed_reader *reader);

/* ---- object_store_freeze.c */

/* The checkpoint that undo goes by is durable before anything is changed. Repeatable. */
MUST_CHECK int object_freeze(const struct step_context *context,
	const struct object_migration *migration, struct err *err);
MUST_CHECK int object_thaw(const struct step_context *context, struct err *err);
/* Whether both collections refuse writes now, by the validator of the freeze. */
MUST_CHECK int object_is_frozen(const struct step_context *context,
	const struct object_migration *migration, bool *ret_frozen, struct err *err);

/* ---- object_store_pointer.c */

struct object_pointer {
	struct sha256 digest;
	int64_t size;
	struct bytes doc; /* whole */
};

/* ERR_MIGRATION for a document that is no pointer. */
MUST_CHECK int object_pointer_read(
	struct bytes doc, struct object_pointer *ret_pointer, struct err *err);
/* The whole document, appended to out. stored: whether this run put the object. */
MUST_CHECK int object_pointer_make(const struct step_context *context,
	const struct object_migration *migration, const struct object_file *file,
	const struct sha256 *digest, bool stored, struct str *out, struct err *err);
MUST_CHECK int object_pointer_make_seed(const struct step_context *context,
	const struct object_migration *migration, const struct manifest_file *seed, bool stored,
	struct str *out, struct err *err);
/* One that is there already must say the same, but for who wrote it: ERR_CONFLICT. */
MUST_CHECK int object_pointers_insert(const struct step_context *context,
	const struct object_migration *migration, const struct bytes *docs, size_t count,
	struct err *err);
/* Calls found for each that a filter has. */
MUST_CHECK int object_pointers_each(const struct step_context *context,
	const struct object_migration *migration, struct bytes filter,
	int (*found)(void *self, struct bytes doc, struct err *err), void *self, struct err *err);
/* The same for those that are there of so many ids. */
MUST_CHECK int object_pointers_find(const struct step_context *context,
	const struct object_migration *migration, const struct value *ids, size_t count,
	int (*found)(void *self, struct bytes doc, struct err *err), void *self, struct err *err);
/* ---- object_store_undo.c */

/* Those with this run's id are deleted; after that what it put into the store goes, unless a
 * pointer still leads to it. store: NULL: the objects stay. */
MUST_CHECK int object_pointers_undo(const struct step_context *context,
	const struct object_migration *migration, struct object_store *store, struct err *err);

/* ---- object_store_notes.c */

struct object_notes {
	int dirfd; /* -1: nothing is noted */
	int fds[OBJECT_WORKERS_MAX];
	bool lasting[OBJECT_WORKERS_MAX];
	struct sha256 *carried; /* sorted: what attempts noted that were cut off */
	size_t carried_count;
};

/* Release it also after a failure. */
MUST_CHECK int object_notes_open(int run_dirfd, struct object_notes *notes, struct err *err);
/* Durable when it returns, in the place of what that worker noted before. */
MUST_CHECK int object_notes_write(struct object_notes *notes, size_t worker,
	const struct sha256 *digests, size_t count, struct err *err);
bool object_notes_had(const struct object_notes *notes, const struct sha256 *digest);
void object_notes_done(struct object_notes *notes);
void object_notes_close(struct object_notes *notes);

/* What a removal goes by that was cut off. Without a folder (-1) nothing is noted. */
enum object_noted {
	OBJECT_NOTED_PUTTING,  /* by the move: it may be there without a pointer */
	OBJECT_NOTED_REMOVING, /* its pointer may be gone */
};

/* Durable when it returns, in the place of what was noted before. */
MUST_CHECK int object_removal_note(
	int run_dirfd, const struct sha256 *digests, size_t count, struct err *err);
/* Every pointer and object is gone: no note is left, durably. */
MUST_CHECK int object_removal_done(int run_dirfd, struct err *err);
/* The caller frees. */
MUST_CHECK int object_noted_read(int run_dirfd, enum object_noted noted,
	struct sha256 **ret_digests, size_t *ret_count, struct err *err);

/* ---- object_store_move.c */

/* Every seed and every file has its object, read back, and its pointer. total: octets of the files.
 */
MUST_CHECK int object_move(const struct step_context *context,
	const struct object_migration *migration, struct object_store *store, int64_t total,
	struct err *err);

#endif
