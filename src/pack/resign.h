/*
 * resign: signatures added to a kit that is an archive: it is written anew beside itself, in the
 * same form and order, and then takes its own place.
 */
#ifndef OFFKIT_PACK_RESIGN_H
#define OFFKIT_PACK_RESIGN_H

#include "pack/documents.h"

MUST_CHECK int resign_archive(const char *path, const struct signers *signers,
	struct signed_summary *ret_summary, struct err *err);

#endif
