/* Strings. They are UTF-8 and may have U+0000 within; positions count characters or octets. */
#include "derive/expression.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/digest.h"
#include "text/text.h"

static int string_argument(struct evaluation *evaluation, const struct node *node, size_t index,
	struct bytes *ret_text, bool *ret_null, struct err *err)
{
	return argument_of_type(
		evaluation, node, index, VALUE_STRING, "a string", ret_text, ret_null, err);
}

static int integer_argument(struct evaluation *evaluation, const struct node *node, size_t index,
	int64_t *ret_number, struct err *err)
{
	struct value value;
	int result = argument(evaluation, node, index, &value, err);

	if (result != 0)
		return result;
	if (value.type == VALUE_INT32)
		*ret_number = value.int32;
	else if (value.type == VALUE_INT64 && value.int64 >= INT32_MIN && value.int64 <= INT32_MAX)
		*ret_number = value.int64;
	else if (value.type == VALUE_DOUBLE && value.number == trunc(value.number) &&
		 fabs(value.number) <= INT32_MAX)
		*ret_number = (int64_t)value.number;
	else
		return unsuitable_type(node, "an integer of 32 bits", &value, err);
	return 0;
}

static bool starts_character(uint8_t octet)
{
	return (octet & 0xC0) != 0x80;
}

/* The offset of the character of that index, or the end. */
static size_t offset_of(struct bytes text, uint64_t index)
{
	size_t at = 0;

	while (at < text.size) {
		if (starts_character(text.data[at]) && index-- == 0)
			break;
		at++;
	}
	return at;
}

static int64_t count_characters(struct bytes text)
{
	int64_t count = 0;

	for (size_t i = 0; i < text.size; i++)
		count += starts_character(text.data[i]) ? 1 : 0;
	return count;
}

static bool find(struct bytes text, size_t from, struct bytes wanted, size_t *ret_at)
{
	if (wanted.size == 0) {
		*ret_at = from;
		return true;
	}
	const uint8_t *found = from >= text.size ? NULL
						 : memmem(text.data + from, text.size - from,
							   wanted.data, wanted.size);
	if (found == NULL)
		return false;
	*ret_at = (size_t)(found - text.data);
	return true;
}

static int evaluate_concat(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	CLEANUP_STR struct str joined = STR_INIT;

	for (size_t i = 0; i < node->argument_count; i++) {
		struct bytes text;
		bool null;
		int result = string_argument(evaluation, node, i, &text, &null, err);
		if (result != 0)
			return result;
		if (null) {
			*ret_value = value_null();
			return 0;
		}
		str_append(&joined, text.data, text.size);
	}
	int result = str_check(&joined, err);
	return result != 0 ? result
			   : make_string(evaluation, node, str_bytes(&joined), ret_value, err);
}

/* ASCII letters only, as MongoDB. */
static int change_case(struct evaluation *evaluation, const struct node *node, char first,
	char last, struct value *ret_value, struct err *err)
{
	struct bytes text = bytes_make("", 0);
	struct value copy;
	bool null;
	int result = string_argument(evaluation, node, 0, &text, &null, err);

	if (result == 0)
		result = make_string(evaluation, node, text, &copy, err);
	if (result != 0)
		return result;
	char *letters = arena_string_n(evaluation->run->scratch, copy.bytes.data, copy.bytes.size);
	if (letters == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < copy.bytes.size; i++)
		if (letters[i] >= first && letters[i] <= last)
			letters[i] = (char)(letters[i] ^ 0x20);
	*ret_value = value_string(bytes_make(letters, copy.bytes.size));
	return 0;
}

static int evaluate_to_lower(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return change_case(evaluation, node, 'A', 'Z', ret_value, err);
}

static int evaluate_to_upper(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return change_case(evaluation, node, 'a', 'z', ret_value, err);
}

/* The text (null or missing is empty), and the two numbers behind it. */
static int substr_arguments(struct evaluation *evaluation, const struct node *node,
	struct bytes *ret_text, int64_t *ret_start, int64_t *ret_count, struct err *err)
{
	struct bytes text = bytes_make("", 0);
	bool null;
	int result = string_argument(evaluation, node, 0, &text, &null, err);

	if (result == 0)
		result = integer_argument(evaluation, node, 1, ret_start, err);
	if (result == 0)
		result = integer_argument(evaluation, node, 2, ret_count, err);
	if (result == 0)
		*ret_text = text;
	return result;
}

static int evaluate_substr_cp(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct bytes text;
	int64_t start, count;
	int result = substr_arguments(evaluation, node, &text, &start, &count, err);

	if (result != 0)
		return result;
	if (start < 0 || count < 0)
		return unsuitable(node, err, "its numbers may not be negative");
	size_t from = offset_of(text, (uint64_t)start);
	struct bytes rest = bytes_make(text.data + from, text.size - from);
	return make_string(evaluation, node,
		bytes_make(rest.data, offset_of(rest, (uint64_t)count)), ret_value, err);
}

static int evaluate_substr_bytes(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct bytes text;
	int64_t start, count;
	int result = substr_arguments(evaluation, node, &text, &start, &count, err);

	if (result != 0)
		return result;
	if (start < 0)
		return unsuitable(node, err, "its start may not be negative");
	size_t from = (uint64_t)start > text.size ? text.size : (size_t)start;
	size_t size = text.size - from;
	if (count >= 0 && (uint64_t)count < size)
		size = (size_t)count;
	if ((from < text.size && !starts_character(text.data[from])) ||
		(from + size < text.size && !starts_character(text.data[from + size])))
		return unsuitable(node, err, "it would cut a character in two");
	return make_string(evaluation, node, bytes_make(text.data + from, size), ret_value, err);
}

static int length(struct evaluation *evaluation, const struct node *node, bool characters,
	struct value *ret_value, struct err *err)
{
	struct bytes text;
	bool null;
	int result = string_argument(evaluation, node, 0, &text, &null, err);

	if (result != 0)
		return result;
	if (null)
		return unsuitable(node, err, "it takes a string, and this is null or missing");
	*ret_value =
		value_int32((int32_t)(characters ? count_characters(text) : (int64_t)text.size));
	return 0;
}

static int evaluate_strlen_cp(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return length(evaluation, node, true, ret_value, err);
}

static int evaluate_strlen_bytes(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return length(evaluation, node, false, ret_value, err);
}

static int evaluate_split(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct bytes text, by;
	bool no_text, no_by;
	int result = string_argument(evaluation, node, 0, &text, &no_text, err);

	if (result == 0)
		result = string_argument(evaluation, node, 1, &by, &no_by, err);
	if (result != 0)
		return result;
	if (no_text || no_by) {
		*ret_value = value_null();
		return 0;
	}
	if (by.size == 0)
		return unsuitable(node, err, "it cannot split by an empty string");

	struct builder builder CLEANUP(builder_cleanup);
	struct bytes built;
	size_t from = 0, at;
	builder_begin(&builder);
	doc_write_array(&builder.writer, "a");
	while (find(text, from, by, &at)) {
		struct value part = value_string(bytes_make(text.data + from, at - from));
		doc_write_value(&builder.writer, NULL, &part);
		from = at + by.size;
	}
	struct value part = value_string(bytes_make(text.data + from, text.size - from));
	doc_write_value(&builder.writer, NULL, &part);
	doc_write_end(&builder.writer);
	result = builder_finish(&builder, evaluation, node, &built, err);
	if (result == 0)
		*ret_value = doc_get(built, "a");
	return result;
}

/* ---- trimming */

static bool is_space(uint32_t character)
{
	return character == 0 || character == ' ' || (character >= '\t' && character <= '\r') ||
	       character == 0xA0 || character == 0x1680 ||
	       (character >= 0x2000 && character <= 0x200A);
}

static bool is_trimmed(uint32_t character, const struct bytes *characters)
{
	if (characters == NULL)
		return is_space(character);
	uint32_t other;
	for (size_t at = 0, size; (size = utf8_next(*characters, at, &other)) > 0; at += size)
		if (other == character)
			return true;
	return false;
}

static int trim(struct evaluation *evaluation, const struct node *node, bool left, bool right,
	struct value *ret_value, struct err *err)
{
	struct bytes text, characters;
	bool null, all_spaces;
	int result = string_argument(evaluation, node, 0, &text, &null, err);

	if (result == 0)
		result = string_argument(evaluation, node, 1, &characters, &all_spaces, err);
	if (result != 0)
		return result;
	if (null || (all_spaces && node->arguments[1] != NULL)) {
		*ret_value = value_null();
		return 0;
	}
	const struct bytes *set = all_spaces ? NULL : &characters;
	size_t from = 0, to = text.size, size;
	uint32_t character;
	while (left && (size = utf8_next(text, from, &character)) > 0 && is_trimmed(character, set))
		from += size;
	while (right && to > from) {
		size_t last = to - 1;
		while (last > from && !starts_character(text.data[last]))
			last--;
		if (utf8_next(text, last, &character) == 0 || !is_trimmed(character, set))
			break;
		to = last;
	}
	return make_string(
		evaluation, node, bytes_make(text.data + from, to - from), ret_value, err);
}

static int evaluate_trim(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return trim(evaluation, node, true, true, ret_value, err);
}

static int evaluate_ltrim(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return trim(evaluation, node, true, false, ret_value, err);
}

static int evaluate_rtrim(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return trim(evaluation, node, false, true, ret_value, err);
}

/* ---- searching */

static int evaluate_index_of_cp(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct bytes text, wanted;
	bool null, no_wanted;
	int64_t start = 0, end = INT32_MAX;
	size_t at;
	int result = string_argument(evaluation, node, 0, &text, &null, err);

	if (result == 0 && null) {
		*ret_value = value_null();
		return 0;
	}
	if (result == 0)
		result = string_argument(evaluation, node, 1, &wanted, &no_wanted, err);
	if (result == 0 && no_wanted)
		return unsuitable(node, err, "what it looks for is null or missing");
	if (result == 0 && node->argument_count > 2)
		result = integer_argument(evaluation, node, 2, &start, err);
	if (result == 0 && node->argument_count > 3)
		result = integer_argument(evaluation, node, 3, &end, err);
	if (result != 0)
		return result;
	if (start < 0 || end < 0)
		return unsuitable(node, err, "its numbers may not be negative");
	*ret_value = value_int32(-1);
	if (start > count_characters(text) || end < start)
		return 0;
	text.size = offset_of(text, (uint64_t)end);
	if (find(text, offset_of(text, (uint64_t)start), wanted, &at))
		*ret_value = value_int32((int32_t)count_characters(bytes_make(text.data, at)));
	return 0;
}

static int replace(struct evaluation *evaluation, const struct node *node, bool all,
	struct value *ret_value, struct err *err)
{
	CLEANUP_STR struct str replaced = STR_INIT;
	struct bytes text[3];
	bool any_null = false, null;
	size_t from = 0, at;
	int result = 0;

	for (size_t i = 0; result == 0 && i < 3; i++) {
		result = string_argument(evaluation, node, i, &text[i], &null, err);
		any_null = any_null || null;
	}
	if (result == 0 && any_null) {
		*ret_value = value_null();
		return 0;
	}
	if (result == 0 && text[1].size == 0)
		return unsuitable(node, err, "it cannot find an empty string");
	if (result != 0)
		return result;
	while (find(text[0], from, text[1], &at)) {
		str_append(&replaced, text[0].data + from, at - from);
		str_append(&replaced, text[2].data, text[2].size);
		from = at + text[1].size;
		if (!all || replaced.size > DERIVE_RESULT_MAX)
			break;
	}
	str_append(&replaced, text[0].data + from, text[0].size - from);
	result = str_check(&replaced, err);
	return result != 0 ? result
			   : make_string(evaluation, node, str_bytes(&replaced), ret_value, err);
}

static int evaluate_replace_all(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return replace(evaluation, node, true, ret_value, err);
}

static int evaluate_replace_one(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return replace(evaluation, node, false, ret_value, err);
}

/* Not MongoDB's: SHA-256 of a string's octets, or of the BSON of a document or array, in hex. */
static int evaluate_sha256(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value value;
	struct sha256 digest;
	char hex[SHA256_HEX_SIZE];
	int result = argument(evaluation, node, 0, &value, err);

	if (result != 0)
		return result;
	if (is_nullish(&value)) {
		*ret_value = value_null();
		return 0;
	}
	if (value.type != VALUE_STRING && value.type != VALUE_DOCUMENT && value.type != VALUE_ARRAY)
		return unsuitable_type(node, "a string, a document or an array", &value, err);
	result = sha256_of_with(evaluation->run->sha256, value.bytes, &digest, err);
	if (result != 0)
		return result;
	sha256_to_hex(&digest, hex);
	return make_string(evaluation, node, bytes_of_string(hex), ret_value, err);
}

static const char *const trim_names[] = {"input", "?chars", NULL};
static const char *const replace_names[] = {"input", "find", "replacement", NULL};

const struct operator text_operators[] = {
	{.name = "$concat", .least = 0, .most = UINT_MAX, .evaluate = evaluate_concat},
	{.name = "$toLower", .least = 1, .most = 1, .evaluate = evaluate_to_lower},
	{.name = "$toUpper", .least = 1, .most = 1, .evaluate = evaluate_to_upper},
	{.name = "$substrCP", .least = 3, .most = 3, .evaluate = evaluate_substr_cp},
	{.name = "$substrBytes", .least = 3, .most = 3, .evaluate = evaluate_substr_bytes},
	{.name = "$strLenCP", .least = 1, .most = 1, .evaluate = evaluate_strlen_cp},
	{.name = "$strLenBytes", .least = 1, .most = 1, .evaluate = evaluate_strlen_bytes},
	{.name = "$split", .least = 2, .most = 2, .evaluate = evaluate_split},
	{.name = "$trim", .named = trim_names, .evaluate = evaluate_trim},
	{.name = "$ltrim", .named = trim_names, .evaluate = evaluate_ltrim},
	{.name = "$rtrim", .named = trim_names, .evaluate = evaluate_rtrim},
	{.name = "$indexOfCP", .least = 2, .most = 4, .evaluate = evaluate_index_of_cp},
	{.name = "$replaceAll", .named = replace_names, .evaluate = evaluate_replace_all},
	{.name = "$replaceOne", .named = replace_names, .evaluate = evaluate_replace_one},
	{.name = "$sha256", .least = 1, .most = 1, .evaluate = evaluate_sha256},
	{.name = NULL},
};
