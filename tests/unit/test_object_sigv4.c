/* What AWS and the IETF have published of signatures, and the encoding under them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "crypto/hmac.h"
#include "object/sigv4.h"

static struct err err;

/* RFC 4231, test cases 2 and 6. */
static void test_hmac(void **state)
{
	static const uint8_t long_key[131] = {[0 ... 130] = 0xaa};
	char hex[SHA256_HEX_SIZE];
	struct sha256 code;

	(void)state;
	assert_int_equal(hmac_sha256(bytes_of_string("Jefe"),
				 bytes_of_string("what do ya want for nothing?"), &code, &err),
		0);
	sha256_to_hex(&code, hex);
	assert_string_equal(
		hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_int_equal(
		hmac_sha256(bytes_make(long_key, sizeof long_key),
			bytes_of_string("Test Using Larger Than Block-Size Key - Hash Key First"),
			&code, &err),
		0);
	sha256_to_hex(&code, hex);
	assert_string_equal(
		hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	assert_int_equal(
		hmac_sha256(bytes_make(NULL, 0), bytes_make(NULL, 0), &code, &err), -ERR_INTERNAL);
}

/* Amazon S3 API Reference, "Signature Calculations for the Authorization Header", its four
 * examples. */
#define EMPTY	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define WELCOME "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
#define HOST                                                                                       \
	{                                                                                          \
		"host", "examplebucket.s3.amazonaws.com"                                           \
	}
#define DATE                                                                                       \
	{                                                                                          \
		"x-amz-date", "20130524T000000Z"                                                   \
	}

static const struct example {
	const char *method, *path, *payload, *signature;
	struct sigv4_query query[2];
	size_t query_count;
	struct sigv4_header headers[5];
	size_t header_count;
} examples[] = {
	{"GET", "/test.txt", EMPTY,
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature="
		"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
		{{0}}, 0, {HOST, {"range", "bytes=0-9"}, {"x-amz-content-sha256", EMPTY}, DATE}, 4},
	{"PUT", "/test$file.text", WELCOME,
		"SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
		"Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		{{0}}, 0,
		{{"date", "Fri, 24 May 2013 00:00:00 GMT"}, HOST, {"x-amz-content-sha256", WELCOME},
			DATE, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
		5},
	{"GET", "/", EMPTY,
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="
		"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		{{"lifecycle", ""}}, 1, {HOST, {"x-amz-content-sha256", EMPTY}, DATE}, 3},
	{"GET", "/", EMPTY,
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="
		"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
		{{"max-keys", "2"}, {"prefix", "J"}}, 2,
		{HOST, {"x-amz-content-sha256", EMPTY}, DATE}, 3},
};

static void test_examples(void **state)
{
	static const char begin[] = "AWS4-HMAC-SHA256 Credential="
				    "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,";
	const struct sigv4_keys keys = {
		.access_key = "AKIAIOSFODNN7EXAMPLE",
		.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		.region = "us-east-1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
		CLEANUP_STR struct str path = STR_INIT, out = STR_INIT;
		const struct example *example = &examples[i];
		sigv4_encode_path(example->path, &path);
		const struct sigv4_request request = {
			.method = example->method,
			.path = str_text(&path),
			.query = example->query,
			.query_count = example->query_count,
			.headers = example->headers,
			.header_count = example->header_count,
			.payload = example->payload,
			.time = 1369353600000,
		};
		assert_int_equal(sigv4_authorize(&keys, &request, &out, &err), 0);
		assert_int_equal(strncmp(str_text(&out), begin, strlen(begin)), 0);
		assert_string_equal(str_text(&out) + strlen(begin), example->signature);
	}
}

static void test_encoding(void **state)
{
	static const struct sigv4_query query[] = {{"a/b", "c d+e"}, {"~", "\xc3\xa9"}};
	CLEANUP_STR struct str path = STR_INIT, text = STR_INIT;

	(void)state;
	sigv4_encode_path("/a-b_c.d~/e f/%\x7f", &path);
	assert_string_equal(str_text(&path), "/a-b_c.d~/e%20f/%25%7F");
	sigv4_encode_query(query, 2, &text);
	assert_string_equal(str_text(&text), "a%2Fb=c%20d%2Be&~=%C3%A9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
