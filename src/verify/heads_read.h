/*
 * heads_read: finds the documents that come first in a kit and reads them to memory, bounded.
 *
 * In the order of the format one pass is enough. If anything else comes before the last of them,
 * the archive is walked until all were found, and again from its beginning: then a document that
 * differs from what was verified is ERR_UNREADABLE, because the medium changed in between.
 *
 * The chain of roots (trust/N.root.json) is bounded here, and those newer than the root in force
 * are read, if they stand before the last of the documents. One that is found after it is no error
 * of the kit's: late_root is set, and the kit is read again from its beginning with the whole of it
 * walked first.
 */
#ifndef OFFKIT_VERIFY_HEADS_READ_H
#define OFFKIT_VERIFY_HEADS_READ_H

#include "archive/members.h"
#include "verify/kit_private.h"
#include "verify/staging.h"

enum {
	SCANNED_MEMBERS_MAX = 400000, /* members before the last of the documents */
	HEADS_COUNT = 3,
	/*
	 * Members that stand before the documents are decoded without a signature that bounds them:
	 * up to so many times the archive's own size (gzip's utmost is 1,032, zstd's 20,000) and
	 * some more.
	 */
	SCANNED_RATIO_MAX = 1100,
	SCANNED_OCTETS_MIN = 64 * 1024 * 1024,
};

struct kit_root {
	int64_t version; /* of its name */
	struct str untrusted_text;
};

struct heads_reader {
	int64_t root_in_force; /* of newer versions the text is kept; the caller sets it */
	bool whole;	       /* and this, to walk to the kit's end before anything is verified */
	struct kit_heads documents;
	bool found[HEADS_COUNT];
	bool second_pass;		    /* something else came in between */
	struct sha256 digests[HEADS_COUNT]; /* as they stood in the kit */
	bool found_again[HEADS_COUNT];	    /* in the second pass */
	size_t newer_count;
	struct kit_root newer[ROOT_CHAIN_MAX];
	bool late_root;	   /* the pass over all files met a newer one that was not read */
	size_t root_count; /* in this pass */
	int64_t root_versions[ROOT_CHAIN_MAX];
	bool trust_folder;
};

/* What comes first, in the kit's order, as members_open_folder wants it. */
const char *const *heads_order(void);

/* For an archive of so many octets; -1: a folder, where nothing is decoded. */
int64_t heads_scanned_max(int64_t archive_size);

/*
 * Walks until all were found, past at most scanned_max octets of other members. ERR_NOT_A_KIT,
 * ERR_MISSING_FILE, ERR_LIMIT, the archive's errors.
 */
MUST_CHECK int heads_read(
	struct heads_reader *reader, struct members *members, int64_t scanned_max, struct err *err);
bool heads_all_found(const struct heads_reader *reader);
bool heads_need_second_pass(const struct heads_reader *reader);

/* A member of the pass over all files: its name is checked, and taken if it is no file of the kit.
 */
MUST_CHECK int heads_again(struct heads_reader *reader, struct members *members,
	const struct member *member, bool *ret_taken, struct err *err);

MUST_CHECK int heads_put(
	const struct heads_reader *reader, struct staging *staging, struct err *err);
void heads_release(struct heads_reader *reader);

#endif
