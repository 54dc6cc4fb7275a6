/*
 * form: how the octets of a kit's archive may be compressed, known by their first octets.
 */
#ifndef OFFKIT_ARCHIVE_FORM_H
#define OFFKIT_ARCHIVE_FORM_H

#include <stdbool.h>

#include "base/bytes.h"

enum archive_form {
	ARCHIVE_FORM_PLAIN,
	ARCHIVE_FORM_GZIP,
	ARCHIVE_FORM_ZSTD,
	ARCHIVE_FORM_XZ,
	ARCHIVE_FORM_BZIP2, /* read only */
	ARCHIVE_FORM_LZ4,   /* read only */
	ARCHIVE_FORM_COUNT
};

enum { ARCHIVE_FORM_MAGIC_MAX = 6 };

const char *archive_form_name(enum archive_form format); /* "gzip" */

/* By "gzip", "zstd", "xz", "plain": what can be written; false otherwise. */
bool archive_form_by_name(const char *name, enum archive_form *ret_form);

/* By the ending of a file's name: .tar .tar.gz .tgz .tar.zst .tar.xz; false if it is none. */
bool archive_form_by_ending(const char *path, enum archive_form *ret_form);

/* By the first octets of a file; ARCHIVE_FORM_PLAIN if none fits. */
enum archive_form archive_form_of(struct bytes untrusted_beginning);

#endif
