/*
 * manifest: what a kit says of itself: an in-toto Statement v1 whose predicate is
 * urn:offkit:kit:v1 (kit-layout/manifest.schema.json). What is read here is a claim; verify makes
 * it a trusted_kit.
 */
#ifndef OFFKIT_KIT_MANIFEST_H
#define OFFKIT_KIT_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "crypto/digest.h"

#define STATEMENT_TYPE		"https://in-toto.io/Statement/v1"
#define MANIFEST_PREDICATE_TYPE "urn:offkit:kit:v1"

enum {
	MANIFEST_FILES_MAX = 100000,
	MANIFEST_MIGRATIONS_MAX = 256,
	MANIFEST_COMPONENTS_MAX = 10000,
	MANIFEST_IMAGES_MAX = 256,
	MANIFEST_ATTESTATIONS_MAX = 64,	      /* predicate types */
	MANIFEST_ATTESTATION_KEYS_MAX = 16,   /* of one predicate type */
	MANIFEST_SIZE_MAX = 64 * 1024 * 1024, /* octets of the statement */
	MANIFEST_NAME_MAX = 64,		      /* octets of the kit's name; it names folders */
	MANIFEST_VERSION_MAX = 128,	      /* octets of the kit's version; the same */
	MANIFEST_TEXT_MAX = 512,	      /* octets of other names, versions, titles */
};

#define MANIFEST_SEQUENCE_MAX	(((int64_t)1 << 53) - 1)
#define MANIFEST_FILE_SIZE_MAX	((int64_t)1 << 50) /* octets of one file */
#define MANIFEST_TOTAL_SIZE_MAX ((int64_t)1 << 53) /* octets of all files */

enum file_role {
	ROLE_MIGRATION,	  /* migrations/ID/ */
	ROLE_SEED,	  /* seeds/ */
	ROLE_IMAGE,	  /* images/ */
	ROLE_SBOM,	  /* sbom/ */
	ROLE_ATTESTATION, /* attestations/ */
	ROLE_COUNT
};

/* The table of roles: name in the manifest, folder in the kit, and the order of the folders. */
const char *file_role_name(enum file_role role);   /* "migration" */
const char *file_role_folder(enum file_role role); /* "migrations/" */
bool file_role_by_name(const char *name, enum file_role *ret_role);
bool file_role_of(const char *file_name, enum file_role *ret_role); /* by its folder */

struct manifest_file {
	const char *name;
	int64_t size; /* octets, exact */
	struct sha256 digest;
	const char *media_type;
	enum file_role role;
};

struct manifest_component {
	const char *name;
	const char *version;
	bool has_digest;
	struct sha256 digest;
};

/* predicate.images: the image in a file of role ROLE_IMAGE, pinned. */
struct manifest_image {
	const char *file;
	struct sha256 digest; /* of the manifest or index that the layout's index.json leads to */
};

/*
 * predicate.attestations: a predicate type of which the kit has at least one attestation, and the
 * keys of the trust root that may sign it (by TUF key id; a key need not have a role there).
 */
struct manifest_attestation {
	const char *predicate_type; /* a URI */
	size_t key_count;	    /* at least 1 */
	const char **keys; /* 64 lower-case hexadecimal digits each; sorted (strcmp), unique */
};

struct manifest {
	const char *name;
	const char *version; /* SemVer 2.0.0 */
	const char *title;   /* "" if absent */
	int64_t sequence;    /* from 1; only grows */
	int64_t created;     /* ms, clock.h */
	bool has_expiry;
	int64_t expires;
	struct sha256 sums_digest;

	const char *requires_offkit;	  /* least version, NULL if absent */
	const char *requires_mongodb_min; /* "5.0", NULL if absent */
	const char *requires_mongodb_max;
	const char *requires_previous; /* version of this kit that must be installed, NULL if any */

	size_t component_count;
	struct manifest_component *components;
	size_t file_count;
	struct manifest_file *files; /* sorted by name (strcmp) */
	size_t image_count;	     /* one for each file of role ROLE_IMAGE, in their order */
	struct manifest_image *images;
	size_t attestation_count; /* sorted by predicate type (strcmp) */
	struct manifest_attestation *attestations;
	size_t migration_count;
	const char **migrations; /* ids in order; each has migrations/ID/migration.json */
};

/* Everything lives in arena. ERR_SYNTAX, ERR_LIMIT; names are checked and unique (name.h). */
MUST_CHECK int manifest_parse(
	struct bytes payload, struct arena *arena, struct manifest *ret_manifest, struct err *err);

/* The statement as canonical JSON (RFC 8785), so that the same kit is the same bytes. */
MUST_CHECK int manifest_write(const struct manifest *manifest, struct str *out, struct err *err);

const struct manifest_file *manifest_find(const struct manifest *manifest, const char *name);

/* 0 if the sums list exactly the manifest's files with the same digests; ERR_MANIFEST_SUMS. */
struct sums;
MUST_CHECK int manifest_agrees_with_sums(
	const struct manifest *manifest, const struct sums *sums, struct err *err);

/* Whether a text is exactly the SHA256SUMS of the manifest's files; needs no memory. */
bool manifest_is_sums(const struct manifest *manifest, struct bytes untrusted_text);

bool kit_name_valid(const char *name);	 /* "lnm": lower-case letters, digits, "-", "_", "." */
bool media_type_valid(const char *text); /* RFC 6838: "type/subtype" without parameters */

/* SemVer 2.0.0 section 11 precedence of two valid versions: <0, 0, >0. */
bool version_valid(const char *version);
int version_compare(const char *a, const char *b);

#endif
