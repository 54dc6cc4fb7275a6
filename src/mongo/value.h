/*
 * value: BSON documents as octets, read and written in place (BSON 1.1).
 *
 * A document is a struct bytes of whole BSON; a value is a view into one and lives as long as it.
 * doc_check is called once on what comes from a server or a file; reading after it cannot fail.
 */
#ifndef OFFKIT_MONGO_VALUE_H
#define OFFKIT_MONGO_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "json/json.h"

/* The numbers are BSON's own. VALUE_MISSING: there is no such field. */
enum value_type {
	VALUE_MISSING = 0x00,
	VALUE_DOUBLE = 0x01,
	VALUE_STRING = 0x02,
	VALUE_DOCUMENT = 0x03,
	VALUE_ARRAY = 0x04,
	VALUE_BINARY = 0x05,
	VALUE_UNDEFINED = 0x06, /* this and the next three: old, but in old databases */
	VALUE_OBJECT_ID = 0x07,
	VALUE_BOOL = 0x08,
	VALUE_DATE = 0x09,
	VALUE_NULL = 0x0A,
	VALUE_REGEX = 0x0B,
	VALUE_DB_POINTER = 0x0C,
	VALUE_JAVASCRIPT = 0x0D,
	VALUE_SYMBOL = 0x0E,
	VALUE_JAVASCRIPT_SCOPE = 0x0F,
	VALUE_INT32 = 0x10,
	VALUE_TIMESTAMP = 0x11,
	VALUE_INT64 = 0x12,
	VALUE_DECIMAL128 = 0x13,
	VALUE_MIN_KEY = 0xFF,
	VALUE_MAX_KEY = 0x7F,
};

enum { DOC_DEPTH_MAX = 200, DOC_SIZE_MIN = 5 };
enum { OBJECT_ID_SIZE = 12, OBJECT_ID_HEX_SIZE = 25, DOC_SIZE_MAX = 16 * 1024 * 1024 + 16 * 1024 };

struct value {
	enum value_type type;
	union {
		double number;
		bool boolean;
		int32_t int32;
		int64_t int64;	    /* VALUE_INT64, VALUE_DATE (ms), VALUE_TIMESTAMP (raw) */
		struct bytes bytes; /* string (no terminator), document, array, and every other
				       type's raw body */
		const uint8_t *object_id; /* OBJECT_ID_SIZE octets */
	};
};

struct doc_iter {
	struct bytes doc;
	size_t offset;
};

/*
 * Structure, lengths, UTF-8 of keys and strings, nesting at most DOC_DEPTH_MAX, the document itself
 * being 1. ERR_SYNTAX.
 */
MUST_CHECK int doc_check(struct bytes untrusted_doc, struct err *err);

struct doc_iter doc_iter_begin(struct bytes doc); /* a document or an array */
bool doc_iter_next(struct doc_iter *iter, const char **ret_name, struct value *ret_value);
size_t doc_count(struct bytes doc);

/* A field by name, or by a dotted path that does not go through arrays. VALUE_MISSING if none. */
struct value doc_get(struct bytes doc, const char *name);
struct value doc_get_path(struct bytes doc, const char *path);

/* Convenience readers: the field if it has that type, else the default. Numbers of any BSON kind.
 */
bool doc_get_integer(struct bytes doc, const char *name, int64_t *ret);
const char *doc_get_string(
	struct bytes doc, const char *name);	       /* NULL: none, or one with U+0000 within */
bool doc_get_bool(struct bytes doc, const char *name); /* false: none */

bool value_is_number(const struct value *value);
bool value_equal(const struct value *a, const struct value *b); /* same type, same octets */
/*
 * The same, but numbers by what they are worth, within documents and arrays too: a server may give
 * back 60 as another type than it was given. Members in their order.
 */
bool value_like(const struct value *a, const struct value *b);
int value_compare(const struct value *a, const struct value *b); /* MongoDB's comparison order */
const char *value_type_name(enum value_type type);		 /* as $type gives: "string" */

/* Writes a document front to back into a string; errors stick in the string. */
struct doc_writer {
	struct str *out;
	unsigned depth;
	size_t starts[32];
	uint32_t indexes[32]; /* next index of an array, where this level is one */
	bool is_array[32];
};

void doc_write_begin(struct doc_writer *writer, struct str *out); /* appends at out's end */
void doc_write_end(struct doc_writer *writer); /* the innermost, or the document */
void doc_write_value(struct doc_writer *writer, const char *name,
	const struct value *value);				      /* MISSING: nothing */
void doc_write_document(struct doc_writer *writer, const char *name); /* opens */
void doc_write_array(struct doc_writer *writer,
	const char *name); /* opens; its elements' names are given as NULL */
void doc_write_string(struct doc_writer *writer, const char *name, const char *text);
void doc_write_int32(struct doc_writer *writer, const char *name, int32_t number);
void doc_write_int64(struct doc_writer *writer, const char *name, int64_t number);
void doc_write_double(struct doc_writer *writer, const char *name, double number);
void doc_write_bool(struct doc_writer *writer, const char *name, bool value);
void doc_write_date(struct doc_writer *writer, const char *name, int64_t time);
void doc_write_null(struct doc_writer *writer, const char *name);
void doc_write_object_id(struct doc_writer *writer, const char *name, const uint8_t *id);
void doc_write_raw(
	struct doc_writer *writer, const char *name, struct bytes doc); /* a whole document */

void object_id_to_hex(const uint8_t *id, char hex[static OBJECT_ID_HEX_SIZE]);

/* MongoDB Extended JSON v2: canonical for files that go back, relaxed for people. */
MUST_CHECK int doc_to_json(struct bytes doc, bool canonical, struct str *out, struct err *err);
MUST_CHECK int doc_from_json(const struct json *object, struct str *out, struct err *err);
/* The same from text, by the driver's own reader, in which members may be nested 100 deep. */
MUST_CHECK int doc_from_json_text(struct bytes text, struct str *out, struct err *err);
/*
 * A JSON object as it is, appended: no name or value in it means a type. Integers become int32 or
 * int64, other numbers doubles; refused is what json_parse refuses. ERR_SYNTAX, ERR_LIMIT.
 */
MUST_CHECK int doc_from_plain_json(struct bytes untrusted_text, struct str *out, struct err *err);
void value_to_text(const struct value *value,
	struct str *out); /* an id or scalar in a message; escaped, at most 80 columns */

#endif
