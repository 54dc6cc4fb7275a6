/*
 * name: what a member of a kit may be called (kit format 1, "Names").
 *
 * Relative, UTF-8 in NFC, components separated by "/", none empty, "." or "..", no control
 * characters, no backslash, no trailing dot or space, at most 255 octets a component and 1,024 in
 * all.
 */
#ifndef OFFKIT_KIT_NAME_H
#define OFFKIT_KIT_NAME_H

#include "base/bytes.h"

enum { NAME_SIZE_MAX = 1024, NAME_COMPONENT_MAX = 255 };

/* ERR_UNSAFE_ARCHIVE with the name escaped, and the rule that it breaks. */
MUST_CHECK int name_check(struct bytes untrusted_name, struct err *err);

/* A set of names that are unique, also when case is folded, and where none is a file and a folder.
 */
struct name_set;

MUST_CHECK int name_set_new(struct name_set **ret_set, struct err *err);
/* The name must live as long as the set. */
MUST_CHECK int name_set_add(struct name_set *set, const char *name, struct err *err);
void name_set_free(struct name_set *set);
void name_set_cleanup(struct name_set **set);

#endif
