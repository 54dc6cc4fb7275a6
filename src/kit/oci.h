/*
 * oci: the documents of an OCI image layout (image-spec 1.1: image-layout.md, image-index.md,
 * manifest.md, config.md), and Docker's manifests of the same shape.
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

struct oci_list { /* of an index */
	size_t count;
	struct oci_descriptor *descriptors;
};

struct oci_manifest {
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

#endif
