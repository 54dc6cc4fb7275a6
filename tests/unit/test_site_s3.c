/* What a site file says of a bucket, and the file with the keys for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "json/json.h"
#include "site/s3.h"

static struct err err;

static int read_members(const char *members, struct arena *arena, struct site_s3 *ret_s3)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;

	str_append_format(&text, "{\"kind\":\"s3\"%s}", members);
	assert_int_equal(json_parse(str_bytes(&text), JSON_LIMITS(4096), &doc, &err), 0);
	return site_s3_read(json_root(doc), arena, ret_s3, &err);
}

#define LEAST ",\"endpoint\":\"https://s3.example\",\"bucket\":\"abc\""

static void test_read(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct site_s3 s3;

	(void)state;
	assert_int_equal(read_members(LEAST, &arena, &s3), 0);
	assert_string_equal(s3.endpoint, "https://s3.example");
	assert_string_equal(s3.bucket, "abc");
	assert_string_equal(s3.region, "us-east-1");
	assert_string_equal(s3.prefix, "");
	assert_null(s3.ca);
	assert_null(s3.credentials);
	assert_false(s3.is_virtual);
	assert_int_equal(s3.timeout, 60000);
	assert_int_equal(s3.multipart_octets, 64 << 20);
	assert_int_equal(
		read_members(",\"endpoint\":\"http://[::1]:9000\",\"bucket\":\"a.b-1\","
			     "\"region\":\"eu-1\",\"prefix\":\"A/b\",\"style\":\"virtual\","
			     "\"ca\":\"/ca\",\"credentials\":\"/keys\",\"timeoutSeconds\":1,"
			     "\"multipartMebibytes\":5",
			&arena, &s3),
		0);
	assert_string_equal(s3.region, "eu-1");
	assert_string_equal(s3.prefix, "A/b");
	assert_string_equal(s3.ca, "/ca");
	assert_string_equal(s3.credentials, "/keys");
	assert_true(s3.is_virtual);
	assert_int_equal(s3.timeout, 1000);
	assert_int_equal(s3.multipart_octets, 5 << 20);
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		",\"endpoint\":\"https://h\"",
		",\"bucket\":\"abc\"",
		",\"endpoint\":\"ftp://h\",\"bucket\":\"abc\"",
		",\"endpoint\":\"https://\",\"bucket\":\"abc\"",
		",\"endpoint\":\"https://h/path\",\"bucket\":\"abc\"",
		",\"endpoint\":\"https://key:secret@h\",\"bucket\":\"abc\"",
		",\"endpoint\":\"https://h?x\",\"bucket\":\"abc\"",
		",\"endpoint\":\"https://h\",\"bucket\":\"ab\"",
		",\"endpoint\":\"https://h\",\"bucket\":\"Abc\"",
		",\"endpoint\":\"https://h\",\"bucket\":\"a/c\"",
		",\"endpoint\":\"https://h\",\"bucket\":\"..c\"",
		LEAST ",\"prefix\":\"/a\"",
		LEAST ",\"prefix\":\"a/\"",
		LEAST ",\"prefix\":\"a//b\"",
		LEAST ",\"prefix\":\"a b\"",
		LEAST ",\"style\":\"other\"",
		LEAST ",\"region\":\"\"",
		LEAST ",\"region\":\"a/b\"",
		LEAST ",\"ca\":\"ca.pem\"",
		LEAST ",\"credentials\":\"keys\"",
		LEAST ",\"secretKey\":\"here\"",
		LEAST ",\"timeoutSeconds\":0",
		LEAST ",\"timeoutSeconds\":3601",
		LEAST ",\"multipartMebibytes\":4",
		LEAST ",\"multipartMebibytes\":5121",
	};
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct site_s3 s3;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (read_members(cases[i], &arena, &s3) != -ERR_SITE)
			fail_msg("taken: %s", cases[i]);
}

static int parse(const char *text, struct site_s3_keys *ret_keys)
{
	static struct arena arena = ARENA_INIT;

	return site_s3_keys_parse(bytes_of_string(text), &arena, ret_keys, &err);
}

static void test_keys_file(void **state)
{
	static const char *const wrong[] = {
		"",
		"aws_access_key_id=a\n",
		"aws_secret_access_key=b\n",
		"aws_access_key_id=a\naws_secret_access_key=\n",
		"aws_access_key_id=a\naws_access_key_id=a\naws_secret_access_key=b\n",
		"aws_access_key_id=a\naws_secret_access_key=b c\n",
		"aws_access_key_id=a\naws_secret_access_key=b\nsecret\n",
		"[other]\naws_access_key_id=a\naws_secret_access_key=b\n",
	};
	struct site_s3_keys keys;

	(void)state;
	assert_int_equal(parse("# made by us\n[other]\naws_access_key_id=no\nwhat\n\n[default]\r\n"
			       "aws_access_key_id = a\nregion = x\naws_secret_access_key=b/c=\n",
				 &keys),
		0);
	assert_string_equal(keys.access_key, "a");
	assert_string_equal(keys.secret_key, "b/c=");
	assert_null(keys.session_token);
	assert_int_equal(
		parse("aws_access_key_id=a\naws_secret_access_key=b\naws_session_token=t", &keys),
		0);
	assert_string_equal(keys.session_token, "t");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		if (parse(wrong[i], &keys) != -ERR_SITE)
			fail_msg("taken: %s", wrong[i]);
		assert_null(strstr(err.message, "b c"));
	}
}

/* Not if others may read it; and from the environment, if no file is named. */
static void test_keys_from(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	char path[] = "/tmp/offkit-test-keys-XXXXXX";
	static const char text[] = "aws_access_key_id=a\naws_secret_access_key=b\n";
	struct site_s3 s3 = {.credentials = path};
	struct site_s3_keys keys;
	const int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
	assert_int_equal(site_s3_keys(&s3, &arena, &keys, &err), 0);
	assert_string_equal(keys.secret_key, "b");
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_int_equal(site_s3_keys(&s3, &arena, &keys, &err), -ERR_SITE);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(site_s3_keys(&s3, &arena, &keys, &err), -ERR_SITE);

	s3.credentials = NULL;
	assert_int_equal(unsetenv("AWS_SESSION_TOKEN") | unsetenv("AWS_SECRET_ACCESS_KEY") |
				 setenv("AWS_ACCESS_KEY_ID", "e", 1),
		0);
	assert_int_equal(site_s3_keys(&s3, &arena, &keys, &err), -ERR_SITE);
	assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", "f", 1), 0);
	assert_int_equal(site_s3_keys(&s3, &arena, &keys, &err), 0);
	assert_string_equal(keys.access_key, "e");
	assert_string_equal(keys.secret_key, "f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_keys_file),
		cmocka_unit_test(test_keys_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
