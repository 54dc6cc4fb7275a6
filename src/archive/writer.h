/*
 * writer: a deterministic tar archive.
 *
 * ustar, and pax headers only for names that ustar cannot hold. Unless an item says otherwise a
 * member is a file with time 0, owner 0 without a name, and mode 0644; gzip headers have neither
 * name nor time. The same members at the same level by the same build are the same octets. The
 * archive ends with two blocks of zeros.
 */
#ifndef OFFKIT_ARCHIVE_WRITER_H
#define OFFKIT_ARCHIVE_WRITER_H

#include <stdint.h>

#include "archive/form.h"
#include "archive/members.h"

/* Windows within what a reader allows: zstd from level 20 and xz from level 7 are over 8 MiB. */
enum { WRITER_ZSTD_LEVEL_MAX = 19, WRITER_XZ_LEVEL_MAX = 6, WRITER_GZIP_LEVEL_MAX = 9 };

struct archive_writer;

/* fd stays the caller's, who syncs it. level 0: the format's usual one. ERR_DISK when writing. */
MUST_CHECK int archive_writer_new(int fd, enum archive_form form, int level,
	struct archive_writer **ret_writer, struct err *err);

/* A member of which more than its name matters, as in the layer of an image. */
struct archive_item {
	const char *name; /* of a folder, too, without "/" at its end */
	enum member_type type;
	int64_t size;	/* octets of a file's content, which follows; 0 of a folder */
	unsigned mode;	/* permissions and the sticky bit */
	unsigned owner; /* user and group */
	int64_t time;	/* ms; whole seconds are kept */
};

MUST_CHECK int archive_writer_item(
	struct archive_writer *writer, const struct archive_item *item, struct err *err);

/* Begins a file of exactly size octets, whose content follows by archive_writer_data. */
MUST_CHECK int archive_writer_file(
	struct archive_writer *writer, const char *name, int64_t size, struct err *err);
MUST_CHECK int archive_writer_data(
	struct archive_writer *writer, struct bytes data, struct err *err);

/* A file that is read from another archive, whose current member it is. Errors are both sides'. */
MUST_CHECK int archive_writer_copy(struct archive_writer *writer, struct members *members,
	const struct member *member, struct err *err);

/* Ends the archive; a file that is not complete is ERR_INTERNAL. */
MUST_CHECK int archive_writer_finish(struct archive_writer *writer, struct err *err);
void archive_writer_free(struct archive_writer *writer);
void archive_writer_cleanup(struct archive_writer **writer);

#endif
