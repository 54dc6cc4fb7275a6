/*
 * kit_private: what a trusted kit is made of; for src/verify alone, so that nobody else can make
 * one.
 */
#ifndef OFFKIT_VERIFY_KIT_PRIVATE_H
#define OFFKIT_VERIFY_KIT_PRIVATE_H

#include "kit/envelope.h"
#include "trust/chain.h"
#include "verify/evidence.h"
#include "verify/verify.h"

/* The files of all migrations together; each is bounded by MIGRATION_SIZE_MAX. */
enum { MIGRATIONS_TOTAL_MAX = 64 * 1024 * 1024 };

struct trusted_kit {
	struct arena arena;
	struct manifest manifest;
	struct sha256 manifest_digest;
	const char *id;
	const char *form;	       /* members_form */
	const struct trust_root *root; /* the newest of chain */
	struct trust_chain chain;      /* from the caller's root on what the kit brought */
	const struct trust_role *role; /* "targets" */
	bool *has_signed;	       /* role->key_count */
	const char *sums_signer;
	struct proofs proofs;	     /* in the bundles around both: present, not checked */
	uint8_t **kept;		     /* file_count pointers, NULL of files that are not kept */
	struct arena evidence_arena; /* of the kept files that only evidence_check reads */
	struct kit_evidence evidence;
};

/* The documents that come first, as they stand in the kit. */
struct kit_heads {
	struct str envelope;
	struct str sums;
	struct str sums_signature;
};

/*
 * Fills manifest, digest, id, role, has_signed and sums_signer of kit, whose root is set: the
 * envelope's signatures first, then the manifest, then SHA256SUMS, its signature, and that both
 * agree. heads, which is untrusted before, has afterwards what was verified and nothing else.
 */
MUST_CHECK int kit_verify_heads(struct trusted_kit *kit, struct kit_heads *heads, struct err *err);

/*
 * Finds room in memory for the files that are read before the kit is trusted, or by the engine:
 * migrations, SBOMs, attestations. Their sizes are signed, and bounded here: ERR_LIMIT.
 */
MUST_CHECK int kept_files_begin(struct trusted_kit *kit, struct err *err);
/* When every digest held: fills kit->evidence, and forgets the files that nobody reads again. */
MUST_CHECK int kept_files_check(struct trusted_kit *kit, struct err *err);

/* DESIGN 5.5: version and time. installed.c's state takes part if there is one. */
MUST_CHECK int rules_check_kit(
	const struct manifest *manifest, const struct verify_options *options, struct err *err);

#endif
