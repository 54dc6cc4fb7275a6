/* From one type to another. null and missing give null; what cannot be converted is refused. */
#include "derive/expression.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { NUMBER_TEXT_MAX = 400 }; /* octets of a number in text */

static int cannot(const struct node *node, const struct value *value, struct err *err)
{
	return unsuitable(
		node, err, "it cannot convert a value of type %s", value_type_name(value->type));
}

/* ---- to strings */

static int64_t floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

/* As MongoDB: always with milliseconds. */
static int date_text(
	const struct node *node, int64_t time, char *text, size_t size, struct err *err)
{
	char whole[RFC3339_SIZE];
	int64_t seconds = floor_divide(time, 1000);

	if (time < INT64_C(-62167219200000) || time > INT64_C(253402300799999))
		return unsuitable(node, err, "the date is not in the years 0 to 9999");
	time_format(seconds * 1000, whole);
	(void)snprintf(text, size, "%.19s.%03dZ", whole, (int)(time - seconds * 1000));
	return 0;
}

static int evaluate_to_string(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	char text[64];
	struct value value;
	int result = argument(evaluation, node, 0, &value, err);

	if (result != 0)
		return result;
	switch (value.type) {
	case VALUE_MISSING:
	case VALUE_NULL:
	case VALUE_UNDEFINED:
		*ret_value = value_null();
		return 0;
	case VALUE_STRING:
		*ret_value = value;
		return 0;
	case VALUE_BOOL:
		(void)snprintf(text, sizeof text, "%s", value.boolean ? "true" : "false");
		break;
	case VALUE_INT32:
		(void)snprintf(text, sizeof text, "%" PRId32, value.int32);
		break;
	case VALUE_INT64:
		(void)snprintf(text, sizeof text, "%" PRId64, value.int64);
		break;
	case VALUE_OBJECT_ID:
		object_id_to_hex(value.object_id, text);
		break;
	case VALUE_DATE:
		result = date_text(node, value.int64, text, sizeof text, err);
		break;
	default: /* doubles too: servers do not agree on their digits */
		return cannot(node, &value, err);
	}
	return result != 0 ? result
			   : make_string(evaluation, node, bytes_of_string(text), ret_value, err);
}

/* ---- to numbers */

/* Sign, digits, and for doubles a fraction and an exponent: nothing else, as in JSON. */
static bool number_text(struct bytes text, bool whole, char copy[static NUMBER_TEXT_MAX])
{
	if (text.size == 0 || text.size >= NUMBER_TEXT_MAX || memchr(text.data, 0, text.size))
		return false;
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	const char *at = copy + (*copy == '-' || *copy == '+' ? 1 : 0);
	size_t digits = strspn(at, "0123456789");
	if (digits == 0)
		return false;
	at += digits;
	if (!whole && *at == '.') {
		size_t fraction = strspn(at + 1, "0123456789");
		if (fraction == 0)
			return false;
		at += 1 + fraction;
	}
	if (!whole && (*at == 'e' || *at == 'E')) {
		at += at[1] == '-' || at[1] == '+' ? 2 : 1;
		size_t exponent = strspn(at, "0123456789");
		if (exponent == 0)
			return false;
		at += exponent;
	}
	return *at == '\0';
}

static int evaluate_to_double(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	char text[NUMBER_TEXT_MAX];
	struct value value;
	double number;
	int result = argument(evaluation, node, 0, &value, err);

	if (result != 0)
		return result;
	switch (value.type) {
	case VALUE_MISSING:
	case VALUE_NULL:
	case VALUE_UNDEFINED:
		*ret_value = value_null();
		return 0;
	case VALUE_DOUBLE:
		*ret_value = value;
		return 0;
	case VALUE_BOOL:
		number = value.boolean ? 1 : 0;
		break;
	case VALUE_INT32:
		number = value.int32;
		break;
	case VALUE_INT64:
	case VALUE_DATE:
		number = (double)value.int64;
		break;
	case VALUE_STRING:
		if (!number_text(value.bytes, false, text))
			return unsuitable(node, err, "the string is no number");
		number = strtod(text, NULL);
		if (!isfinite(number))
			return unsuitable(node, err, "the number is too large");
		break;
	default:
		return cannot(node, &value, err);
	}
	*ret_value = value_double(number);
	return 0;
}

static int to_integer(struct evaluation *evaluation, const struct node *node, int64_t least,
	int64_t most, bool *ret_null, int64_t *ret_number, struct err *err)
{
	char text[NUMBER_TEXT_MAX];
	struct value value;
	int result = argument(evaluation, node, 0, &value, err);
	bool fits = true;

	if (result != 0)
		return result;
	*ret_null = is_nullish(&value);
	if (*ret_null)
		return 0;
	switch (value.type) {
	case VALUE_BOOL:
		*ret_number = value.boolean ? 1 : 0;
		break;
	case VALUE_INT32:
		*ret_number = value.int32;
		break;
	case VALUE_INT64:
		*ret_number = value.int64;
		break;
	case VALUE_DOUBLE: /* cut, not rounded */
		fits = value.number > -0x1p63 && value.number < 0x1p63;
		*ret_number = fits ? (int64_t)value.number : 0;
		break;
	case VALUE_STRING:
		if (!number_text(value.bytes, true, text))
			return unsuitable(node, err, "the string is no integer");
		errno = 0;
		*ret_number = strtoll(text, NULL, 10);
		fits = errno == 0;
		break;
	default:
		return cannot(node, &value, err);
	}
	if (!fits || *ret_number < least || *ret_number > most)
		return unsuitable(node, err, "the number does not fit");
	return 0;
}

static int evaluate_to_int(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	int64_t number = 0;
	bool null;
	int result = to_integer(evaluation, node, INT32_MIN, INT32_MAX, &null, &number, err);

	if (result == 0)
		*ret_value = null ? value_null() : value_int32((int32_t)number);
	return result;
}

static int evaluate_to_long(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	int64_t number = 0;
	bool null;
	int result = to_integer(evaluation, node, INT64_MIN, INT64_MAX, &null, &number, err);

	if (result == 0)
		*ret_value = null ? value_null() : value_int64(number);
	return result;
}

/* ---- to object ids */

static int hex_digit(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static int evaluate_to_object_id(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value value;
	int result = argument(evaluation, node, 0, &value, err);

	if (result != 0)
		return result;
	if (is_nullish(&value)) {
		*ret_value = value_null();
		return 0;
	}
	if (value.type == VALUE_OBJECT_ID) {
		*ret_value = value;
		return 0;
	}
	if (value.type != VALUE_STRING)
		return cannot(node, &value, err);
	uint8_t *id = arena_alloc(evaluation->run->scratch, OBJECT_ID_SIZE);
	if (id == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < OBJECT_ID_SIZE; i++) {
		bool whole = value.bytes.size == 2 * OBJECT_ID_SIZE;
		int high = whole ? hex_digit(value.bytes.data[2 * i]) : -1;
		int low = whole ? hex_digit(value.bytes.data[2 * i + 1]) : -1;
		if (high < 0 || low < 0)
			return unsuitable(node, err, "the string is not 24 hexadecimal digits");
		id[i] = (uint8_t)(high << 4 | low);
	}
	*ret_value = (struct value){.type = VALUE_OBJECT_ID, .object_id = id};
	return 0;
}

/* ---- to dates */

/*
 * RFC 3339, and two forms that feeds write: without a zone, which is UTC, and a day alone.
 * MongoDB takes more; what it takes of these means the same.
 */
static int parse_date(struct bytes text, int64_t *ret_time, struct err *err)
{
	char copy[64];
	size_t size = text.size;

	if (size < 10 || size > sizeof copy - 16 || memchr(text.data, 0, size) != NULL)
		return err_set(err, ERR_SYNTAX, "not a date");
	memcpy(copy, text.data, size);
	copy[size] = '\0';
	const char *zone = size == 10 ? "T00:00:00Z" : "Z";
	if (size == 10 || strpbrk(copy + 10, "Z+-") == NULL)
		memcpy(copy + size, zone, strlen(zone) + 1);
	return time_parse(copy, ret_time, err);
}

static int date_of(const struct node *node, const struct value *value, struct value *ret_value,
	struct err *err)
{
	struct err unread;
	int64_t time = 0;

	switch (value->type) {
	case VALUE_DATE:
	case VALUE_INT64:
		time = value->int64;
		break;
	case VALUE_DOUBLE:
		if (!(value->number > -0x1p62 && value->number < 0x1p62))
			return unsuitable(node, err, "the number is too large for a date");
		time = (int64_t)value->number;
		break;
	case VALUE_OBJECT_ID:
		for (size_t i = 0; i < 4; i++)
			time = time << 8 | value->object_id[i];
		time *= 1000;
		break;
	case VALUE_STRING:
		if (parse_date(value->bytes, &time, &unread) != 0)
			return unsuitable(node, err, "the string is no date of RFC 3339");
		break;
	default:
		return cannot(node, value, err);
	}
	*ret_value = (struct value){.type = VALUE_DATE, .int64 = time};
	return 0;
}

static int evaluate_to_date(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value value;
	int result = argument(evaluation, node, 0, &value, err);

	if (result == 0 && !is_nullish(&value))
		return date_of(node, &value, ret_value, err);
	if (result == 0)
		*ret_value = value_null();
	return result;
}

static int evaluate_date_from_string(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	enum { ON_ERROR = 1, ON_NULL };
	struct value value;
	int result = argument(evaluation, node, 0, &value, err);

	if (result != 0)
		return result;
	if (is_nullish(&value)) {
		*ret_value = value_null();
		return node->arguments[ON_NULL] == NULL
			       ? 0
			       : argument(evaluation, node, ON_NULL, ret_value, err);
	}
	struct err unread;
	int64_t time;
	if (value.type == VALUE_STRING && parse_date(value.bytes, &time, &unread) == 0) {
		*ret_value = (struct value){.type = VALUE_DATE, .int64 = time};
		return 0;
	}
	if (node->arguments[ON_ERROR] != NULL)
		return argument(evaluation, node, ON_ERROR, ret_value, err);
	return value.type == VALUE_STRING
		       ? unsuitable(node, err, "the string is no date of RFC 3339")
		       : unsuitable_type(node, "a string", &value, err);
}

static const char *const date_names[] = {"dateString", "?onError", "?onNull", NULL};

const struct operator convert_operators[] = {
	{.name = "$toString", .least = 1, .most = 1, .evaluate = evaluate_to_string},
	{.name = "$toDouble", .least = 1, .most = 1, .evaluate = evaluate_to_double},
	{.name = "$toInt", .least = 1, .most = 1, .evaluate = evaluate_to_int},
	{.name = "$toLong", .least = 1, .most = 1, .evaluate = evaluate_to_long},
	{.name = "$toObjectId", .least = 1, .most = 1, .evaluate = evaluate_to_object_id},
	{.name = "$toDate", .least = 1, .most = 1, .evaluate = evaluate_to_date},
	{.name = "$dateFromString", .named = date_names, .evaluate = evaluate_date_from_string},
	{.name = NULL},
};
