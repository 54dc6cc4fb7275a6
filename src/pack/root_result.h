/*
 * root_result: what the commands about a trust root say when they are done.
 */
#ifndef OFFKIT_PACK_ROOT_RESULT_H
#define OFFKIT_PACK_ROOT_RESULT_H

#include "pack/face.h"

/* complete: enough of its own keys have signed the root. */
void root_result_write(
	struct face *face, const char *path, int64_t version, const char *text, bool complete);

#endif
