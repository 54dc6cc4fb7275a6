#include "pack/delta_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pack/chunk_list.h"

enum {
	WORTH_PARTS = 10,    /* a file is put together if one in so many octets is saved */
	CANDIDATES_MAX = 16, /* places of a chunk that are weighed: zeros have thousands */
};

/* A chunk of the file that the source has, too: a link of chains that go forward in both. */
struct match {
	size_t chunk;	      /* of the file's */
	int64_t from;	      /* octet of the source */
	struct match *before; /* in the longest chain that ends here */
};

struct planning {
	const struct delta_side *kit, *earlier;
	struct arena *arena;
	struct chunk_list chunks, base;
	uint64_t *shared; /* octets with the file at hand, of each of the earlier kit's */
	size_t pieces_left;
	struct delta *delta;
};

/* ---- the source of a file */

/* The first chunk of that digest in a file of the earlier kit that is not before this one. */
static const struct chunk *find(
	const struct planning *planning, const struct sha256 *digest, size_t file)
{
	const struct chunk key = {.digest = *digest, .file = file};
	size_t i = chunk_list_from(&planning->base, &key);

	if (i == planning->base.count || !sha256_equal(&planning->base.chunks[i].digest, digest))
		return NULL;
	return &planning->base.chunks[i];
}

static void count_shared(struct planning *planning, const struct chunk *chunks, size_t count)
{
	memset(planning->shared, 0,
		planning->earlier->manifest->file_count * sizeof *planning->shared);
	for (size_t i = 0; i < count; i++)
		for (const struct chunk *at = find(planning, &chunks[i].digest, 0); at != NULL;
			at = find(planning, &chunks[i].digest, at->file + 1))
			planning->shared[at->file] += (uint64_t)chunks[i].size;
}

/* The one of the same name, unless another has more. */
static const struct manifest_file *choose_source(
	struct planning *planning, const struct manifest_file *file)
{
	const struct manifest *manifest = planning->earlier->manifest;
	const struct manifest_file *best = manifest_find(manifest, file->name);

	for (size_t i = 0; i < manifest->file_count; i++)
		if (best == NULL || planning->shared[i] > planning->shared[best - manifest->files])
			best = &manifest->files[i];
	return best;
}

/* ---- the chain of matches */

struct chain {
	struct match *matches;
	size_t count;
	struct match **ends; /* of the chains of each length, the one that ends first */
	size_t length;
};

static void add_match(struct chain *chain, size_t chunk, int64_t from)
{
	struct match *match = &chain->matches[chain->count++];
	size_t low = 0, high = chain->length;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (chain->ends[middle]->from < from)
			low = middle + 1;
		else
			high = middle;
	}
	*match = (struct match){chunk, from, low > 0 ? chain->ends[low - 1] : NULL};
	chain->ends[low] = match;
	if (low == chain->length)
		chain->length++;
}

/* Where a chunk lies in the source: of many places those that are as far on there as it is here. */
static const struct chunk *find_places(const struct planning *planning, const struct chunk *chunk,
	size_t source, size_t *ret_count)
{
	const struct chunk_list *base = &planning->base;
	struct chunk key = {.digest = chunk->digest, .file = source};
	size_t first = chunk_list_from(base, &key);

	key.at = chunk->at;
	size_t near = chunk_list_from(base, &key);
	key.at = INT64_MAX;
	size_t end = chunk_list_from(base, &key);
	if (near - first > CANDIDATES_MAX / 2)
		first = near - CANDIDATES_MAX / 2;
	if (end - first > CANDIDATES_MAX)
		end = first + CANDIDATES_MAX;
	*ret_count = end - first;
	return &base->chunks[first];
}

/* The places of a chunk from the last on, so that no two of them are in one chain. */
static void make_chain(const struct planning *planning, const struct chunk *chunks, size_t count,
	size_t source, struct chain *chain)
{
	for (size_t i = 0; i < count; i++) {
		size_t places;
		const struct chunk *at = find_places(planning, &chunks[i], source, &places);
		while (places > 0)
			add_match(chain, i, at[--places].at);
	}
}

/* For each chunk the octet of the source that it is taken from, -1: it is new. */
static int find_chain(struct planning *planning, const struct chunk *chunks, size_t count,
	size_t source, int64_t *from, struct err *err)
{
	struct chain chain = {0};
	size_t all = 0, places;

	for (size_t i = 0; i < count; i++) {
		from[i] = -1;
		(void)find_places(planning, &chunks[i], source, &places);
		all += places;
	}
	chain.matches = calloc(all + 1, sizeof *chain.matches);
	chain.ends = calloc(count, sizeof(struct match *));
	if (chain.matches != NULL && chain.ends != NULL)
		make_chain(planning, chunks, count, source, &chain);
	if (chain.length > 0)
		for (const struct match *match = chain.ends[chain.length - 1]; match != NULL;
			match = match->before)
			from[match->chunk] = match->from;
	bool failed = chain.matches == NULL || chain.ends == NULL;
	free(chain.matches);
	free(chain.ends);
	return failed ? err_no_memory(err) : 0;
}

/* ---- pieces */

static bool goes_on(const struct delta_piece *piece, int64_t from)
{
	return piece->is_new ? from < 0 : piece->from + piece->size == from;
}

static void make_pieces(
	struct delta_file *file, const struct chunk *chunks, size_t count, const int64_t *from)
{
	file->piece_count = 0;
	file->new_size = 0;
	for (size_t i = 0; i < count; i++) {
		struct delta_piece *last = &file->pieces[file->piece_count];
		if (file->piece_count == 0 || !goes_on(last - 1, from[i])) {
			*last = (struct delta_piece){
				.is_new = from[i] < 0, .from = from[i] < 0 ? 0 : from[i]};
			file->piece_count++;
		} else {
			last--;
		}
		last->size += chunks[i].size;
		file->new_size += last->is_new ? chunks[i].size : 0;
	}
}

static bool is_worth_it(const struct planning *planning, const struct delta_file *file)
{
	return file->size - file->new_size >= file->size / WORTH_PARTS &&
	       file->new_size < file->size && file->piece_count <= planning->pieces_left &&
	       planning->delta->count < DELTA_FILES_MAX;
}

static int plan_pieces(struct planning *planning, const struct chunk *chunks, size_t count,
	struct delta_file *file, size_t source, struct err *err)
{
	CLEANUP_FREE int64_t *from = calloc(count, sizeof *from);
	int rc = from == NULL ? err_no_memory(err)
			      : find_chain(planning, chunks, count, source, from, err);

	if (rc < 0)
		return rc;
	file->pieces = arena_array(planning->arena, count, sizeof *file->pieces);
	if (file->pieces == NULL)
		return err_no_memory(err);
	make_pieces(file, chunks, count, from);
	return 0;
}

/* chunks: all of one file. */
static int plan_file(
	struct planning *planning, const struct chunk *chunks, size_t count, struct err *err)
{
	const struct manifest_file *file = &planning->kit->manifest->files[chunks->file];
	struct delta *delta = planning->delta;

	count_shared(planning, chunks, count);
	const struct manifest_file *source = choose_source(planning, file);
	if (source == NULL || planning->shared[source - planning->earlier->manifest->files] == 0)
		return 0;
	struct delta_file planned = {.name = file->name,
		.digest = file->digest,
		.size = file->size,
		.source = source->name,
		.source_size = source->size};
	int rc = plan_pieces(planning, chunks, count, &planned,
		(size_t)(source - planning->earlier->manifest->files), err);
	if (rc < 0 || !is_worth_it(planning, &planned))
		return rc;
	planning->pieces_left -= planned.piece_count;
	delta->files[delta->count++] = planned;
	return 0;
}

static int plan_files(struct planning *planning, struct err *err)
{
	const struct chunk_list *list = &planning->chunks;
	size_t file_count = planning->earlier->manifest->file_count;
	int rc = 0;

	planning->shared = calloc(file_count, sizeof *planning->shared);
	planning->delta->files =
		arena_array(planning->arena, DELTA_FILES_MAX, sizeof *planning->delta->files);
	if (planning->shared == NULL || planning->delta->files == NULL)
		rc = err_no_memory(err);
	for (size_t begin = 0, end = 0; begin < list->count && rc == 0; begin = end) {
		while (end < list->count && list->chunks[end].file == list->chunks[begin].file)
			end++;
		rc = plan_file(planning, &list->chunks[begin], end - begin, err);
	}
	free(planning->shared);
	return rc;
}

/* ---- the digest of each piece, in another pass over the kit */

static int digest_octets(struct delta_file *file, size_t *piece, int64_t *done,
	struct sha256_stream *stream, struct bytes octets, struct err *err)
{
	int rc = 0;

	while (octets.size > 0 && rc == 0) {
		struct delta_piece *at = &file->pieces[*piece];
		size_t size = octets.size;
		if ((int64_t)size > at->size - *done)
			size = (size_t)(at->size - *done);
		rc = sha256_stream_update(stream, bytes_make(octets.data, size), err);
		octets = bytes_make(octets.data + size, octets.size - size);
		*done += (int64_t)size;
		if (rc < 0 || *done < at->size)
			continue;
		rc = sha256_stream_finish(stream, &at->digest, err);
		*done = 0;
		if (++*piece == file->piece_count && octets.size > 0)
			return err_set(err, ERR_UNREADABLE, "%s changed meanwhile", file->name);
	}
	return rc;
}

static int digest_file(struct delta_file *file, struct members *members,
	struct sha256_stream *stream, struct err *err)
{
	struct bytes octets;
	size_t piece = 0;
	int64_t done = 0;
	int rc;

	sha256_stream_restart(stream);
	while ((rc = members_read(members, &octets, err)) == 0 && octets.size > 0)
		if ((rc = digest_octets(file, &piece, &done, stream, octets, err)) < 0)
			return rc;
	if (rc == 0 && piece < file->piece_count)
		rc = err_set(err, ERR_UNREADABLE, "%s changed meanwhile", file->name);
	return rc;
}

static int digest_pieces(const struct planning *planning, struct err *err)
{
	CLEANUP(members_cleanup) struct members *members = NULL;
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	struct member member;
	bool end = false;
	size_t next = 0;
	int rc = sha256_stream_new(&stream, err);

	if (rc == 0)
		rc = kit_source_members(planning->kit->source, &members, err);
	/* They were planned in the order in which they come. */
	while (rc == 0 && next < planning->delta->count) {
		struct delta_file *file = &planning->delta->files[next];
		rc = members_next(members, &member, &end, err);
		if (rc == 0 && end)
			rc = err_set(err, ERR_UNREADABLE, "%s is gone meanwhile", file->name);
		if (rc == 0 && member.type == MEMBER_FILE &&
			strcmp(member.untrusted_name, file->name) == 0) {
			next++;
			rc = digest_file(file, members, stream, err);
		}
	}
	return rc;
}

/* ---- both kits */

static int read_chunks(struct planning *planning, const bool *changed, struct err *err)
{
	const struct manifest *kit = planning->kit->manifest,
			      *earlier = planning->earlier->manifest;
	CLEANUP_FREE bool *of_kit = calloc(kit->file_count, sizeof *of_kit);
	CLEANUP_FREE bool *of_earlier = calloc(earlier->file_count, sizeof *of_earlier);
	bool any = false;

	if (of_kit == NULL || of_earlier == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < kit->file_count; i++)
		any |= of_kit[i] = changed[i] && kit->files[i].size >= DELTA_FILE_MIN;
	for (size_t i = 0; i < earlier->file_count; i++)
		of_earlier[i] = earlier->files[i].size >= DELTA_FILE_MIN;
	if (!any)
		return 0;
	int rc = chunk_list_read(
		&planning->base, planning->earlier->source, earlier, of_earlier, err);
	if (rc == 0)
		rc = chunk_list_read(&planning->chunks, planning->kit->source, kit, of_kit, err);
	chunk_list_sort(&planning->base);
	return rc;
}

int delta_plan(const struct delta_side *kit, const struct delta_side *earlier, const bool *changed,
	struct arena *arena, struct delta *ret_delta, struct err *err)
{
	struct delta delta = {0};
	struct planning planning = {.kit = kit,
		.earlier = earlier,
		.arena = arena,
		.pieces_left = DELTA_PIECES_MAX,
		.delta = &delta};
	int rc = read_chunks(&planning, changed, err);

	if (rc == 0)
		rc = plan_files(&planning, err);
	if (rc == 0)
		rc = digest_pieces(&planning, err);
	chunk_list_release(&planning.chunks);
	chunk_list_release(&planning.base);
	if (rc == 0)
		*ret_delta = delta;
	return rc;
}
