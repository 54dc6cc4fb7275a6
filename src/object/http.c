#include "object/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

enum { UPLOAD_BUFFER = 256 * 1024 };

struct http {
	CURL *curl;
	char why[CURL_ERROR_SIZE];
};

/* A request under way. */
struct exchange {
	const struct http_request *request;
	struct http_response *response;
	CURL *curl;
	struct bytes rest; /* of the source's piece */
	int64_t sent;
	struct err *err;
	bool failed; /* err says it, not curl */
};

static int stop(struct exchange *exchange)
{
	exchange->failed = true;
	return -1;
}

/* ---- out */

static int next_piece(struct exchange *exchange)
{
	const struct object_source *body = exchange->request->body;
	int rc = body->next(body->self, &exchange->rest, exchange->err);

	return rc < 0 || exchange->rest.size > 0
		       ? rc
		       : err_set(exchange->err, ERR_CHECKSUM, "there are fewer octets than before");
}

/* As much of the body as there is room for. */
static size_t give(char *into, size_t size, size_t count, void *self)
{
	struct exchange *exchange = self;
	const struct http_request *request = exchange->request;
	const int64_t left = request->body_size - exchange->sent;
	size_t room = size * count;

	if (left == 0)
		return 0;
	if (exchange->rest.size == 0 && next_piece(exchange) < 0) {
		(void)stop(exchange);
		return CURL_READFUNC_ABORT;
	}
	if (room > exchange->rest.size)
		room = exchange->rest.size;
	if ((int64_t)room > left)
		room = (size_t)left;
	bytes_copy(into, exchange->rest.data, room);
	exchange->rest = bytes_make(exchange->rest.data + room, exchange->rest.size - room);
	exchange->sent += (int64_t)room;
	return room;
}

/* ---- in */

static long status_of(const struct exchange *exchange)
{
	long status = 0;

	(void)curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static bool is_for_sink(const struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	const long status = status_of(exchange);

	return request->sink != NULL && (status == 200 || (status == 206 && request->from > 0));
}

/* Before the first octet: whether the sink takes what comes. */
static int begin_sink(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	struct http_response *response = exchange->response;

	if (request->from == 0)
		return 0;
	if (status_of(exchange) == 200) {
		if (request->sink->restart == NULL)
			return err_set(exchange->err, ERR_STORE,
				"it was cut off after %lld octets, and the server sends none but "
				"all of it again",
				(long long)request->from);
		request->sink->restart(request->sink->self);
		response->anew = true;
		return 0;
	}
	if (response->from != request->from)
		return err_set(exchange->err, ERR_STORE,
			"it was cut off after %lld octets, and the server does not go on there",
			(long long)request->from);
	if (response->etag[0] != '\0' && strcmp(response->etag, request->etag) != 0)
		return err_set(exchange->err, ERR_STORE, "it was replaced while it was read");
	return 0;
}

static size_t take(char *data, size_t size, size_t count, void *self)
{
	struct exchange *exchange = self;
	struct http_response *response = exchange->response;
	const struct bytes piece = bytes_make(data, size * count);
	int rc = 0;

	if (is_for_sink(exchange)) {
		const struct object_sink *sink = exchange->request->sink;
		if (response->received == 0)
			rc = begin_sink(exchange);
		if (rc == 0)
			rc = sink->take(sink->self, piece, exchange->err);
		response->received += (int64_t)piece.size;
	} else if (response->text.size + piece.size > HTTP_TEXT_MAX) {
		rc = err_set(exchange->err, ERR_STORE, "the server's answer is over %d octets",
			HTTP_TEXT_MAX);
	} else {
		str_append(&response->text, piece.data, piece.size);
		rc = str_check(&response->text, exchange->err);
	}
	if (rc == 0)
		return piece.size;
	(void)stop(exchange);
	return 0;
}

/* "Name: value": whether it is this one; the value without the space around it, cut at its room. */
static bool is_header(struct bytes line, const char *name, char value[static HTTP_HEADER_MAX])
{
	size_t size = strlen(name);

	if (line.size <= size || strncasecmp((const char *)line.data, name, size) != 0 ||
		line.data[size] != ':')
		return false;
	line = bytes_make(line.data + size + 1, line.size - size - 1);
	while (line.size > 0 && (*line.data == ' ' || *line.data == '\t'))
		line = bytes_make(line.data + 1, line.size - 1);
	while (line.size > 0 && strchr(" \t\r\n", line.data[line.size - 1]) != NULL)
		line.size--;
	if (line.size >= HTTP_HEADER_MAX)
		line.size = 0;
	bytes_copy(value, line.data, line.size);
	value[line.size] = '\0';
	return true;
}

/* "bytes 100-199/500": 100; RFC 9110, 14.4. */
static int64_t range_start(const char *value)
{
	char *end = NULL;

	if (strncasecmp(value, "bytes ", 6) != 0 || value[6] < '0' || value[6] > '9')
		return -1;
	errno = 0;
	const long long start = strtoll(value + 6, &end, 10);
	return errno == 0 && *end == '-' ? start : -1;
}

static size_t take_header(char *data, size_t size, size_t count, void *self)
{
	struct http_response *response = ((struct exchange *)self)->response;
	const struct bytes line = bytes_make(data, size * count);
	char value[HTTP_HEADER_MAX];

	if (is_header(line, "date", value))
		response->time = (int64_t)curl_getdate(value, NULL) * 1000;
	else if (is_header(line, "etag", value))
		memcpy(response->etag, value, sizeof value);
	else if (is_header(line, "content-range", value))
		response->from = range_start(value);
	else if (is_header(line, "x-amz-checksum-sha256", value))
		memcpy(response->checksum, value, sizeof value);
	return line.size;
}

static int look(
	void *self, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	struct exchange *exchange = self;
	const struct object_watch *watch = exchange->request->watch;

	(void)down_total, (void)down, (void)up_total, (void)up;
	if (watch == NULL || watch->look == NULL || watch->look(watch->self, exchange->err) == 0)
		return 0;
	return stop(exchange);
}

/* ---- a connection */

int http_begin(struct err *err)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK
		       ? 0
		       : err_set(err, ERR_INTERNAL, "libcurl cannot be begun");
}

void http_end(void)
{
	curl_global_cleanup();
}

static int set_up(struct http *http, const struct http_options *options)
{
	CURL *curl = http->curl;
	const long seconds = (long)((options->timeout + 999) / 1000);
	CURLcode code = CURLE_OK;

#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (code == CURLE_OK)                                                              \
			code = curl_easy_setopt(curl, (option), (value));                          \
	} while (0)
	SET(CURLOPT_ERRORBUFFER, http->why);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (options->ca != NULL)
		SET(CURLOPT_CAINFO, options->ca);
	SET(CURLOPT_CONNECTTIMEOUT, seconds);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, seconds);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
	SET(CURLOPT_READFUNCTION, give);
	SET(CURLOPT_WRITEFUNCTION, take);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_XFERINFOFUNCTION, look);
	SET(CURLOPT_NOPROGRESS, 0L);
	return code == CURLE_OK ? 0 : -1;
}

int http_new(const struct http_options *options, struct http **ret_http, struct err *err)
{
	struct http *http = calloc(1, sizeof *http);

	if (http == NULL)
		return err_no_memory(err);
	http->curl = curl_easy_init();
	if (http->curl == NULL || set_up(http, options) < 0) {
		http_free(http);
		return err_set(err, ERR_INTERNAL, "libcurl could not be set up");
	}
	*ret_http = http;
	return 0;
}

void http_free(struct http *http)
{
	if (http == NULL)
		return;
	curl_easy_cleanup(http->curl);
	free(http);
}

/* ---- a request */

static void headers_cleanup(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static int add_header(struct curl_slist **list, const char *line, struct err *err)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return err_no_memory(err);
	*list = longer;
	return 0;
}

/* Nothing is waited for before the body is sent, and no type is made up for it. */
static int add_headers(
	struct curl_slist **list, const struct http_request *request, struct err *err)
{
	int rc = add_header(list, "Expect:", err);

	if (rc == 0)
		rc = add_header(list, "Content-Type:", err);
	if (rc == 0)
		rc = add_header(list, "Accept:", err);
	for (size_t i = 0; i < request->header_count && rc == 0; i++)
		rc = add_header(list, request->headers[i], err);
	return rc;
}

static int set_request(
	CURL *curl, const struct http_request *request, const struct curl_slist *list)
{
	const bool has_body =
		strcmp(request->method, "PUT") == 0 || strcmp(request->method, "POST") == 0;
	CURLcode code = CURLE_OK;

	/* What the request before had set. */
	SET(CURLOPT_HTTPGET, 1L);
	SET(CURLOPT_NOBODY, strcmp(request->method, "HEAD") == 0 ? 1L : 0L);
	SET(CURLOPT_UPLOAD, has_body ? 1L : 0L);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)(has_body ? request->body_size : -1));
	SET(CURLOPT_CUSTOMREQUEST, request->method);
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_HTTPHEADER, list);
	return code == CURLE_OK ? 0 : -1;
#undef SET
}

static int perform(struct http *http, struct exchange *exchange, struct err *err)
{
	struct http_response *response = exchange->response;
	curl_off_t size = -1;

	(void)curl_easy_setopt(http->curl, CURLOPT_READDATA, exchange);
	(void)curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, exchange);
	(void)curl_easy_setopt(http->curl, CURLOPT_HEADERDATA, exchange);
	(void)curl_easy_setopt(http->curl, CURLOPT_XFERINFODATA, exchange);
	http->why[0] = '\0';
	CURLcode code = curl_easy_perform(http->curl);
	(void)curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
	(void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &response->status);
	(void)curl_easy_getinfo(http->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
	response->size = size;
	/* An object that has no octets now. */
	if (code == CURLE_OK && is_for_sink(exchange) && response->received == 0 &&
		begin_sink(exchange) < 0)
		(void)stop(exchange);
	if (exchange->failed)
		return -(int)err->code;
	if (code == CURLE_OUT_OF_MEMORY)
		return err_no_memory(err);
	if (code == CURLE_OK)
		return 0;
	response->cut = code != CURLE_PEER_FAILED_VERIFICATION &&
			code != CURLE_SSL_CACERT_BADFILE && code != CURLE_URL_MALFORMAT &&
			code != CURLE_UNSUPPORTED_PROTOCOL;
	return err_set(
		err, ERR_STORE, "%s", http->why[0] != '\0' ? http->why : curl_easy_strerror(code));
}

int http_perform(struct http *http, const struct http_request *request,
	struct http_response *response, struct err *err)
{
	CLEANUP(headers_cleanup) struct curl_slist *list = NULL;
	struct exchange exchange = {
		.request = request, .response = response, .curl = http->curl, .err = err};

	http_response_release(response);
	int rc = add_headers(&list, request, err);
	if (rc == 0 && set_request(http->curl, request, list) < 0)
		rc = err_set(err, ERR_INTERNAL, "libcurl does not take the request");
	return rc < 0 ? rc : perform(http, &exchange, err);
}

void http_response_release(struct http_response *response)
{
	str_release(&response->text);
	*response = HTTP_RESPONSE_INIT;
}
