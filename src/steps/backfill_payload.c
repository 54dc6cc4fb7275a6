/*
 * Payloads that are too large for a document: JSON in a bucket of GridFS (the specification's
 * names: BUCKET.files with length and chunkSize, BUCKET.chunks with files_id, n and data).
 *
 * A payload is taken whole or not at all: a chunk that is missing, there twice, of another size or
 * behind the end is named, and so is another length or SHA-256. The SHA-256 is known when the
 * document says it, or the file's metadata.sha256.
 */
#include "steps/backfill.h"

#include <string.h>

#include "base/cleanup.h"

enum {
	CHUNKS_A_READ = 8,	    /* of 255 KiB, as drivers make them */
	LARGE_OCTETS = 1024 * 1024, /* one that has more is in memory alone */
};

struct payload {
	struct mongo *mongo;
	const char *bucket;
	const struct value *id;
	int64_t length, chunk_size;
	struct bytes metadata_sha256; /* size 0: not known */
	struct str file, text;
};

static void payload_release(struct payload *payload)
{
	str_release(&payload->file);
	str_release(&payload->text);
}

static int wrong(const struct payload *payload, struct err *err, const char *what)
{
	CLEANUP_STR struct str id = STR_INIT;

	value_to_text(payload->id, &id);
	return err_set(err, ERR_MIGRATION, "payload %s of GridFS bucket %s: %s", str_text(&id),
		payload->bucket, what);
}

static int wrong_chunk(const struct payload *payload, int64_t n, const char *what, struct err *err)
{
	char text[96];

	(void)snprintf(text, sizeof text, "chunk %lld %s", (long long)n, what);
	return wrong(payload, err, text);
}

static void write_filter(struct str *out, const char *name, const struct value *id)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_document(&writer, name);
	doc_write_value(&writer, "$eq", id);
	doc_write_end(&writer);
	doc_write_end(&writer);
}

static int read_file(struct payload *payload, struct err *err)
{
	CLEANUP_STR struct str collection = STR_INIT, filter = STR_INIT;
	bool found = false;

	str_append_format(&collection, "%s.files", payload->bucket);
	write_filter(&filter, "_id", payload->id);
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
		return wrong(payload, err, "there is no such file");
	struct bytes file = str_bytes(&payload->file);
	struct value sha256 = doc_get_path(file, "metadata.sha256");
	if (!doc_get_integer(file, "length", &payload->length) || payload->length < 0 ||
		!doc_get_integer(file, "chunkSize", &payload->chunk_size) ||
		payload->chunk_size < 1)
		return wrong(payload, err, "its file has no length or chunkSize");
	if (payload->length > BACKFILL_PAYLOAD_OCTETS)
		return wrong(payload, err, "it has more than 16 MiB");
	if (sha256.type == VALUE_STRING)
		payload->metadata_sha256 = sha256.bytes;
	return 0;
}

/* The octets of a binary value: length, subtype, data. */
static bool binary_data(struct bytes chunk, struct bytes *ret_data)
{
	struct value data = doc_get(chunk, "data");

	if (data.type != VALUE_BINARY || data.bytes.size < 5)
		return false;
	*ret_data = bytes_make(data.bytes.data + 5, data.bytes.size - 5);
	return true;
}

static int take_chunk(
	struct payload *payload, struct bytes chunk, int64_t expected, struct err *err)
{
	int64_t n = -1, left = payload->length - (int64_t)payload->text.size;
	int64_t size = left < payload->chunk_size ? left : payload->chunk_size;
	struct bytes data;

	if (!doc_get_integer(chunk, "n", &n) || n < 0)
		return wrong(payload, err, "a chunk has no number");
	if (n < expected)
		return wrong_chunk(payload, n, "is there twice", err);
	if (left == 0)
		return wrong_chunk(payload, n, "is behind its end", err);
	if (n > expected)
		return wrong_chunk(payload, expected, "is missing", err);
	if (!binary_data(chunk, &data))
		return wrong_chunk(payload, n, "has no data", err);
	if ((int64_t)data.size != size)
		return wrong_chunk(payload, n,
			(int64_t)data.size < size ? "is too short" : "is too long", err);
	str_append(&payload->text, data.data, data.size);
	return str_check(&payload->text, err);
}

static int read_chunks(struct payload *payload, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str collection = STR_INIT, filter = STR_INIT, order = STR_INIT;
	struct doc_writer writer;
	struct bytes chunk;
	int64_t expected = 0;

	str_append_format(&collection, "%s.chunks", payload->bucket);
	write_filter(&filter, "files_id", payload->id);
	doc_write_begin(&writer, &order);
	doc_write_int32(&writer, "n", 1);
	doc_write_end(&writer);
	int result = str_check(&collection, err);
	if (result == 0)
		result = str_check(&filter, err);
	const struct mongo_find find = {
		.collection = str_text(&collection),
		.filter = str_bytes(&filter),
		.sort = str_bytes(&order),
		.batch_size = CHUNKS_A_READ,
	};
	if (result == 0)
		result = mongo_find(payload->mongo, &find, &cursor, err);
	while (result == 0) {
		int more = mongo_cursor_next(cursor, &chunk, err);
		if (more < 0)
			return more;
		if (more == 0)
			break;
		result = take_chunk(payload, chunk, expected++, err);
	}
	if (result == 0 && (int64_t)payload->text.size < payload->length)
		result = wrong_chunk(payload, expected, "is missing", err);
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
		return wrong(payload, err, "what should be its SHA-256 is none");
	int result = sha256_of(str_bytes(&payload->text), &found, err);
	if (result != 0 || sha256_equal(&wanted, &found))
		return result;
	sha256_to_hex(&found, hex);
	CLEANUP_STR struct str text = STR_INIT;
	str_append_format(&text, "its SHA-256 is %s, and %s says another", hex, by);
	return wrong(payload, err, str_text(&text));
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
		return wrong(payload, err, why.message);
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
	if (payload->length > LARGE_OCTETS && large != NULL && !*ret_large) {
		(void)pthread_mutex_lock(large);
		*ret_large = true;
	}
	/* Room for all at once, and none twice. */
	if (str_extend(&payload->text, (size_t)payload->length) != NULL)
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
	struct payload payload = {.mongo = mongo, .bucket = bucket, .id = id};
	int result = read_payload(&payload, wanted_sha256, large, ret_large, arena, ret_value, err);

	payload_release(&payload);
	return result;
}
