/*
 * pins: a table of source files that are pinned, as src/deps/pins is one: a line a file, of
 *
 *	suite source version file size sha1 sha256
 *
 * separated by blanks; empty lines and those that begin with "#" say nothing.
 */
#ifndef OFFKIT_PACK_PINS_H
#define OFFKIT_PACK_PINS_H

#include "base/arena.h"
#include "base/bytes.h"

enum { PINS_MAX = 10000, PINS_SIZE_MAX = 4 * 1024 * 1024 };

struct pin {
	const char *suite, *source, *version, *file;
	const char *sha1, *sha256; /* in hexadecimal */
};

struct pins {
	size_t count;
	struct pin *pins;
};

/* Everything lives in arena. ERR_SYNTAX, ERR_LIMIT, naming the line. */
MUST_CHECK int pins_parse(
	struct bytes text, struct arena *arena, struct pins *ret_pins, struct err *err);

/* A part of a package URL, as the specification has it: all but unreserved characters, and the
 * colon of an epoch, is percent-encoded. */
void purl_append(struct str *out, const char *text);

/* The package URL of its Debian source package:
 * pkg:deb/debian/openssl@3.5.7-1?arch=source&distro=trixie. */
void pin_purl(const struct pin *pin, struct str *out);

#endif
