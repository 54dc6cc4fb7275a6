/*
 * kit_source: where the octets of a kit are: a folder, an archive, or an archive in parts.
 *
 * A kit in parts is named by its list (kit/part_list.h), or by the folder that has one list and no
 * manifest. Each part is looked for beside the list first, then in the folders given; all are
 * opened before anything is read, so that one that is missing (ERR_MISSING_FILE) or of another size
 * (ERR_CHECKSUM) is named at once. Nothing is trusted because the list says it.
 */
#ifndef OFFKIT_VERIFY_KIT_SOURCE_H
#define OFFKIT_VERIFY_KIT_SOURCE_H

#include "archive/members.h"
#include "base/arena.h"
#include "trust/root.h"
#include "verify/verify.h"

struct kit_parts;

struct kit_source {
	const char *path; /* as the operator gave it */
	int fd;		  /* -1 of a kit in parts */
	bool is_folder;
	int64_t size;		 /* octets of the archive; -1 of a folder */
	struct kit_parts *parts; /* NULL: in one piece */
};

#define KIT_SOURCE_INIT ((struct kit_source){.fd = -1, .size = -1})

/* Release it also after a failure. part_folders: of verify_options. */
MUST_CHECK int kit_source_open(struct kit_source *source, const char *path,
	const struct verify_options *options, struct err *err);
void kit_source_release(struct kit_source *source);

MUST_CHECK int kit_source_members(
	const struct kit_source *source, struct members **ret_members, struct err *err);

/*
 * That the list is signed by one of the role's keys, as SHA256SUMS is: ERR_MANIFEST_SIGNATURE. 0 of
 * a kit in one piece.
 */
MUST_CHECK int kit_source_check_list(
	const struct kit_source *source, const struct trust_role *role, struct err *err);

/*
 * After a failure that damage on the way could have caused: if a part is not the listed one, that
 * is the failure (ERR_CHECKSUM), and said instead. Returns -err->code.
 */
int kit_source_explain(const struct kit_source *source, struct err *err);

/* Reads every part and compares its digest. 0 of a kit in one piece. */
MUST_CHECK int kit_source_check_parts(const struct kit_source *source, struct err *err);

#endif
