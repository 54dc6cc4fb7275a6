/*
 * folder_list: what lies in a store's folder, and what lies there to no purpose. Internal to
 * folder.c.
 */
#ifndef OFFKIT_OBJECT_FOLDER_LIST_H
#define OFFKIT_OBJECT_FOLDER_LIST_H

#include "object/store.h"

/* How the name of a file begins that is no object yet. */
#define FOLDER_LEFTOVER ".new-"

/* Everything under fd, folders of folders too, in the order of the names; prefix stands before each
 * name. No link is followed; what is neither file nor folder is told as one without octets. */
MUST_CHECK int folder_list(int fd, const char *prefix,
	int (*visit)(void *self, const struct object_entry *entry, struct err *err), void *self,
	struct err *err);

/* Removes the files in fd that begin so and that nobody holds the lock on. */
MUST_CHECK int folder_list_sweep(int fd, struct err *err);

#endif
