/*
 * members_private: what the sources of members have in common, and how a process apart tells its
 * parent of them; for src/archive and its tests alone.
 */
#ifndef OFFKIT_ARCHIVE_MEMBERS_PRIVATE_H
#define OFFKIT_ARCHIVE_MEMBERS_PRIVATE_H

#include "archive/members.h"
#include "archive/ring.h"
#include "base/apart.h"

/* As the functions of members.h. read fills its room; fewer octets only at the member's end. */
struct members_source {
	int (*next)(void *self, struct member *ret_member, bool *ret_end, struct err *err);
	int (*read)(void *self, uint8_t *into, size_t room, size_t *ret_got, struct err *err);
	const char *(*form)(const void *self);
	void (*free)(void *self);
};

MUST_CHECK int members_new(const struct members_source *source, void *self,
	struct members **ret_members, struct err *err);

/*
 * In a slot of the ring records follow one another: FORM, then MEMBER and, of a file, CONTENT until
 * its size is reached, then END. The name follows the record of a member, octets that of content.
 */
enum apart_record_kind { RECORD_FORM = 1, RECORD_MEMBER, RECORD_CONTENT, RECORD_END };

struct apart_record {
	uint32_t kind;
	uint32_t type; /* enum member_type; of FORM, enum archive_form */
	uint32_t size; /* of what follows, octets */
	uint32_t unused;
	int64_t member_size;
};

/* What the child gets as its argument. */
struct apart_input {
	struct ring ring;
	int fd;
	const int *fds; /* of an archive in parts, whose number is count; else one, fd */
	size_t count;
};

/* members_open_archive with another child. */
MUST_CHECK int members_open_apart(
	apart_work work, int fd, struct members **ret_members, struct err *err);

#endif
