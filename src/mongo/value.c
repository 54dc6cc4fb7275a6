#include "mongo/value.h"

#include <endian.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "text/text.h"

/*
 * Sizes and offsets of the fixed types; what has a length of its own is found by body_size.
 * See bsonspec.org, version 1.1.
 */
enum { LENGTH_SIZE = 4, DECIMAL128_SIZE = 16 };

static uint32_t load_u32(const uint8_t *at)
{
	uint32_t number;

	memcpy(&number, at, sizeof number);
	return le32toh(number);
}

static uint64_t load_u64(const uint8_t *at)
{
	uint64_t number;

	memcpy(&number, at, sizeof number);
	return le64toh(number);
}

static double load_double(const uint8_t *at)
{
	uint64_t raw = load_u64(at);
	double number;

	memcpy(&number, &raw, sizeof number);
	return number;
}

/* ---- checking */

static int broken(struct err *err, const char *what)
{
	return err_set(err, ERR_SYNTAX, "BSON: %s", what);
}

/* A BSON string at the beginning of rest: length with terminator, octets, terminator. */
static bool string_size(struct bytes rest, size_t *ret_size)
{
	if (rest.size < LENGTH_SIZE)
		return false;
	size_t size = load_u32(rest.data);
	if (size < 1 || size > rest.size - LENGTH_SIZE)
		return false;
	if (rest.data[LENGTH_SIZE + size - 1] != 0)
		return false;
	*ret_size = LENGTH_SIZE + size;
	return true;
}

/* The octets of a name and its end: eight at a time, of which the lowest that is zero shows. */
static inline bool cstring_size(struct bytes rest, size_t *ret_size)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
	size_t i = 0;

	for (; rest.size - i >= sizeof ones; i += sizeof ones) {
		uint64_t eight = load_u64(rest.data + i);
		uint64_t zeros = (eight - ones) & ~eight & highs;
		if (zeros != 0) {
			*ret_size = i + (size_t)__builtin_ctzll(zeros) / 8 + 1;
			return true;
		}
	}
	for (; i < rest.size; i++)
		if (rest.data[i] == 0) {
			*ret_size = i + 1;
			return true;
		}
	return false;
}

static bool document_size(struct bytes rest, size_t *ret_size)
{
	if (rest.size < DOC_SIZE_MIN)
		return false;
	size_t size = load_u32(rest.data);
	if (size < DOC_SIZE_MIN || size > rest.size || rest.data[size - 1] != 0)
		return false;
	*ret_size = size;
	return true;
}

static bool binary_size(struct bytes rest, size_t *ret_size)
{
	if (rest.size < LENGTH_SIZE + 1)
		return false;
	size_t size = load_u32(rest.data);
	if (size > rest.size - LENGTH_SIZE - 1)
		return false;
	/* Subtype 2 repeats the length within. */
	if (rest.data[LENGTH_SIZE] == 2 &&
		(size < LENGTH_SIZE || load_u32(rest.data + LENGTH_SIZE + 1) != size - LENGTH_SIZE))
		return false;
	*ret_size = LENGTH_SIZE + 1 + size;
	return true;
}

static bool regex_size(struct bytes rest, size_t *ret_size)
{
	size_t pattern, options;

	if (!cstring_size(rest, &pattern) ||
		!cstring_size(bytes_make(rest.data + pattern, rest.size - pattern), &options))
		return false;
	*ret_size = pattern + options;
	return true;
}

/* Types whose bodies are all of one size: that and 1. */
static const uint8_t fixed_sizes[UINT8_MAX + 1] = {
	[VALUE_UNDEFINED] = 1,
	[VALUE_NULL] = 1,
	[VALUE_MIN_KEY] = 1,
	[VALUE_MAX_KEY] = 1,
	[VALUE_BOOL] = 1 + 1,
	[VALUE_INT32] = 4 + 1,
	[VALUE_DOUBLE] = 8 + 1,
	[VALUE_DATE] = 8 + 1,
	[VALUE_TIMESTAMP] = 8 + 1,
	[VALUE_INT64] = 8 + 1,
	[VALUE_OBJECT_ID] = OBJECT_ID_SIZE + 1,
	[VALUE_DECIMAL128] = DECIMAL128_SIZE + 1,
};

static bool rare_body_size(enum value_type type, struct bytes rest, size_t *ret_size)
{
	switch (type) {
	case VALUE_JAVASCRIPT:
	case VALUE_SYMBOL:
		return string_size(rest, ret_size);
	case VALUE_JAVASCRIPT_SCOPE: /* begins with its whole length and ends with a document */
		return document_size(rest, ret_size);
	case VALUE_BINARY:
		return binary_size(rest, ret_size);
	case VALUE_REGEX:
		return regex_size(rest, ret_size);
	case VALUE_DB_POINTER:
		if (!string_size(rest, ret_size) || rest.size - *ret_size < OBJECT_ID_SIZE)
			return false;
		*ret_size += OBJECT_ID_SIZE;
		return true;
	default:
		return false;
	}
}

/* The octets of a value's body at the beginning of rest; false if it does not fit or is malformed.
 */
static inline bool body_size(enum value_type type, struct bytes rest, size_t *ret_size)
{
	size_t fixed = fixed_sizes[(uint8_t)type];

	if (fixed > 0) {
		*ret_size = fixed - 1;
		return fixed - 1 <= rest.size;
	}
	if (type == VALUE_STRING)
		return string_size(rest, ret_size);
	if (type == VALUE_DOCUMENT || type == VALUE_ARRAY)
		return document_size(rest, ret_size);
	return rare_body_size(type, rest, ret_size);
}

static bool text_valid(enum value_type type, struct bytes body)
{
	switch (type) {
	case VALUE_STRING:
	case VALUE_JAVASCRIPT:
	case VALUE_SYMBOL:
		return utf8_valid(bytes_make(body.data + LENGTH_SIZE, body.size - LENGTH_SIZE - 1));
	case VALUE_REGEX:
		return utf8_valid(body); /* both strings, and the terminators are UTF-8 too */
	default:
		return true;
	}
}

static int check_document(struct bytes doc, unsigned depth, struct err *err);

static int check_scope(struct bytes body, unsigned depth, struct err *err)
{
	struct bytes rest = bytes_make(body.data + LENGTH_SIZE, body.size - LENGTH_SIZE);
	size_t code;

	if (!string_size(rest, &code))
		return broken(err, "a function's code does not end where it says");
	if (!utf8_valid(bytes_make(rest.data + LENGTH_SIZE, code - LENGTH_SIZE - 1)))
		return broken(err, "a function's code is not UTF-8");
	return check_document(bytes_make(rest.data + code, rest.size - code), depth, err);
}

static int check_element(
	enum value_type type, const char *name, struct bytes body, unsigned depth, struct err *err)
{
	int result = 0;

	if (!text_valid(type, body))
		result = broken(err, "a string is not UTF-8");
	else if (type == VALUE_BOOL && body.data[0] > 1)
		result = broken(err, "a boolean is neither true nor false");
	else if (type == VALUE_DOCUMENT || type == VALUE_ARRAY)
		return check_document(body, depth + 1, err);
	else if (type == VALUE_JAVASCRIPT_SCOPE)
		return check_scope(body, depth + 1, err);
	if (result != 0) {
		CLEANUP_STR struct str shown = STR_INIT;
		text_escape(&shown, bytes_of_string(name), 80);
		return err_context(err, "field %s", str_text(&shown));
	}
	return 0;
}

static int check_document(struct bytes doc, unsigned depth, struct err *err)
{
	size_t size;

	if (depth > DOC_DEPTH_MAX)
		return broken(err, "documents are nested more than 200 deep");
	if (!document_size(doc, &size) || size != doc.size)
		return broken(err, "a document does not end where it says");
	size_t end = size - 1;
	for (size_t at = LENGTH_SIZE; at < end;) {
		enum value_type type = (enum value_type)doc.data[at];
		const uint8_t *name = doc.data + at + 1;
		size_t name_size, body;
		if (!cstring_size(bytes_make(name, end - at - 1), &name_size))
			return broken(err, "a field's name does not end");
		if (!utf8_valid(bytes_make(name, name_size - 1)))
			return broken(err, "a field's name is not UTF-8");
		at += 1 + name_size;
		if (!body_size(type, bytes_make(doc.data + at, end - at), &body))
			return broken(err, "a value is of no known type or does not fit");
		int result = check_element(
			type, (const char *)name, bytes_make(doc.data + at, body), depth, err);
		if (result != 0)
			return result;
		at += body;
	}
	return 0;
}

int doc_check(struct bytes untrusted_doc, struct err *err)
{
	return check_document(untrusted_doc, 1, err);
}

/* ---- reading */

struct doc_iter doc_iter_begin(struct bytes doc)
{
	return (struct doc_iter){.doc = doc, .offset = LENGTH_SIZE};
}

static struct value value_of_body(enum value_type type, struct bytes body)
{
	struct value value = {.type = type};

	switch (type) {
	case VALUE_DOUBLE:
		value.number = load_double(body.data);
		break;
	case VALUE_BOOL:
		value.boolean = body.data[0] != 0;
		break;
	case VALUE_INT32:
		value.int32 = (int32_t)load_u32(body.data);
		break;
	case VALUE_INT64:
	case VALUE_DATE:
	case VALUE_TIMESTAMP:
		value.int64 = (int64_t)load_u64(body.data);
		break;
	case VALUE_STRING:
		value.bytes = bytes_make(body.data + LENGTH_SIZE, body.size - LENGTH_SIZE - 1);
		break;
	case VALUE_OBJECT_ID:
		value.object_id = body.data;
		break;
	default:
		value.bytes = body;
	}
	return value;
}

/* The next element as it stands, its value not looked at. */
static inline bool next_element(struct doc_iter *iter, struct bytes *ret_name,
	enum value_type *ret_type, struct bytes *ret_body)
{
	if (iter->doc.size < DOC_SIZE_MIN || iter->offset >= iter->doc.size - 1)
		return false;
	size_t end = iter->doc.size - 1;
	const uint8_t *at = iter->doc.data + iter->offset;
	enum value_type type = (enum value_type)at[0];
	size_t name_size, body;

	if (!cstring_size(bytes_make(at + 1, end - iter->offset - 1), &name_size))
		return false;
	size_t start = iter->offset + 1 + name_size;
	if (!body_size(type, bytes_make(iter->doc.data + start, end - start), &body))
		return false;
	*ret_name = bytes_make(at + 1, name_size - 1);
	*ret_type = type;
	*ret_body = bytes_make(iter->doc.data + start, body);
	iter->offset = start + body;
	return true;
}

bool doc_iter_next(struct doc_iter *iter, const char **ret_name, struct value *ret_value)
{
	enum value_type type;
	struct bytes name, body;

	if (!next_element(iter, &name, &type, &body))
		return false;
	*ret_name = (const char *)name.data;
	*ret_value = value_of_body(type, body);
	return true;
}

size_t doc_count(struct bytes doc)
{
	struct doc_iter iter = doc_iter_begin(doc);
	struct bytes name, body;
	enum value_type type;
	size_t count = 0;

	while (next_element(&iter, &name, &type, &body))
		count++;
	return count;
}

static struct value get_n(struct bytes doc, const char *wanted, size_t size)
{
	struct doc_iter iter = doc_iter_begin(doc);
	enum value_type type;
	struct bytes name, body;

	while (next_element(&iter, &name, &type, &body))
		if (name.size == size && name.data[0] == (uint8_t)wanted[0] &&
			memcmp(name.data, wanted, size) == 0)
			return value_of_body(type, body);
	return (struct value){.type = VALUE_MISSING};
}

struct value doc_get(struct bytes doc, const char *name)
{
	return get_n(doc, name, strlen(name));
}

struct value doc_get_path(struct bytes doc, const char *path)
{
	for (;;) {
		size_t size = strcspn(path, ".");
		struct value value = get_n(doc, path, size);
		if (path[size] == '\0')
			return value;
		if (value.type != VALUE_DOCUMENT)
			return (struct value){.type = VALUE_MISSING};
		doc = value.bytes;
		path += size + 1;
	}
}

bool doc_get_integer(struct bytes doc, const char *name, int64_t *ret)
{
	struct value value = doc_get(doc, name);

	switch (value.type) {
	case VALUE_INT32:
		*ret = value.int32;
		return true;
	case VALUE_INT64:
		*ret = value.int64;
		return true;
	case VALUE_DOUBLE:
		/* -2^63 is a double, 2^63 - 1 is not: the upper border is open. */
		if (!(value.number >= -0x1p63 && value.number < 0x1p63) ||
			value.number != trunc(value.number))
			return false;
		*ret = (int64_t)value.number;
		return true;
	default:
		return false;
	}
}

const char *doc_get_string(struct bytes doc, const char *name)
{
	struct value value = doc_get(doc, name);

	if (value.type != VALUE_STRING)
		return NULL;
	const char *text = (const char *)value.bytes.data;
	return strlen(text) == value.bytes.size ? text : NULL;
}

bool doc_get_bool(struct bytes doc, const char *name)
{
	struct value value = doc_get(doc, name);

	return value.type == VALUE_BOOL && value.boolean;
}

bool value_is_number(const struct value *value)
{
	return value->type == VALUE_DOUBLE || value->type == VALUE_INT32 ||
	       value->type == VALUE_INT64 || value->type == VALUE_DECIMAL128;
}

const char *value_type_name(enum value_type type)
{
	static const char *const names[] = {
		[VALUE_MISSING] = "missing",
		[VALUE_DOUBLE] = "double",
		[VALUE_STRING] = "string",
		[VALUE_DOCUMENT] = "object",
		[VALUE_ARRAY] = "array",
		[VALUE_BINARY] = "binData",
		[VALUE_UNDEFINED] = "undefined",
		[VALUE_OBJECT_ID] = "objectId",
		[VALUE_BOOL] = "bool",
		[VALUE_DATE] = "date",
		[VALUE_NULL] = "null",
		[VALUE_REGEX] = "regex",
		[VALUE_DB_POINTER] = "dbPointer",
		[VALUE_JAVASCRIPT] = "javascript",
		[VALUE_SYMBOL] = "symbol",
		[VALUE_JAVASCRIPT_SCOPE] = "javascriptWithScope",
		[VALUE_INT32] = "int",
		[VALUE_TIMESTAMP] = "timestamp",
		[VALUE_INT64] = "long",
		[VALUE_DECIMAL128] = "decimal",
		[VALUE_MAX_KEY] = "maxKey",
		[VALUE_MIN_KEY] = "minKey",
	};

	if ((unsigned)type >= sizeof names / sizeof names[0] || names[type] == NULL)
		return "unknown";
	return names[type];
}
