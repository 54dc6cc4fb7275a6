/*
 * site_file: reading the files of a site that decide what is done and where; for src/site alone.
 */
#ifndef OFFKIT_SITE_SITE_FILE_H
#define OFFKIT_SITE_SITE_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/bytes.h"

enum { URI_MAX = 4096 };

/* A regular file of root's or ours that has none of the forbidden permissions. *ret_private: nobody
 * else may read it. ERR_NOT_FOUND, ERR_SITE. */
MUST_CHECK int site_read_guarded(const char *path, mode_t forbidden, struct str *content,
	bool *ret_private, struct err *err);

#endif
