/*
 * MongoDB's comparison order (manual, "Comparison/Sort Order"): types in their classes, numbers of
 * every kind by their exact value, then the octets.
 */
#include "mongo/value.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int type_class(enum value_type type)
{
	switch (type) {
	case VALUE_MIN_KEY:
		return -1;
	case VALUE_MISSING:
	case VALUE_UNDEFINED:
		return 0;
	case VALUE_NULL:
		return 5;
	case VALUE_DOUBLE:
	case VALUE_INT32:
	case VALUE_INT64:
	case VALUE_DECIMAL128:
		return 10;
	case VALUE_STRING:
	case VALUE_SYMBOL:
		return 15;
	case VALUE_DOCUMENT:
		return 20;
	case VALUE_ARRAY:
		return 25;
	case VALUE_BINARY:
		return 30;
	case VALUE_OBJECT_ID:
		return 35;
	case VALUE_BOOL:
		return 40;
	case VALUE_DATE:
		return 45;
	case VALUE_TIMESTAMP:
		return 47;
	case VALUE_REGEX:
		return 50;
	case VALUE_DB_POINTER:
		return 55;
	case VALUE_JAVASCRIPT:
		return 60;
	case VALUE_JAVASCRIPT_SCOPE:
		return 65;
	case VALUE_MAX_KEY:
		break;
	}
	return 127;
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_octets(struct bytes a, struct bytes b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int result = common == 0 ? 0 : memcmp(a.data, b.data, common);

	return result != 0 ? COMPARE(result, 0) : COMPARE(a.size, b.size);
}

/* ---- numbers */

/* A finite number as 0.DIGITS times 10 to the exponent; zero has no digits. */
struct decimal {
	bool negative;
	int exponent;
	size_t count;
	char digits[800]; /* a double has at most 767 significant ones */
};

static void decimal_strip(struct decimal *decimal, const char *digits, size_t count, int exponent)
{
	while (count > 0 && *digits == '0') {
		digits++;
		count--;
		exponent--;
	}
	while (count > 0 && digits[count - 1] == '0')
		count--;
	memmove(decimal->digits, digits, count);
	decimal->count = count;
	decimal->exponent = count == 0 ? 0 : exponent;
	if (count == 0)
		decimal->negative = false;
}

static void decimal_of_int64(struct decimal *decimal, int64_t number)
{
	char text[24];
	int size = snprintf(text, sizeof text, "%lld", (long long)number);
	size_t sign = number < 0 ? 1 : 0;

	decimal->negative = number < 0;
	decimal_strip(decimal, text + sign, (size_t)size - sign, size - (int)sign);
}

static void decimal_of_double(struct decimal *decimal, double number)
{
	char text[sizeof decimal->digits + 16];

	/* "d.ddd…e±x": with 767 digits it is exact. */
	(void)snprintf(text, sizeof text, "%.766e", fabs(number));
	char *mark = strchr(text, 'e');
	int exponent = mark != NULL ? (int)strtol(mark + 1, NULL, 10) : 0;
	size_t fraction = mark != NULL ? (size_t)(mark - text) - 2 : 0;
	memmove(text + 1, text + 2, fraction);
	decimal->negative = signbit(number) != 0;
	decimal_strip(decimal, text, fraction + 1, exponent + 1);
}

/* IEEE 754-2008 decimal128, binary integer significand: sign, 14 bits of exponent, 113 of it. */
static void decimal_of_decimal128(struct decimal *decimal, uint64_t high, uint64_t low)
{
	__extension__ unsigned __int128 coefficient;
	unsigned exponent;
	char text[40];
	size_t at = sizeof text;

	if ((high >> 61 & 3) == 3) { /* over 10^34 - 1: not canonical, and so zero */
		exponent = high >> 47 & 0x3FFF;
		coefficient = 0;
	} else {
		exponent = high >> 49 & 0x3FFF;
		coefficient = high & 0x1FFFFFFFFFFFFULL;
		coefficient = coefficient << 64 | low;
	}
	for (; coefficient > 0; coefficient /= 10)
		text[--at] = (char)('0' + (int)(coefficient % 10));
	size_t count = sizeof text - at;
	decimal->negative = (high >> 63) != 0;
	if (count > 34)
		count = 0;
	decimal_strip(decimal, text + at, count, (int)exponent - 6176 + (int)count);
}

static int decimal_compare(const struct decimal *a, const struct decimal *b)
{
	int sign_a = a->count == 0 ? 0 : a->negative ? -1 : 1;
	int sign_b = b->count == 0 ? 0 : b->negative ? -1 : 1;

	if (sign_a != sign_b)
		return COMPARE(sign_a, sign_b);
	int result = COMPARE(a->exponent, b->exponent);
	if (result == 0)
		result = compare_octets(
			bytes_make(a->digits, a->count), bytes_make(b->digits, b->count));
	return sign_a * result;
}

static void decimal128_words(const struct value *value, uint64_t *ret_high, uint64_t *ret_low)
{
	uint64_t words[2];

	memcpy(words, value->bytes.data, sizeof words);
	*ret_low = le64toh(words[0]);
	*ret_high = le64toh(words[1]);
}

/* -2: not a number, -1 and 1: an infinity, 0: finite */
static int special(const struct value *value)
{
	if (value->type == VALUE_DOUBLE)
		return isnan(value->number)   ? -2
		       : isinf(value->number) ? (value->number < 0 ? -1 : 1)
					      : 0;
	if (value->type == VALUE_DECIMAL128) {
		uint64_t high, low;
		decimal128_words(value, &high, &low);
		if ((high >> 58 & 0x1F) == 0x1F)
			return -2;
		if ((high >> 58 & 0x1F) == 0x1E)
			return (high >> 63) != 0 ? -1 : 1;
	}
	return 0;
}

static void decimal_of(const struct value *value, struct decimal *decimal)
{
	uint64_t high, low;

	switch (value->type) {
	case VALUE_INT32:
		decimal_of_int64(decimal, value->int32);
		break;
	case VALUE_INT64:
		decimal_of_int64(decimal, value->int64);
		break;
	case VALUE_DOUBLE:
		decimal_of_double(decimal, value->number);
		break;
	default:
		decimal128_words(value, &high, &low);
		decimal_of_decimal128(decimal, high, low);
	}
}

static int64_t integer_of(const struct value *value)
{
	return value->type == VALUE_INT32 ? value->int32 : value->int64;
}

static bool is_integer(const struct value *value)
{
	return value->type == VALUE_INT32 || value->type == VALUE_INT64;
}

static int compare_numbers(const struct value *a, const struct value *b)
{
	if (is_integer(a) && is_integer(b))
		return COMPARE(integer_of(a), integer_of(b));
	int special_a = special(a), special_b = special(b);
	if (special_a != 0 || special_b != 0)
		return COMPARE(special_a, special_b);
	if (a->type == VALUE_DOUBLE && b->type == VALUE_DOUBLE)
		return COMPARE(a->number, b->number);
	struct decimal decimal_a, decimal_b;
	decimal_of(a, &decimal_a);
	decimal_of(b, &decimal_b);
	return decimal_compare(&decimal_a, &decimal_b);
}

/* ---- the rest */

static int compare_containers(struct bytes a, struct bytes b, bool with_names)
{
	struct doc_iter iter_a = doc_iter_begin(a), iter_b = doc_iter_begin(b);

	for (;;) {
		struct value value_a, value_b;
		const char *name_a, *name_b;
		bool more_a = doc_iter_next(&iter_a, &name_a, &value_a);
		bool more_b = doc_iter_next(&iter_b, &name_b, &value_b);
		if (!more_a || !more_b)
			return COMPARE(more_a, more_b);
		int result = COMPARE(type_class(value_a.type), type_class(value_b.type));
		if (result == 0 && with_names) {
			int order = strcmp(name_a, name_b);
			result = COMPARE(order, 0);
		}
		if (result == 0)
			result = value_compare(&value_a, &value_b);
		if (result != 0)
			return result;
	}
}

/* By length, then subtype, then octets; the raw body is length, subtype, octets. */
static int compare_binaries(struct bytes a, struct bytes b)
{
	if (a.size != b.size)
		return COMPARE(a.size, b.size);
	return compare_octets(
		bytes_make(a.data + 4, a.size - 4), bytes_make(b.data + 4, b.size - 4));
}

/* A symbol's raw body has length and terminator, a string's value has not. */
static struct bytes text_of(const struct value *value)
{
	if (value->type == VALUE_STRING)
		return value->bytes;
	return bytes_make(value->bytes.data + 4, value->bytes.size - 5);
}

int value_compare(const struct value *a, const struct value *b)
{
	int class_a = type_class(a->type), class_b = type_class(b->type);

	if (class_a != class_b)
		return COMPARE(class_a, class_b);
	switch (a->type) {
	case VALUE_DOUBLE:
	case VALUE_INT32:
	case VALUE_INT64:
	case VALUE_DECIMAL128:
		return compare_numbers(a, b);
	case VALUE_STRING:
	case VALUE_SYMBOL:
	case VALUE_JAVASCRIPT:
		return compare_octets(text_of(a), text_of(b));
	case VALUE_DOCUMENT:
		return compare_containers(a->bytes, b->bytes, true);
	case VALUE_ARRAY:
		return compare_containers(a->bytes, b->bytes, false);
	case VALUE_BINARY:
		return compare_binaries(a->bytes, b->bytes);
	case VALUE_OBJECT_ID: {
		int order = memcmp(a->object_id, b->object_id, OBJECT_ID_SIZE);
		return COMPARE(order, 0);
	}
	case VALUE_BOOL:
		return COMPARE(a->boolean, b->boolean);
	case VALUE_DATE:
		return COMPARE(a->int64, b->int64);
	case VALUE_TIMESTAMP:
		return COMPARE((uint64_t)a->int64, (uint64_t)b->int64);
	case VALUE_REGEX: /* two terminated strings: octet order is pattern, then options */
	case VALUE_DB_POINTER:
	case VALUE_JAVASCRIPT_SCOPE:
		return compare_octets(a->bytes, b->bytes);
	case VALUE_MISSING:
	case VALUE_UNDEFINED:
	case VALUE_NULL:
	case VALUE_MIN_KEY:
	case VALUE_MAX_KEY:
		break;
	}
	return 0;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_MISSING:
	case VALUE_UNDEFINED:
	case VALUE_NULL:
	case VALUE_MIN_KEY:
	case VALUE_MAX_KEY:
		return true;
	case VALUE_DOUBLE:
		return memcmp(&a->number, &b->number, sizeof a->number) == 0;
	case VALUE_BOOL:
		return a->boolean == b->boolean;
	case VALUE_INT32:
		return a->int32 == b->int32;
	case VALUE_INT64:
	case VALUE_DATE:
	case VALUE_TIMESTAMP:
		return a->int64 == b->int64;
	case VALUE_OBJECT_ID:
		return memcmp(a->object_id, b->object_id, OBJECT_ID_SIZE) == 0;
	default:
		return bytes_equal(a->bytes, b->bytes);
	}
}

bool value_like(const struct value *a, const struct value *b)
{
	if (value_is_number(a) && value_is_number(b))
		return value_compare(a, b) == 0;
	if (a->type != b->type || (a->type != VALUE_DOCUMENT && a->type != VALUE_ARRAY))
		return value_equal(a, b);
	struct doc_iter a_iter = doc_iter_begin(a->bytes), b_iter = doc_iter_begin(b->bytes);
	struct value a_member, b_member;
	const char *a_name, *b_name;
	/* In their order, which is part of an index's key. */
	while (doc_iter_next(&a_iter, &a_name, &a_member))
		if (!doc_iter_next(&b_iter, &b_name, &b_member) || strcmp(a_name, b_name) != 0 ||
			!value_like(&a_member, &b_member))
			return false;
	return !doc_iter_next(&b_iter, &b_name, &b_member);
}
