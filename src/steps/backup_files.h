/*
 * backup_files: the files of a backup, digested while they stream; shared by backup and restore.
 */
#ifndef OFFKIT_STEPS_BACKUP_FILES_H
#define OFFKIT_STEPS_BACKUP_FILES_H

#include "steps/backup.h"
#include "steps/crew.h"

enum { BACKUP_NAME_SIZE = 256 };

/* The file of a collection as mongodump names it, with ".bson" or ".metadata.json" and suffix. */
MUST_CHECK int backup_file_name(const char *collection, const char *kind,
	enum compression compression, char name[static BACKUP_NAME_SIZE], struct err *err);
/* The collection of a file name (without kind and suffix), in arena; NULL if it is none. */
const char *backup_collection_name(const char *stem, size_t size, struct arena *arena);

/* Writes under a temporary name; only what was ended has its own. */
struct backup_writer;

MUST_CHECK int backup_writer_new(int dirfd, const char *name, enum compression compression,
	struct backup_writer **ret_writer, struct err *err);
MUST_CHECK int backup_writer_write(
	struct backup_writer *writer, struct bytes data, struct err *err);
/* Synced and renamed; size and SHA-256 of the file; name is the caller's. */
MUST_CHECK int backup_writer_end(
	struct backup_writer *writer, struct backup_file *file, struct err *err);
void backup_writer_free(struct backup_writer *writer); /* removes what was not ended */
void backup_writer_cleanup(struct backup_writer **writer);

struct backup_reader;

MUST_CHECK int backup_reader_new(int dirfd, const char *name, enum compression compression,
	struct backup_reader **ret_reader, struct err *err);
/* 1: *ret_doc is the next document, a view until the next call; 0: the end. Framing is checked. */
MUST_CHECK int backup_reader_next(
	struct backup_reader *reader, struct bytes *ret_doc, struct err *err);
/*
 * Reads to the end of the file as it is, counts its octets, and ends early when the crew does; for
 * readers without compression.
 */
MUST_CHECK int backup_reader_drain(
	struct backup_reader *reader, struct crew_tally *tally, struct err *err);
MUST_CHECK int backup_reader_all(
	struct backup_reader *reader, size_t limit, struct str *content, struct err *err);
/* After the end: that the file is the one that the index has. ERR_RESTORE. */
MUST_CHECK int backup_reader_check(
	struct backup_reader *reader, const struct backup_file *file, struct err *err);
/* The two for a whole file, of which nothing is decoded; one without a name is none. */
MUST_CHECK int backup_file_check(
	int dirfd, const struct backup_file *file, struct crew_tally *tally, struct err *err);
void backup_reader_free(struct backup_reader *reader);
void backup_reader_cleanup(struct backup_reader **reader);

/*
 * What is known of a collection besides its documents: {options, indexes, uuid, collectionName,
 * type}, as mongodump has it in NAME.metadata.json.
 */
struct backup_metadata {
	const char *name, *type; /* NULL: it does not say */
	struct bytes options;	 /* a document, empty if there are none */
	size_t index_count;
	struct bytes *indexes;
};

/* A field of an index that the server added for itself and does not take back. */
bool backup_is_servers_field(const char *name, const struct value *value);

/*
 * An index of the database as a backup keeps it, in the context's arena: without the server's
 * fields, and with the expiry that the freeze took away for the time.
 */
MUST_CHECK int backup_clean_index(const struct step_context *context, const char *collection,
	struct bytes index, struct bytes *ret_clean, struct err *err);

/* As BSON. uuid: 16 octets or NULL. */
MUST_CHECK int backup_metadata_write(const struct backup_metadata *metadata, const uint8_t *uuid,
	struct str *out, struct err *err);
/* Views into the document. ERR_RESTORE. */
MUST_CHECK int backup_metadata_read(struct bytes untrusted_doc, struct arena *arena,
	struct backup_metadata *ret_metadata, struct err *err);

#endif
