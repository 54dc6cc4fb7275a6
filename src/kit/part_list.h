/*
 * part_list: which files the archive of a kit was cut into (kit format 1, "In parts"): an in-toto
 * Statement about the archive, of predicate type urn:offkit:slice:v1.
 *
 * It says where the octets are, and nothing about trust: the kit's own signatures do. One that was
 * parsed is consistent: parts are in order, their names are single and unique, their sizes add up.
 */
#ifndef OFFKIT_KIT_PART_LIST_H
#define OFFKIT_KIT_PART_LIST_H

#include "base/arena.h"
#include "crypto/digest.h"

#define PART_LIST_TYPE	 "urn:offkit:slice:v1"
#define PART_LIST_ENDING ".parts.dsse"

enum {
	PART_LIST_SIZE_MAX = 1024 * 1024, /* octets of the file */
	PARTS_MAX = 256,
};

#define PARTS_OCTETS_MAX (((int64_t)1 << 53) - 1)

struct part {
	const char *name; /* one component */
	int64_t size;	  /* octets, at least 1 */
	struct sha256 digest;
};

struct part_list {
	const char *archive; /* the name of what was cut */
	struct sha256 digest;
	int64_t size; /* octets, all parts together */
	size_t count; /* at least 1 */
	struct part *parts;
};

/* Everything lives in arena. ERR_SYNTAX, ERR_LIMIT; a name that no file may have is
 * ERR_UNSAFE_ARCHIVE. */
MUST_CHECK int part_list_parse(struct bytes untrusted_payload, struct arena *arena,
	struct part_list *ret_list, struct err *err);

/* Appends the statement as RFC 8785 has it. */
MUST_CHECK int part_list_write(const struct part_list *list, struct str *out, struct err *err);

#endif
