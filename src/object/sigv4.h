/*
 * sigv4: AWS Signature Version 4 for one request to S3, in its Authorization header (Amazon S3 API
 * Reference, "Authenticating Requests: Using the Authorization Header").
 *
 * Pure: it knows no connection and no clock. ERR_INTERNAL, ERR_NO_MEMORY.
 */
#ifndef OFFKIT_OBJECT_SIGV4_H
#define OFFKIT_OBJECT_SIGV4_H

#include "crypto/digest.h"

struct sigv4_keys {
	const char *access_key, *secret_key;
	const char *session_token; /* NULL: none */
	const char *region;
};

/* A header that is signed: its name in lower case, its value without space around it. */
struct sigv4_header {
	const char *name, *value;
};

struct sigv4_query {
	const char *name, *value; /* not encoded yet */
};

struct sigv4_request {
	const char *method;
	const char *path;		 /* encoded by sigv4_encode_path */
	const struct sigv4_query *query; /* in the order of the encoded names */
	size_t query_count;
	const struct sigv4_header *headers; /* in the order of their names; host is one of them */
	size_t header_count;
	const char *payload; /* the SHA-256 of the body in hexadecimal digits */
	int64_t time;	     /* ms; the x-amz-date header says the same */
};

enum { SIGV4_TIME_SIZE = sizeof "20130524T000000Z" };

void sigv4_time(int64_t time, char text[static SIGV4_TIME_SIZE]);

/* Appends path as a URI has it: RFC 3986 unreserved characters and "/" stand, all else is %XX. */
void sigv4_encode_path(const char *path, struct str *out);
/* Appends "a=b&c=d", each encoded, "/" too. */
void sigv4_encode_query(const struct sigv4_query *query, size_t count, struct str *out);

/* Appends the value of the Authorization header. */
MUST_CHECK int sigv4_authorize(const struct sigv4_keys *keys, const struct sigv4_request *request,
	struct str *out, struct err *err);

#endif
