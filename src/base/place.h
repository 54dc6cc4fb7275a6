/*
 * place: where a result goes: beside its name first, or only where nothing is yet.
 */
#ifndef OFFKIT_BASE_PLACE_H
#define OFFKIT_BASE_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"

enum { PLACE_TEMPORARY_SIZE = 64 };

/* Opens the folder in which path stands, and appends path's last name. */
MUST_CHECK int place_open(const char *path, int *ret_dirfd, struct str *name, struct err *err);

/* Makes a file or folder of a random name there, opens it, and locks it (flock) until ret_fd is
 * closed. Those that are locked no more were left by somebody who was killed: they are removed. */
MUST_CHECK int place_temporary(int dirfd, bool is_folder, char name[static PLACE_TEMPORARY_SIZE],
	int *ret_fd, struct err *err);

/* Gives it its name, durably; ERR_USAGE: something has that name meanwhile, and keeps it. */
MUST_CHECK int place_rename(int dirfd, const char *temporary, const char *name, struct err *err);

/* Makes a file durably where none is: one that is there stays, and is ERR_USAGE. */
MUST_CHECK int place_new_file(const char *path, struct bytes content, mode_t mode, struct err *err);

/* Replaces a file durably, or makes it. */
MUST_CHECK int place_file(const char *path, struct bytes content, mode_t mode, struct err *err);

#endif
