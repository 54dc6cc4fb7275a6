#include "object/sigv4.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "crypto/hmac.h"

static const char ALGORITHM[] = "AWS4-HMAC-SHA256";

enum { DAY_SIZE = 8 };

void sigv4_time(int64_t time, char text[static SIGV4_TIME_SIZE])
{
	time_format_name(time, text);
}

/* ---- encoding */

static void encode(const char *text, const char *allowed, struct str *out)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789-._~";

	for (; *text != '\0'; text++)
		if (strchr(unreserved, *text) != NULL || strchr(allowed, *text) != NULL)
			str_append_char(out, *text);
		else
			str_append_format(out, "%%%02X", (unsigned)(unsigned char)*text);
}

void sigv4_encode_path(const char *path, struct str *out)
{
	encode(path, "/", out);
}

void sigv4_encode_query(const struct sigv4_query *query, size_t count, struct str *out)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			str_append_char(out, '&');
		encode(query[i].name, "", out);
		str_append_char(out, '=');
		encode(query[i].value, "", out);
	}
}

/* ---- what is signed */

static void signed_headers(const struct sigv4_request *request, struct str *out)
{
	for (size_t i = 0; i < request->header_count; i++)
		str_append_format(out, "%s%s", i > 0 ? ";" : "", request->headers[i].name);
}

static int canonical_request(
	const struct sigv4_request *request, struct sha256 *ret, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	str_append_format(&text, "%s\n%s\n", request->method, request->path);
	sigv4_encode_query(request->query, request->query_count, &text);
	str_append_char(&text, '\n');
	for (size_t i = 0; i < request->header_count; i++)
		str_append_format(
			&text, "%s:%s\n", request->headers[i].name, request->headers[i].value);
	str_append_char(&text, '\n');
	signed_headers(request, &text);
	str_append_format(&text, "\n%s", request->payload);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : sha256_of(str_bytes(&text), ret, err);
}

static int derive(
	const struct sigv4_keys *keys, const char *time, struct sha256 *ret_key, struct err *err)
{
	const struct bytes parts[] = {
		bytes_make(time, DAY_SIZE),
		bytes_of_string(keys->region),
		bytes_of_string("s3"),
		bytes_of_string("aws4_request"),
	};
	CLEANUP_STR struct str secret = STR_INIT;

	str_append_format(&secret, "AWS4%s", keys->secret_key);
	int rc = str_check(&secret, err);
	struct bytes key = str_bytes(&secret);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && rc == 0; i++) {
		struct sha256 code;
		rc = hmac_sha256(key, parts[i], &code, err);
		*ret_key = code;
		key = bytes_make(ret_key->octets, SHA256_SIZE);
	}
	if (secret.text != NULL)
		explicit_bzero(secret.text, secret.size);
	return rc;
}

int sigv4_authorize(const struct sigv4_keys *keys, const struct sigv4_request *request,
	struct str *out, struct err *err)
{
	CLEANUP_STR struct str scope = STR_INIT, text = STR_INIT;
	char time[SIGV4_TIME_SIZE], hex[SHA256_HEX_SIZE];
	struct sha256 digest, key, signature;

	sigv4_time(request->time, time);
	str_append_format(&scope, "%.*s/%s/s3/aws4_request", DAY_SIZE, time, keys->region);
	int rc = canonical_request(request, &digest, err);
	if (rc == 0)
		rc = str_check(&scope, err);
	if (rc < 0)
		return rc;
	sha256_to_hex(&digest, hex);
	str_append_format(&text, "%s\n%s\n%s\n%s", ALGORITHM, time, str_text(&scope), hex);
	rc = str_check(&text, err);
	if (rc == 0)
		rc = derive(keys, time, &key, err);
	if (rc == 0)
		rc = hmac_sha256(
			bytes_make(key.octets, SHA256_SIZE), str_bytes(&text), &signature, err);
	if (rc < 0)
		return rc;
	sha256_to_hex(&signature, hex);
	str_append_format(out, "%s Credential=%s/%s,SignedHeaders=", ALGORITHM, keys->access_key,
		str_text(&scope));
	signed_headers(request, out);
	str_append_format(out, ",Signature=%s", hex);
	return str_check(out, err);
}
