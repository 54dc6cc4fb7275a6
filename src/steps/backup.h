/*
 * backup: a database as files, in the directory layout of mongodump, and the index that proves
 * them.
 *
 *	BACKUP-DIR/RUN-ID/backup.json			the index, canonical JSON
 *	BACKUP-DIR/RUN-ID/DATABASE/NAME.bson.gz		the documents as they are, one after another
 *	BACKUP-DIR/RUN-ID/DATABASE/NAME.metadata.json.gz	options and indexes, Extended JSON
 *	BACKUP-DIR/RUN-ID/DATABASE/prelude.json.gz
 *
 * Of each file the index has size and SHA-256, and of each collection the count, the octets and
 * the digest of its documents that does not depend on their order (lthash.h). The index's own
 * SHA-256 stands in the step's last checkpoint, and so in the event chain:
 *
 *	{"dir", "index", "indexSha256", "complete", "collections", "documents", "octets",
 *	 "fileOctets", "silence"}
 */
#ifndef OFFKIT_STEPS_BACKUP_H
#define OFFKIT_STEPS_BACKUP_H

#include "compress/stream.h"
#include "crypto/digest.h"
#include "crypto/lthash.h"
#include "steps/step.h"

#define BACKUP_INDEX_NAME "backup.json"

enum { BACKUP_INDEX_SIZE_MAX = 64 * 1024 * 1024, BACKUP_COLLECTIONS_MAX = 10000 };

struct backup_file {
	const char *name; /* in the database's folder; NULL: there is none */
	uint64_t size;
	struct sha256 sha256;
};

struct backup_collection {
	const char *name;
	const char *type; /* "collection", "view" */
	uint64_t count;	  /* documents */
	uint64_t octets;  /* of BSON */
	struct sha256 digest;
	bool confirmed;		 /* a second reading, or proved silence, gave the same digest */
	struct bytes definition; /* BSON, see backup_files.h: options, indexes. It stands in the
				    index, because Extended JSON does not bring everything back */
	struct backup_file documents;
	struct backup_file metadata;
};

struct backup_index {
	struct arena arena;
	const char *database;
	const char *run_id;
	const char *server; /* its version */
	int64_t created;    /* ms */
	enum compression compression;
	size_t count;
	struct backup_collection *collections; /* by name */
	struct sha256 sha256;		       /* of the index file */
	bool foreign;			       /* mongodump's: no sizes, no digests */
};

/*
 * The index of the backup in a folder. expected: as the event chain has it, NULL if that is not at
 * hand. ERR_RESTORE: there is none, it is another one, or it is malformed.
 */
MUST_CHECK int backup_index_load(int backup_dirfd, const struct sha256 *expected,
	struct backup_index *ret_index, struct err *err);

/* The same from a value. ERR_SYNTAX. */
MUST_CHECK int backup_index_read(
	const struct json *untrusted_root, struct backup_index *ret_index, struct err *err);

/* The same from the files that the real mongodump wrote, plain or with --gzip, of one database. */
MUST_CHECK int backup_index_scan(int backup_dirfd, struct backup_index *ret_index, struct err *err);

void backup_index_release(struct backup_index *index);
const struct backup_collection *backup_find(const struct backup_index *index, const char *name);

/* Canonical JSON, as it stands in the file. */
MUST_CHECK int backup_index_write(
	const struct backup_index *index, struct str *out, struct err *err);

/* The index of this run's backup, by the journal. ERR_BACKUP if there is none. */
MUST_CHECK int backup_of_run(
	const struct step_context *context, struct backup_index *ret_index, struct err *err);

/* Which folder and index the last checkpoint of a backup step names; the dir lives with it. */
MUST_CHECK int backup_of_checkpoint(const struct json *checkpoint, const char **ret_dir,
	struct sha256 *ret_index_sha256, struct err *err);

/* ---- before it begins */

struct backup_estimate {
	size_t collections;
	int64_t documents, octets; /* by the server, may lag */
	int64_t file_octets;	   /* as a piece of the largest collection was compressed */
	int64_t takes;		   /* ms, of one reading, by the time that this piece took */
};

/* Reads a piece of the largest collection, and writes nothing. */
MUST_CHECK int backup_estimate(
	const struct step_context *context, struct backup_estimate *ret_estimate, struct err *err);

/* ---- digests, by which an undo is proved */

/* Of the documents that the filter finds (size 0: all). */
MUST_CHECK int backup_digest_collection(struct mongo *mongo, const char *collection,
	struct bytes filter, struct lthash *ret_sum, struct err *err);

/*
 * Whether the collection is as the backup has it; one that the backup does not know must be
 * absent or empty. *ret_difference is a sentence in arena, NULL if there is none.
 */
MUST_CHECK int backup_compare(const struct backup_index *index, struct mongo *mongo,
	const char *collection, struct arena *arena, const char **ret_difference, struct err *err);

/* The same for several, with this run's backup; a difference is the failure given. */
MUST_CHECK int backup_prove(const struct step_context *context, const char *const *collections,
	size_t count, enum err_code failure, struct err *err);

#endif
