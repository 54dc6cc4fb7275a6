/*
 * s3: a store in a bucket of a server that speaks Amazon S3's API (Amazon S3 API Reference,
 * 2006-03-01; Signature Version 4).
 *
 * An object is put under its key by one request, or in parts completed by one, with its SHA-256 for
 * the server to compare, and only if there is none of that name (If-None-Match); one that is there
 * is read back, and replaced if it is not what its name says. ETags are
 * compared with no digest: they are one only sometimes. By them a reading that was cut off goes on.
 * A put in parts that fails takes them back; what a killed one left is no object, and the bucket's
 * lifecycle rules remove it.
 */
#ifndef OFFKIT_OBJECT_S3_H
#define OFFKIT_OBJECT_S3_H

#include "object/store.h"
#include "site/s3.h"

/* What only tests have otherwise. */
struct s3_limits {
	int64_t part_size; /* octets; larger where there would be over 10,000 parts */
	int64_t wait;	   /* ms before the second try; doubles until wait_max */
	int64_t wait_max;
	int tries;
};

#define S3_LIMITS                                                                                  \
	((struct s3_limits){.part_size = 16 << 20, .wait = 200, .wait_max = 10000, .tries = 8})

/* Looks at the bucket once. site lives as long as the store. ERR_SITE for the keys, ERR_STORE. */
MUST_CHECK int object_s3_open(const struct site_s3 *site, const struct s3_limits *limits,
	struct object_store **ret_store, struct err *err);

/* ---- objects with names of their own, "a/b.tar", below the site's prefix */

/* Puts it if there is none of that name, else *ret_there is true and nothing was changed.
 * ERR_CHECKSUM if the source's octets are not the digest's. */
MUST_CHECK int object_s3_put_named(struct object_store *s3, const char *name,
	const struct object_source *source, int64_t size, const struct sha256 *digest,
	bool *ret_there, struct err *err);

/* ERR_NOT_FOUND. */
MUST_CHECK int object_s3_get_named(
	struct object_store *s3, const char *name, const struct object_sink *sink, struct err *err);

#endif
