/*
 * receipt_internal: the tables by which a receipt is read and written.
 */
#ifndef OFFKIT_KIT_RECEIPT_INTERNAL_H
#define OFFKIT_KIT_RECEIPT_INTERNAL_H

#include "kit/receipt.h"

enum receipt_kind {
	RECEIPT_TEXT,	/* const char *, of RECEIPT_TEXT_MAX octets */
	RECEIPT_HEX,	/* const char *, a SHA-256 */
	RECEIPT_NUMBER, /* int64_t, from 0 to 2^53 - 1 */
	RECEIPT_TIME,	/* int64_t, RFC 3339 */
};

struct receipt_member {
	const char *name; /* NULL ends a table */
	enum receipt_kind kind;
	bool optional; /* of a text: "" if absent */
	size_t offset;
};

/* An object within the predicate, whose members stand in struct receipt itself. */
struct receipt_object {
	const char *name; /* NULL: the predicate itself */
	bool optional;	  /* absent if all its members are */
	const struct receipt_member *members;
};

/* An array of objects. */
struct receipt_list {
	const char *name;
	const struct receipt_member *members;
	size_t row_size, rows, count; /* offsets of the pointer and of the count */
	size_t max;
};

enum { RECEIPT_OBJECTS = 9, RECEIPT_LISTS = 3, RECEIPT_MEMBERS_MAX = 20 };

extern const struct receipt_object receipt_objects[RECEIPT_OBJECTS];
extern const struct receipt_list receipt_lists[RECEIPT_LISTS];

#endif
