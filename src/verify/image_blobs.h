/*
 * image_blobs: an OCI image layout (image-spec 1.1, image-layout.md), read from a tar in one pass
 * and in whatever order its members stand; for src/verify alone, and for a process without rights.
 *
 * Every blob is hashed against its name. Those that may be documents are kept, for what they lead
 * to is known only when index.json has come, and that often comes last. Memory is bounded whatever
 * the image's size.
 *
 * ERR_IMAGE: a blob is not what its name says. ERR_SYNTAX: no layout; ERR_UNSAFE_ARCHIVE: a member
 * that no archive may have, or two of one name; ERR_LIMIT.
 */
#ifndef OFFKIT_VERIFY_IMAGE_BLOBS_H
#define OFFKIT_VERIFY_IMAGE_BLOBS_H

#include "archive/members.h"
#include "crypto/digest.h"

enum {
	IMAGE_BLOBS_MAX = 16384,		/* of one layout */
	IMAGE_DOCUMENTS_MAX = 16 * 1024 * 1024, /* octets of all documents that are kept */
};

struct image_blob {
	struct sha256 digest;
	int64_t size;
	uint8_t *document; /* size octets, owned; NULL: it was not kept */
	bool is_object;	   /* it begins with "{", and is not over OCI_DOCUMENT_MAX */

	/* The walk's (image_walk.h). */
	bool reached;
	const char *walked_as; /* the media type, NULL: not yet */
	const void *walked_to; /* struct image_manifest, NULL: an index, or no image */
};

struct image_blobs {
	struct str layout; /* the file oci-layout */
	struct str index;  /* index.json */
	size_t count;
	struct image_blob *blobs; /* sorted by digest */

	size_t room;
	size_t kept; /* octets of documents */
	unsigned seen;
	struct sha256_stream *digest;
};

/* Reads to the end of the source. blobs is zeroed before, and released whatever comes back. */
MUST_CHECK int image_blobs_read(
	struct image_blobs *blobs, const struct octet_source *source, struct err *err);

/* NULL if there is none. */
struct image_blob *image_blobs_find(struct image_blobs *blobs, const struct sha256 *digest);

void image_blobs_release(struct image_blobs *blobs);

#endif
