/*
 * components: what a program contains besides its own code (kit-layout/components.schema.json).
 */
#ifndef OFFKIT_PACK_COMPONENTS_H
#define OFFKIT_PACK_COMPONENTS_H

#include <stdbool.h>

#include "base/arena.h"
#include "crypto/digest.h"
#include "pack/program_list.h"

enum {
	COMPONENTS_MAX = 1000,
	COMPONENTS_SIZE_MAX = 4 * 1024 * 1024,
	COMPONENT_NAME_MAX = 128,
	COMPONENT_TEXT_MAX = 512
};

struct component {
	const char *name; /* letters, digits, "." and "-"; unique */
	const char *version;
	const char *licence; /* an SPDX expression */
	const char *purl;
	const char *file; /* whose digest it is; NULL if it is not known */
	struct sha256 digest;
	const char *source; /* "" if absent */
};

struct component_list {
	size_t count;
	struct component *items; /* in the order of the file */
};

/*
 * What each program of the list contains, in its order, by --components: FILE for all of them, or
 * PLATFORM=FILE for that one. Everything lives in arena. ERR_USAGE if one has no file, or a file is
 * not what the schema says.
 */
MUST_CHECK int components_read(const struct option_list *given, const struct program_list *programs,
	struct arena *arena, const struct component_list **ret_lists, struct err *err);

/*
 * An expression of all licences, each once, after own's: what is in several programs' lists, too.
 * Appends it.
 */
void components_licences(
	const char *own, const struct component_list *const *lists, size_t count, struct str *out);

#endif
