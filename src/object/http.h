/*
 * http: one request to a server and its answer, by libcurl, the only one here that knows it.
 *
 * HTTP/1.1 over TCP or TLS; no redirect is followed, no proxy is asked, no cookie is kept. One
 * http is one connection, which is used again, and serves one thread.
 *
 * ERR_STORE: no answer came, or it was cut off; what the source, the sink or the watch fails with
 * is passed on. A status of any kind is an answer.
 */
#ifndef OFFKIT_OBJECT_HTTP_H
#define OFFKIT_OBJECT_HTTP_H

#include "object/store.h"

struct http;

/* Around all else, as often as it is wanted. */
MUST_CHECK int http_begin(struct err *err);
void http_end(void);

struct http_options {
	const char *ca;	 /* a PEM file of certificates; for https:// */
	int64_t timeout; /* ms without an octet, also for the connection to be made */
};

MUST_CHECK int http_new(
	const struct http_options *options, struct http **ret_http, struct err *err);
void http_free(struct http *http);

struct http_request {
	const char *method;
	const char *url;
	const char *const *headers; /* "name: value" */
	size_t header_count;
	const struct object_source *body; /* NULL: none */
	int64_t body_size;
	const struct object_sink *sink; /* for the octets of a 200; NULL: into text */
	/* Octets that the sink has, of the object with that ETag, when a range from there on is
	 * asked for: a 206 has to go on there, a 200 has them again. */
	int64_t from;
	const char *etag;
	const struct object_watch *watch; /* NULL: none */
};

enum { HTTP_TEXT_MAX = 4 * 1024 * 1024, HTTP_HEADER_MAX = 256 };

struct http_response {
	long status;
	struct str text;  /* at most HTTP_TEXT_MAX octets: more are ERR_STORE */
	int64_t size;	  /* Content-Length, -1: it was not said */
	int64_t received; /* octets that the sink took */
	int64_t from;	  /* of Content-Range, the first; -1 */
	bool anew;	  /* the sink was begun again */
	int64_t time;	  /* Date, ms; -1 */
	bool cut;	  /* no whole answer came, which another try may have */
	char etag[HTTP_HEADER_MAX];
	char checksum[HTTP_HEADER_MAX]; /* x-amz-checksum-sha256 */
};

#define HTTP_RESPONSE_INIT ((struct http_response){.size = -1, .time = -1, .from = -1})

/* response is emptied first; release it also after a failure. */
MUST_CHECK int http_perform(struct http *http, const struct http_request *request,
	struct http_response *response, struct err *err);
void http_response_release(struct http_response *response);

#endif
