/*
 * sums: SHA256SUMS as GNU coreutils writes it, and stricter than `sha256sum -c` reads it.
 *
 * 64 lower-case hexadecimal digits, two spaces, a name (name.h), a line feed; sorted by the octets
 * of the name; at least one line, at most MANIFEST_FILES_MAX; nothing else.
 */
#ifndef OFFKIT_KIT_SUMS_H
#define OFFKIT_KIT_SUMS_H

#include "base/arena.h"
#include "base/bytes.h"
#include "crypto/digest.h"

enum { SUMS_SIZE_MAX = 64 * 1024 * 1024 };

struct sums_entry {
	const char *name;
	struct sha256 digest;
};

struct sums {
	size_t count;
	struct sums_entry *entries; /* sorted by name (strcmp) */
};

MUST_CHECK int sums_parse(
	struct bytes untrusted_text, struct arena *arena, struct sums *ret_sums, struct err *err);
void sums_write(const struct sums *sums, struct str *out);

#endif
