/*
 * json_suite: texts by the classes of nst/JSONTestSuite, named like its files (y_ must be accepted,
 * n_ refused, i_ is the reader's choice), the octets our own. Where RFC 7493 (I-JSON) or a limit
 * refuses what RFC 8259 would let pass, the row says so.
 *
 * A row that is refused has the line and column, both from 1, of the first octet after which
 * nothing could have made the text good; AT_START marks the rules about a whole number, escape or
 * name, which are reported where that begins.
 */
#ifndef OFFKIT_TESTS_JSON_SUITE_H
#define OFFKIT_TESTS_JSON_SUITE_H

#include <stdbool.h>
#include <stddef.h>

struct json_case {
	const char *name;
	const char *text;
	size_t size;
	unsigned line; /* 0: accepted */
	unsigned column;
	bool at_start;
};

#define ACCEPTED(name, text)                                                                       \
	{                                                                                          \
		name, text, sizeof(text) - 1, 0, 0, false                                          \
	}
#define REFUSED(name, text, column)                                                                \
	{                                                                                          \
		name, text, sizeof(text) - 1, 1, column, false                                     \
	}
#define REFUSED_ON(name, text, line, column)                                                       \
	{                                                                                          \
		name, text, sizeof(text) - 1, line, column, false                                  \
	}
#define AT_START(name, text, column)                                                               \
	{                                                                                          \
		name, text, sizeof(text) - 1, 1, column, true                                      \
	}

static const struct json_case json_structure[] = {
	ACCEPTED("y_structure_lonely_false", "false"),
	ACCEPTED("y_structure_lonely_true", "true"),
	ACCEPTED("y_structure_lonely_null", "null"),
	ACCEPTED("y_structure_lonely_int", "42"),
	ACCEPTED("y_structure_lonely_negative_real", "-0.1"),
	ACCEPTED("y_structure_lonely_string", "\"asd\""),
	ACCEPTED("y_structure_string_empty", "\"\""),
	ACCEPTED("y_structure_true_in_array", "[true]"),
	ACCEPTED("y_structure_trailing_newline", "[\"a\"]\n"),
	ACCEPTED("y_structure_whitespace_array", " [] "),
	ACCEPTED("y_structure_all_whitespace", " \t\r\n[\r\n1\t,\n 2 ]\n\t "),
	REFUSED("n_structure_no_data", "", 1),
	REFUSED("n_single_space", " ", 2),
	REFUSED_ON("n_structure_only_line_feeds", "\n\n", 3, 1),
	REFUSED("n_structure_null-byte-outside-string", "[\0]", 2),
	REFUSED("n_structure_null-byte-alone", "\0", 1),
	REFUSED("n_structure_null-byte-after", "[]\0", 3),
	REFUSED("n_structure_null-byte-between", "[1,\0 2]", 4),
	REFUSED("n_structure_angle_bracket_.", "<.>", 1),
	REFUSED("n_structure_angle_bracket_null", "[<null>]", 2),
	REFUSED("n_structure_array_trailing_garbage", "[1]x", 4),
	REFUSED("n_structure_array_with_extra_array_close", "[1]]", 4),
	REFUSED("n_structure_array_with_unclosed_string", "[\"asd]", 7),
	REFUSED("n_structure_ascii-unicode-identifier", "a\u00e5", 1),
	REFUSED("n_structure_capitalized_True", "[True]", 2),
	REFUSED("n_structure_close_unopened_array", "1]", 2),
	REFUSED("n_structure_comma_instead_of_closing_brace", "{\"x\": true,", 12),
	REFUSED("n_structure_double_array", "[][]", 3),
	REFUSED("n_structure_end_array", "]", 1),
	REFUSED("n_structure_end_object", "}", 1),
	REFUSED("n_structure_lone-invalid-utf-8", "\xe5", 1),
	REFUSED("n_structure_lone-open-bracket", "[", 2),
	REFUSED("n_structure_lone-open-brace", "{", 2),
	REFUSED("n_structure_number_with_trailing_garbage", "2@", 2),
	REFUSED("n_structure_object_followed_by_closing_object", "{}}", 3),
	REFUSED("n_structure_object_unclosed_no_value", "{\"\":", 5),
	REFUSED("n_structure_object_with_comment", "{\"a\":/*comment*/\"b\"}", 6),
	REFUSED("n_structure_object_with_trailing_garbage", "{\"a\": true} \"x\"", 13),
	REFUSED("n_structure_open_array_apostrophe", "['", 2),
	REFUSED("n_structure_open_array_comma", "[,", 2),
	REFUSED("n_structure_open_array_open_object", "[{", 3),
	REFUSED("n_structure_open_array_open_string", "[\"a", 4),
	REFUSED("n_structure_open_array_string", "[\"a\"", 5),
	REFUSED("n_structure_open_object_close_array", "{]", 2),
	REFUSED("n_structure_open_object_comma", "{,", 2),
	REFUSED("n_structure_open_object_open_array", "{[", 2),
	REFUSED("n_structure_open_object_open_string", "{\"a", 4),
	REFUSED("n_structure_open_object_string_with_apostrophes", "{'a'", 2),
	REFUSED("n_structure_open_open", "[\"\\{[\"\\{", 4),
	REFUSED("n_structure_single_star", "*", 1),
	REFUSED("n_structure_trailing_#", "{\"a\":\"b\"}#{}", 10),
	REFUSED("n_structure_uescaped_LF_before_string", "[\\u000A\"\"]", 2),
	REFUSED("n_structure_unclosed_array", "[1", 3),
	REFUSED("n_structure_unclosed_array_partial_null", "[ false, nul", 13),
	REFUSED("n_structure_unclosed_array_unfinished_false", "[ true, fals", 13),
	REFUSED("n_structure_unclosed_array_unfinished_true", "[ false, tru", 13),
	REFUSED("n_structure_unclosed_object", "{\"asd\":\"asd\"", 13),
	REFUSED("n_structure_unicode-identifier", "\u00e5", 1),
	REFUSED("n_structure_whitespace_formfeed", "[\f]", 2),
	REFUSED("n_structure_whitespace_vertical_tab", "[\v]", 2),
	REFUSED("n_structure_whitespace_U+2060_word_joiner", "[\u2060]", 2),
	REFUSED("n_structure_whitespace_U+00A0_no_break_space", "[\u00a0]", 2),
	REFUSED("n_structure_whitespace_U+2028_line_separator", "[1\u2028]", 3),
	REFUSED("n_structure_whitespace_U+3000_ideographic_space", "\u3000{}", 1),
	REFUSED("n_structure_whitespace_U+0085_next_line", "[]\xc2\x85", 3),
	REFUSED("n_structure_whitespace_U+001C_file_separator", "\x1c[]", 1),
	REFUSED("n_structure_two_documents_lines", "{}{}", 3),
	REFUSED_ON("n_structure_json_lines", "{\"a\":1}\n{\"a\":2}\n", 2, 1),
	REFUSED("n_structure_record_separator", "\x1e{}", 1),
	REFUSED("n_structure_xssi_prefix", ")]}',\n{}", 1),
	REFUSED("n_structure_semicolon", "{};", 3),
	REFUSED("n_structure_comma_after", "[],", 3),
	REFUSED("n_structure_jsonp", "f({})", 2),
	REFUSED("n_structure_parenthesis", "({})", 1),
	REFUSED("n_structure_control_Z", "[]\x1a", 3),
	REFUSED("n_structure_escape_character", "\x1b[31m[]", 1),
	REFUSED("n_structure_delete_character", "[\x7f]", 2),
	REFUSED("n_multidigit_number_then_00", "123\0", 4),
	/* byte-order marks and the other encodings: UTF-8 without a mark is the only one */
	REFUSED("i_structure_UTF-8_BOM_empty_object", "\xef\xbb\xbf{}", 1),
	REFUSED("n_structure_UTF8_BOM_no_data", "\xef\xbb\xbf", 1),
	REFUSED("n_structure_incomplete_UTF8_BOM", "\xef\xbb{}", 1),
	REFUSED("n_structure_BOM_after", "{}\xef\xbb\xbf", 3),
	REFUSED("n_structure_BOM_between", "[\xef\xbb\xbf]", 2),
	REFUSED("i_string_UTF-16LE_with_BOM", "\xff\xfe[\0\"\0a\0\"\0]\0", 1),
	REFUSED("i_string_utf16LE_no_BOM", "[\0\"\0a\0\"\0]\0", 2),
	REFUSED("i_string_utf16BE_no_BOM", "\0[\0\"\0a\0\"\0]", 1),
	REFUSED("i_string_UTF-16BE_with_BOM", "\xfe\xff\0[\0]", 1),
	REFUSED("i_string_utf32LE_no_BOM", "[\0\0\0]\0\0\0", 2),
	REFUSED("i_string_utf32BE_no_BOM", "\0\0\0[\0\0\0]", 1),
	REFUSED("i_string_UTF-32LE_with_BOM", "\xff\xfe\0\0[\0\0\0]\0\0\0", 1),
	REFUSED("i_string_UTF-32BE_with_BOM", "\0\0\xfe\xff\0\0\0[", 1),
	REFUSED("i_string_UTF-7", "+AFsAXQ-", 1),
	REFUSED("i_string_EBCDIC", "\xad\xbd", 1),
};

static const struct json_case json_arrays[] = {
	ACCEPTED("y_array_empty", "[]"),
	ACCEPTED("y_array_empty-string", "[\"\"]"),
	ACCEPTED("y_array_arraysWithSpaces", "[[]   ]"),
	ACCEPTED("y_array_ending_with_newline", "[\"a\"]"),
	ACCEPTED("y_array_false", "[false]"),
	ACCEPTED("y_array_heterogeneous", "[null, 1, \"1\", {}]"),
	ACCEPTED("y_array_null", "[null]"),
	ACCEPTED("y_array_with_1_and_newline", "[1\n]"),
	ACCEPTED("y_array_with_leading_space", " [1]"),
	ACCEPTED("y_array_with_several_null", "[1,null,null,null,2]"),
	ACCEPTED("y_array_with_trailing_space", "[2] "),
	ACCEPTED("y_array_nested", "[[[],[[]]],[]]"),
	REFUSED("n_array_1_true_without_comma", "[1 true]", 4),
	REFUSED("n_array_a_invalid_utf8", "[a\xe5]", 2),
	REFUSED("n_array_colon_instead_of_comma", "[\"\": 1]", 4),
	REFUSED("n_array_comma_after_close", "[\"\"],", 5),
	REFUSED("n_array_comma_and_number", "[,1]", 2),
	REFUSED("n_array_double_comma", "[1,,2]", 4),
	REFUSED("n_array_double_extra_comma", "[\"x\",,]", 6),
	REFUSED("n_array_extra_close", "[\"x\"]]", 6),
	REFUSED("n_array_extra_comma", "[\"\",]", 5),
	REFUSED("n_array_incomplete", "[\"x\"", 5),
	REFUSED("n_array_incomplete_invalid_value", "[x", 2),
	REFUSED("n_array_inner_array_no_comma", "[3[4]]", 3),
	REFUSED("n_array_invalid_utf8", "[\xff]", 2),
	REFUSED("n_array_items_separated_by_semicolon", "[1:2]", 3),
	REFUSED("n_array_items_semicolon", "[1;2]", 3),
	REFUSED("n_array_just_comma", "[,]", 2),
	REFUSED("n_array_just_minus", "[-]", 3),
	REFUSED("n_array_missing_value", "[   , \"\"]", 5),
	REFUSED_ON("n_array_newlines_unclosed", "[\"a\",\n4\n,1,", 3, 4),
	REFUSED("n_array_number_and_comma", "[1,]", 4),
	REFUSED("n_array_number_and_several_commas", "[1,,]", 4),
	REFUSED("n_array_spaces_vertical_tab_formfeed", "[\"\va\"\\f]", 3),
	REFUSED("n_array_star_inside", "[*]", 2),
	REFUSED("n_array_unclosed", "[\"\"", 4),
	REFUSED("n_array_unclosed_trailing_comma", "[1,", 4),
	REFUSED_ON("n_array_unclosed_with_new_lines", "[1,\n1\n,1", 3, 3),
	REFUSED("n_array_unclosed_with_object_inside", "[{}", 4),
	REFUSED("n_array_closed_by_brace", "[1}", 3),
	REFUSED("n_array_ellipsis", "[1,...]", 4),
	REFUSED("n_array_member_inside", "[\"a\":1]", 5),
	REFUSED("n_array_comment", "[1,/*2*/3]", 4),
	REFUSED("n_array_line_comment", "[1 //\n]", 4),
	REFUSED("n_incomplete_false", "[fals]", 6),
	REFUSED("n_incomplete_null", "[nul]", 5),
	REFUSED("n_incomplete_true", "[tru]", 5),
	REFUSED("n_literal_capital", "[Null]", 2),
	REFUSED("n_literal_capitals", "[tRUE]", 3),
	REFUSED("n_literal_too_long", "[truee]", 6),
	REFUSED("n_literal_undefined", "[undefined]", 2),
	REFUSED("n_literal_none", "[None]", 2),
	REFUSED("n_literal_null_byte_inside", "[nu\0ll]", 4),
	REFUSED("n_literal_split", "[nu ll]", 4),
	REFUSED("n_literal_full_width", "[\uff4e\uff55\uff4c\uff4c]", 2),
};

static const struct json_case json_objects[] = {
	ACCEPTED("y_object", "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}"),
	ACCEPTED("y_object_basic", "{\"asd\":\"sdf\"}"),
	ACCEPTED("y_object_empty", "{}"),
	ACCEPTED("y_object_empty_key", "{\"\":0}"),
	ACCEPTED("y_object_extreme_numbers", "{ \"min\": -1.0e+28, \"max\": 1.0e+28 }"),
	ACCEPTED("y_object_long_strings",
		"{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], \"id\": "
		"\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}"),
	ACCEPTED("y_object_simple", "{\"a\":[]}"),
	ACCEPTED("y_object_string_unicode",
		"{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430\" }"),
	ACCEPTED("y_object_with_newlines", "{\n\"a\": \"b\"\n}"),
	ACCEPTED("y_object_same_name_on_another_level", "{\"a\":{\"a\":{\"a\":1}}}"),
	ACCEPTED("y_object_names_that_differ_in_case", "{\"a\":1,\"A\":2}"),
	/* As I-JSON, names are compared by their characters: no normal form makes two one. */
	ACCEPTED("y_object_names_that_differ_in_form", "{\"\u00e9\":1,\"e\u0301\":2}"),
	ACCEPTED("y_object_name_that_begins_another", "{\"a\":1,\"aa\":2,\"\":3}"),
	ACCEPTED("y_object_name_as_cjson_ignores_case", "{\"Key\":1,\"KEY\":2,\"key\":3}"),
	/* RFC 7493 section 2.3: no duplicate names, also not after unescaping */
	AT_START("y_object_duplicated_key", "{\"a\":\"b\",\"a\":\"c\"}", 10),
	AT_START("y_object_duplicated_key_and_value", "{\"a\":\"b\",\"a\":\"b\"}", 10),
	AT_START("y_object_duplicated_key_escaped", "{\"a\":1,\"\\u0061\":2}", 8),
	AT_START("y_object_duplicated_key_escaped_first", "{\"\\u0061\":1,\"a\":2}", 13),
	AT_START("y_object_duplicated_key_both_escaped", "{\"\\u00e9\":1,\"\\u00E9\":2}", 13),
	AT_START("y_object_duplicated_key_slash", "{\"/\":1,\"\\/\":2}", 8),
	AT_START("y_object_duplicated_key_control", "{\"\\n\":1,\"\\u000a\":2}", 9),
	AT_START("y_object_duplicated_key_empty", "{\"\":1,\"\":2}", 7),
	AT_START("y_object_duplicated_key_pair", "{\"\U0001F600\":1,\"\\uD83D\\uDE00\":2}", 8),
	AT_START("y_object_duplicated_key_far", "{\"a\":[{\"a\":0}],\"b\":0,\"a\":0}", 22),
	AT_START("y_object_duplicated_key_inside", "[{\"x\":{\"a\":0,\"a\":0}}]", 14),
	AT_START("y_object_duplicated_proto", "{\"__proto__\":0,\"__proto__\":0}", 16),
	/* the library would cut the name there */
	AT_START("y_object_escaped_null_in_key", "{\"foo\\u0000bar\": 42}", 6),
	REFUSED("n_object_bad_value", "[\"x\", truth]", 10),
	REFUSED("n_object_bracket_key", "{[: \"x\"}", 2),
	REFUSED("n_object_comma_instead_of_colon", "{\"x\", null}", 5),
	REFUSED("n_object_double_colon", "{\"x\"::\"b\"}", 6),
	REFUSED("n_object_emoji", "{\U0001F1E8\U0001F1ED}", 2),
	REFUSED("n_object_garbage_at_end", "{\"a\":\"a\" 123}", 10),
	REFUSED("n_object_key_with_single_quotes", "{key: 'value'}", 2),
	REFUSED("n_object_lone_continuation_byte_in_key_and_trailing_comma", "{\"\xb9\":\"0\",}",
		3),
	REFUSED("n_object_missing_colon", "{\"a\" b}", 6),
	REFUSED("n_object_missing_key", "{:\"b\"}", 2),
	REFUSED("n_object_missing_semicolon", "{\"a\" \"b\"}", 6),
	REFUSED("n_object_missing_value", "{\"a\":", 6),
	REFUSED("n_object_missing_value_closed", "{\"a\":}", 6),
	REFUSED("n_object_no-colon", "{\"a\"", 5),
	REFUSED("n_object_non_string_key", "{1:1}", 2),
	REFUSED("n_object_non_string_key_but_huge_number_instead", "{9999E9999:1}", 2),
	REFUSED("n_object_null_key", "{null:null}", 2),
	REFUSED("n_object_repeated_null_null", "{null:null,null:null}", 2),
	REFUSED("n_object_several_trailing_commas", "{\"id\":0,,,,,}", 9),
	REFUSED("n_object_single_quote", "{'a':0}", 2),
	REFUSED("n_object_trailing_comma", "{\"id\":0,}", 9),
	REFUSED("n_object_trailing_comment", "{\"a\":\"b\"}/**/", 10),
	REFUSED("n_object_trailing_comment_open", "{\"a\":\"b\"}/**//", 10),
	REFUSED("n_object_trailing_comment_slash_open", "{\"a\":\"b\"}//", 10),
	REFUSED("n_object_trailing_comment_slash_open_incomplete", "{\"a\":\"b\"}/", 10),
	REFUSED("n_object_two_commas_in_a_row", "{\"a\":\"b\",,\"c\":\"d\"}", 10),
	REFUSED("n_object_unquoted_key", "{a: \"b\"}", 2),
	REFUSED("n_object_unterminated-value", "{\"a\":\"a", 8),
	REFUSED("n_object_with_single_string", "{ \"foo\" : \"bar\", \"a\" }", 22),
	REFUSED("n_object_with_trailing_garbage", "{\"a\":\"b\"}#", 10),
	REFUSED("n_object_equals_sign", "{\"a\"=1}", 5),
	REFUSED("n_object_arrow", "{\"a\"=>1}", 5),
	REFUSED("n_object_only_comma", "{,}", 2),
	REFUSED("n_object_missing_comma", "{\"a\":1 \"b\":2}", 8),
	REFUSED("n_object_two_values", "{\"a\":1 2}", 8),
	REFUSED("n_object_array_key", "{[1]:1}", 2),
	REFUSED("n_object_object_key", "{{}:1}", 2),
	REFUSED("n_object_control_character_in_key", "{\"a\nb\":1}", 4),
	REFUSED_ON("n_object_third_line", "{\n \"a\": 1,\n \"b\" 2\n}", 3, 6),
	AT_START("i_object_key_lone_2nd_surrogate", "{\"\\uDFAA\":0}", 3),
};

#endif
