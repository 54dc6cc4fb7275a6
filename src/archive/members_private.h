/*
 * members_private: what the two sources of members have in common; for src/archive alone.
 */
#ifndef OFFKIT_ARCHIVE_MEMBERS_PRIVATE_H
#define OFFKIT_ARCHIVE_MEMBERS_PRIVATE_H

#include "archive/members.h"

struct members_source {
	int (*next)(void *self, struct member *ret_member, bool *ret_end, struct err *err);
	int (*read)(void *self, struct bytes *ret_chunk, struct err *err);
	const char *(*form)(const void *self);
	void (*free)(void *self);
};

struct members {
	const struct members_source *source;
	void *self; /* owned */
};

MUST_CHECK int members_new(const struct members_source *source, void *self,
	struct members **ret_members, struct err *err);

#endif
