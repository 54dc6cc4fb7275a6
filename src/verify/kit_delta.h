/*
 * kit_delta: the files of a differential kit of which only what changed came along (kit/delta.h),
 * put together while they are read: from the kit's member delta/N and from a file of the base, both
 * read forward, in a memory that does not grow.
 *
 * Nothing is trusted because the index says it: what is read goes to where every file's octets go,
 * and is compared with the digest that the manifest signs. Each piece has one besides, so that it
 * is said which side is not what it was. The base is walked again from its beginning for a file
 * that stands before the one taken last; what is passed over in a walk is bounded.
 */
#ifndef OFFKIT_VERIFY_KIT_DELTA_H
#define OFFKIT_VERIFY_KIT_DELTA_H

#include "kit/delta.h"
#include "verify/kit_private.h"
#include "verify/kit_source.h"

struct kit_delta {
	const struct kit_source *base; /* the caller's; its path NULL: none was given */
	bool *in_base;		       /* set where the base is read, and false elsewhere */
	struct arena arena;
	bool has_index, has_folder;
	struct delta delta;
	bool *taken; /* of each of its files */

	struct members *walk; /* of the base; NULL: at its beginning */
	int64_t left;	      /* octets that may be passed over yet in this walk */
	size_t passed;	      /* members */

	/* the file at hand */
	struct members *members; /* of the kit, at its member */
	const struct delta_file *file;
	size_t piece;
	int64_t done;	   /* octets of the piece */
	int64_t source_at; /* where the walk is in the file of the base; -1: not at it yet */
	struct sha256_stream *digest;
	uint8_t *scratch;
};

void kit_delta_release(struct kit_delta *delta);

/* Whether the member belongs here: delta.dsse, delta/N, or the folder. */
bool kit_delta_has(const struct member *member);

/*
 * Takes the index or the folder: *ret_file stays NULL. Of delta/N it gives the manifest's file that
 * comes of it, ready for kit_delta_read. ERR_UNLISTED_FILE, ERR_UNSAFE_ARCHIVE, ERR_CHECKSUM;
 * ERR_MANIFEST_SIGNATURE: no key of the role's signed the index; ERR_MISSING_FILE: no base was
 * given.
 */
MUST_CHECK int kit_delta_take(struct kit_delta *delta, struct members *members,
	const struct member *member, const struct trusted_kit *kit,
	const struct manifest_file **ret_file, struct err *err);

/* The next octets of the file at hand, as members_read_into has them. */
MUST_CHECK int kit_delta_read(
	struct kit_delta *delta, uint8_t *into, size_t room, size_t *ret_got, struct err *err);

/* At the end of the kit's members: ERR_MISSING_FILE if one of them did not come,
 * ERR_UNLISTED_FILE if there is a folder for them and no index. */
MUST_CHECK int kit_delta_check_all(const struct kit_delta *delta, struct err *err);

#endif
