/* UTF-8, tried with every sequence there is: one spelling of each character, and of no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/text.h"

/* RFC 3629 section 3, the other way round. */
static size_t encode(uint32_t character, uint8_t *to)
{
	static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
	size_t size = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

	for (size_t i = size; i-- > 1; character >>= 6)
		to[i] = (uint8_t)(0x80 | (character & 0x3F));
	to[0] = (uint8_t)(leads[size] | character);
	return size;
}

static void every_character(void **state)
{
	(void)state;
	for (uint32_t character = 0; character <= 0x120000; character++) {
		uint8_t octets[4];
		size_t size = encode(character, octets);
		bool exists = character <= 0x10FFFF && (character < 0xD800 || character > 0xDFFF);
		uint32_t decoded = 0;
		assert_int_equal(
			utf8_next(bytes_make(octets, size), 0, &decoded), exists ? size : 0);
		if (exists)
			assert_int_equal(decoded, character);
		for (size_t cut = 1; exists && cut < size; cut++)
			assert_int_equal(utf8_next(bytes_make(octets, cut), 0, &decoded), 0);
	}
}

static unsigned count(unsigned first, unsigned last, size_t size)
{
	unsigned found = 0;

	for (unsigned i = first; i <= last; i++) {
		const uint8_t octets[] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
		uint32_t character;
		found += utf8_next(bytes_make(octets + 3 - size, size), 0, &character) == size;
	}
	return found;
}

/* As many sequences as there are characters: with every_character, no second spelling is left. */
static void no_other_sequence(void **state)
{
	static const uint8_t lasts[] = {0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
	unsigned found = 0;

	(void)state;
	assert_int_equal(count(0, 0xFF, 1), 0x80);
	assert_int_equal(count(0, 0xFFFF, 2), 0x800 - 0x80);
	assert_int_equal(count(0, 0xFFFFFF, 3), 0x10000 - 0x800 - 0x800);
	/* Of four octets the last is tried at its limits: 2 of each 64. */
	for (unsigned i = 0xE00000; i <= 0xFFFFFF; i++)
		for (size_t k = 0; k < sizeof lasts; k++) {
			const uint8_t octets[] = {
				(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, lasts[k]};
			uint32_t character;
			found += utf8_next(bytes_make(octets, 4), 0, &character) == 4;
		}
	assert_int_equal(found, 0x100000 / 64 * 2);
}

static void normal_form(void **state)
{
	static const struct {
		const char *text;
		bool is_nfc;
	} cases[] = {
		{"", true},
		{"plain", true},
		{"\u00e9", true},
		{"e\u0301", false},
		{"\u1e69", true},	  /* s with two dots */
		{"s\u0323\u0307", false}, /* the same from parts */
		{"s\u0307\u0323", false}, /* in another order */
		{"q\u0323\u0307", true},  /* no such letter: parts, in their order */
		{"q\u0307\u0323", false}, /* and not in another */
		{"\u212b", false},	  /* Angstrom, which is A with ring */
		{"\u00c5", true},
		{"\u2126", false},	 /* Ohm */
		{"\u1100\u1161", false}, /* Hangul from parts */
		{"\uac00", true},
		{"\uac00\u11a8", false},
		{"\u0958", false}, /* a letter that composition excludes */
		{"\u0915\u093c", true},
		{"\uf900", false}, /* a compatibility ideograph */
		{"\ufb01", true},  /* a ligature: another form's matter */
		{"\U0001d15e", false},
		{"\u0344", false},
		{"a\u0300b", false},
		{"\u0300", true},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int rc = text_check_nfc(bytes_of_string(cases[i].text), &err);
		if (rc != (cases[i].is_nfc ? 0 : -ERR_SYNTAX))
			fail_msg("case %zu: %d", i, rc);
	}
	assert_int_equal(text_check_nfc(bytes_make("\xff", 1), &err), -ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character),
		cmocka_unit_test(no_other_sequence),
		cmocka_unit_test(normal_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
