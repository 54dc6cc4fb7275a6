#include "verify/image_blobs.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kit/name.h"
#include "kit/oci.h"
#include "text/text.h"

#define BLOBS "blobs/sha256/"

/* What stands beside the blobs. Docker writes the last two for programs older than the layout. */
enum { LAYOUT, INDEX, BESIDE };
static const char *const beside[] = {"oci-layout", "index.json", "manifest.json", "repositories"};
enum { BESIDE_COUNT = sizeof beside / sizeof *beside };

static int refuse(struct err *err, enum err_code code, const char *name, const char *what)
{
	CLEANUP_STR struct str shown = STR_INIT;

	text_escape(&shown, bytes_of_string(name), 200);
	return err_set(err, code, "%s %s", str_text(&shown), what);
}

/* Bounded by the room that is left, whatever the header says. */
static int keep_text(struct members *members, const struct member *member, struct str *out,
	const char *name, struct err *err)
{
	if (member->size > OCI_DOCUMENT_MAX)
		return err_set(
			err, ERR_LIMIT, "%s has more than %d octets", name, OCI_DOCUMENT_MAX);
	return members_read_all(members, out, err);
}

static int read_beside(struct image_blobs *blobs, struct members *members,
	const struct member *member, unsigned which, struct err *err)
{
	if ((blobs->seen >> which & 1) != 0)
		return refuse(err, ERR_UNSAFE_ARCHIVE, beside[which], "is there twice");
	blobs->seen |= 1U << which;
	if (which >= BESIDE)
		return 0;
	return keep_text(members, member, which == LAYOUT ? &blobs->layout : &blobs->index,
		beside[which], err);
}

/* The largest goes first: an index, a manifest and a config are small beside what a layer may be.
 */
static void make_room(struct image_blobs *blobs)
{
	while (blobs->kept > IMAGE_DOCUMENTS_MAX) {
		struct image_blob *largest = NULL;
		for (size_t i = 0; i < blobs->count; i++) {
			struct image_blob *blob = &blobs->blobs[i];
			if (blob->document != NULL &&
				(largest == NULL || blob->size > largest->size))
				largest = blob;
		}
		if (largest == NULL)
			return;
		free(STEAL(largest->document));
		blobs->kept -= (size_t)largest->size;
	}
}

static int keep_document(struct image_blobs *blobs, struct image_blob *blob, struct err *err)
{
	blob->is_object = true;
	blob->document = malloc((size_t)blob->size);
	if (blob->document == NULL)
		return err_no_memory(err);
	blobs->kept += (size_t)blob->size;
	make_room(blobs);
	return 0;
}

static int read_content(struct image_blobs *blobs, struct members *members, struct image_blob *blob,
	struct sha256 *ret_digest, struct err *err)
{
	struct bytes chunk;
	size_t done = 0;

	for (;;) {
		int rc = members_read(members, &chunk, err);
		if (rc < 0)
			return rc;
		if (chunk.size == 0)
			return sha256_stream_finish(blobs->digest, ret_digest, err);
		if (done == 0 && chunk.data[0] == '{' && blob->size <= OCI_DOCUMENT_MAX)
			rc = keep_document(blobs, blob, err);
		if (rc == 0)
			rc = sha256_stream_update(blobs->digest, chunk, err);
		if (rc < 0)
			return rc;
		if (blob->document != NULL)
			memcpy(blob->document + done, chunk.data, chunk.size);
		done += chunk.size;
	}
}

static int add_blob(struct image_blobs *blobs, struct image_blob **ret_blob, struct err *err)
{
	if (blobs->count == IMAGE_BLOBS_MAX)
		return err_set(err, ERR_LIMIT, "an image has at most %d blobs", IMAGE_BLOBS_MAX);
	if (blobs->count == blobs->room) {
		size_t room = blobs->room == 0 ? 64 : blobs->room * 2;
		struct image_blob *grown = reallocarray(blobs->blobs, room, sizeof *grown);
		if (grown == NULL)
			return err_no_memory(err);
		blobs->blobs = grown;
		blobs->room = room;
	}
	*ret_blob = &blobs->blobs[blobs->count++];
	**ret_blob = (struct image_blob){0};
	return 0;
}

static int read_blob(struct image_blobs *blobs, struct members *members,
	const struct member *member, const char *name, struct err *err)
{
	struct sha256 named, found;
	struct image_blob *blob = NULL;

	if (!sha256_from_hex(bytes_of_string(name + strlen(BLOBS)), &named))
		return refuse(err, ERR_SYNTAX, name, "is no name of a blob");
	int rc = add_blob(blobs, &blob, err);
	if (rc < 0)
		return rc;
	blob->digest = named;
	blob->size = member->size;
	rc = read_content(blobs, members, blob, &found, err);
	if (rc == 0 && !sha256_equal(&found, &named))
		rc = err_set(err, ERR_IMAGE, "%s: its content has another SHA-256", name);
	return rc;
}

/* GNU tar writes "./index.json" for what it was told to pack as ".". */
static const char *within_layout(const char *name)
{
	if (strcmp(name, ".") == 0)
		return "";
	return strncmp(name, "./", 2) == 0 ? name + 2 : name;
}

static int read_member(struct image_blobs *blobs, struct members *members,
	const struct member *member, struct err *err)
{
	const char *inside = within_layout(member->untrusted_name);
	char name[NAME_SIZE_MAX + 1];

	if (*inside == '\0' && member->type == MEMBER_FOLDER)
		return 0;
	int rc = name_check(bytes_of_string(inside), err);
	if (rc < 0 || member->type == MEMBER_FOLDER)
		return rc;
	/* The member's own goes when its content is read. */
	memcpy(name, inside, strlen(inside) + 1);
	if (strncmp(name, BLOBS, strlen(BLOBS)) == 0)
		return read_blob(blobs, members, member, name, err);
	for (unsigned i = 0; i < BESIDE_COUNT; i++)
		if (strcmp(name, beside[i]) == 0)
			return read_beside(blobs, members, member, i, err);
	return refuse(err, ERR_SYNTAX, name, "is no part of an OCI image layout");
}

static int read_members(struct image_blobs *blobs, struct members *members, struct err *err)
{
	struct member member;
	bool end = false;

	for (;;) {
		int rc = members_next(members, &member, &end, err);
		if (rc < 0 || end)
			return rc;
		rc = read_member(blobs, members, &member, err);
		if (rc < 0)
			return rc;
	}
}

static int compare(const void *left, const void *right)
{
	const struct image_blob *a = left;
	const struct image_blob *b = right;

	return memcmp(a->digest.octets, b->digest.octets, SHA256_SIZE);
}

/* Two blobs of one name are two of one content, and still an archive that means two things. */
static int sort(struct image_blobs *blobs, struct err *err)
{
	char hex[SHA256_HEX_SIZE];

	if (blobs->count == 0)
		return 0;
	qsort(blobs->blobs, blobs->count, sizeof *blobs->blobs, compare);
	for (size_t i = 1; i < blobs->count; i++) {
		if (compare(&blobs->blobs[i - 1], &blobs->blobs[i]) != 0)
			continue;
		sha256_to_hex(&blobs->blobs[i].digest, hex);
		return err_set(err, ERR_UNSAFE_ARCHIVE, BLOBS "%s is there twice", hex);
	}
	return 0;
}

static int check_layout(const struct image_blobs *blobs, struct err *err)
{
	for (unsigned i = LAYOUT; i < BESIDE; i++)
		if ((blobs->seen >> i & 1) == 0)
			return err_set(err, ERR_SYNTAX, "it is no OCI image layout: %s is missing",
				beside[i]);
	int rc = oci_layout_parse(str_bytes(&blobs->layout), err);
	return rc < 0 ? err_context(err, "%s", beside[LAYOUT]) : 0;
}

int image_blobs_read(struct image_blobs *blobs, const struct octet_source *source, struct err *err)
{
	CLEANUP(members_cleanup) struct members *members = NULL;
	int rc = sha256_stream_new(&blobs->digest, err);

	if (rc == 0)
		rc = members_open_source(source, &members, err);
	if (rc == 0)
		rc = read_members(blobs, members, err);
	if (rc == 0)
		rc = check_layout(blobs, err);
	return rc < 0 ? rc : sort(blobs, err);
}

struct image_blob *image_blobs_find(struct image_blobs *blobs, const struct sha256 *digest)
{
	const struct image_blob wanted = {.digest = *digest};

	if (blobs->count == 0)
		return NULL;
	return bsearch(&wanted, blobs->blobs, blobs->count, sizeof wanted, compare);
}

void image_blobs_release(struct image_blobs *blobs)
{
	str_release(&blobs->layout);
	str_release(&blobs->index);
	for (size_t i = 0; i < blobs->count; i++)
		free(blobs->blobs[i].document);
	free(blobs->blobs);
	sha256_stream_free(blobs->digest);
}
