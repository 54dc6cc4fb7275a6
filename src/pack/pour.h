/*
 * pour: all of a file on its way to somewhere, by pread, so that it may be read again.
 */
#ifndef OFFKIT_PACK_POUR_H
#define OFFKIT_PACK_POUR_H

#include <stdint.h>

#include "compress/stream.h"

/* size octets from the first on. One that is shorter by now, or longer, is ERR_CHECKSUM naming it.
 */
MUST_CHECK int pour(
	int fd, const char *name, int64_t size, struct stream_sink sink, struct err *err);

#endif
