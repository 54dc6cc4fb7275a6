/*
 * store: objects named by the SHA-256 of their octets, in a folder of the site.
 *
 * The object with the digest ab12… is the file sha256/ab/ab12… (64 lower-case hexadecimal digits).
 * It is written beside its place, synced, and renamed: a name there has either all of its octets or
 * is none. What an interrupted put left is a temporary file, which the next put of it replaces.
 *
 * Codes: ERR_DISK (writing), ERR_UNREADABLE (opening, reading), ERR_NOT_FOUND, ERR_CHECKSUM for
 * octets that are not what their name says.
 */
#ifndef OFFKIT_OBJECT_STORE_H
#define OFFKIT_OBJECT_STORE_H

#include "base/bytes.h"
#include "crypto/digest.h"

struct object_store;

enum { OBJECT_KEY_SIZE = 7 + 3 + SHA256_HEX_SIZE }; /* "sha256/ab/<hex>", with terminator */

void object_key(const struct sha256 *digest, char key[static OBJECT_KEY_SIZE]);

/* Octets front to back: *ret_piece is a view until the next call, of size 0 at the end. */
struct object_source {
	void *self;
	int (*next)(void *self, struct bytes *ret_piece, struct err *err);
};

/* path: absolute; made unless it is there (its parents but the last must be). */
MUST_CHECK int object_store_open(
	const char *path, struct object_store **ret_store, struct err *err);
void object_store_close(struct object_store *store);
void object_store_cleanup(struct object_store **store);

/* Whether there is an object of that name; its octets are not looked at. */
MUST_CHECK int object_store_has(
	struct object_store *store, const struct sha256 *digest, bool *ret_has, struct err *err);

/* ERR_CHECKSUM if the source's octets are not the digest's: then nothing is stored. */
MUST_CHECK int object_store_put(struct object_store *store, const struct sha256 *digest,
	const struct object_source *source, struct err *err);

/* Reads it whole and compares digest and size with what they must be. ERR_NOT_FOUND, ERR_CHECKSUM.
 */
MUST_CHECK int object_store_check(
	struct object_store *store, const struct sha256 *digest, int64_t size, struct err *err);

/* One that is not there is no error. */
MUST_CHECK int object_store_remove(
	struct object_store *store, const struct sha256 *digest, struct err *err);

#endif
