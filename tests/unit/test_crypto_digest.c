/* SHA-256, strict base64, and the digest of a set. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "crypto/lthash.h"
#include "crypto/sha1.h"

enum { FILE_OCTETS = 600 * 1024 + 1 };

static struct err err;

static const char *hex_of(const struct sha256 *digest, char hex[static SHA256_HEX_SIZE])
{
	sha256_to_hex(digest, hex);
	return hex;
}

/* FIPS 180-2, appendix B. */
static void test_sha256_known_answers(void **state)
{
	static const char *const cases[][2] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	char hex[SHA256_HEX_SIZE];
	struct sha256 digest;

	(void)state;
	assert_int_equal(sha256_stream_new(&stream, &err), 0);
	for (size_t i = 0; i < 3; i++) {
		struct bytes text = bytes_of_string(cases[i][0]);
		assert_int_equal(sha256_of(text, &digest, &err), 0);
		assert_string_equal(hex_of(&digest, hex), cases[i][1]);
		assert_int_equal(sha256_of_with(stream, text, &digest, &err), 0);
		assert_string_equal(hex_of(&digest, hex), cases[i][1]);
		assert_int_equal(sha256_of_with(NULL, text, &digest, &err), 0);
		assert_string_equal(hex_of(&digest, hex), cases[i][1]);
		for (size_t k = 0; k < text.size; k++)
			assert_int_equal(
				sha256_stream_update(stream, bytes_make(text.data + k, 1), &err),
				0);
		assert_int_equal(sha256_stream_finish(stream, &digest, &err), 0);
		assert_string_equal(hex_of(&digest, hex), cases[i][1]);
	}
	assert_int_equal(sha256_of(bytes_make(NULL, 0), &digest, &err), 0);
	assert_string_equal(hex_of(&digest, hex), cases[0][1]);
}

static void test_hex_is_strict(void **state)
{
	static const char good[] =
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	struct sha256 digest, empty;

	(void)state;
	assert_int_equal(sha256_of(bytes_make(NULL, 0), &empty, &err), 0);
	assert_true(sha256_from_hex(bytes_of_string(good), &digest));
	assert_true(sha256_equal(&digest, &empty));
	digest.octets[31] ^= 1;
	assert_false(sha256_equal(&digest, &empty));
	assert_false(sha256_from_hex(bytes_make(good, 63), &digest));
	assert_false(sha256_from_hex(bytes_make(good, 65), &digest));
	for (const char *bad = "Eg /:`G@"; *bad != '\0'; bad++) {
		char text[sizeof good];
		memcpy(text, good, sizeof good);
		text[63] = *bad;
		assert_false(sha256_from_hex(bytes_of_string(text), &digest));
		memcpy(text, good, sizeof good);
		text[0] = *bad;
		assert_false(sha256_from_hex(bytes_of_string(text), &digest));
	}
}

/* RFC 4648 section 10, both ways. */
static void test_base64_vectors(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xbf", "+/+/"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP_STR struct str text = STR_INIT, data = STR_INIT;
		base64_encode(bytes_of_string(cases[i][0]), &text);
		assert_string_equal(str_text(&text), cases[i][1]);
		assert_int_equal(base64_decode(bytes_of_string(cases[i][1]), &data, &err), 0);
		assert_true(bytes_equal(str_bytes(&data), bytes_of_string(cases[i][0])));
	}
}

static void test_base64_has_no_slack(void **state)
{
	static const char *const bad[] = {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8", "Zm9v\n",
		"Zm9\n", " Zm9v", "Zm9vYg==Zm9v", "====", "=", "A===", "Zm9v====", "-_-_", "Zm=v",
		"Z=9v", "Zm9v Zm8=", "Zm\xc3\xa9", "Zg==\n"};
	CLEANUP_STR struct str data = STR_INIT;

	(void)state;
	str_append_text(&data, "kept");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(base64_decode(bytes_of_string(bad[i]), &data, &err), -ERR_SYNTAX);
		assert_string_equal(str_text(&data), "kept");
	}
	assert_int_equal(base64_decode(bytes_make("Zm9\0", 4), &data, &err), -ERR_SYNTAX);
}

static void add_all(
	struct lthash_stream *stream, struct lthash *sum, const char *const *texts, size_t count)
{
	lthash_reset(sum);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(lthash_add(stream, sum, bytes_of_string(texts[i]), &err), 0);
}

/* Computed by another implementation of SHA-256 and ChaCha20, from the description in lthash.h. */
static void test_lthash_known_answers(void **state)
{
	static const char *const texts[] = {"one", "two", "three"};
	static const struct {
		size_t count;
		const char *hex;
	} cases[] = {
		{0, "1d830c8af4ff60b1ec36350ea25d99c4247d5d040d8d2c9acbe28011ebb9039e"},
		{1, "d2680c78f2e2749590014f03a9d413fce20b5790bed0e5275045f147e678a830"},
		{3, "bce4eb7024adf880553b8125666ecef04ddb20ed8be3dcfdde14540635e73b52"},
	};
	CLEANUP(lthash_stream_cleanup) struct lthash_stream *stream = NULL;

	(void)state;
	assert_int_equal(lthash_stream_new(&stream, &err), 0);
	for (size_t i = 0; i < 3; i++) {
		struct lthash sum;
		struct sha256 digest;
		char hex[SHA256_HEX_SIZE];

		add_all(stream, &sum, texts, cases[i].count);
		assert_int_equal(lthash_digest(&sum, &digest, &err), 0);
		assert_string_equal(hex_of(&digest, hex), cases[i].hex);
	}
}

static void test_lthash_is_a_set(void **state)
{
	static const char *const forwards[] = {"one", "two", "three", "three"};
	static const char *const backwards[] = {"three", "three", "two", "one"};
	CLEANUP(lthash_stream_cleanup) struct lthash_stream *stream = NULL;
	struct lthash a, b, left, right;

	(void)state;
	assert_int_equal(lthash_stream_new(&stream, &err), 0);
	add_all(stream, &a, forwards, 4);
	add_all(stream, &b, backwards, 4);
	assert_memory_equal(&a, &b, sizeof a);
	add_all(stream, &left, forwards, 1);
	add_all(stream, &right, forwards + 1, 3);
	lthash_merge(&left, &right);
	assert_memory_equal(&left, &a, sizeof a);
	assert_int_equal(lthash_remove(stream, &a, bytes_of_string("three"), &err), 0);
	add_all(stream, &b, forwards, 3);
	assert_memory_equal(&a, &b, sizeof a);
	/* A pair does not cancel out, as it would with XOR. */
	add_all(stream, &a, forwards, 2);
	add_all(stream, &b, forwards, 4);
	assert_memory_not_equal(a.lanes, b.lanes, sizeof a.lanes);
}

/* More octets than are read at once; and a failure leaves the stream at its beginning. */
/* FIPS 180-2, appendix A; the stream begins anew each time. */
static void test_sha1_known_answers(void **state)
{
	static const struct {
		const char *first, *second, *hex;
	} cases[] = {
		{"abc", "", "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"abcdbcdecdefdefgefghfghighijhijk", "ijkljklmklmnlmnomnopnopq",
			"84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
		{"", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
	};
	CLEANUP(sha1_stream_cleanup) struct sha1_stream *stream = NULL;
	char hex[SHA1_HEX_SIZE];

	(void)state;
	assert_int_equal(sha1_stream_new(&stream, &err), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(
			sha1_stream_update(stream, bytes_of_string(cases[i].first), &err), 0);
		assert_int_equal(
			sha1_stream_update(stream, bytes_of_string(cases[i].second), &err), 0);
		assert_int_equal(sha1_stream_finish(stream, hex, &err), 0);
		assert_string_equal(hex, cases[i].hex);
	}
}

static void test_sha256_of_a_file(void **state)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	CLEANUP_FREE uint8_t *octets = calloc(1, FILE_OCTETS);
	CLEANUP_FD int fd = memfd_create("digest", MFD_CLOEXEC), folder = open(".", O_RDONLY);
	struct sha256 wanted, found;
	int64_t size = 0;

	(void)state;
	assert_non_null(octets);
	octets[FILE_OCTETS - 1] = 1;
	assert_int_equal(write(fd, octets, FILE_OCTETS), FILE_OCTETS);
	assert_int_equal(sha256_of(bytes_make(octets, FILE_OCTETS), &wanted, &err), 0);
	assert_int_equal(sha256_stream_new(&stream, &err), 0);
	assert_int_equal(sha256_of_file(stream, folder, &found, &size, &err), -(int)ERR_UNREADABLE);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sha256_of_file(stream, fd, &found, &size, &err), 0);
		assert_true(sha256_equal(&found, &wanted));
		assert_int_equal(size, FILE_OCTETS);
	}
	assert_int_equal(sha256_stream_update(stream, bytes_of_string("x"), &err), 0);
	sha256_stream_restart(stream);
	assert_int_equal(sha256_of_file(stream, fd, &found, &size, &err), 0);
	assert_true(sha256_equal(&found, &wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256_known_answers),
		cmocka_unit_test(test_sha1_known_answers),
		cmocka_unit_test(test_sha256_of_a_file),
		cmocka_unit_test(test_hex_is_strict),
		cmocka_unit_test(test_base64_vectors),
		cmocka_unit_test(test_base64_has_no_slack),
		cmocka_unit_test(test_lthash_known_answers),
		cmocka_unit_test(test_lthash_is_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
