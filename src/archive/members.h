/*
 * members: a kit's tree as a sequence of members, from a tar archive or from a folder.
 *
 * Of an archive every header is checked: a member is a regular file or a directory, without links,
 * devices, sparse maps, extended attributes or access lists; headers are bounded (pax too), the
 * archive ends with two blocks of zeros, and only zeros follow. Names come as they stand there: the
 * caller checks them (kit/name.h). A folder is walked by descriptor, following no link.
 *
 * ERR_UNREADABLE; ERR_NOT_A_KIT (no tar), ERR_TRUNCATED, ERR_UNSAFE_ARCHIVE, ERR_LIMIT.
 */
#ifndef OFFKIT_ARCHIVE_MEMBERS_H
#define OFFKIT_ARCHIVE_MEMBERS_H

#include <stdint.h>

#include "archive/form.h"

enum {
	MEMBER_HEADER_MAX = 64 * 1024,	   /* octets of all headers of one member */
	ARCHIVE_PADDING_MAX = 1024 * 1024, /* octets of zeros at the end */
};

enum member_type { MEMBER_FILE, MEMBER_FOLDER };

struct member {
	const char *untrusted_name; /* without the "/" at a folder's end; until the next call */
	enum member_type type;
	int64_t size; /* octets; 0 for a folder */
};

struct members;

/*
 * The archive is decoded, and its headers are read, by a process without rights (base/apart.h);
 * what that process sends is checked like the archive itself. The descriptor stays the caller's.
 * Whatever ends that process but the archive's own error is ERR_UNSAFE_ARCHIVE or ERR_NO_MEMORY.
 */
MUST_CHECK int members_open_archive(int fd, struct members **ret_members, struct err *err);

enum { ARCHIVE_PARTS_MAX = 256 };

/* The same for an archive that was cut into files, of which fds has at most ARCHIVE_PARTS_MAX in
 * their order; they stay the caller's. */
MUST_CHECK int members_open_parts(
	const int *fds, size_t count, struct members **ret_members, struct err *err);

/* The same in this process: for that process itself, and to try and to fuzz what it runs. */
MUST_CHECK int members_open_archive_here(int fd, struct members **ret_members, struct err *err);

/* Octets of an archive from anywhere: up to room of them, at least one unless it is the end. */
struct octet_source {
	void *self;
	int (*read)(void *self, uint8_t *into, size_t room, size_t *ret_size, struct err *err);
};

/*
 * An archive that is read by this process itself, once and without going back, for one that has no
 * rights already: an archive within an archive. The source's self lives as long as the members.
 */
MUST_CHECK int members_open_source(
	const struct octet_source *octets, struct members **ret_members, struct err *err);

/* first: names that are looked for and come first, NULL-terminated, "trust/" for all below that
 * folder; the others sorted by strcmp. */
MUST_CHECK int members_open_folder(
	int dirfd, const char *const *first, struct members **ret_members, struct err *err);

/* The next member; what was not read of the one before is skipped. ret_end: there is none. */
MUST_CHECK int members_next(
	struct members *members, struct member *ret_member, bool *ret_end, struct err *err);

/*
 * The next octets of the member, in memory of the caller's that nobody else can write to: what is
 * checked there is what was read. As many as room; fewer only at the member's end.
 */
MUST_CHECK int members_read_into(
	struct members *members, uint8_t *into, size_t room, size_t *ret_got, struct err *err);

/* The same, in memory of the members', until the next call; size 0: the end. */
MUST_CHECK int members_read(struct members *members, struct bytes *ret_chunk, struct err *err);

/* Appends what is left of the member, whose size the caller has bounded. */
MUST_CHECK int members_read_all(struct members *members, struct str *out, struct err *err);

/* "gzip", "folder", ... */
const char *members_form(const struct members *members);
void members_free(struct members *members);
void members_cleanup(struct members **members);

#endif
