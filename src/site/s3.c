#include "site/s3.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "site/site_file.h"

enum {
	ENDPOINT_MAX = 255 + 20,
	BUCKET_MIN = 3,
	BUCKET_MAX = 63,
	REGION_MAX = 64,
	PREFIX_MAX = 512,
	PATH_MAX_OCTETS = 1024,
	KEY_OCTETS_MAX = 4096, /* of an access key, a secret key or a session's token */
	MEBIBYTE = 1024 * 1024,
};

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* ---- the members */

struct reader {
	const struct json *object;
	struct arena *arena;
	struct err *err;
};

/* What is not there is left as it is. */
static int take(struct reader *reader, const char *name, size_t max, const char **ret)
{
	const char *text = NULL;
	int rc = json_optional_string(reader->object, name, max, &text, reader->err);

	if (rc < 0 || text == NULL)
		return rc;
	text = arena_string(reader->arena, text);
	if (text == NULL)
		return err_no_memory(reader->err);
	*ret = text;
	return 0;
}

static int take_path(struct reader *reader, const char *name, const char **ret)
{
	int rc = take(reader, name, PATH_MAX_OCTETS, ret);

	if (rc == 0 && *ret != NULL && **ret != '/')
		rc = err_set(reader->err, ERR_SITE, "%s must be an absolute path", name);
	return rc;
}

/* Only of what a set has, which the characters of both lists are. */
static bool consists_of(const char *text, const char *some, const char *others)
{
	for (; *text != '\0'; text++)
		if (strchr(letters, *text) == NULL && strchr(some, *text) == NULL &&
			strchr(others, *text) == NULL)
			return false;
	return true;
}

static int check_endpoint(const struct site_s3 *s3, struct err *err)
{
	const char *host = s3->endpoint;

	if (host == NULL)
		return err_set(err, ERR_SITE, "endpoint is missing");
	if (strncmp(host, "https://", 8) == 0)
		host += 8;
	else if (strncmp(host, "http://", 7) == 0)
		host += 7;
	else
		host = "";
	if (*host == '\0' || !consists_of(host, upper, "-.:[]"))
		return err_set(err, ERR_SITE,
			"endpoint must be https://HOST[:PORT] or http://HOST[:PORT]");
	return 0;
}

static int check_bucket(const struct site_s3 *s3, struct err *err)
{
	if (s3->bucket == NULL)
		return err_set(err, ERR_SITE, "bucket is missing");
	if (strlen(s3->bucket) < BUCKET_MIN || !consists_of(s3->bucket, "", "-.") ||
		strchr("-.", *s3->bucket) != NULL || strstr(s3->bucket, "..") != NULL)
		return err_set(err, ERR_SITE, "bucket is no name of a bucket");
	return 0;
}

static int check_prefix(const struct site_s3 *s3, struct err *err)
{
	const char *prefix = s3->prefix;
	const size_t size = strlen(prefix);

	if (size > 0 &&
		(*prefix == '/' || prefix[size - 1] == '/' || strstr(prefix, "//") != NULL ||
			!consists_of(prefix, upper, "!-_.*'()/")))
		return err_set(err, ERR_SITE,
			"prefix must be names with \"/\" between them, none before or after");
	return 0;
}

static int take_style(struct reader *reader, struct site_s3 *s3)
{
	const char *style = "path";
	int rc = take(reader, "style", REGION_MAX, &style);

	if (rc < 0)
		return rc;
	s3->is_virtual = strcmp(style, "virtual") == 0;
	if (!s3->is_virtual && strcmp(style, "path") != 0)
		return err_set(reader->err, ERR_SITE, "style must be \"path\" or \"virtual\"");
	return 0;
}

static int take_kind(struct reader *reader)
{
	const char *kind = NULL;
	int rc = json_need_string(reader->object, "kind", REGION_MAX, &kind, reader->err);

	if (rc == 0 && strcmp(kind, "s3") != 0)
		rc = err_set(
			reader->err, ERR_SITE, "kind must be \"s3\"; a folder is its path alone");
	return rc;
}

static int take_numbers(struct reader *reader, struct site_s3 *s3)
{
	int64_t seconds = 60, mebibytes = 64;
	int rc = json_optional_integer(
		reader->object, "timeoutSeconds", 1, 3600, &seconds, reader->err);

	if (rc == 0)
		rc = json_optional_integer(
			reader->object, "multipartMebibytes", 5, 5120, &mebibytes, reader->err);
	s3->timeout = seconds * 1000;
	s3->multipart_octets = mebibytes * MEBIBYTE;
	return rc;
}

static int take_members(struct reader *reader, struct site_s3 *s3)
{
	static const char *const members[] = {"kind", "endpoint", "bucket", "region", "prefix",
		"style", "ca", "credentials", "timeoutSeconds", "multipartMebibytes", NULL};
	int rc = json_closed(reader->object, members, reader->err);

	if (rc == 0)
		rc = take_kind(reader);
	if (rc == 0)
		rc = take(reader, "endpoint", ENDPOINT_MAX, &s3->endpoint);
	if (rc == 0)
		rc = take(reader, "bucket", BUCKET_MAX, &s3->bucket);
	if (rc == 0)
		rc = take(reader, "region", REGION_MAX, &s3->region);
	if (rc == 0)
		rc = take(reader, "prefix", PREFIX_MAX, &s3->prefix);
	if (rc == 0)
		rc = take_path(reader, "ca", &s3->ca);
	if (rc == 0)
		rc = take_path(reader, "credentials", &s3->credentials);
	if (rc == 0)
		rc = take_style(reader, s3);
	return rc < 0 ? rc : take_numbers(reader, s3);
}

int site_s3_read(
	const struct json *value, struct arena *arena, struct site_s3 *ret_s3, struct err *err)
{
	struct site_s3 s3 = {.region = "us-east-1", .prefix = ""};
	struct reader reader = {value, arena, err};
	int rc = take_members(&reader, &s3);

	if (rc == 0)
		rc = check_endpoint(&s3, err);
	if (rc == 0)
		rc = check_bucket(&s3, err);
	if (rc == 0)
		rc = check_prefix(&s3, err);
	if (rc == 0 && (*s3.region == '\0' || !consists_of(s3.region, "", "-")))
		rc = err_set(err, ERR_SITE, "region is no name of a region");
	if (rc < 0) {
		if (rc != -ERR_NO_MEMORY)
			(void)err_recode(err, ERR_SITE);
		return err_context(err, "objectStore");
	}
	*ret_s3 = s3;
	return 0;
}

/* ---- the keys */

static bool is_key(const char *text)
{
	const size_t size = strlen(text);

	if (size == 0 || size > KEY_OCTETS_MAX)
		return false;
	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

static int check_keys(const struct site_s3_keys *keys, const char *where, struct err *err)
{
	if (keys->access_key == NULL || keys->secret_key == NULL)
		return err_set(err, ERR_SITE, "%s: no %s for the object store", where,
			keys->access_key == NULL ? "access key" : "secret key");
	if (!is_key(keys->access_key) || !is_key(keys->secret_key) ||
		(keys->session_token != NULL && !is_key(keys->session_token)))
		return err_set(err, ERR_SITE,
			"%s: a key of the object store must be 1 to %d printable characters", where,
			KEY_OCTETS_MAX);
	return 0;
}

static struct bytes trim(struct bytes text)
{
	while (text.size > 0 && strchr(" \t\r", *text.data) != NULL)
		text = bytes_make(text.data + 1, text.size - 1);
	while (text.size > 0 && strchr(" \t\r", text.data[text.size - 1]) != NULL)
		text.size--;
	return text;
}

/* Names of other programs' settings stay theirs. */
static int take_setting(
	struct bytes line, struct arena *arena, struct site_s3_keys *keys, struct err *err)
{
	const uint8_t *equals = memchr(line.data, '=', line.size);
	const char **place;

	if (equals == NULL)
		return err_set(err, ERR_SITE, "\"NAME = VALUE\" is meant");
	const size_t at = (size_t)(equals - line.data);
	const struct bytes name = trim(bytes_make(line.data, at));
	const struct bytes value = trim(bytes_make(equals + 1, line.size - at - 1));
	if (bytes_equal(name, bytes_of_string("aws_access_key_id")))
		place = &keys->access_key;
	else if (bytes_equal(name, bytes_of_string("aws_secret_access_key")))
		place = &keys->secret_key;
	else if (bytes_equal(name, bytes_of_string("aws_session_token")))
		place = &keys->session_token;
	else
		return 0;
	if (*place != NULL)
		return err_set(err, ERR_SITE, "it is there twice");
	*place = arena_string_n(arena, (const char *)value.data, value.size);
	return *place == NULL ? err_no_memory(err) : 0;
}

int site_s3_keys_parse(struct bytes untrusted_text, struct arena *arena,
	struct site_s3_keys *ret_keys, struct err *err)
{
	struct site_s3_keys keys = {0};
	struct bytes rest = untrusted_text;
	bool is_ours = true;

	if (rest.size > 0 && memchr(rest.data, '\0', rest.size) != NULL)
		return err_set(err, ERR_SITE, "it has an octet 0");
	for (size_t number = 1; rest.size > 0; number++) {
		const uint8_t *end = memchr(rest.data, '\n', rest.size);
		const size_t size = end == NULL ? rest.size : (size_t)(end - rest.data);
		const struct bytes line = trim(bytes_make(rest.data, size));
		int rc = 0;
		if (line.size > 0 && *line.data == '[')
			is_ours = bytes_equal(line, bytes_of_string("[default]"));
		else if (line.size > 0 && strchr("#;", *line.data) == NULL && is_ours)
			rc = take_setting(line, arena, &keys, err);
		if (rc < 0)
			return err_context(err, "line %zu", number);
		rest = bytes_make(rest.data + size, rest.size - size);
		if (rest.size > 0)
			rest = bytes_make(rest.data + 1, rest.size - 1);
	}
	*ret_keys = keys;
	return check_keys(&keys, "the file", err);
}

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	return value == NULL || *value == '\0' ? NULL : value;
}

int site_s3_keys(const struct site_s3 *s3, struct arena *arena, struct site_s3_keys *ret_keys,
	struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	bool is_private = false;

	if (s3->credentials == NULL) {
		*ret_keys = (struct site_s3_keys){
			.access_key = from_environment("AWS_ACCESS_KEY_ID"),
			.secret_key = from_environment("AWS_SECRET_ACCESS_KEY"),
			.session_token = from_environment("AWS_SESSION_TOKEN"),
		};
		return check_keys(ret_keys,
			"objectStore names no credentials, and the environment has them neither "
			"(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)",
			err);
	}
	int rc = site_read_guarded(s3->credentials, S_IRWXG | S_IRWXO, &text, &is_private, err);
	if (rc == -ERR_NOT_FOUND)
		rc = err_recode(err, ERR_SITE);
	if (rc == 0)
		rc = site_s3_keys_parse(str_bytes(&text), arena, ret_keys, err);
	if (text.text != NULL)
		explicit_bzero(text.text, text.size);
	return rc < 0 ? err_context(err, "%s", s3->credentials) : 0;
}
