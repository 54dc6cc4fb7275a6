#include "object/s3_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "object/xml.h"

enum { NAP = 100, CHECKSUM_TRIES = 2, LAST_TRIES = 2, SKEW_MIN = 60 * 1000, MESSAGE_MAX = 200 };

static const char EMPTY_DIGEST[] =
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

void s3_answer_release(struct s3_answer *answer)
{
	http_response_release(&answer->http);
}

bool s3_is(const struct s3_answer *answer, const char *code)
{
	return strcmp(answer->code, code) == 0;
}

/* ---- connections, each used by one thread at a time */

static int take_http(struct s3 *s3, struct http **ret_http, struct err *err)
{
	const struct http_options options = {
		.ca = s3->site->ca,
		.timeout = s3->site->timeout,
	};
	struct http *http = NULL;

	(void)pthread_mutex_lock(&s3->lock);
	if (s3->idle_count > 0)
		http = s3->idle[--s3->idle_count];
	(void)pthread_mutex_unlock(&s3->lock);
	if (http == NULL)
		return http_new(&options, ret_http, err);
	*ret_http = http;
	return 0;
}

static void give_back(struct s3 *s3, struct http *http)
{
	(void)pthread_mutex_lock(&s3->lock);
	if (s3->idle_count < S3_IDLE_MAX) {
		s3->idle[s3->idle_count++] = http;
		http = NULL;
	}
	(void)pthread_mutex_unlock(&s3->lock);
	http_free(http);
}

/* ---- one try */

static void append_path(const struct s3 *s3, const struct s3_call *call, struct str *out)
{
	str_append_char(out, '/');
	if (call->key == NULL)
		return;
	sigv4_encode_path(s3->prefix, out);
	sigv4_encode_path(call->key, out);
}

static int compare_headers(const void *a, const void *b)
{
	return strcmp(
		((const struct sigv4_header *)a)->name, ((const struct sigv4_header *)b)->name);
}

/* A request under way: texts that its headers are views into. */
struct
try {
	struct sigv4_header headers[S3_HEADERS_MAX];
	size_t count;
	char time[SIGV4_TIME_SIZE], payload[SHA256_HEX_SIZE], range[40], etag[HTTP_HEADER_MAX];
	struct str path, url, authorization, lines;
};

static void try_release(struct try *try)
{
	str_release(&try->path);
	str_release(&try->url);
	str_release(&try->authorization);
	str_release(&try->lines);
}

static void add(struct try *try, const char *name, const char *value)
{
	try->headers[try->count++] = (struct sigv4_header){name, value};
}

/* received: octets that the sink has from the tries before. */
static void collect(
	const struct s3 *s3, const struct s3_call *call, int64_t received, struct try *try)
{
	add(try, "host", s3->host);
	for (size_t i = 0; i < call->header_count; i++)
		add(try, call->headers[i].name, call->headers[i].value);
	add(try, "x-amz-content-sha256", try->payload);
	add(try, "x-amz-date", try->time);
	if (s3->keys.session_token != NULL)
		add(try, "x-amz-security-token", s3->keys.session_token);
	if (received > 0) {
		(void)snprintf(try->range, sizeof try->range, "bytes=%lld-", (long long)received);
		add(try, "range", try->range);
		add(try, "if-match", try->etag);
	}
	qsort(try->headers, try->count, sizeof try->headers[0], compare_headers);
}

static int sign(const struct s3 *s3, const struct s3_call *call, int64_t received, struct try *try,
	struct err *err)
{
	const struct sigv4_keys keys = {
		.access_key = s3->keys.access_key,
		.secret_key = s3->keys.secret_key,
		.session_token = s3->keys.session_token,
		.region = s3->site->region,
	};
	struct sigv4_request request = {
		.method = call->method,
		.query = call->query,
		.query_count = call->query_count,
		.headers = try->headers,
		.payload = try->payload,
		.time = clock_now() + atomic_load(&s3->skew),
	};

	sigv4_time(request.time, try->time);
	if (call->payload != NULL)
		sha256_to_hex(call->payload, try->payload);
	else
		memcpy(try->payload, EMPTY_DIGEST, sizeof EMPTY_DIGEST);
	collect(s3, call, received, try);
	request.header_count = try->count;
	str_append_text(&try->path, s3->base_path);
	append_path(s3, call, &try->path);
	str_append_format(
		&try->url, "%s%s", s3->base, str_text(&try->path) + strlen(s3->base_path));
	if (call->query_count > 0) {
		str_append_char(&try->url, '?');
		sigv4_encode_query(call->query, call->query_count, &try->url);
	}
	request.path = str_text(&try->path);
	int rc = str_check(&try->path, err);
	if (rc == 0)
		rc = str_check(&try->url, err);
	return rc < 0 ? rc : sigv4_authorize(&keys, &request, &try->authorization, err);
}

/* As libcurl takes them: lines, each with its end. */
static int write_lines(struct try *try, const char **lines, struct err *err)
{
	size_t starts[S3_HEADERS_MAX + 1];

	for (size_t i = 0; i <= try->count; i++) {
		const bool last = i == try->count;
		starts[i] = try->lines.size;
		str_append_format(&try->lines, "%s: %s",
			last ? "authorization" : try->headers[i].name,
			last ? str_text(&try->authorization) : try->headers[i].value);
		str_append_char(&try->lines, '\0');
	}
	int rc = str_check(&try->lines, err);
	for (size_t i = 0; i <= try->count && rc == 0; i++)
		lines[i] = try->lines.text + starts[i];
	return rc;
}

static int once(struct s3 *s3, const struct s3_call *call, int64_t received, const char *etag,
	struct s3_answer *answer, struct err *err)
{
	CLEANUP(try_release) struct try try = {0};
	const char *lines[S3_HEADERS_MAX + 1];
	struct http *http = NULL;

	(void)snprintf(try.etag, sizeof try.etag, "%s", etag);
	int rc = sign(s3, call, received, &try, err);
	if (rc == 0)
		rc = write_lines(&try, lines, err);
	if (rc == 0 && call->body != NULL)
		rc = call->body->rewind(call->body->self, err);
	if (rc == 0)
		rc = take_http(s3, &http, err);
	if (rc < 0)
		return rc;
	const struct http_request request = {
		.method = call->method,
		.url = str_text(&try.url),
		.headers = lines,
		.header_count = try.count + 1,
		.body = call->body,
		.body_size = call->body_size,
		.sink = call->sink,
		.from = received,
		.etag = etag,
		.watch = call->is_last ? NULL : &s3->store.watch,
	};
	rc = http_perform(http, &request, &answer->http, err);
	if (rc < 0)
		http_free(http);
	else
		give_back(s3, http);
	return rc;
}

/* ---- answers */

static void find_code(struct s3_answer *answer)
{
	CLEANUP_STR struct str code = STR_INIT;
	struct err ignored;

	answer->code[0] = '\0';
	if (answer->http.text.size > 0 &&
		xml_find(str_bytes(&answer->http.text), "Error/Code", &code, &ignored) == 0)
		(void)snprintf(answer->code, sizeof answer->code, "%s", str_text(&code));
}

/* received: octets of the object that the tries before have brought. */
static bool is_passing(const struct s3_answer *answer, int64_t received, int tries)
{
	const long status = answer->http.status;

	return (status == 412 && received > 0) || status == 429 || status == 408 ||
	       (status >= 500 && status != 501) || s3_is(answer, "ConditionalRequestConflict") ||
	       s3_is(answer, "RequestTimeout") || s3_is(answer, "InternalError") ||
	       s3_is(answer, "SlowDown") ||
	       (tries < CHECKSUM_TRIES &&
		       (s3_is(answer, "BadDigest") || s3_is(answer, "IncompleteBody") ||
			       s3_is(answer, "XAmzContentSHA256Mismatch")));
}

/* An answer to HEAD has no code in it. */
static bool corrects_clock(struct s3 *s3, const struct s3_answer *answer)
{
	const int64_t now = clock_now();
	const int64_t skew = answer->http.time - now;
	const int64_t change = skew - atomic_load(&s3->skew);

	if (answer->http.status != 403 || answer->http.time < 0 ||
		(!s3_is(answer, "RequestTimeTooSkewed") && answer->code[0] != '\0') ||
		(change < SKEW_MIN && change > -SKEW_MIN))
		return false;
	atomic_store(&s3->skew, skew);
	return true;
}

/* What a server says is shown without what could steer a terminal. */
static void append_message(const struct s3_answer *answer, struct str *out)
{
	CLEANUP_STR struct str message = STR_INIT;
	struct err ignored;

	if (xml_find(str_bytes(&answer->http.text), "Error/Message", &message, &ignored) < 0)
		return;
	for (size_t i = 0; i < message.size && i < MESSAGE_MAX; i++) {
		const char c = message.text[i];
		if (i == 0)
			str_append_text(out, ": ");
		str_append_char(out, c >= ' ' && c <= '~' ? c : '?');
	}
}

static void append_asked(const struct s3 *s3, const struct s3_call *call, struct str *out)
{
	str_append_format(out, "%s %s", call->method, s3->base);
	append_path(s3, call, out);
}

int s3_refused(const struct s3 *s3, const struct s3_call *call, const struct s3_answer *answer,
	struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	const long status = answer->http.status;
	enum err_code code = ERR_STORE;

	append_asked(s3, call, &text);
	str_append_format(&text, " was answered with %ld", status);
	for (const char *c = answer->code; *c != '\0'; c++)
		str_append_format(&text, "%s%c", c == answer->code ? " " : "",
			*c > ' ' && *c <= '~' ? *c : '?');
	append_message(answer, &text);
	if (status / 100 == 3)
		str_append_text(&text, "; the endpoint or the region is another one");
	if (status == 404 && !s3_is(answer, "NoSuchBucket") && call->key != NULL)
		code = ERR_NOT_FOUND;
	if (s3_is(answer, "BadDigest") || s3_is(answer, "XAmzContentSHA256Mismatch"))
		code = ERR_CHECKSUM;
	int rc = str_check(&text, err);
	return rc < 0 ? rc : err_set(err, code, "%s", str_text(&text));
}

/* ---- trying */

static int look(struct s3 *s3, const struct s3_call *call, struct err *err)
{
	const struct object_watch *watch = &s3->store.watch;

	return watch->look == NULL || call->is_last ? 0 : watch->look(watch->self, err);
}

/* Half of it at least, so that many who were refused at once do not come again at once. */
static int64_t jittered(int64_t wait)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
		return wait;
	return wait / 2 + (int64_t)((double)random / UINT32_MAX * (double)(wait - wait / 2));
}

static int pause_before(struct s3 *s3, const struct s3_call *call, int tried, struct err *err)
{
	int64_t wait = s3->limits.wait;

	for (int i = 1; i < tried && wait < s3->limits.wait_max; i++)
		wait *= 2;
	wait = jittered(wait < s3->limits.wait_max ? wait : s3->limits.wait_max);
	for (int64_t end = clock_boottime() + wait; clock_boottime() < end;) {
		const int64_t left = end - clock_boottime();
		const int64_t nap = left < NAP ? left : NAP;
		int rc = look(s3, call, err);
		if (rc < 0)
			return rc;
		if (nap > 0)
			(void)nanosleep(&(struct timespec){.tv_nsec = nap * 1000000}, NULL);
	}
	return look(s3, call, err);
}

static int no_answer(const struct s3 *s3, const struct s3_call *call, int tries, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	append_asked(s3, call, &text);
	int rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	return tries > 1 ? err_context(err, "%s, %d times", str_text(&text), tries)
			 : err_context(err, "%s", str_text(&text));
}

/* What the sink has of an object, over the tries of a call. */
struct progress {
	int64_t received;
	char etag[HTTP_HEADER_MAX];
};

static void advance(struct progress *progress, const struct http_response *response)
{
	if (response->anew)
		progress->received = 0;
	if (response->received > 0 && progress->received == 0)
		memcpy(progress->etag, response->etag, sizeof progress->etag);
	progress->received += response->received;
}

/*
 * A range is asked for only of what is the same object for certain, by a strong ETag (RFC 9110,
 * 13.1.1). Without one, or when it was replaced meanwhile, all of it is read again.
 */
static int begin_again_if_need_be(const struct s3 *s3, const struct s3_call *call,
	const struct s3_answer *answer, struct progress *progress, struct err *err)
{
	const bool replaced = answer->http.status == 412;

	if (progress->received == 0 || (progress->etag[0] == '"' && !replaced))
		return 0;
	if (call->sink->restart == NULL) {
		if (replaced)
			(void)err_set(err, ERR_STORE, "it was replaced while it was read");
		else
			(void)err_set(err, ERR_STORE,
				"it was cut off after %lld octets, and the server gave no ETag to "
				"go on by",
				(long long)progress->received);
		return no_answer(s3, call, 1, err);
	}
	call->sink->restart(call->sink->self);
	progress->received = 0;
	return 0;
}

int s3_call(
	struct s3 *s3, const struct s3_call *call, struct s3_answer *ret_answer, struct err *err)
{
	const int tries_max =
		call->is_last && s3->limits.tries > LAST_TRIES ? LAST_TRIES : s3->limits.tries;
	struct progress progress = {0};
	bool corrected = false;

	for (int tries = 1;; tries++) {
		struct err why;
		int rc = once(s3, call, progress.received, progress.etag, ret_answer, &why);
		if (rc < 0 && (!ret_answer->http.cut || tries >= tries_max)) {
			*err = why;
			return ret_answer->http.cut || rc == -ERR_STORE
				       ? no_answer(s3, call, tries, err)
				       : rc;
		}
		advance(&progress, &ret_answer->http);
		if (rc == 0) {
			find_code(ret_answer);
			if (!corrected && corrects_clock(s3, ret_answer)) {
				corrected = true;
				continue;
			}
			if (!is_passing(ret_answer, progress.received, tries) || tries >= tries_max)
				return 0;
		}
		rc = begin_again_if_need_be(s3, call, ret_answer, &progress, err);
		if (rc == 0)
			rc = pause_before(s3, call, tries, err);
		if (rc < 0)
			return rc;
	}
}
