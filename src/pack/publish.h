/*
 * publish: a kit, or its parts with their list, copied to where releases lie.
 *
 * The copy is made beside its place, synced, verified there as a site would, and renamed, never
 * over something: what has the name is whole and verifies. A copy of the same octets that is there
 * already, of an attempt that was cut off, is taken as it is; any other is ERR_USAGE.
 */
#ifndef OFFKIT_PACK_PUBLISH_H
#define OFFKIT_PACK_PUBLISH_H

#include "object/s3.h"
#include "pack/face.h"
#include "pack/release_log.h"
#include "verify/verify.h"

struct published_file {
	const char *name;
	int64_t size;
	struct sha256 digest;
};

struct publication {
	const char *name; /* in the folder; of a kit in parts a folder, "NAME.parts" */
	bool was_there;
	size_t count;
	struct published_file *files;
	struct trusted_kit *kit; /* the caller's to free, also after a failure */
};

/* Everything but the kit lives in face's arena. log is asked before anything is copied. */
MUST_CHECK int publish_kit(struct face *face, const char *path, const char *folder,
	const struct trust_root *root, const struct verify_options *options,
	const struct release_log *log, struct publication *publication, struct err *err);

/*
 * The same to a bucket, which has no name beside the place: the kit is verified here, and each file
 * put with its digest, if there is none of its name, and read back. The list of a kit in parts
 * comes last: without it the parts are no kit.
 */
MUST_CHECK int publish_kit_s3(struct face *face, const char *path, struct object_store *bucket,
	const struct trust_root *root, const struct verify_options *options,
	const struct release_log *log, struct publication *publication, struct err *err);

#endif
