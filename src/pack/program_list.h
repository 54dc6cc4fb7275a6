/*
 * program_list: what --program says: for which platform a program is, and where it is.
 */
#ifndef OFFKIT_PACK_PROGRAM_LIST_H
#define OFFKIT_PACK_PROGRAM_LIST_H

#include "pack/face.h"

enum { PROGRAMS_MAX = 8 };

struct program_file {
	const char *architecture; /* "amd64", as an OCI image calls it; the system is linux */
	const char *path;
};

struct program_list {
	size_t count;
	struct program_file items[PROGRAMS_MAX]; /* sorted by architecture, unique */
};

/*
 * Reads PLATFORM=FILE, and FILE's headers: it must be a static program for that platform. Texts
 * live in the arena. ERR_USAGE, ERR_NOT_FOUND, ERR_UNREADABLE.
 */
MUST_CHECK int program_list_read(const struct option_list *given, struct arena *arena,
	struct program_list *ret_list, struct err *err);

/*
 * When what is made of them was made, in whole seconds: as created_given says, else as the newest
 * of them, and then it is noted.
 */
MUST_CHECK int programs_created(struct face *face, const char *option,
	const struct program_list *list, int64_t *ret_time, struct err *err);

/* Opens one, which is a file. */
MUST_CHECK int program_open(const struct program_file *program, int *ret_fd, struct err *err);

#endif
