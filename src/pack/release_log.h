/*
 * release_log: what was published, a line of JSON a release (kit-layout/release-log.schema.json).
 *
 * Each line has the SHA-256 of the line before it, without its line feed: whoever knows the last
 * line knows that no other was changed or left out. The whole chain is checked before a line is
 * added. ERR_JOURNAL: it does not hold; ERR_LOCKED: another one publishes.
 */
#ifndef OFFKIT_PACK_RELEASE_LOG_H
#define OFFKIT_PACK_RELEASE_LOG_H

#include "base/arena.h"
#include "crypto/digest.h"

enum {
	RELEASE_LOG_SIZE_MAX = 256 * 1024 * 1024,
	RELEASE_LINE_SIZE_MAX = 64 * 1024 * 1024,
	RELEASE_PLACE_MAX = 4096, /* octets of a path, or of an object's name */
};

struct release {
	const char *name, *version, *place;
	int64_t sequence;
	struct sha256 manifest;
};

struct release_log {
	struct arena arena;
	int fd;
	struct sha256 last; /* of the last line; zeros: there is none */
	size_t count, room;
	struct release *releases; /* heap */
};

#define RELEASE_LOG_INIT ((struct release_log){.fd = -1})

/* Makes the file if there is none. Release it also after a failure. */
MUST_CHECK int release_log_open(const char *path, struct release_log *log, struct err *err);
void release_log_release(struct release_log *log);

/* ERR_USAGE if this was published to this place, another of its version anywhere, or one of its
 * name with the same or a higher sequence, or if the place is too long to be read again. */
MUST_CHECK int release_log_check(
	const struct release_log *log, const struct release *release, struct err *err);

/* Adds a line, without its line feed, durably. ERR_USAGE: release_log_open could not read it again.
 */
MUST_CHECK int release_log_append(struct release_log *log, struct bytes line, struct err *err);

#endif
