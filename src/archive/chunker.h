/*
 * chunker: cuts octets where what they are says so, so that an insertion moves no cut but the ones
 * beside it.
 *
 * A gear hash, as FastCDC has it (Xia and others, 2016): of each octet h = 2h + gear[octet], mod
 * 2^64, from h = 0 at the beginning of a chunk; gear[0] to gear[255] are the first numbers of
 * SplitMix64 from seed 0. A chunk has more than CHUNK_MIN octets, of which the hash looks at those
 * after the first CHUNK_MIN - 64, and at most CHUNK_MAX. In between it ends after the octet where
 * the upper 16 bits of h are 0; from CHUNK_AVERAGE octets on, the upper 12. The same octets from
 * the same beginning are cut alike, on every machine. Nobody who reads a kit needs to know.
 */
#ifndef OFFKIT_ARCHIVE_CHUNKER_H
#define OFFKIT_ARCHIVE_CHUNKER_H

#include <stdbool.h>

#include "base/bytes.h"

enum { CHUNK_MIN = 4 * 1024, CHUNK_AVERAGE = 16 * 1024, CHUNK_MAX = 64 * 1024 };

struct chunker {
	uint64_t gear[256];
	uint64_t hash;
	size_t size; /* of the chunk so far */
};

void chunker_init(struct chunker *chunker);

/* Forgets the chunk that was begun: a file's end is one's end too. */
void chunker_restart(struct chunker *chunker);

/* How many of the octets belong to the chunk at hand, at least 1 of at least 1; ret_end: it ends
 * with them, and the next call begins another. */
size_t chunker_take(struct chunker *chunker, struct bytes octets, bool *ret_end);

#endif
