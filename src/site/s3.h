/*
 * s3: what a site file says of an object store that is a bucket (offkit-site(5), objectStore), and
 * the credentials for it. Errors are ERR_SITE.
 */
#ifndef OFFKIT_SITE_S3_H
#define OFFKIT_SITE_S3_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "json/json.h"

struct site_s3 {
	const char *endpoint; /* "https://host[:port]"; NULL: the object store is a folder */
	const char *bucket, *region;
	const char *prefix;	  /* "" by default */
	const char *ca;		  /* a PEM file; NULL: none */
	const char *credentials;  /* a file; NULL: they are in the environment */
	bool is_virtual;	  /* the bucket is in the host's name */
	int64_t timeout;	  /* ms without an octet, 60,000 by default */
	int64_t multipart_octets; /* an object of more comes in parts; 64 MiB */
};

/* Secrets: never print them. */
struct site_s3_keys {
	const char *access_key, *secret_key;
	const char *session_token; /* NULL: none */
};

/* value: the object. Lives in arena. */
MUST_CHECK int site_s3_read(
	const struct json *value, struct arena *arena, struct site_s3 *ret_s3, struct err *err);

/* From the file (owner only) or from AWS_ACCESS_KEY_ID and its kin. Lives in arena. */
MUST_CHECK int site_s3_keys(const struct site_s3 *s3, struct arena *arena,
	struct site_s3_keys *ret_keys, struct err *err);

/* As the file has them: the lines of the AWS command's own file, of the section "default". */
MUST_CHECK int site_s3_keys_parse(struct bytes untrusted_text, struct arena *arena,
	struct site_s3_keys *ret_keys, struct err *err);

#endif
