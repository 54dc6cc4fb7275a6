#include "json/json_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "json/slice.h"

struct json_doc {
	cJSON *root;
};

int json_parse(struct bytes untrusted_text, const struct json_limits *limits,
	struct json_doc **ret_doc, struct err *err)
{
	int rc = json_validate(untrusted_text, limits, err);

	return rc < 0 ? rc : json_parse_checked(untrusted_text, ret_doc, err);
}

int json_parse_checked(struct bytes checked_text, struct json_doc **ret_doc, struct err *err)
{
	CLEANUP_FREE struct json_doc *doc = calloc(1, sizeof *doc);

	if (doc == NULL)
		return err_no_memory(err);
	doc->root = cJSON_ParseWithLengthOpts(
		(const char *)checked_text.data, checked_text.size, NULL, false);
	/* What is valid the library refuses for want of memory only. */
	if (doc->root == NULL)
		return err_no_memory(err);
	*ret_doc = STEAL(doc);
	return 0;
}

void json_release(struct json_doc *doc)
{
	if (doc == NULL)
		return;
	cJSON_Delete(doc->root);
	free(doc);
}

void json_cleanup(struct json_doc **doc)
{
	json_release(*doc);
}

const struct json *json_root(const struct json_doc *doc)
{
	return value_of(doc->root);
}

enum json_type json_type(const struct json *value)
{
	switch (item_of(value)->type & 0xFF) {
	case cJSON_False:
	case cJSON_True:
		return JSON_BOOL;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",
		[JSON_BOOL] = "boolean",
		[JSON_NUMBER] = "number",
		[JSON_STRING] = "string",
		[JSON_ARRAY] = "array",
		[JSON_OBJECT] = "object",
	};

	return names[type];
}

bool json_bool(const struct json *value)
{
	return cJSON_IsTrue(item_of(value));
}

double json_number(const struct json *value)
{
	return item_of(value)->valuedouble;
}

bool json_is_integer(const struct json *value)
{
	double number = item_of(value)->valuedouble;

	return cJSON_IsNumber(item_of(value)) && fabs(number) <= (double)JSON_INTEGER_MAX &&
	       number == trunc(number);
}

int64_t json_integer(const struct json *value)
{
	return (int64_t)item_of(value)->valuedouble;
}

const char *json_string(const struct json *value)
{
	return item_of(value)->valuestring;
}

const struct json *json_first(const struct json *container)
{
	return value_of(item_of(container)->child);
}

const struct json *json_next(const struct json *value)
{
	return value_of(item_of(value)->next);
}

size_t json_count(const struct json *container)
{
	size_t count = 0;

	for (const cJSON *item = item_of(container)->child; item != NULL; item = item->next)
		count++;
	return count;
}

const char *json_name(const struct json *member)
{
	return item_of(member)->string;
}

const struct json *json_member(const struct json *object, const char *name)
{
	if (!cJSON_IsObject(item_of(object)))
		return NULL;
	/* Not the library's: GetObjectItem ignores case. */
	for (const cJSON *item = item_of(object)->child; item != NULL; item = item->next)
		if (strcmp(item->string, name) == 0)
			return value_of(item);
	return NULL;
}

static int compare_utf8_as_utf16(const unsigned char *a, const unsigned char *b)
{
	while (*a == *b && *a != '\0') {
		a++;
		b++;
	}
	/*
	 * In UTF-16 what is above U+FFFF begins with D800 to DBFF and sorts before U+E000 to
	 * U+FFFF; in UTF-8 the lead octets F0 to F4 and EE, EF are in the other order. Octets
	 * differ in the lead or behind an equal one, where both orders agree.
	 */
	bool a_is_pair = *a >= 0xF0;
	bool b_is_pair = *b >= 0xF0;
	if (a_is_pair != b_is_pair && *a >= 0xEE && *b >= 0xEE)
		return a_is_pair ? -1 : 1;
	return (int)*a - (int)*b;
}

static const unsigned char *name_at(const void *element)
{
	return (const unsigned char *)(*(const cJSON *const *)element)->string;
}

int json_compare_utf16(const void *a, const void *b)
{
	return compare_utf8_as_utf16(name_at(a), name_at(b));
}

int json_compare_code_points(const void *a, const void *b)
{
	return strcmp((const char *)name_at(a), (const char *)name_at(b));
}

const cJSON **json_sorted_members(const cJSON *object, json_compare *compare, size_t *ret_count)
{
	size_t count = json_count(value_of(object));
	const cJSON **members = reallocarray(NULL, count + 1, sizeof *members);
	size_t i = 0;

	if (members == NULL)
		return NULL;
	for (const cJSON *item = object->child; item != NULL; item = item->next)
		members[i++] = item;
	qsort(members, count, sizeof *members, compare);
	*ret_count = count;
	return members;
}

static bool equal_elements(const cJSON *a, const cJSON *b)
{
	for (a = a->child, b = b->child; a != NULL && b != NULL; a = a->next, b = b->next)
		if (!json_equal(value_of(a), value_of(b)))
			return false;
	return a == b;
}

/* Without memory: each by its name, which costs the square of their number. */
static bool equal_members_slowly(const struct json *a, const struct json *b)
{
	for (const struct json *x = json_first(a); x != NULL; x = json_next(x)) {
		const struct json *y = json_member(b, json_name(x));
		if (y == NULL || !json_equal(x, y))
			return false;
	}
	return true;
}

static bool equal_members(const cJSON *a, const cJSON *b)
{
	size_t count;
	size_t same = 0;

	if (json_count(value_of(a)) != json_count(value_of(b)))
		return false;
	CLEANUP_FREE const cJSON **xs = json_sorted_members(a, json_compare_code_points, &count);
	CLEANUP_FREE const cJSON **ys = json_sorted_members(b, json_compare_code_points, &count);
	if (xs == NULL || ys == NULL)
		return equal_members_slowly(value_of(a), value_of(b));
	while (same < count && strcmp(xs[same]->string, ys[same]->string) == 0 &&
		json_equal(value_of(xs[same]), value_of(ys[same])))
		same++;
	return same == count;
}

bool json_equal(const struct json *a, const struct json *b)
{
	enum json_type type = json_type(a);

	if (type != json_type(b))
		return false;
	switch (type) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return json_bool(a) == json_bool(b);
	case JSON_NUMBER:
		return json_number(a) == json_number(b);
	case JSON_STRING:
		return strcmp(json_string(a), json_string(b)) == 0;
	case JSON_ARRAY:
		return equal_elements(item_of(a), item_of(b));
	case JSON_OBJECT:
		return equal_members(item_of(a), item_of(b));
	}
	return false;
}
