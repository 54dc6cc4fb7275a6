#include "object/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "object/s3_client.h"

enum { OPENING_TRIES = 4 };

struct staged_source {
	struct object_staged staged;
	struct object_source source;
};

static struct s3 *s3_of(struct object_store *store)
{
	return (struct s3 *)store;
}

/* ---- looking */

static int s3_stat(struct object_store *store, const struct sha256 *digest, bool *ret_there,
	int64_t *ret_size, struct err *err)
{
	CLEANUP(s3_answer_release) struct s3_answer answer = S3_ANSWER_INIT;
	char key[OBJECT_KEY_SIZE];

	object_key(digest, key);
	const struct s3_call call = {.method = "HEAD", .key = key};
	int rc = s3_call(s3_of(store), &call, &answer, err);
	if (rc < 0)
		return rc;
	const bool there = answer.http.status == 200;
	if (!there && answer.http.status != 404)
		return s3_refused(s3_of(store), &call, &answer, err);
	if (there && answer.http.size < 0)
		return err_set(err, ERR_STORE, "the server does not say how large it is");
	*ret_there = there;
	if (there)
		*ret_size = answer.http.size;
	return 0;
}

int object_s3_get_named(struct object_store *store, const char *name,
	const struct object_sink *sink, struct err *err)
{
	CLEANUP(s3_answer_release) struct s3_answer answer = S3_ANSWER_INIT;
	const struct s3_call call = {.method = "GET", .key = name, .sink = sink};
	int rc = s3_call(s3_of(store), &call, &answer, err);
	if (rc < 0 || answer.http.received > 0 || answer.http.status == 200)
		return rc;
	return s3_refused(s3_of(store), &call, &answer, err);
}

static int s3_get(struct object_store *store, const struct sha256 *digest,
	const struct object_sink *sink, struct err *err)
{
	char key[OBJECT_KEY_SIZE];

	object_key(digest, key);
	return object_s3_get_named(store, key, sink, err);
}

static int s3_each(struct object_store *store,
	int (*visit)(void *self, const struct object_entry *entry, struct err *err), void *self,
	struct err *err)
{
	return s3_list(s3_of(store), 0, visit, self, err);
}

static int s3_remove(struct object_store *store, const struct sha256 *digest, struct err *err)
{
	CLEANUP(s3_answer_release) struct s3_answer answer = S3_ANSWER_INIT;
	char key[OBJECT_KEY_SIZE];

	object_key(digest, key);
	const struct s3_call call = {.method = "DELETE", .key = key};
	int rc = s3_call(s3_of(store), &call, &answer, err);
	if (rc < 0 || answer.http.status / 100 == 2 ||
		(answer.http.status == 404 && !s3_is(&answer, "NoSuchBucket")))
		return rc;
	return s3_refused(s3_of(store), &call, &answer, err);
}

/* ---- putting */

static void s3_discard(struct object_staged *staged)
{
	free(staged);
}

static int s3_stage(struct object_store *store, const struct object_source *source, int64_t size,
	struct object_staged **ret_staged, struct err *err)
{
	CLEANUP_FREE struct staged_source *staged = calloc(1, sizeof *staged);

	(void)size;
	if (staged == NULL)
		return err_no_memory(err);
	staged->staged.store = store;
	staged->source = *source;
	int rc = object_source_digest(source, &staged->staged.digest, &staged->staged.size, err);
	if (rc == 0)
		*ret_staged = &STEAL(staged)->staged;
	return rc;
}

static int put_at_once(struct s3 *s3, const char *key, const struct staged_source *staged,
	bool only_new, enum s3_put *ret_put, struct err *err)
{
	CLEANUP(s3_answer_release) struct s3_answer answer = S3_ANSWER_INIT;
	CLEANUP_STR struct str checksum = STR_INIT;

	base64_encode(bytes_make(staged->staged.digest.octets, SHA256_SIZE), &checksum);
	const struct sigv4_header headers[] = {
		{"x-amz-checksum-sha256", str_text(&checksum)}, {"if-none-match", "*"}};
	const struct s3_call call = {
		.method = "PUT",
		.key = key,
		.headers = headers,
		.header_count = only_new ? 2 : 1,
		.body = &staged->source,
		.body_size = staged->staged.size,
		.payload = &staged->staged.digest,
	};
	int rc = str_check(&checksum, err);
	if (rc == 0)
		rc = s3_call(s3, &call, &answer, err);
	if (rc < 0)
		return rc;
	if (answer.http.status == 412) {
		*ret_put = S3_PUT_EXISTS;
		return 0;
	}
	if (answer.http.status != 200)
		return s3_refused(s3, &call, &answer, err);
	if (answer.http.checksum[0] != '\0' &&
		strcmp(answer.http.checksum, str_text(&checksum)) != 0)
		return err_set(err, ERR_CHECKSUM, "the server says that it stored other octets");
	*ret_put = S3_PUT_DONE;
	return 0;
}

static int put_named(struct s3 *s3, const char *key, const struct staged_source *staged,
	bool only_new, enum s3_put *ret_put, struct err *err)
{
	return staged->staged.size <= s3->site->multipart_octets
		       ? put_at_once(s3, key, staged, only_new, ret_put, err)
		       : s3_put_parts(s3, key, &staged->source, staged->staged.size,
				 &staged->staged.digest, only_new, ret_put, err);
}

int object_s3_put_named(struct object_store *store, const char *name,
	const struct object_source *source, int64_t size, const struct sha256 *digest,
	bool *ret_there, struct err *err)
{
	const struct staged_source staged = {
		.staged = {.store = store, .digest = *digest, .size = size}, .source = *source};
	enum s3_put done = S3_PUT_DONE;
	int rc = put_named(s3_of(store), name, &staged, true, &done, err);

	if (rc == 0)
		*ret_there = done == S3_PUT_EXISTS;
	return rc;
}

static int put(struct s3 *s3, const struct staged_source *staged, bool only_new,
	enum s3_put *ret_put, struct err *err)
{
	char key[OBJECT_KEY_SIZE];

	object_key(&staged->staged.digest, key);
	return put_named(s3, key, staged, only_new, ret_put, err);
}

static int s3_place(struct object_staged *object, struct err *err)
{
	const struct staged_source *staged = (const struct staged_source *)object;
	enum s3_put done = S3_PUT_DONE;
	int rc = put(s3_of(object->store), staged, true, &done, err);

	if (rc < 0 || done == S3_PUT_DONE)
		return rc;
	rc = object_store_check(object->store, &object->digest, object->size, err);
	return rc == -ERR_CHECKSUM || rc == -ERR_NOT_FOUND
		       ? put(s3_of(object->store), staged, false, &done, err)
		       : rc;
}

/* ---- opening */

static void s3_close(struct object_store *store)
{
	struct s3 *s3 = s3_of(store);

	for (size_t i = 0; i < s3->idle_count; i++)
		http_free(s3->idle[i]);
	(void)pthread_mutex_destroy(&s3->lock);
	arena_release(&s3->arena);
	free(s3->name);
	free(s3->prefix);
	free(s3->host);
	free(s3->base);
	free(s3->base_path);
	free(s3);
}

static void s3_cleanup(struct s3 **s3)
{
	if (*s3 != NULL)
		s3_close(&(*s3)->store);
}

static const struct object_store_kind s3_kind = {
	.close = s3_close,
	.stat = s3_stat,
	.stage = s3_stage,
	.place = s3_place,
	.discard = s3_discard,
	.get = s3_get,
	.remove = s3_remove,
	.each = s3_each,
};

static char *print(const char *a, const char *b, const char *c, const char *d)
{
	char *text = NULL;

	return asprintf(&text, "%s%s%s%s", a, b, c, d) < 0 ? NULL : text;
}

/* endpoint: "https://host:port", as the site file's reader has seen to. */
static int name(struct s3 *s3, struct err *err)
{
	const struct site_s3 *site = s3->site;
	const char *host = strstr(site->endpoint, "://") + 3;
	const int scheme = (int)(host - site->endpoint);

	if (site->is_virtual) {
		s3->host = print(site->bucket, ".", host, "");
		if (s3->host != NULL &&
			asprintf(&s3->base, "%.*s%s", scheme, site->endpoint, s3->host) < 0)
			s3->base = NULL;
		s3->base_path = strdup("");
	} else {
		s3->host = strdup(host);
		s3->base = print(site->endpoint, "/", site->bucket, "");
		s3->base_path = print("/", site->bucket, "", "");
	}
	s3->name = print(site->endpoint, "/", site->bucket, "");
	s3->prefix = print(site->prefix, *site->prefix == '\0' ? "" : "/", "", "");
	if (s3->name != NULL && *site->prefix != '\0') {
		char *longer = print(s3->name, "/", site->prefix, "");
		free(s3->name);
		s3->name = longer;
	}
	s3->store.name = s3->name;
	return s3->host == NULL || s3->base == NULL || s3->base_path == NULL || s3->name == NULL ||
			       s3->prefix == NULL
		       ? err_no_memory(err)
		       : 0;
}

int object_s3_open(const struct site_s3 *site, const struct s3_limits *limits,
	struct object_store **ret_store, struct err *err)
{
	CLEANUP(s3_cleanup) struct s3 *s3 = calloc(1, sizeof *s3);

	if (s3 == NULL)
		return err_no_memory(err);
	s3->store.kind = &s3_kind;
	s3->site = site;
	s3->limits = *limits;
	if (pthread_mutex_init(&s3->lock, NULL) != 0)
		return err_set(err, ERR_INTERNAL, "pthread_mutex_init");
	int rc = name(s3, err);
	if (rc < 0)
		return rc;
	rc = site_s3_keys(site, &s3->arena, &s3->keys, err);
	/* Nothing is lost yet that is worth a long wait. */
	if (s3->limits.tries > OPENING_TRIES)
		s3->limits.tries = OPENING_TRIES;
	if (rc == 0)
		rc = s3_list(s3, 1, NULL, NULL, err);
	s3->limits.tries = limits->tries;
	if (rc < 0)
		return err_context(err, "the object store %s", s3->name);
	*ret_store = &STEAL(s3)->store;
	return 0;
}
