/*
 * chunk_list: the chunks (archive/chunker.h) of files of a kit, for finding what two kits share.
 */
#ifndef OFFKIT_PACK_CHUNK_LIST_H
#define OFFKIT_PACK_CHUNK_LIST_H

#include "kit/manifest.h"
#include "verify/kit_source.h"

struct chunk {
	struct sha256 digest;
	size_t file; /* index in the manifest */
	int64_t at;  /* octet of the file */
	int64_t size;
};

struct chunk_list {
	size_t count, room;
	struct chunk *chunks;
};

/* Some 250 GB; the list takes 56 octets a chunk. */
enum { CHUNKS_MAX = 16 * 1024 * 1024 };

void chunk_list_release(struct chunk_list *list);

/*
 * Reads the kit once and appends the chunks of the files that wanted names, in the kit's order. The
 * kit verified before: a file that is not as signed is ERR_UNREADABLE. ERR_LIMIT: over CHUNKS_MAX.
 */
MUST_CHECK int chunk_list_read(struct chunk_list *list, const struct kit_source *source,
	const struct manifest *manifest, const bool *wanted, struct err *err);

/* By digest, then file, then octet. */
void chunk_list_sort(struct chunk_list *list);
/* Of a sorted list: the index of the first chunk that is not before that digest, file and octet. */
size_t chunk_list_from(const struct chunk_list *list, const struct chunk *key);

#endif
