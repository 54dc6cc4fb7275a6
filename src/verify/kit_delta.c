#include "verify/kit_delta.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "verify/heads_read.h"
#include "verify/signed_list.h"

enum { SCRATCH_SIZE = 64 * 1024 };

void kit_delta_release(struct kit_delta *delta)
{
	members_free(STEAL(delta->walk));
	sha256_stream_free(STEAL(delta->digest));
	free(STEAL(delta->scratch));
	arena_release(&delta->arena);
	*delta = (struct kit_delta){.base = delta->base, .in_base = delta->in_base};
}

bool kit_delta_has(const struct member *member)
{
	const char *name = member->untrusted_name;

	if (member->type == MEMBER_FOLDER)
		return strcmp(name, DELTA_FOLDER) == 0;
	return strcmp(name, DELTA_NAME) == 0 || delta_member_number(name) > 0;
}

/* ---- the index */

static int read_index(struct kit_delta *delta, struct members *members,
	const struct trust_role *role, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct envelope envelope;
	int rc = members_read_all(members, &text, err);

	if (rc < 0)
		return rc;
	struct bytes kept = arena_take(&delta->arena, &text);
	if (kept.data == NULL)
		return err_no_memory(err);
	rc = signed_list_parse(kept, &delta->arena, &envelope, err);
	if (rc < 0)
		return err_context(err, DELTA_NAME);
	rc = signed_list_check(&envelope, DELTA_NAME, role, err);
	if (rc < 0)
		return rc;
	rc = delta_parse(envelope.untrusted_payload, &delta->arena, &delta->delta, err);
	return rc < 0 ? err_context(err, DELTA_NAME) : 0;
}

/* An index that is about another kit is signed as well. */
static int check_index(
	const struct kit_delta *delta, const struct trusted_kit *kit, struct err *err)
{
	if (!sha256_equal(&delta->delta.manifest, &kit->manifest_digest))
		return err_set(err, ERR_CHECKSUM, DELTA_NAME " is about another kit");
	for (size_t i = 0; i < delta->delta.count; i++) {
		const struct delta_file *listed = &delta->delta.files[i];
		const struct manifest_file *file = manifest_find(&kit->manifest, listed->name);
		if (file == NULL || file->size != listed->size ||
			!sha256_equal(&file->digest, &listed->digest))
			return err_set(err, ERR_CHECKSUM,
				DELTA_NAME " has another %s than the manifest", listed->name);
	}
	return 0;
}

static int make_room(struct kit_delta *delta, struct err *err)
{
	delta->taken = arena_array(&delta->arena, delta->delta.count, sizeof *delta->taken);
	delta->scratch = malloc(SCRATCH_SIZE);
	if (delta->taken == NULL || delta->scratch == NULL)
		return err_no_memory(err);
	return sha256_stream_new(&delta->digest, err);
}

static int take_index(struct kit_delta *delta, struct members *members, const struct member *member,
	const struct trusted_kit *kit, struct err *err)
{
	if (delta->has_index)
		return err_set(err, ERR_UNSAFE_ARCHIVE, DELTA_NAME " is in the kit twice");
	if (member->size > DELTA_ENVELOPE_MAX)
		return err_set(err, ERR_LIMIT,
			DELTA_NAME " has %lld octets, at most %d are allowed",
			(long long)member->size, DELTA_ENVELOPE_MAX);
	delta->has_index = true;
	int rc = read_index(delta, members, kit->role, err);
	if (rc == 0)
		rc = check_index(delta, kit, err);
	return rc < 0 ? rc : make_room(delta, err);
}

/* ---- its members */

static int begin_file(struct kit_delta *delta, struct members *members, const struct member *member,
	const struct trusted_kit *kit, const struct manifest_file **ret_file, struct err *err)
{
	const char *name = member->untrusted_name;
	size_t number = delta_member_number(name);

	if (!delta->has_index || number > delta->delta.count)
		return err_set(err, ERR_UNLISTED_FILE,
			"%s is in the kit, and no " DELTA_NAME " before it lists it", name);
	if (delta->taken[number - 1])
		return err_set(err, ERR_UNSAFE_ARCHIVE, "%s is in the kit twice", name);
	const struct delta_file *file = &delta->delta.files[number - 1];
	if (delta->base->path == NULL)
		return err_set(err, ERR_MISSING_FILE,
			"%s: of it only what changed is in this kit; name the earlier kit that it "
			"was made against with --base",
			file->name);
	if (member->size != file->new_size)
		return err_set(err, ERR_CHECKSUM, "%s has %lld octets, listed are %lld", name,
			(long long)member->size, (long long)file->new_size);
	delta->taken[number - 1] = true;
	delta->members = members;
	delta->file = file;
	delta->piece = 0;
	delta->done = 0;
	delta->source_at = -1;
	sha256_stream_restart(delta->digest);
	*ret_file = manifest_find(&kit->manifest, file->name);
	return 0;
}

int kit_delta_take(struct kit_delta *delta, struct members *members, const struct member *member,
	const struct trusted_kit *kit, const struct manifest_file **ret_file, struct err *err)
{
	if (member->type == MEMBER_FILE && strcmp(member->untrusted_name, DELTA_NAME) == 0)
		return take_index(delta, members, member, kit, err);
	if (member->type == MEMBER_FILE)
		return begin_file(delta, members, member, kit, ret_file, err);
	if (delta->has_folder)
		return err_set(
			err, ERR_UNSAFE_ARCHIVE, "the folder " DELTA_FOLDER " is in the kit twice");
	delta->has_folder = true;
	return 0;
}

int kit_delta_check_all(const struct kit_delta *delta, struct err *err)
{
	if (delta->has_folder && !delta->has_index)
		return err_set(err, ERR_UNLISTED_FILE,
			"the folder " DELTA_FOLDER " is in the kit without " DELTA_NAME);
	for (size_t i = 0; i < delta->delta.count; i++)
		if (!delta->taken[i])
			return err_set(err, ERR_MISSING_FILE,
				DELTA_FOLDER "/%zu, of %s, is missing from the kit", i + 1,
				delta->delta.files[i].name);
	return 0;
}

/* ---- the base */

static int begin_walk(struct kit_delta *delta, struct err *err)
{
	delta->left = heads_scanned_max(delta->base->size);
	delta->passed = 0;
	return kit_source_members(delta->base, &delta->walk, err);
}

static bool is_source(const struct kit_delta *delta, const struct member *member)
{
	return member->type == MEMBER_FILE && member->size == delta->file->source_size &&
	       strcmp(member->untrusted_name, delta->file->source) == 0;
}

static int pass_over(struct kit_delta *delta, const struct member *member, struct err *err)
{
	if (member->size > delta->left || ++delta->passed > SCANNED_MEMBERS_MAX)
		return err_set(err, ERR_LIMIT, "too much in it is none of the kit's");
	delta->left -= member->size;
	return 0;
}

/* Walks on to the file of the base that the file at hand comes from, and once more from the base's
 * beginning. */
static int find_source(struct kit_delta *delta, struct err *err)
{
	bool whole = false;

	for (;;) {
		struct member member;
		bool end = false;
		int rc = 0;
		if (delta->walk == NULL) {
			whole = true;
			rc = begin_walk(delta, err);
		}
		if (rc == 0)
			rc = members_next(delta->walk, &member, &end, err);
		if (rc < 0)
			return rc;
		if (end && whole)
			return err_set(err, ERR_MISSING_FILE, "it has no %s of %lld octets",
				delta->file->source, (long long)delta->file->source_size);
		if (end) {
			members_free(STEAL(delta->walk));
			continue;
		}
		if (is_source(delta, &member))
			return 0;
		rc = pass_over(delta, &member, err);
		if (rc < 0)
			return rc;
	}
}

/* Up to the octet from which on a piece is taken. */
static int skip_to(struct kit_delta *delta, int64_t from, struct err *err)
{
	int rc = 0;

	if (delta->source_at < 0) {
		rc = find_source(delta, err);
		delta->source_at = 0;
	}
	while (rc == 0 && delta->source_at < from) {
		size_t room = from - delta->source_at < SCRATCH_SIZE
				      ? (size_t)(from - delta->source_at)
				      : SCRATCH_SIZE;
		size_t got = 0;
		rc = members_read_into(delta->walk, delta->scratch, room, &got, err);
		if (rc == 0 && got == 0)
			rc = err_set(err, ERR_CHECKSUM, "%s is shorter than it was",
				delta->file->source);
		delta->source_at += (int64_t)got;
	}
	return rc;
}

static int read_base(
	struct kit_delta *delta, uint8_t *into, size_t room, size_t *ret_got, struct err *err)
{
	size_t got = 0;

	*delta->in_base = true;
	int rc = skip_to(delta, delta->file->pieces[delta->piece].from + delta->done, err);
	if (rc == 0)
		rc = members_read_into(delta->walk, into, room, &got, err);
	if (rc < 0)
		return err_context(err, "the base %s", delta->base->path);
	delta->source_at += (int64_t)got;
	*delta->in_base = false;
	*ret_got = got;
	return 0;
}

/* ---- pieces */

static int end_piece(struct kit_delta *delta, struct err *err)
{
	const struct delta_piece *piece = &delta->file->pieces[delta->piece];
	struct sha256 digest;
	int rc = sha256_stream_finish(delta->digest, &digest, err);

	if (rc < 0)
		return rc;
	if (!sha256_equal(&digest, &piece->digest)) {
		*delta->in_base = !piece->is_new;
		if (piece->is_new)
			return err_set(err, ERR_CHECKSUM, "what is new in %s is damaged",
				delta->file->name);
		return err_set(err, ERR_CHECKSUM,
			"the base %s: %s is not what the kit was made against: %lld octets from "
			"%lld on are others",
			delta->base->path, delta->file->source, (long long)piece->size,
			(long long)piece->from);
	}
	delta->piece++;
	delta->done = 0;
	return 0;
}

int kit_delta_read(
	struct kit_delta *delta, uint8_t *into, size_t room, size_t *ret_got, struct err *err)
{
	if (delta->piece == delta->file->piece_count) {
		*ret_got = 0;
		return 0;
	}
	const struct delta_piece *piece = &delta->file->pieces[delta->piece];
	size_t got = 0;

	if ((int64_t)room > piece->size - delta->done)
		room = (size_t)(piece->size - delta->done);
	int rc = piece->is_new ? members_read_into(delta->members, into, room, &got, err)
			       : read_base(delta, into, room, &got, err);
	if (rc == 0 && got == 0)
		rc = err_set(err, ERR_CHECKSUM, "%s is shorter than listed", delta->file->name);
	if (rc == 0)
		rc = sha256_stream_update(delta->digest, bytes_make(into, got), err);
	if (rc < 0)
		return rc;
	delta->done += (int64_t)got;
	if (delta->done == piece->size)
		rc = end_piece(delta, err);
	if (rc == 0)
		*ret_got = got;
	return rc;
}
