/*
 * json_write: documents written member by member, and the two canonical forms.
 *
 * The writer appends compact JSON to a string in the order of the calls. Its errors stick in the
 * string (str_check at the end). Unbalanced calls are bugs and trap.
 */
#ifndef OFFKIT_JSON_JSON_WRITE_H
#define OFFKIT_JSON_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "json/json.h"

enum { JSON_WRITE_DEPTH = 32 };

struct json_writer {
	struct str *out;
	unsigned depth;
	bool is_object[JSON_WRITE_DEPTH];
	bool has_members[JSON_WRITE_DEPTH];
	bool after_name;
};

void json_write_begin(struct json_writer *writer, struct str *out);

void json_write_object(struct json_writer *writer);
void json_write_array(struct json_writer *writer);
void json_write_end(struct json_writer *writer); /* closes the innermost object or array */
void json_write_name(struct json_writer *writer, const char *name);

/* Invalid UTF-8 becomes U+FFFD: what we write is always JSON. */
void json_write_string(struct json_writer *writer, const char *text);
void json_write_string_n(struct json_writer *writer, const char *text, size_t size);
void json_write_integer(struct json_writer *writer, int64_t number); /* |number| < 2^53 */
void json_write_number(
	struct json_writer *writer, double number); /* shortest that reads back; finite */
void json_write_bool(struct json_writer *writer, bool value);
void json_write_null(struct json_writer *writer);
void json_write_value(struct json_writer *writer, const struct json *value); /* a copy, whole */
void json_write_members(
	struct json_writer *writer, const struct json *object); /* into the open object */
void json_write_time(struct json_writer *writer, int64_t time); /* clock.h; RFC 3339 */

/* name and value in one call */
void json_member_string(struct json_writer *writer, const char *name, const char *text);
void json_member_integer(struct json_writer *writer, const char *name, int64_t number);
void json_member_number(struct json_writer *writer, const char *name, double number);
void json_member_bool(struct json_writer *writer, const char *name, bool value);
void json_member_null(struct json_writer *writer, const char *name);
void json_member_time(struct json_writer *writer, const char *name, int64_t time);
void json_member_value(struct json_writer *writer, const char *name, const struct json *value);
void json_member_object(struct json_writer *writer, const char *name); /* opens it */
void json_member_array(struct json_writer *writer, const char *name);  /* opens it */

/* RFC 8785 (JCS): members sorted by UTF-16 code units, ECMAScript numbers. */
MUST_CHECK int json_canonical(const struct json *value, struct str *out, struct err *err);

/* The same for compact text that a writer just wrote: parsed, and written canonically. */
MUST_CHECK int json_canonical_text(struct bytes text, struct str *out, struct err *err);

/*
 * OLPC canonical JSON, what TUF signs: members sorted by code points, only '"' and '\' escaped,
 * integers only (others are ERR_SYNTAX).
 */
MUST_CHECK int json_canonical_olpc(const struct json *value, struct str *out, struct err *err);

#endif
