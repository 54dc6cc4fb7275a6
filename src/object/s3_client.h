/*
 * s3_client: requests to one bucket of a server that speaks Amazon S3's API, signed, and tried
 * again where another try may succeed: after a cut, a time-out, 429 or 5xx, with waits that double,
 * of which a random part is slept. Internal to the files s3*.c.
 *
 * A clock that the server finds too far from its own is corrected by its Date for as long as the
 * store is open. ERR_STORE says what was asked of which server and what it answered, never a key.
 */
#ifndef OFFKIT_OBJECT_S3_CLIENT_H
#define OFFKIT_OBJECT_S3_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "object/http.h"
#include "object/s3.h"
#include "object/sigv4.h"

enum { S3_IDLE_MAX = 32, S3_HEADERS_MAX = 10, S3_CODE_SIZE = 64 };

struct s3 {
	struct object_store store;
	const struct site_s3 *site;
	struct arena arena;
	struct site_s3_keys keys; /* in arena */
	char *prefix;		  /* with its "/" at the end, or "" */
	struct s3_limits limits;
	char *name, *host, *base; /* base: what a key's path is appended to */
	char *base_path;	  /* of base: "/bucket", "" in virtual-host style */
	_Atomic int64_t skew;	  /* ms that the server's clock is ahead */
	pthread_mutex_t lock;	  /* of the idle */
	struct http *idle[S3_IDLE_MAX];
	size_t idle_count;
};

struct s3_call {
	const char *method;
	const char *key; /* without the site's prefix; NULL: the bucket is meant */
	const struct sigv4_query *query;
	size_t query_count;
	const struct sigv4_header *headers; /* beside those that every request has */
	size_t header_count;
	const struct object_source *body; /* is rewound first */
	int64_t body_size;
	const struct sha256 *payload;	/* of the body; NULL: it is empty */
	const struct object_sink *sink; /* for an object's octets */
	bool is_last; /* it undoes what failed, or was stopped: asked twice at most, whoever waits
		       */
};

struct s3_answer {
	struct http_response http;
	char code[S3_CODE_SIZE]; /* of an error: "NoSuchKey"; "" */
};

#define S3_ANSWER_INIT ((struct s3_answer){.http = HTTP_RESPONSE_INIT})

/* Any status but those that are tried again is a success: s3_refused makes an error of it. */
MUST_CHECK int s3_call(
	struct s3 *s3, const struct s3_call *call, struct s3_answer *ret_answer, struct err *err);
void s3_answer_release(struct s3_answer *answer);

bool s3_is(const struct s3_answer *answer, const char *code);
/* ERR_NOT_FOUND, ERR_CHECKSUM, ERR_STORE */
int s3_refused(const struct s3 *s3, const struct s3_call *call, const struct s3_answer *answer,
	struct err *err);

/* ---- s3_parts.c */

enum s3_put { S3_PUT_DONE, S3_PUT_EXISTS };

/* In parts; with only_new, S3_PUT_EXISTS if there is one of that name. ERR_CHECKSUM: the source
 * changed. */
MUST_CHECK int s3_put_parts(struct s3 *s3, const char *key, const struct object_source *source,
	int64_t size, const struct sha256 *digest, bool only_new, enum s3_put *ret_put,
	struct err *err);

/* ---- s3_list.c */

MUST_CHECK int s3_list(struct s3 *s3, size_t page_max,
	int (*visit)(void *self, const struct object_entry *entry, struct err *err), void *self,
	struct err *err);

#endif
