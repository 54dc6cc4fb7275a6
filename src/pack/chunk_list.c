#include "pack/chunk_list.h"

#include <stdlib.h>
#include <string.h>

#include "archive/chunker.h"
#include "base/cleanup.h"

void chunk_list_release(struct chunk_list *list)
{
	free(list->chunks);
	*list = (struct chunk_list){0};
}

static int append(struct chunk_list *list, const struct chunk *chunk, struct err *err)
{
	if (list->count == CHUNKS_MAX)
		return err_set(err, ERR_LIMIT, "the kit has more than %d chunks", CHUNKS_MAX);
	if (list->count == list->room) {
		size_t room = list->room * 2 + 1024;
		struct chunk *chunks = realloc(list->chunks, room * sizeof *chunks);
		if (chunks == NULL)
			return err_no_memory(err);
		list->chunks = chunks;
		list->room = room;
	}
	list->chunks[list->count++] = *chunk;
	return 0;
}

struct cutting {
	struct chunk_list *list;
	struct chunker chunker;
	struct sha256_stream *stream;
	struct chunk chunk; /* at hand */
};

static int end_chunk(struct cutting *cutting, struct err *err)
{
	struct chunk *chunk = &cutting->chunk;
	int rc = sha256_stream_finish(cutting->stream, &chunk->digest, err);

	if (rc == 0)
		rc = append(cutting->list, chunk, err);
	chunk->at += chunk->size;
	chunk->size = 0;
	return rc;
}

static int cut_octets(struct cutting *cutting, struct bytes octets, struct err *err)
{
	int rc = 0;

	while (octets.size > 0 && rc == 0) {
		bool end;
		size_t size = chunker_take(&cutting->chunker, octets, &end);
		rc = sha256_stream_update(cutting->stream, bytes_make(octets.data, size), err);
		octets = bytes_make(octets.data + size, octets.size - size);
		cutting->chunk.size += (int64_t)size;
		if (rc == 0 && end)
			rc = end_chunk(cutting, err);
	}
	return rc;
}

static int cut_file(struct cutting *cutting, struct members *members, size_t file, struct err *err)
{
	struct bytes octets;
	int rc;

	cutting->chunk = (struct chunk){.file = file};
	chunker_restart(&cutting->chunker);
	while ((rc = members_read(members, &octets, err)) == 0 && octets.size > 0)
		if ((rc = cut_octets(cutting, octets, err)) < 0)
			return rc;
	return rc == 0 && cutting->chunk.size > 0 ? end_chunk(cutting, err) : rc;
}

int chunk_list_read(struct chunk_list *list, const struct kit_source *source,
	const struct manifest *manifest, const bool *wanted, struct err *err)
{
	CLEANUP(members_cleanup) struct members *members = NULL;
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	struct member member;
	bool end = false;
	int rc = sha256_stream_new(&stream, err);

	if (rc == 0)
		rc = kit_source_members(source, &members, err);
	struct cutting cutting = {.list = list, .stream = stream};
	chunker_init(&cutting.chunker);
	while (rc == 0) {
		rc = members_next(members, &member, &end, err);
		if (rc < 0 || end)
			break;
		const struct manifest_file *file =
			member.type == MEMBER_FILE ? manifest_find(manifest, member.untrusted_name)
						   : NULL;
		if (file != NULL && wanted[file - manifest->files])
			rc = cut_file(&cutting, members, (size_t)(file - manifest->files), err);
	}
	return rc;
}

static int compare(const void *left, const void *right)
{
	const struct chunk *a = left, *b = right;
	int order = memcmp(&a->digest, &b->digest, sizeof a->digest);

	if (order != 0)
		return order;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

void chunk_list_sort(struct chunk_list *list)
{
	if (list->count > 0)
		qsort(list->chunks, list->count, sizeof *list->chunks, compare);
}

size_t chunk_list_from(const struct chunk_list *list, const struct chunk *key)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(&list->chunks[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
