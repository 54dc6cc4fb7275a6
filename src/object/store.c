#include "object/store.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* ---- keys */

void object_key(const struct sha256 *digest, char key[static OBJECT_KEY_SIZE])
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	(void)snprintf(key, OBJECT_KEY_SIZE, "sha256/%.2s/%s", hex, hex);
}

enum object_name object_name_of(const char *key, struct sha256 *ret_digest)
{
	const char *slash = strrchr(key, '/');
	const char *name = slash == NULL ? key : slash + 1;
	char wanted[OBJECT_KEY_SIZE];

	if (*name == '.' && strncmp(key, "sha256/", 7) == 0)
		return OBJECT_NAME_LEFTOVER;
	if (!sha256_from_hex(bytes_make(name, strlen(name)), ret_digest))
		return OBJECT_NAME_FOREIGN;
	object_key(ret_digest, wanted);
	return strcmp(key, wanted) == 0 ? OBJECT_NAME_OBJECT : OBJECT_NAME_MISPLACED;
}

/* ---- octets in and out */

int object_source_digest(const struct object_source *source, struct sha256 *ret_digest,
	int64_t *ret_size, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *hash = NULL;
	struct bytes piece;
	int64_t size = 0;
	int rc = sha256_stream_new(&hash, err);

	if (rc < 0)
		return rc;
	do {
		rc = source->next(source->self, &piece, err);
		if (rc == 0)
			rc = sha256_stream_update(hash, piece, err);
		if (rc < 0)
			return rc;
		size += (int64_t)piece.size;
	} while (piece.size > 0);
	rc = sha256_stream_finish(hash, ret_digest, err);
	if (rc == 0)
		*ret_size = size;
	return rc;
}

struct reader {
	const struct object_watch *watch;
	struct sha256_stream *hash;
	int64_t size;
};

static int take(void *self, struct bytes piece, struct err *err)
{
	struct reader *reader = self;
	int rc = reader->watch->look == NULL ? 0 : reader->watch->look(reader->watch->self, err);

	if (rc < 0)
		return rc;
	reader->size += (int64_t)piece.size;
	return sha256_stream_update(reader->hash, piece, err);
}

static void restart(void *self)
{
	struct reader *reader = self;

	reader->size = 0;
	sha256_stream_restart(reader->hash);
}

/* ---- the interface: what every kind has in common */

void object_store_close(struct object_store *store)
{
	if (store != NULL)
		store->kind->close(store);
}

void object_store_cleanup(struct object_store **store)
{
	object_store_close(*store);
}

const char *object_store_name(const struct object_store *store)
{
	return store->name;
}

void object_store_watch(struct object_store *store, const struct object_watch *watch)
{
	store->watch = *watch;
}

static int name_object(const struct sha256 *digest, struct err *err)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	return err_context(err, "object %s", hex);
}

int object_store_stat(struct object_store *store, const struct sha256 *digest, bool *ret_there,
	int64_t *ret_size, struct err *err)
{
	int rc = store->kind->stat(store, digest, ret_there, ret_size, err);

	return rc < 0 ? name_object(digest, err) : 0;
}

int object_store_stage(struct object_store *store, const struct object_source *source, int64_t size,
	struct object_staged **ret_staged, struct err *err)
{
	CLEANUP(object_staged_cleanup) struct object_staged *staged = NULL;
	int rc = store->kind->stage(store, source, size, &staged, err);

	if (rc < 0)
		return rc;
	if (staged->size != size)
		return err_set(err, ERR_CHECKSUM, "there are %lld octets, not %lld",
			(long long)staged->size, (long long)size);
	*ret_staged = STEAL(staged);
	return 0;
}

int object_store_place(struct object_staged *staged, struct err *err)
{
	int rc = staged->store->kind->place(staged, err);

	return rc < 0 ? name_object(&staged->digest, err) : 0;
}

void object_store_discard(struct object_staged *staged)
{
	if (staged != NULL)
		staged->store->kind->discard(staged);
}

void object_staged_cleanup(struct object_staged **staged)
{
	object_store_discard(*staged);
}

int object_store_put(struct object_store *store, const struct sha256 *digest, int64_t size,
	const struct object_source *source, struct err *err)
{
	CLEANUP(object_staged_cleanup) struct object_staged *staged = NULL;
	int rc = object_store_stage(store, source, size, &staged, err);

	if (rc == 0 && !sha256_equal(&staged->digest, digest))
		rc = err_set(err, ERR_CHECKSUM, "it is not what it shall be");
	if (rc < 0)
		return name_object(digest, err);
	return object_store_place(staged, err);
}

int object_store_get(struct object_store *store, const struct sha256 *digest,
	const struct object_sink *sink, struct err *err)
{
	int rc = store->kind->get(store, digest, sink, err);

	return rc < 0 ? name_object(digest, err) : 0;
}

int object_store_check(
	struct object_store *store, const struct sha256 *digest, int64_t size, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *hash = NULL;
	char hex[SHA256_HEX_SIZE], found_hex[SHA256_HEX_SIZE];
	struct reader reader = {.watch = &store->watch};
	struct sha256 found;
	int rc = sha256_stream_new(&hash, err);

	if (rc < 0)
		return rc;
	reader.hash = hash;
	const struct object_sink sink = {.self = &reader, .take = take, .restart = restart};
	rc = object_store_get(store, digest, &sink, err);
	if (rc == 0)
		rc = sha256_stream_finish(hash, &found, err);
	if (rc < 0 || (sha256_equal(&found, digest) && reader.size == size))
		return rc;
	sha256_to_hex(digest, hex);
	sha256_to_hex(&found, found_hex);
	return err_set(err, ERR_CHECKSUM,
		"object %s is not what its name says: it has %lld octets with the SHA-256 %s", hex,
		(long long)reader.size, found_hex);
}

int object_store_remove(struct object_store *store, const struct sha256 *digest, struct err *err)
{
	int rc = store->kind->remove(store, digest, err);

	return rc < 0 ? name_object(digest, err) : 0;
}

int object_store_each(struct object_store *store,
	int (*visit)(void *self, const struct object_entry *entry, struct err *err), void *self,
	struct err *err)
{
	return store->kind->each(store, visit, self, err);
}

int object_store_sweep(struct object_store *store, struct err *err)
{
	return store->kind->sweep == NULL ? 0 : store->kind->sweep(store, err);
}
