/*
 * folder: a store in a folder of the site.
 *
 * An object is written to sha256/.new-<16 hexadecimal digits>, under a lock that ends with its
 * writer, synced, and renamed to sha256/ab/<64 hexadecimal digits>. Many writers may be at work,
 * also in several processes. Who may read the site's folder may read the objects: the programs that
 * follow pointers are other users than the one who installs.
 */
#ifndef OFFKIT_OBJECT_FOLDER_H
#define OFFKIT_OBJECT_FOLDER_H

#include "object/store.h"

/* path: absolute; made unless it is there (its parents but the last must be). */
MUST_CHECK int object_folder_open(
	const char *path, struct object_store **ret_store, struct err *err);

/* The same for one that must be there, to be read: nothing is made. ERR_NOT_FOUND. */
MUST_CHECK int object_folder_open_there(
	const char *path, struct object_store **ret_store, struct err *err);

#endif
