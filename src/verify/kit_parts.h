/*
 * kit_parts: the files of a kit in parts, opened; for kit_source.
 */
#ifndef OFFKIT_VERIFY_KIT_PARTS_H
#define OFFKIT_VERIFY_KIT_PARTS_H

#include "base/cleanup.h"
#include "base/file.h"
#include "kit/envelope.h"
#include "kit/part_list.h"
#include "verify/heads_read.h"
#include "verify/verify.h"

struct kit_parts {
	struct arena arena;
	const char *name;  /* of the list */
	struct bytes text; /* of the list, as it came */
	struct envelope envelope;
	struct part_list list; /* untrusted: it says where to look */
	int fds[PARTS_MAX];    /* list.count */
};

/* By the ending of its name. */
bool kit_parts_is_list(const char *name);

/* Appends the name of the one list in a folder, nothing if there is none; two are ERR_USAGE. */
MUST_CHECK int kit_parts_find_list(int dirfd, struct str *name, struct err *err);

MUST_CHECK int kit_parts_open(int dirfd, const char *name, const struct verify_options *options,
	struct kit_parts **ret_parts, struct err *err);
void kit_parts_free(struct kit_parts *parts);

/* Reads all: ERR_CHECKSUM names the first that differs. */
MUST_CHECK int kit_parts_check(const struct kit_parts *parts, struct err *err);

#endif
