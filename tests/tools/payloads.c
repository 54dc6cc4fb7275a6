/*
 * payloads: moves the raw content of advisories into GridFS, as a collector does with what is over
 * the document limit.
 *
 *	payloads [--every N] [--chunk OCTETS] [--pad OCTETS] URI DATABASE
 *
 * Of every Nth document of advisory_raw content.raw goes to bucket "documents" as JSON, under an
 * _id that is the document's own, and content.gridfs_id and content.sha256 come in its place. With
 * --pad the JSON gets a member "padding" of that size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/digest.h"
#include "mongo/mongo.h"

struct mover {
	struct mongo *mongo;
	long every, chunk, pad;
	int64_t moved;
};

static int insert(struct mover *mover, const char *collection, struct bytes doc, struct err *err)
{
	struct mongo_bulk *bulk CLEANUP(mongo_bulk_cleanup) = NULL;
	struct mongo_bulk_result done;
	int result = mongo_bulk_begin(mover->mongo, collection, &bulk, err);

	if (result == 0)
		result = mongo_bulk_insert(bulk, doc, err);
	if (result == 0)
		result = mongo_bulk_run(bulk, &done, err);
	if (result == 0 && done.error_count > 0)
		result = err_set(err, ERR_MIGRATION, "%s", done.errors[0].message);
	return result;
}

static int insert_chunk(
	struct mover *mover, const struct value *id, int32_t n, struct bytes data, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT, binary = STR_INIT;
	const uint8_t head[5] = {(uint8_t)data.size, (uint8_t)(data.size >> 8),
		(uint8_t)(data.size >> 16), (uint8_t)(data.size >> 24), 0};
	struct doc_writer writer;

	str_append(&binary, head, sizeof head);
	str_append(&binary, data.data, data.size);
	const struct value value = {.type = VALUE_BINARY, .bytes = str_bytes(&binary)};
	doc_write_begin(&writer, &doc);
	doc_write_value(&writer, "files_id", id);
	doc_write_int32(&writer, "n", n);
	doc_write_value(&writer, "data", &value);
	doc_write_end(&writer);
	int result = str_check(&doc, err);
	return result == 0 ? insert(mover, "documents.chunks", str_bytes(&doc), err) : result;
}

static int store(struct mover *mover, const struct value *id, struct bytes text, struct err *err)
{
	CLEANUP_STR struct str file = STR_INIT;
	struct doc_writer writer;
	int result = 0;

	for (size_t at = 0; result == 0 && at < text.size; at += (size_t)mover->chunk) {
		size_t left = text.size - at, size = (size_t)mover->chunk;
		result = insert_chunk(mover, id, (int32_t)(at / size),
			bytes_make(text.data + at, left < size ? left : size), err);
	}
	doc_write_begin(&writer, &file);
	doc_write_value(&writer, "_id", id);
	doc_write_int64(&writer, "length", (int64_t)text.size);
	doc_write_int32(&writer, "chunkSize", (int32_t)mover->chunk);
	doc_write_end(&writer);
	if (result == 0)
		result = str_check(&file, err);
	return result == 0 ? insert(mover, "documents.files", str_bytes(&file), err) : result;
}

static void write_padding(const struct mover *mover, struct str *text)
{
	if (mover->pad == 0)
		return;
	str_truncate(text, text->size - 1);
	str_append_text(text, ", \"padding\": \"");
	memset(str_extend(text, (size_t)mover->pad), 'x', (size_t)mover->pad);
	str_append_text(text, "\"}");
}

static int replace(struct mover *mover, struct bytes doc, const char *sha256, struct err *err)
{
	struct mongo_bulk *bulk CLEANUP(mongo_bulk_cleanup) = NULL;
	CLEANUP_STR struct str filter = STR_INIT, update = STR_INIT;
	struct value id = doc_get(doc, "_id");
	struct mongo_bulk_result done;
	struct doc_writer writer;

	doc_write_begin(&writer, &filter);
	doc_write_value(&writer, "_id", &id);
	doc_write_end(&writer);
	doc_write_begin(&writer, &update);
	doc_write_document(&writer, "$set");
	doc_write_value(&writer, "content.gridfs_id", &id);
	doc_write_string(&writer, "content.sha256", sha256);
	doc_write_end(&writer);
	doc_write_document(&writer, "$unset");
	doc_write_string(&writer, "content.raw", "");
	doc_write_end(&writer);
	doc_write_end(&writer);
	int result = mongo_bulk_begin(mover->mongo, "advisory_raw", &bulk, err);
	if (result == 0)
		result = mongo_bulk_update(
			bulk, str_bytes(&filter), str_bytes(&update), false, false, err);
	return result == 0 ? mongo_bulk_run(bulk, &done, err) : result;
}

static int move(struct mover *mover, struct bytes doc, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct value raw = doc_get_path(doc, "content.raw"), id = doc_get(doc, "_id");
	char hex[SHA256_HEX_SIZE];
	struct sha256 digest;

	if (raw.type != VALUE_DOCUMENT)
		return 0;
	int result = doc_to_json(raw.bytes, false, &text, err);
	if (result != 0)
		return result;
	write_padding(mover, &text);
	result = sha256_of(str_bytes(&text), &digest, err);
	sha256_to_hex(&digest, hex);
	if (result == 0)
		result = store(mover, &id, str_bytes(&text), err);
	if (result == 0)
		result = replace(mover, doc, hex, err);
	mover->moved++;
	return result;
}

static int move_all(struct mover *mover, struct err *err)
{
	struct mongo_cursor *cursor CLEANUP(mongo_cursor_cleanup) = NULL;
	const struct mongo_find find = {.collection = "advisory_raw"};
	struct bytes doc;
	int result = mongo_find(mover->mongo, &find, &cursor, err);
	for (long i = 0; result == 0; i++) {
		int more = mongo_cursor_next(cursor, &doc, err);
		if (more <= 0)
			return more;
		if (i % mover->every == 0)
			result = move(mover, doc, err);
	}
	return result;
}

int main(int argc, char **argv)
{
	struct mover mover = {.every = 1, .chunk = 255 * 1024};
	const char *rest[2] = {NULL, NULL};
	int given = 0;
	struct err err;

	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;
		if (strcmp(argv[i], "--every") == 0 && more)
			mover.every = atol(argv[++i]);
		else if (strcmp(argv[i], "--chunk") == 0 && more)
			mover.chunk = atol(argv[++i]);
		else if (strcmp(argv[i], "--pad") == 0 && more)
			mover.pad = atol(argv[++i]);
		else if (given < 2)
			rest[given++] = argv[i];
	}
	if (given != 2 || mover.every < 1 || mover.chunk < 1) {
		(void)fputs("usage: payloads [--every N] [--chunk OCTETS] [--pad OCTETS] "
			    "URI DATABASE\n",
			stderr);
		return 64;
	}
	mongo_library_begin();
	int result = mongo_connect(rest[0], rest[1], &mover.mongo, &err);
	if (result == 0)
		result = move_all(&mover, &err);
	mongo_close(mover.mongo);
	mongo_library_end();
	if (result != 0)
		(void)fprintf(stderr, "%s: %s\n", err_name(err.code), err.message);
	else
		(void)printf("%lld payloads moved\n", (long long)mover.moved);
	return result != 0 ? err_exit_code(err.code) : 0;
}
