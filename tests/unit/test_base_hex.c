/* Hexadecimal digits: lower case, two for each octet, nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/hex.h"

static void every_octet_comes_back(void **state)
{
	(void)state;
	for (int octet = 0; octet < 256; octet++) {
		const uint8_t in = (uint8_t)octet;
		uint8_t out = (uint8_t)~octet;
		char text[3];
		hex_encode(bytes_make(&in, 1), text);
		assert_int_equal(strlen(text), 2);
		assert_true(hex_decode(bytes_make(text, 2), &out));
		assert_int_equal(out, in);
	}
}

/* Of all pairs of octets exactly 256 are hexadecimal: one spelling of each. */
static void one_spelling_of_each(void **state)
{
	unsigned count = 0;

	(void)state;
	for (unsigned pair = 0; pair < 65536; pair++) {
		const uint8_t text[2] = {(uint8_t)(pair >> 8), (uint8_t)pair};
		char again[3];
		uint8_t out;
		if (!hex_decode(bytes_make(text, 2), &out))
			continue;
		hex_encode(bytes_make(&out, 1), again);
		assert_memory_equal(text, again, 2);
		count++;
	}
	assert_int_equal(count, 256);
}

static void appends_all_or_nothing(void **state)
{
	static const char *const bad[] = {"0", "abc", "0g", "00 0", "0x00", "AB", "a\nb0", "00-1"};
	CLEANUP_STR struct str out = STR_INIT;

	(void)state;
	assert_true(hex_append_decoded(bytes_of_string("00ff7f"), &out));
	assert_true(hex_append_decoded(bytes_of_string(""), &out));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(hex_append_decoded(bytes_of_string(bad[i]), &out));
	assert_true(bytes_equal(str_bytes(&out), bytes_make("\0\xff\x7f", 3)));
	assert_false(hex_append_decoded(bytes_make("00\0\0", 4), &out));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_octet_comes_back),
		cmocka_unit_test(one_spelling_of_each),
		cmocka_unit_test(appends_all_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
