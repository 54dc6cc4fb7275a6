/*
 * Payloads that are too large for a document: JSON in a bucket of GridFS (the specification's
 * names: BUCKET.files with length and chunkSize).
 *
 * A payload is taken whole or not at all: what is wrong with its chunks is named (gridfs.h), and so
 * is another length or SHA-256. The SHA-256 is known when the document says it, or the file's
 * metadata.sha256.
 */
#include "steps/backfill.h"

#include <string.h>

#include "base/cleanup.h"
#include "steps/gridfs.h"

enum { LARGE_OCTETS = 1024 * 1024 /* one that has more is in memory alone */ };

struct payload {
	struct mongo *mongo;
	struct gridfs_file grid;
	struct bytes metadata_sha256; /* size 0: not known */
	struct str file, text;
};

static void payload_release(struct payload *payload)
{
	str_release(&payload->file);
	str_release(&payload->text);
}

static int read_file(struct payload *payload, struct err *err)
{
	CLEANUP_STR struct str collection = STR_INIT, filter = STR_INIT;
	struct gridfs_file *grid = &payload->grid;
	struct doc_writer writer;
	bool found = false;

	str_append_format(&collection, "%s.files", grid->bucket);
	doc_write_begin(&writer, &filter);
	doc_write_document(&writer, "_id");
	doc_write_value(&writer, "$eq", &grid->id);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int result = str_check(&collection, err);
	if (result == 0)
		result = str_check(&filter, err);
	const struct mongo_find find = {
		.collection = str_text(&collection), .filter = str_bytes(&filter)};
	if (result == 0)
		result = mongo_find_one(payload->mongo, &find, &payload->file, &found, err);
	if (result != 0)
		return result;
	if (!found)
		return gridfs_wrong(grid, "there is no such file", err);
	struct bytes file = str_bytes(&payload->file);
	struct value sha256 = doc_get_path(file, "metadata.sha256");
	if (!doc_get_integer(file, "length", &grid->length) || grid->length < 0 ||
		!doc_get_integer(file, "chunkSize", &grid->chunk_size) || grid->chunk_size < 1)
		return gridfs_wrong(grid, "its file has no length or chunkSize", err);
	if (grid->length > BACKFILL_PAYLOAD_OCTETS)
		return gridfs_wrong(grid, "it has more than 16 MiB", err);
	if (sha256.type == VALUE_STRING)
		payload->metadata_sha256 = sha256.bytes;
	return 0;
}

static int read_chunks(struct payload *payload, struct err *err)
{
	struct gridfs_reader reader;
	struct bytes piece;
	int result = gridfs_open(payload->mongo, &payload->grid, &reader, err);

	if (result != 0)
		return result;
	do {
		result = gridfs_next(&reader, &piece, err);
		if (result == 0) {
			str_append(&payload->text, piece.data, piece.size);
			result = str_check(&payload->text, err);
		}
	} while (result == 0 && piece.size > 0);
	gridfs_close(&reader);
	return result;
}

static int check_digest(
	struct payload *payload, struct bytes wanted_sha256, const char *by, struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	struct sha256 wanted, found;

	if (wanted_sha256.size == 0)
		return 0;
	if (!sha256_from_hex(wanted_sha256, &wanted))
		return gridfs_wrong(&payload->grid, "what should be its SHA-256 is none", err);
	int result = sha256_of(str_bytes(&payload->text), &found, err);
	if (result != 0 || sha256_equal(&wanted, &found))
		return result;
	sha256_to_hex(&found, hex);
	CLEANUP_STR struct str text = STR_INIT;
	str_append_format(&text, "its SHA-256 is %s, and %s says another", hex, by);
	return gridfs_wrong(&payload->grid, str_text(&text), err);
}

static int to_document(
	struct payload *payload, struct arena *arena, struct value *ret_value, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT;
	int result = doc_from_plain_json(str_bytes(&payload->text), &doc, err);

	if (result != 0) {
		const struct err why = *err;
		if (why.code != ERR_SYNTAX && why.code != ERR_LIMIT)
			return result;
		return gridfs_wrong(&payload->grid, why.message, err);
	}
	str_release(&payload->text);
	struct bytes copy = arena_take(arena, &doc);
	if (copy.data == NULL)
		return err_no_memory(err);
	*ret_value = (struct value){.type = VALUE_DOCUMENT, .bytes = copy};
	return 0;
}

static int read_payload(struct payload *payload, struct bytes wanted_sha256, pthread_mutex_t *large,
	bool *ret_large, struct arena *arena, struct value *ret_value, struct err *err)
{
	int result = read_file(payload, err);

	if (result != 0)
		return result;
	if (payload->grid.length > LARGE_OCTETS && large != NULL && !*ret_large) {
		(void)pthread_mutex_lock(large);
		*ret_large = true;
	}
	/* Room for all at once, and none twice. */
	if (str_extend(&payload->text, (size_t)payload->grid.length) != NULL)
		str_truncate(&payload->text, 0);
	result = read_chunks(payload, err);
	if (result == 0)
		result = check_digest(payload, wanted_sha256, "the document", err);
	if (result == 0)
		result = check_digest(payload, payload->metadata_sha256, "its metadata", err);
	return result == 0 ? to_document(payload, arena, ret_value, err) : result;
}

int backfill_payload_read(struct mongo *mongo, const char *bucket, const struct value *id,
	struct bytes wanted_sha256, pthread_mutex_t *large, bool *ret_large, struct arena *arena,
	struct value *ret_value, struct err *err)
{
	struct payload payload = {
		.mongo = mongo,
		.grid = {.bucket = bucket, .noun = "payload", .id = *id},
	};
	int result = read_payload(&payload, wanted_sha256, large, ret_large, arena, ret_value, err);

	payload_release(&payload);
	return result;
}
