/*
 * base64 and DER have one spelling of each value: tried with every short text there is, so that no
 * second one is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "crypto/der.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static struct err err;

/* Whether text is accepted; if so it must be what is written again. */
static bool base64_is(const char text[static 4])
{
	CLEANUP_STR struct str again = STR_INIT;
	uint8_t out[3];
	size_t size;

	if (base64_decode_into(bytes_make(text, 4), out, &size, &err) != 0)
		return false;
	base64_encode(bytes_make(out, size), &again);
	assert_true(bytes_equal(str_bytes(&again), bytes_make(text, 4)));
	return true;
}

static void one_octet_of_base64(void **state)
{
	unsigned count = 0;

	(void)state;
	for (unsigned pair = 0; pair < 65536; pair++)
		count += base64_is((const char[4]){(char)(pair >> 8), (char)pair, '=', '='});
	assert_int_equal(count, 256);
}

static void two_octets_of_base64(void **state)
{
	unsigned count = 0;

	(void)state;
	for (unsigned i = 0; i < 64 * 64 * 64; i++)
		count += base64_is((const char[4]){
			alphabet[i >> 12], alphabet[i >> 6 & 63], alphabet[i & 63], '='});
	assert_int_equal(count, 65536);
}

/* Every octet at every place of a group: the alphabet alone, and "=" where it may stand. */
static void every_octet_in_base64(void **state)
{
	(void)state;
	for (int octet = 0; octet < 256; octet++) {
		bool digit = octet != 0 && strchr(alphabet, octet) != NULL;
		for (size_t at = 0; at < 4; at++) {
			char text[] = "AAAA";
			text[at] = (char)octet;
			assert_int_equal(base64_is(text), digit || (octet == '=' && at == 3));
		}
	}
}

/* The URL-safe alphabet is another one, and never mixes with this. */
static void lengths_and_alphabets_of_base64(void **state)
{
	static const char *const bad[] = {"A", "AA", "AAA", "AAAAA", "AA=", "A===", "====", "=",
		"AA==AA==", "AAA=AAA=", "AA==AAAA", "-_-_", "+/-_", "AAAA\n", "AA\nAA", " AAAA",
		"AAAA ", "AA AA", "AAAA====", "AA=A",
		"\xc3\xa9"
		"AA"};
	CLEANUP_STR struct str out = STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(base64_decode(bytes_of_string(bad[i]), &out, &err), -ERR_SYNTAX);
	assert_int_equal(out.size, 0);
	assert_int_equal(base64_decode(bytes_of_string(""), &out, &err), 0);
	assert_int_equal(base64_decode(bytes_of_string("+/+/AA=="), &out, &err), 0);
	assert_true(bytes_equal(str_bytes(&out), bytes_make("\xfb\xff\xbf\0", 4)));
}

/* ---- DER */

static bool is_positive(const uint8_t *content, size_t size)
{
	uint8_t der[8] = {DER_INTEGER, (uint8_t)size};
	struct bytes rest, magnitude;

	memcpy(der + 2, content, size);
	rest = bytes_make(der, size + 2);
	if (!der_take_positive(&rest, &magnitude)) {
		assert_int_equal(rest.size, size + 2); /* nothing taken */
		return false;
	}
	assert_int_equal(rest.size, 0);
	assert_true(magnitude.size > 0 && magnitude.data[0] != 0);
	return true;
}

/* In n octets there are as many positive integers as DER spells with n, and no others. */
static void every_short_integer(void **state)
{
	unsigned counts[4] = {0};

	(void)state;
	counts[0] = is_positive((const uint8_t *)"", 0);
	for (unsigned i = 0; i < 1U << 24; i++) {
		const uint8_t content[] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
		if (i < 1U << 8)
			counts[1] += is_positive(content + 2, 1);
		if (i < 1U << 16)
			counts[2] += is_positive(content + 1, 2);
		counts[3] += is_positive(content, 3);
	}
	assert_int_equal(counts[0], 0);
	assert_int_equal(counts[1], 0x7f);
	assert_int_equal(counts[2], 0x7fff - 0x7f);
	assert_int_equal(counts[3], 0x7fffff - 0x7fff);
}

static bool takes(const uint8_t *header, size_t header_size, size_t content)
{
	static uint8_t der[70000];
	struct bytes rest, inside;

	memcpy(der, header, header_size);
	rest = bytes_make(der, header_size + content);
	return der_take(&rest, header[0], &inside) && inside.size == content && rest.size == 0;
}

static void every_form_of_a_length(void **state)
{
	static const struct {
		uint8_t header[8];
		size_t size;
		size_t content;
		bool good;
	} cases[] = {
		{{0x30, 0x00}, 2, 0, true},
		{{0x30, 0x7f}, 2, 0x7f, true},
		{{0x30, 0x80}, 2, 0, false}, /* indefinite */
		{{0x30, 0x81, 0x7f}, 3, 0x7f, false},
		{{0x30, 0x81, 0x80}, 3, 0x80, true},
		{{0x30, 0x81, 0xff}, 3, 0xff, true},
		{{0x30, 0x81, 0x00}, 3, 0, false},
		{{0x30, 0x82, 0x00, 0xff}, 4, 0xff, false},
		{{0x30, 0x82, 0x01, 0x00}, 4, 0x100, true},
		{{0x30, 0x82, 0xff, 0xff}, 4, 0xffff, true},
		{{0x30, 0x83, 0x00, 0xff, 0xff}, 5, 0xffff, false},
		{{0x30, 0x83, 0x01, 0x00, 0x00}, 5, 0x10000, false}, /* beyond what we read */
		{{0x30, 0x84, 0x00, 0x00, 0x00, 0x01}, 6, 1, false},
		{{0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8, 16, false},
		{{0x30, 0xff}, 2, 0, false},
		{{0x30, 0x05}, 2, 4, false},
		{{0x30}, 1, 0, false},
		{{0x30, 0x81}, 2, 0, false},
		{{0x30, 0x82, 0x01}, 3, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(
			takes(cases[i].header, cases[i].size, cases[i].content), cases[i].good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_octet_of_base64),
		cmocka_unit_test(two_octets_of_base64),
		cmocka_unit_test(every_octet_in_base64),
		cmocka_unit_test(lengths_and_alphabets_of_base64),
		cmocka_unit_test(every_short_integer),
		cmocka_unit_test(every_form_of_a_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
