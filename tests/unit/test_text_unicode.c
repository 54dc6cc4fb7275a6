/* UTF-8, normal forms, widths, and what may reach a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "text/text.h"

static void utf8_borders(void **state)
{
	static const char *const valid[] = {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf"};
	static const char *const invalid[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2",
		"\xc2\x7f", "\xc2\xc0", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe",
		"\xff", "a\xf0\x90\x80\x41"};

	(void)state;
	for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
		assert_true(utf8_valid(bytes_of_string(valid[i])));
	for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
		assert_false(utf8_valid(bytes_of_string(invalid[i])));
	assert_true(utf8_valid(bytes_make("a\0b", 3)));
}

static void every_character_is_decoded(void **state)
{
	uint32_t decoded;

	(void)state;
	for (uint32_t c = 0x80; c <= 0x10FFFF; c++) {
		char text[4];
		size_t size = 0;
		if (c < 0x800) {
			text[size++] = (char)(0xC0 | c >> 6);
		} else if (c < 0x10000) {
			text[size++] = (char)(0xE0 | c >> 12);
			text[size++] = (char)(0x80 | (c >> 6 & 0x3F));
		} else {
			text[size++] = (char)(0xF0 | c >> 18);
			text[size++] = (char)(0x80 | (c >> 12 & 0x3F));
			text[size++] = (char)(0x80 | (c >> 6 & 0x3F));
		}
		text[size++] = (char)(0x80 | (c & 0x3F));
		bool surrogate = c >= 0xD800 && c <= 0xDFFF;
		assert_int_equal(
			utf8_next(bytes_make(text, size), 0, &decoded), surrogate ? 0 : size);
		if (!surrogate)
			assert_int_equal(decoded, c);
		assert_int_equal(utf8_next(bytes_make(text, size - 1), 0, &decoded), 0);
	}
}

static void widths_and_cuts(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("\u65e5\u672c"), 4);
	assert_int_equal(text_width("e\u0301"), 1);
	assert_int_equal(text_width("\u2588\u2026\u2713"), 3);
	assert_int_equal(text_cut("abc", 0), 0);
	assert_int_equal(text_cut("abc", 2), 2);
	assert_int_equal(text_cut("abc", 3), 3);
	assert_int_equal(text_cut("\u65e5\u672c", 3), 3);
	assert_int_equal(text_cut("\u65e5\u672c", 4), 6);
	assert_int_equal(text_cut("e\u0301x", 1), 3); /* a mark stays with its base */
}

static bool is_nfc(struct bytes text)
{
	struct err err;

	return text_check_nfc(text, &err) == 0;
}

static void nfc(void **state)
{
	(void)state;
	assert_true(is_nfc(bytes_of_string("")));
	assert_true(is_nfc(bytes_of_string("plain")));
	assert_true(is_nfc(bytes_of_string("\u00e9")));
	assert_false(is_nfc(bytes_of_string("e\u0301")));
	assert_false(is_nfc(bytes_of_string("\u212b")));	/* ANGSTROM SIGN */
	assert_true(is_nfc(bytes_of_string("\u00c5")));		/* what it becomes */
	assert_false(is_nfc(bytes_of_string("a\u0301\u0323"))); /* marks out of order */
	assert_true(is_nfc(bytes_of_string("\uac00")));
	assert_false(is_nfc(bytes_of_string("\u1100\u1161")));
	assert_true(is_nfc(bytes_of_string("\ufb01"))); /* compatibility stays in NFC */
	assert_false(is_nfc(bytes_of_string("\u00e9\xff")));
}

static void assert_fold(const char *text, const char *folded)
{
	struct str out = STR_INIT;
	struct err err;

	assert_int_equal(text_fold(bytes_of_string(text), &out, &err), 0);
	assert_string_equal(str_text(&out), folded);
	str_release(&out);
}

static void folding(void **state)
{
	struct str out = STR_INIT;
	struct err err;

	(void)state;
	assert_fold("", "");
	assert_fold("README.md", "readme.md");
	assert_fold("Stra\u00dfe", "strasse");
	assert_fold("STRASSE", "strasse");
	assert_fold("\u212a", "k");	       /* KELVIN SIGN */
	assert_fold("\ufb01le", "file");       /* a ligature */
	assert_fold("\uff21\uff22", "ab");     /* full width */
	assert_fold("a\u00adb\u200bc", "abc"); /* invisible */
	assert_fold("E\u0301", "\u00e9");
	assert_fold("\u03a3\u03c2\u03c3", "\u03c3\u03c3\u03c3");
	assert_int_equal(text_fold(bytes_of_string("a\xc3"), &out, &err), -ERR_SYNTAX);
	assert_int_equal(out.size, 0);
}

static void folding_twice_is_folding_once(void **state)
{
	(void)state;
	for (uint32_t c = 0x80; c < 0x30000; c++) {
		struct str once = STR_INIT;
		struct str twice = STR_INIT;
		struct err err;
		char text[4];
		size_t size = 0;
		if (c < 0x800) {
			text[size++] = (char)(0xC0 | c >> 6);
		} else if (c < 0x10000) {
			text[size++] = (char)(0xE0 | c >> 12);
			text[size++] = (char)(0x80 | (c >> 6 & 0x3F));
		} else {
			text[size++] = (char)(0xF0 | c >> 18);
			text[size++] = (char)(0x80 | (c >> 12 & 0x3F));
			text[size++] = (char)(0x80 | (c >> 6 & 0x3F));
		}
		text[size++] = (char)(0x80 | (c & 0x3F));
		if (!utf8_valid(bytes_make(text, size)))
			continue;
		assert_int_equal(text_fold(bytes_make(text, size), &once, &err), 0);
		assert_int_equal(text_fold(str_bytes(&once), &twice, &err), 0);
		if (!bytes_equal(str_bytes(&once), str_bytes(&twice)))
			fail_msg("U+%04X folds to %s, then to %s", (unsigned)c, str_text(&once),
				str_text(&twice));
		str_release(&once);
		str_release(&twice);
	}
}

static void assert_escape(const char *text, size_t columns, const char *escaped)
{
	struct str out = STR_INIT;

	text_escape(&out, bytes_of_string(text), columns);
	assert_false(out.failed);
	assert_string_equal(str_text(&out), escaped);
	if (columns > 0)
		assert_true(text_width(str_text(&out)) <= columns);
	str_release(&out);
}

static void escaping(void **state)
{
	static const struct {
		const char *text;
		const char *escaped;
	} cases[] = {
		{"", ""},
		{"plain text", "plain text"},
		{"gr\u00fc\u00df \u65e5", "gr\u00fc\u00df \u65e5"},
		{"\x1b[31mred", "\\x1b[31mred"},
		{"a\nb\tc\rd\x7f", "a\\x0ab\\x09c\\x0dd\\x7f"},
		{"C:\\x1b", "C:\\\\x1b"},
		{"\xc2\x9b"
		 "31m",
			"\\u{9b}31m"},
		{"\x9b", "\\x9b"},
		{"\xc3(", "\\xc3("},
		{"a\u202egpj.exe", "a\\u{202e}gpj.exe"},
		{"\u2066\u2069\u200e\u200f\u061c", "\\u{2066}\\u{2069}\\u{200e}\\u{200f}\\u{61c}"},
		{"a\u200bb\u200db\u2060b\ufeff", "a\\u{200b}b\\u{200d}b\\u{2060}b\\u{feff}"},
		{"\u2028\u2029\xc2\x85", "\\u{2028}\\u{2029}\\u{85}"},
		{"\u00ad\u3164\u115f\u034f\ufe0f", "\\u{ad}\\u{3164}\\u{115f}\\u{34f}\\u{fe0f}"},
		{"\ue000\uffff\u0378", "\\u{e000}\\u{ffff}\\u{378}"},
		{"\xf3\xa0\x81\x81", "\\u{e0041}"},
		{"e\u0301", "e\u0301"},
		{"\u0301e", "\\u{301}e"},
		{"\x01\u0301", "\\x01\\u{301}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_escape(cases[i].text, 0, cases[i].escaped);

	struct str out = STR_INIT;
	text_escape(&out, bytes_make("a\0b", 3), 0);
	assert_string_equal(str_text(&out), "a\\x00b");
	str_release(&out);
}

static void escaping_cuts(void **state)
{
	(void)state;
	/* as many marks as a script needs, no tower of them */
	assert_escape("a\u0301\u0302\u0303\u0304", 0, "a\u0301\u0302\u0303\u0304");
	assert_escape("a\u0301\u0302\u0303\u0304\u0305\u0306b\u0301", 0,
		"a\u0301\u0302\u0303\u0304\\u{305}\\u{306}b\u0301");
	assert_escape("abcd", 4, "abcd");
	assert_escape("abcde", 4, "abc\u2026");
	assert_escape("ab", 1, "\u2026");
	assert_escape("a", 1, "a");
	assert_escape("abc\x1b", 7, "abc\\x1b");
	assert_escape("abc\x1bz", 7, "abc\u2026"); /* not inside of the escape */
	assert_escape("\u65e5\u672c\u8a9e", 6, "\u65e5\u672c\u8a9e");
	assert_escape("\u65e5\u672c\u8a9e", 5, "\u65e5\u672c\u2026");
	assert_escape("\u65e5\u672c\u8a9e", 4, "\u65e5\u2026");
	assert_escape("abe\u0301xy", 4, "abe\u0301\u2026");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_borders),
		cmocka_unit_test(every_character_is_decoded),
		cmocka_unit_test(widths_and_cuts),
		cmocka_unit_test(nfc),
		cmocka_unit_test(folding),
		cmocka_unit_test(folding_twice_is_folding_once),
		cmocka_unit_test(escaping),
		cmocka_unit_test(escaping_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
