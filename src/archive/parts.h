/*
 * parts: octets that lie in several files, read one after the other as if they were one.
 *
 * ERR_UNREADABLE, with the number of the part.
 */
#ifndef OFFKIT_ARCHIVE_PARTS_H
#define OFFKIT_ARCHIVE_PARTS_H

#include "archive/members.h"

/* The descriptors stay the caller's, in the order of the octets; begin with the rest zero. */
struct part_octets {
	const int *fds;
	size_t count;
	size_t current;
	int64_t offset; /* in the current one */
};

/* For an octet_source whose self is a struct part_octets. */
MUST_CHECK int part_octets_read(
	void *self, uint8_t *into, size_t room, size_t *ret_size, struct err *err);

#endif
