/*
 * lines: lines of JSON from a socket, taken off one by one; both ends of a feed read so.
 */
#ifndef OFFKIT_ENGINE_LINES_H
#define OFFKIT_ENGINE_LINES_H

#include "base/bytes.h"

/* Zero-initialise it but for fd, which stays the caller's. */
struct lines {
	int fd; /* a stream socket */
	struct str buffer;
	size_t used; /* octets of the buffer that were taken */
	bool closed;
};

/*
 * 1: *ret_line is the next line without its line feed, a view until the next call; 0: none yet, or
 * never more if it is closed; ERR_LIMIT for a line of more than max octets. Never blocks.
 */
MUST_CHECK int lines_next(struct lines *lines, size_t max, struct bytes *ret_line, struct err *err);

void lines_release(struct lines *lines);

#endif
