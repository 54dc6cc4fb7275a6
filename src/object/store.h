/*
 * store: objects named by the SHA-256 of their octets. What keeps them is a kind behind this
 * interface: a folder (folder.h), or whatever else can hold octets under a name.
 *
 * The object with the digest ab12… has the key sha256/ab/ab12… (64 lower-case hexadecimal digits).
 * A key leads to all of an object's octets or is none: they are staged, and placed when they are
 * durable. What an interrupted put left is never taken for an object; sweep removes it.
 *
 * A store serves several threads at once; a source, a sink and a staged object serve one.
 *
 * Codes: ERR_DISK (writing), ERR_UNREADABLE (opening, reading), ERR_NOT_FOUND, ERR_CHECKSUM for
 * octets that are not what their name says, ERR_STOPPED; a kind may have more of its own.
 */
#ifndef OFFKIT_OBJECT_STORE_H
#define OFFKIT_OBJECT_STORE_H

#include "base/bytes.h"
#include "crypto/digest.h"

struct object_store;

/* ---- keys */

enum { OBJECT_KEY_SIZE = 7 + 3 + SHA256_HEX_SIZE }; /* "sha256/ab/<hex>", with terminator */

void object_key(const struct sha256 *digest, char key[static OBJECT_KEY_SIZE]);

enum object_name {
	OBJECT_NAME_OBJECT,    /* *ret_digest is its digest */
	OBJECT_NAME_MISPLACED, /* an object's name under another's first octet, or in no such place
				*/
	OBJECT_NAME_LEFTOVER,  /* what an interrupted put left, or one that is at work now */
	OBJECT_NAME_FOREIGN,   /* nothing of ours */
};

/* What a key in a store names; *ret_digest is set for the first two. */
enum object_name object_name_of(const char *key, struct sha256 *ret_digest);

/* ---- octets in and out */

/* Octets front to back: *ret_piece is a view until the next call, of size 0 at the end. */
struct object_source {
	void *self;
	int (*next)(void *self, struct bytes *ret_piece, struct err *err);
	int (*rewind)(void *self, struct err *err); /* back to the first octet, at any time */
};

/* Is given the octets front to back; its failure ends the reading. */
struct object_sink {
	void *self;
	int (*take)(void *self, struct bytes piece, struct err *err);
	/* What it took is to be forgotten: the first octet comes next. NULL: it cannot forget, and
	 * where a store would have to begin again it fails. */
	void (*restart)(void *self);
};

/* Of all that source has from where it is. ERR_* of the source. */
MUST_CHECK int object_source_digest(const struct object_source *source, struct sha256 *ret_digest,
	int64_t *ret_size, struct err *err);

/* What a store calls while it waits for something (before it tries again), and a check between two
 * pieces: a failure, ERR_STOPPED above all, ends the operation. In any of the threads. */
struct object_watch {
	void *self;
	int (*look)(void *self, struct err *err); /* NULL: it waits undisturbed */
};

/* ---- using a store */

void object_store_close(struct object_store *store);
void object_store_cleanup(struct object_store **store);

/* For people: "/srv/objects"; without secrets. As long as the store. */
const char *object_store_name(const struct object_store *store);

/* Before the store is used. */
void object_store_watch(struct object_store *store, const struct object_watch *watch);

/* Whether there is an object of that name, and of how many octets; they are not looked at. */
MUST_CHECK int object_store_stat(struct object_store *store, const struct sha256 *digest,
	bool *ret_there, int64_t *ret_size, struct err *err);

/*
 * Octets that were read once and have no name in the store yet. A source is read at least once by
 * stage; it must live, and be left alone, until the staged object is discarded: a kind that has to
 * know the digest first reads it again to place it.
 */
struct object_staged {
	struct object_store *store;
	struct sha256 digest;
	int64_t size;
};

/* ERR_CHECKSUM unless the source has exactly size octets. */
MUST_CHECK int object_store_stage(struct object_store *store, const struct object_source *source,
	int64_t size, struct object_staged **ret_staged, struct err *err);
/* Durable under its name when it returns; one of that name is replaced. Once at most. ERR_CHECKSUM:
 * the source changed meanwhile. */
MUST_CHECK int object_store_place(struct object_staged *staged, struct err *err);
/* Placed or not. NULL is none. */
void object_store_discard(struct object_staged *staged);
void object_staged_cleanup(struct object_staged **staged);

/* Stages and places. ERR_CHECKSUM if the source's octets are not the digest's: then nothing is
 * stored. */
MUST_CHECK int object_store_put(struct object_store *store, const struct sha256 *digest,
	int64_t size, const struct object_source *source, struct err *err);

/* Its octets, whatever they are. ERR_NOT_FOUND. */
MUST_CHECK int object_store_get(struct object_store *store, const struct sha256 *digest,
	const struct object_sink *sink, struct err *err);

/* Reads it whole and compares digest and size with what they must be. ERR_NOT_FOUND, ERR_CHECKSUM.
 */
MUST_CHECK int object_store_check(
	struct object_store *store, const struct sha256 *digest, int64_t size, struct err *err);

/* One that is not there is no error. */
MUST_CHECK int object_store_remove(
	struct object_store *store, const struct sha256 *digest, struct err *err);

/* Something that is there. */
struct object_entry {
	const char *key; /* "sha256/ab/…", or whatever it is called */
	bool is_octets;	 /* false: a link, a device, a folder where none may be */
	int64_t size;	 /* octets */
};

/* All of it, in the order of the keys. What visit fails with ends it. */
MUST_CHECK int object_store_each(struct object_store *store,
	int (*visit)(void *self, const struct object_entry *entry, struct err *err), void *self,
	struct err *err);

/* Removes what interrupted puts left; what a living put is at work on stays. */
MUST_CHECK int object_store_sweep(struct object_store *store, struct err *err);

/* ---- what a kind is: its store begins with a struct object_store, its staged objects with a
 * struct object_staged, of which stage fills digest and size (the caller looks at the size) */

struct object_store_kind {
	void (*close)(struct object_store *store);
	int (*stat)(struct object_store *store, const struct sha256 *digest, bool *ret_there,
		int64_t *ret_size, struct err *err);
	int (*stage)(struct object_store *store, const struct object_source *source, int64_t size,
		struct object_staged **ret_staged, struct err *err);
	int (*place)(struct object_staged *staged, struct err *err);
	void (*discard)(struct object_staged *staged);
	int (*get)(struct object_store *store, const struct sha256 *digest,
		const struct object_sink *sink, struct err *err);
	int (*remove)(struct object_store *store, const struct sha256 *digest, struct err *err);
	int (*each)(struct object_store *store,
		int (*visit)(void *self, const struct object_entry *entry, struct err *err),
		void *self, struct err *err);
	int (*sweep)(struct object_store *store, struct err *err); /* NULL: nothing is left over */
};

struct object_store {
	const struct object_store_kind *kind;
	const char *name;
	struct object_watch watch;
};

#endif
