/*
 * verify: the only maker of a trusted kit.
 *
 * One pass over the stream: the first members are bounded and read to memory; the manifest's
 * signatures are counted against the trust root, SHA256SUMS against its signature and the
 * manifest; only then is any other member looked at, and each is hashed while it is written into
 * staging. Nothing outside staging is touched. The order of DESIGN section 4 is needed for one
 * pass; a kit in another order is read twice.
 *
 * Codes: ERR_NOT_FOUND, ERR_UNREADABLE; the kit's codes 2 to 5 and 7 to 9 of errors.def; ERR_DISK.
 */
#ifndef OFFKIT_VERIFY_VERIFY_H
#define OFFKIT_VERIFY_VERIFY_H

#include <stdbool.h>

#include "json/json_write.h"
#include "kit/envelope.h"
#include "kit/manifest.h"
#include "trust/root.h"

/* A kit that verified. Immutable; nothing but verify_kit makes one. */
struct trusted_kit;

const struct manifest *trusted_kit_manifest(const struct trusted_kit *kit);
const struct sha256 *trusted_kit_manifest_digest(
	const struct trusted_kit *kit); /* of the payload */

/* "lnm-2025.12.1-3f9a0c21": the folder's name below state/kits; from the manifest and its digest.
 */
const char *trusted_kit_id(const struct trusted_kit *kit);

/* The octets of a file of role ROLE_MIGRATION (kept in memory: they are small), else NULL data. */
struct bytes trusted_kit_file(const struct trusted_kit *kit, const char *name);

/* Who signed: the role's keys, and which of them made a good signature over the manifest. */
const struct trust_role *trusted_kit_signers(
	const struct trusted_kit *kit, const bool **ret_signed);
const char *trusted_kit_sums_signer(const struct trusted_kit *kit); /* name of the key */

/* What the bundles around the signatures of manifest and SHA256SUMS brought: nobody checked it. */
struct proofs trusted_kit_proofs(const struct trusted_kit *kit);
/* The root in force, and how many of the steps to it the kit brought itself (its trust/). */
const struct trust_root *trusted_kit_root(const struct trusted_kit *kit);
size_t trusted_kit_roots_brought(const struct trusted_kit *kit);
void trusted_kit_free(struct trusted_kit *kit);
void trusted_kit_cleanup(struct trusted_kit **kit);

struct verify_progress {
	uint64_t octets_done;  /* of file contents */
	uint64_t octets_total; /* 0 until the manifest is verified */
	size_t files_done, files_total;
};

struct verify_options {
	int state_dirfd;  /* the site's state for sequence and roots; -1: none is kept here */
	int64_t now;	  /* ms, the clock */
	bool ignore_time; /* resume, rollback, restore: expiry and sequence do not refuse */
	const char *force_reason;	 /* --force-activate --force-reason: NULL, or why code 8 is
					    overruled */
	size_t part_folder_count;	 /* at most PART_FOLDERS_MAX */
	const char *const *part_folders; /* where else the parts of a kit in parts may be */
	const char *base; /* NULL, or a kit that has members which a differential kit leaves out */
	void (*progress)(void *argument, const struct verify_progress *progress); /* may be NULL */
	void *argument;
};

enum { PART_FOLDERS_MAX = 64 };

/*
 * Takes over nothing; the root must live as long as the kit. Verifies and writes nothing at all. A
 * chain of roots that the kit brings is followed from root, in memory.
 */
MUST_CHECK int verify_kit(const char *path, const struct trust_root *root,
	const struct verify_options *options, struct trusted_kit **ret_kit, struct err *err);

/*
 * As verify_kit, keeps each root that the kit brings in the state folder, and unpacks into
 * state/staging; when everything held and was synced, one rename makes it state/kits/ID. A kit that
 * fails goes to state/quarantine/TIME-RANDOM with REASON.json, and the name of that folder to
 * quarantine (a string, "" if nothing had been written yet).
 */
MUST_CHECK int verify_and_unpack(const char *path, const struct trust_root *root,
	const struct verify_options *options, struct trusted_kit **ret_kit, struct str *quarantine,
	struct err *err);

/*
 * The kit that state/kits/ID has, verified again; for resume and rollback without the stick. Root
 * or the newest before it in its chain that accepts the kit decides: what was rotated since it was
 * installed does not lose the way back.
 */
MUST_CHECK int verify_installed(int state_dirfd, const char *id, const struct trust_root *root,
	struct trusted_kit **ret_kit, struct err *err);

/* The highest sequence of a kit's name that was installed here (state/installed.json), 0: none. */
MUST_CHECK int installed_sequence(int state_dirfd, const char *kit_name, int64_t *ret_sequence,
	const char **ret_version, struct arena *arena, struct err *err);
/* Records it, durably; the engine calls it when a run begins. */
MUST_CHECK int installed_record(int state_dirfd, const struct trusted_kit *kit, struct err *err);

/*
 * Whether the root still holds, by the latest time that is known to have been (DESIGN 5, item 5):
 * options' clock, the date of the program's commit, the newest signed time in options' state.
 * ERR_TRUST_EXPIRED.
 */
MUST_CHECK int rules_check_root(
	const struct trust_root *root, const struct verify_options *options, struct err *err);

/* The newest signed time of an installed kit that counts and is at most limit; INT64_MIN: none. */
MUST_CHECK int installed_newest(
	int state_dirfd, int64_t limit, int64_t *ret_created, struct err *err);

/* From now on the signed times later than limit do not count. Sequences stay. Durable. */
MUST_CHECK int installed_forget_times(int state_dirfd, int64_t limit, struct err *err);

/* The result as the members of an open JSON object (verify.schema.json). */
void verify_result_write(const struct trusted_kit *kit, struct json_writer *writer);

#endif
