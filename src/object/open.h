/*
 * open: the store that the site file names, of whichever kind. Codes: those of the kind, ERR_SITE
 * for credentials.
 */
#ifndef OFFKIT_OBJECT_OPEN_H
#define OFFKIT_OBJECT_OPEN_H

#include "object/store.h"
#include "site/site.h"

/* A folder is made unless it is there. */
MUST_CHECK int object_store_open(
	const struct site *site, struct object_store **ret_store, struct err *err);

/* To be read: nothing is made. ERR_NOT_FOUND of a folder that is not there. */
MUST_CHECK int object_store_open_there(
	const struct site *site, struct object_store **ret_store, struct err *err);

/* For people, without opening it: "/srv/objects", "https://host/bucket". */
MUST_CHECK int object_store_describe(const struct site *site, struct str *out, struct err *err);

#endif
