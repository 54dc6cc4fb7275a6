/*
 * json_internal: what the files of this floor share.
 */
#ifndef OFFKIT_JSON_JSON_INTERNAL_H
#define OFFKIT_JSON_JSON_INTERNAL_H

#include <cjson/cJSON.h>

#include "json/json.h"

/* 2^53 - 1: above it a double is no longer one integer (RFC 7493 section 2.2). */
#define JSON_INTEGER_MAX INT64_C(9007199254740991)

/* A value is the library's item under our name. */
static inline const cJSON *item_of(const struct json *value)
{
	return (const cJSON *)(const void *)value;
}

static inline const struct json *value_of(const cJSON *item)
{
	return (const struct json *)(const void *)item;
}

/* The whole grammar and all limits, before the library sees an octet. */
MUST_CHECK int json_validate(
	struct bytes untrusted_text, const struct json_limits *limits, struct err *err);

/* ECMAScript's Number::toString, as RFC 8785 section 3.2.2.3 wants it; number is finite. */
enum { JSON_NUMBER_SIZE = 48 };
void json_format_number(double number, char text[static JSON_NUMBER_SIZE]);

/* The members of an object, sorted, to be freed; NULL if memory is out (never else). */
typedef int json_compare(const void *a, const void *b); /* of two const cJSON ** */
const cJSON **json_sorted_members(const cJSON *object, json_compare *compare, size_t *ret_count);
json_compare json_compare_code_points; /* of names: also the order of their octets */
json_compare json_compare_utf16;

/* A string with its quotes, everything escaped that RFC 8785 section 3.2.2.2 escapes. */
void json_append_string(struct str *out, const char *text, size_t size);

/* The same for eyes: what a terminal would not just show (text_shows) is escaped as well. */
void json_append_safe_string(struct str *out, const char *text, size_t size);

/* A whole value in the document's order, for eyes; failure sticks in the string. */
void json_append_value(struct str *out, const struct json *value);

#endif
