/*
 * evidence: what a trusted kit brings along to say about itself: attestations, SBOMs, images. All
 * of it was checked when the kit verified; a kit that lacks something it declares is none.
 *
 * An attestation is a DSSE envelope of an in-toto statement. It counts when a key that the manifest
 * names for its predicate type signed it, and the digest of one of its subjects is that of a file
 * of this kit or of an image in it. Subjects match by digest alone, as in-toto has it: their names
 * are their maker's. A file without octets is nobody's in particular, and no subject; nor is an
 * attestation.
 *
 * One of SLSA provenance v1 has the shape that this asks for (kit/provenance.h).
 *
 * Once a kit has SBOMs, they describe its components and nothing else: each package that a document
 * describes is a component of the manifest, by name, version and, where the manifest has one,
 * SHA-256; and each component is described. A kit without SBOMs passes, and it is said.
 *
 * Codes: ERR_ATTESTATION, ERR_SBOM (7), ERR_IMAGE (2), ERR_SYNTAX and ERR_LIMIT.
 */
#ifndef OFFKIT_VERIFY_EVIDENCE_H
#define OFFKIT_VERIFY_EVIDENCE_H

#include "kit/oci.h"
#include "kit/spdx.h"
#include "kit/statement.h"

enum {
	ATTESTATIONS_MAX = 1024,		   /* files */
	SBOMS_MAX = 256,			   /* files */
	ATTESTATION_SIZE_MAX = 4 * 1024 * 1024,	   /* octets of one */
	ATTESTATIONS_TOTAL_MAX = 16 * 1024 * 1024, /* of all */
	SBOMS_TOTAL_MAX = 64 * 1024 * 1024,
};

struct attestation {
	const char *file;
	const char *predicate_type;
	const char *signer;  /* name of the key */
	const char *builder; /* of SLSA provenance v1: its URI; NULL: of another type */
	const char
		*subject; /* the first that is in this kit: a file's name, or an image's digest */
	size_t subjects_here, subject_count;
	size_t log_entries, timestamps; /* present, not checked */
};

struct sbom {
	const char *file;
	struct spdx spdx;
	size_t components_here; /* components of the manifest that it describes */
	size_t by_checksum;	/* of these, with the SHA-256 that the manifest has */
};

struct image_manifest {
	struct sha256 digest;
	struct oci_platform platform; /* of the config */
	size_t layer_count;
	int64_t octets; /* config and layers */
};

struct image {
	const char *file;
	struct sha256 digest;  /* the one that was pinned, and walked */
	const char *reference; /* "" if absent */
	size_t manifest_count;
	struct image_manifest *manifests;
	size_t unpinned_count;	   /* manifests in the file that the digest does not lead to */
	size_t unreferenced_count; /* blobs in it that nothing leads to; the layout allows them */
};

struct kit_evidence {
	size_t attestation_count, sbom_count, image_count;
	struct attestation *attestations;
	struct sbom *sboms;
	struct image *images;
	size_t undescribed_count; /* components of a kit without any SBOM */
};

struct trusted_kit;
const struct kit_evidence *trusted_kit_evidence(const struct trusted_kit *kit);

/*
 * The checks by themselves, for who makes kits. contents has the octets of each file of role
 * ROLE_SBOM and ROLE_ATTESTATION, in the order of manifest->files; their digests must have held.
 * evidence->images is there already; the rest is filled in. Everything lives in arena.
 */
struct manifest;
struct trust_root;
MUST_CHECK int evidence_check(const struct manifest *manifest, const struct trust_root *root,
	uint8_t *const *contents, struct arena *arena, struct kit_evidence *evidence,
	struct err *err);

#endif
