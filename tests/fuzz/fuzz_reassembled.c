/*
 * A file that is put together from what changed and from a base, by pieces that the input lays and
 * that are signed here: a kit verifies if the pieces fit, and nothing was spoilt; the file is then
 * what the pieces say, by a reader in the target that has all of both sides at hand.
 *
 * Pieces of the input (aid.h): settings and layout, the base's file, what is new (delta/1).
 *
 * Settings, the first octet of the layout: bit 0: the base is a folder; 1: it has another file
 * before; 2: an octet of what the pieces take from it is changed afterwards; 3: an octet of what is
 * new; 4: the base comes without the file; 5: the base's file is one octet longer than listed; 6: a
 * stranger signs the index; 7: a second file of the kit comes from the base's file as well.
 * Then five octets a piece: bit 0 of the first: it is new, bit 1: its digest is another; two each
 * for where it begins in the base's file, and its size.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kit/delta.h"
#include "kit/detached.h"
#include "kit/envelope.h"
#include "kit/sums.h"
#include "tests/fuzz/aid.h"
#include "tests/fuzz/tar.h"
#include "verify/verify.h"

enum { PIECES_MAX = 64, PIECE_OCTETS = 5, CONTENT_MAX = 256 * 1024 };

#define NOW INT64_C(1900000000000) /* 2030 */

struct scene {
	unsigned settings;
	struct bytes base, fresh;
	size_t piece_count;
	struct delta_piece pieces[PIECES_MAX];
	struct str content; /* what the pieces make */
	bool fits;	    /* in both sides, forward */
	bool digests_hold;
	int64_t first_from; /* an octet of the base that a piece takes; -1: none */
	struct delta_file files[2];
	struct str manifest, sums, signature, index;
};

static bool setting(const struct scene *scene, unsigned bit)
{
	return (scene->settings >> bit & 1) != 0;
}

static size_t file_count(const struct scene *scene)
{
	return setting(scene, 7) ? 2 : 1;
}

/* ---- the pieces, as a reader would have them that can go anywhere */

static bool lay(struct scene *scene, struct delta_piece *piece, size_t *new_at, int64_t *base_at)
{
	const struct bytes *side = piece->is_new ? &scene->fresh : &scene->base;
	int64_t from = piece->is_new ? (int64_t)*new_at : piece->from;
	struct err err;

	if (piece->size < 1 || from > (int64_t)side->size ||
		piece->size > (int64_t)side->size - from || (!piece->is_new && from < *base_at) ||
		scene->content.size + (size_t)piece->size > CONTENT_MAX)
		return false;
	struct bytes octets = bytes_make(side->data + from, (size_t)piece->size);
	str_append(&scene->content, octets.data, octets.size);
	HOLDS(sha256_of(octets, &piece->digest, &err) == 0);
	if (piece->is_new)
		*new_at += octets.size;
	else
		*base_at = from + piece->size;
	if (!piece->is_new && scene->first_from < 0)
		scene->first_from = from;
	return true;
}

static void read_layout(struct scene *scene, struct bytes layout)
{
	size_t new_at = 0;
	int64_t base_at = 0;

	scene->settings = octet_of(layout, 0);
	scene->fits = scene->digests_hold = true;
	scene->first_from = -1;
	for (size_t at = 1; at + PIECE_OCTETS <= layout.size && scene->piece_count < PIECES_MAX;
		at += PIECE_OCTETS) {
		struct delta_piece *piece = &scene->pieces[scene->piece_count++];
		const uint8_t *octets = layout.data + at;
		piece->is_new = (octets[0] & 1) != 0;
		piece->from = piece->is_new ? 0 : octets[1] * 256 + octets[2];
		piece->size = octets[3] * 256 + octets[4];
		if (!lay(scene, piece, &new_at, &base_at))
			scene->fits = false;
		if ((octets[0] & 2) != 0) {
			piece->digest.octets[0] ^= 1;
			scene->digests_hold = false;
		}
	}
	scene->fits = scene->fits && scene->content.size > 0 && new_at == scene->fresh.size;
}

/* ---- the kit */

static void sign_manifest(struct scene *scene, struct sha256 *ret_payload)
{
	struct manifest_file files[2];
	struct sums_entry entries[2];
	struct manifest manifest = {.name = "fuzz",
		.version = "1.0.0",
		.title = "",
		.sequence = 1,
		.created = NOW,
		.file_count = file_count(scene),
		.files = files};
	struct sums sums = {.count = file_count(scene), .entries = entries};
	CLEANUP_STR struct str payload = STR_INIT;
	struct err err;

	for (size_t i = 0; i < file_count(scene); i++) {
		const struct delta_file *file = &scene->files[i];
		files[i] = (struct manifest_file){.name = file->name,
			.size = file->size,
			.digest = file->digest,
			.media_type = "application/json",
			.role = ROLE_SEED};
		entries[i] = (struct sums_entry){file->name, file->digest};
	}
	sums_write(&sums, &scene->sums);
	HOLDS(sha256_of(str_bytes(&scene->sums), &manifest.sums_digest, &err) == 0);
	HOLDS(manifest_write(&manifest, &payload, &err) == 0);
	HOLDS(sha256_of(str_bytes(&payload), ret_payload, &err) == 0);
	aid_sign_envelope(ENVELOPE_TYPE_IN_TOTO, str_bytes(&payload), 3, &scene->manifest);
	HOLDS(detached_sign(str_bytes(&scene->sums), aid_key(0), KEY_ED25519, &scene->signature,
		      &err) == 0);
}

static void make_documents(struct scene *scene)
{
	static const char *const names[] = {"seeds/a", "seeds/b"};
	CLEANUP_STR struct str statement = STR_INIT;
	struct delta delta = {.count = file_count(scene), .files = scene->files};
	struct err err;

	for (size_t i = 0; i < 2; i++) {
		struct delta_file *file = &scene->files[i];
		*file = (struct delta_file){.name = names[i],
			.size = (int64_t)scene->content.size,
			.source = "was",
			.source_size = (int64_t)scene->base.size,
			.piece_count = scene->piece_count,
			.pieces = scene->pieces};
		HOLDS(sha256_of(str_bytes(&scene->content), &file->digest, &err) == 0);
	}
	sign_manifest(scene, &delta.manifest);
	HOLDS(delta_write(&delta, &statement, &err) == 0);
	aid_sign_envelope(ENVELOPE_TYPE_IN_TOTO, str_bytes(&statement),
		setting(scene, 6) ? 1U << AID_STRANGER : 1, &scene->index);
}

static void put(struct str *archive, const char *name, struct bytes content)
{
	tar_put(archive, bytes_of_string(name), content);
}

static int pack(const struct scene *scene)
{
	CLEANUP_STR struct str archive = STR_INIT, fresh = STR_INIT;

	str_append(&fresh, scene->fresh.data, scene->fresh.size);
	if (setting(scene, 3) && fresh.size > 0)
		fresh.text[fresh.size / 2] ^= 4;
	put(&archive, "manifest.dsse", str_bytes(&scene->manifest));
	put(&archive, "SHA256SUMS", str_bytes(&scene->sums));
	put(&archive, "SHA256SUMS.sig", str_bytes(&scene->signature));
	put(&archive, DELTA_NAME, str_bytes(&scene->index));
	put(&archive, DELTA_FOLDER "/1", str_bytes(&fresh));
	if (setting(scene, 7))
		put(&archive, DELTA_FOLDER "/2", str_bytes(&fresh));
	tar_end(&archive);
	return memory_file(str_bytes(&archive));
}

/* As an archive; in the scratch folder, too. */
static int pack_base(const struct scene *scene)
{
	static const struct bytes other = {(const uint8_t *)"other", 5};
	CLEANUP_STR struct str archive = STR_INIT, was = STR_INIT;

	str_append(&was, scene->base.data, scene->base.size);
	if (setting(scene, 2) && scene->first_from >= 0)
		was.text[scene->first_from] ^= 4;
	if (setting(scene, 5))
		str_append_char(&was, 'x');
	if (setting(scene, 1))
		put(&archive, "other", other);
	if (!setting(scene, 4)) {
		put(&archive, "was", str_bytes(&was));
		scratch_put("was", str_bytes(&was));
	}
	tar_end(&archive);
	return memory_file(str_bytes(&archive));
}

/* ---- what must hold */

static bool is_good(const struct scene *scene)
{
	bool from_base = scene->first_from >= 0;

	return scene->fits && scene->digests_hold && scene->base.size > 0 &&
	       !(from_base && (setting(scene, 2) || setting(scene, 4) || setting(scene, 5))) &&
	       !(setting(scene, 3) && scene->fresh.size > 0) && !setting(scene, 6);
}

static void verify(const struct scene *scene, const char *kit_path, const char *base)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	const struct verify_options options = {.state_dirfd = -1, .now = NOW, .base = base};
	struct err err = {0};
	int rc = verify_kit(kit_path, aid_root(), &options, &kit, &err);

	HOLDS((rc == 0) == is_good(scene));
	HOLDS(rc == 0 || (err_exit_code(err.code) >= 2 && err_exit_code(err.code) <= 5));
}

static void release(struct scene *scene)
{
	str_release(&scene->content);
	str_release(&scene->manifest);
	str_release(&scene->sums);
	str_release(&scene->signature);
	str_release(&scene->index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_make(data, size);
	struct scene scene = {0};
	struct bytes layout = take_piece(&rest);
	char kit_path[MEMORY_PATH_SIZE], base_path[MEMORY_PATH_SIZE], folder[MEMORY_PATH_SIZE];

	scene.base = take_piece(&rest);
	scene.fresh = take_piece(&rest);
	read_layout(&scene, layout);
	make_documents(&scene);
	CLEANUP_FD int kit = pack(&scene);
	CLEANUP_FD int base = pack_base(&scene);
	memory_path(kit, kit_path);
	memory_path(base, base_path);
	memory_path(scratch_folder(), folder);
	verify(&scene, kit_path, setting(&scene, 0) ? folder : base_path);
	scratch_empty();
	release(&scene);
	return 0;
}
