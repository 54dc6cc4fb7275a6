/*
 * oci: the documents of an OCI image layout (image-spec 1.1: image-layout.md, image-index.md,
 * manifest.md, config.md, descriptor.md), and Docker's manifests of the same shape (schema 2).
 *
 * Members that the specification does not know are allowed, as it demands; what it knows must be
 * right. Of digests SHA-256 alone is taken. A document that could be read as an index by one and as
 * a manifest by another is refused. Everything is a claim until the walk (verify/image.h) has
 * compared it with the blobs.
 */
#ifndef OFFKIT_KIT_OCI_H
#define OFFKIT_KIT_OCI_H

#include "base/arena.h"
#include "crypto/digest.h"

enum {
	OCI_DOCUMENT_MAX = 4 * 1024 * 1024, /* octets of an index, a manifest or a config */
	OCI_DESCRIPTORS_MAX = 1024,	    /* of one index or manifest */
	OCI_TEXT_MAX = 512,
};

struct oci_platform { /* "" where absent */
	const char *os;
	const char *architecture;
	const char *variant;
};

struct oci_descriptor {
	const char *media_type;
	struct sha256 digest; /* "sha256:..." alone is taken */
	int64_t size;
	bool has_platform;
	struct oci_platform platform;
	const char *reference; /* annotation org.opencontainers.image.ref.name, "" if absent */
};

struct oci_list {		/* of an index */
	const char *media_type; /* "" if absent */
	size_t count;
	struct oci_descriptor *descriptors;
};

struct oci_manifest {
	const char *media_type; /* "" if absent */
	struct oci_descriptor config;
	size_t layer_count;
	struct oci_descriptor *layers;
};

/* Everything lives in arena. ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK int oci_layout_parse(struct bytes text, struct err *err); /* the file oci-layout */
MUST_CHECK int oci_index_parse(
	struct bytes text, struct arena *arena, struct oci_list *ret_list, struct err *err);
MUST_CHECK int oci_manifest_parse(
	struct bytes text, struct arena *arena, struct oci_manifest *ret_manifest, struct err *err);
/* A config names its platform; layer_count is that of rootfs.diff_ids. */
MUST_CHECK int oci_config_parse(struct bytes text, struct arena *arena,
	struct oci_platform *ret_platform, size_t *ret_layer_count, struct err *err);

bool oci_is_index(const char *media_type);
bool oci_is_manifest(const char *media_type);
bool oci_is_config(const char *media_type); /* of an image; an artifact's config is anything */

/*
 * Whether a document that calls itself so ("" if it does not say) may stand where a descriptor
 * says the other: OCI's may leave it out, Docker's must say it.
 */
bool oci_media_type_agrees(const char *of_document, const char *of_descriptor);

/* OS and architecture are the same, and the variants if both have one. */
bool oci_platform_agrees(const struct oci_platform *a, const struct oci_platform *b);

#endif
