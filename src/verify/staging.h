/*
 * staging: where a kit is unpacked until all of it held (state/staging/NAME, 0700).
 *
 * Every component is opened by descriptor and follows no link; files are new (O_EXCL) and 0644,
 * folders 0755, whatever the archive or the umask say. Large files are started towards the disk one
 * by one; before the rename one syncfs waits for everything, then the folders of both ends are
 * synced: a kit below state/kits is whole, at every instant and after a power cut.
 *
 * The caller holds the state's lock; leftovers of a process that died are removed first.
 */
#ifndef OFFKIT_VERIFY_STAGING_H
#define OFFKIT_VERIFY_STAGING_H

#include "verify/pipeline.h"

struct staging;

/* Kits that are kept in quarantine: the newest; each may be as large as a kit. */
enum { QUARANTINE_MAX = 8 };

/* Writes nothing yet; state_dirfd stays the caller's. */
MUST_CHECK int staging_new(
	int state_dirfd, int64_t now, struct staging **ret_staging, struct err *err);

/* Makes the folder: ERR_STATE_FOLDER if the state folder cannot be written. */
MUST_CHECK int staging_begin(struct staging *staging, struct err *err);

/* A small file, whole. ERR_DISK. */
MUST_CHECK int staging_put(
	struct staging *staging, const char *name, struct bytes content, struct err *err);

struct pipeline_sink staging_sink(struct staging *staging);

/* Syncs, and renames to state/kits/ID; a folder that is there already is replaced. */
MUST_CHECK int staging_commit(struct staging *staging, const char *id, struct err *err);

/*
 * What to do after a failure: a bad kit goes to state/quarantine/NAME with REASON.json, and NAME is
 * appended to quarantine, of which the oldest goes when there are more than QUARANTINE_MAX; if only
 * our disk or database failed, or nothing was written, it goes.
 */
void staging_fail(struct staging *staging, const char *kit_path, const struct err *reason,
	struct str *quarantine);

/* Removes what was written, as if nothing had begun. */
void staging_restart(struct staging *staging);

void staging_free(struct staging *staging);

#endif
