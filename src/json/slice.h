/*
 * slice: parts of a JSON text that was checked, as text: for documents that are too large for a
 * tree of all their values. Of a text that json_check did not accept nothing here is defined.
 */
#ifndef OFFKIT_JSON_SLICE_H
#define OFFKIT_JSON_SLICE_H

#include "json/json.h"

/* All that json_parse refuses, without building anything. */
MUST_CHECK int json_check(
	struct bytes untrusted_text, const struct json_limits *limits, struct err *err);

/* The tree of a value in a checked text; it does not refer to the text. */
MUST_CHECK int json_parse_checked(
	struct bytes checked_text, struct json_doc **ret_doc, struct err *err);

/*
 * The text of an object's member; data NULL if there is none, or it is no object. The name is
 * compared unescaped, as json_member does.
 */
MUST_CHECK int json_slice_member(
	struct bytes checked_text, const char *name, struct bytes *ret_value, struct err *err);

/*
 * The elements of an array, one by one: rest is the array's text at first, and what is left of it
 * afterwards. False after the last, and if it is no array.
 */
bool json_slice_element(struct bytes *rest, struct bytes *ret_element);

#endif
