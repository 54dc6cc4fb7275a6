/*
 * json: a strict reader of untrusted documents.
 *
 * RFC 8259 within I-JSON (RFC 7493): UTF-8 without BOM, no duplicate names (compared after
 * unescaping), no lone surrogates, no noncharacters, no U+0000, no trailing octets, no number that
 * does not survive: integers within ±(2^53 - 1), others finite and not underflowing, and none that
 * ECMAScript would write as an integer beyond. Nesting and size are limited. Everything is refused
 * with line and column (ERR_SYNTAX, ERR_LIMIT). Validation comes first and whole; only what passed
 * reaches the library.
 *
 * A document owns its values; they live until json_release. Strings are UTF-8, NUL-terminated and
 * contain no NUL. Member order is the document's.
 */
#ifndef OFFKIT_JSON_JSON_H
#define OFFKIT_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct json;	 /* a value */
struct json_doc; /* a document, owner of its values */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum { JSON_DEPTH_MAX = 32 };

struct json_limits {
	size_t size;	/* octets */
	unsigned depth; /* arrays and objects within each other; [] is depth 1 */
	bool own;	/* what offkit wrote itself: strings of a database may hold noncharacters */
};

#define JSON_LIMITS(octets) (&(const struct json_limits){.size = (octets), .depth = JSON_DEPTH_MAX})
#define JSON_LIMITS_OWN(octets)                                                                    \
	(&(const struct json_limits){.size = (octets), .depth = JSON_DEPTH_MAX, .own = true})

MUST_CHECK int json_parse(struct bytes untrusted_text, const struct json_limits *limits,
	struct json_doc **ret_doc, struct err *err);
void json_release(struct json_doc *doc);  /* NULL is fine */
void json_cleanup(struct json_doc **doc); /* for CLEANUP(json_cleanup) */
const struct json *json_root(const struct json_doc *doc);

enum json_type json_type(const struct json *value);
const char *json_type_name(enum json_type type);   /* "string" */
bool json_bool(const struct json *value);	   /* of a JSON_BOOL */
double json_number(const struct json *value);	   /* of a JSON_NUMBER */
bool json_is_integer(const struct json *value);	   /* a number without fraction */
int64_t json_integer(const struct json *value);	   /* of an integer */
const char *json_string(const struct json *value); /* of a JSON_STRING */

/* Elements of an array or values of an object, in order; NULL after the last. */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *value);
size_t json_count(const struct json *container);
const char *json_name(const struct json *member); /* the name under which it stands in its object */

/* The member of that name (compared exactly), NULL if there is none or object is no object. */
const struct json *json_member(const struct json *object, const char *name);

bool json_equal(const struct json *a, const struct json *b); /* members in any order */

/*
 * Typed reading of an object's members. Wrong or missing is ERR_SYNTAX naming the member;
 * the caller adds where the object stands with err_context. The _optional forms leave *ret
 * untouched if the member is missing.
 */
MUST_CHECK int json_need(const struct json *object, const char *name, enum json_type type,
	const struct json **ret, struct err *err);
MUST_CHECK int json_need_string(const struct json *object, const char *name, size_t max_octets,
	const char **ret, struct err *err); /* not empty */
MUST_CHECK int json_need_integer(const struct json *object, const char *name, int64_t min,
	int64_t max, int64_t *ret, struct err *err);
MUST_CHECK int json_need_bool(
	const struct json *object, const char *name, bool *ret, struct err *err);
MUST_CHECK int json_optional(const struct json *object, const char *name, enum json_type type,
	const struct json **ret, struct err *err);
MUST_CHECK int json_optional_string(const struct json *object, const char *name, size_t max_octets,
	const char **ret, struct err *err);
MUST_CHECK int json_optional_integer(const struct json *object, const char *name, int64_t min,
	int64_t max, int64_t *ret, struct err *err);
MUST_CHECK int json_optional_bool(
	const struct json *object, const char *name, bool *ret, struct err *err);

/*
 * Refuses members that are not in the NULL-terminated list, so that a misspelt setting is an error
 * and not a silent default. A name that begins with "_" is a comment and always allowed.
 */
MUST_CHECK int json_closed(const struct json *object, const char *const *names, struct err *err);

#endif
