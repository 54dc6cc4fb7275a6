/*
 * record: what happened to a site's trust, beside the roots in the state's trust folder.
 *
 * trust/N.kept.json has {"version","digest","kept","source"}: when root N came, and what from;
 * trust/reset-N.json has {"reset","reason","from","to"}: when the newest signed time was reset.
 *
 * A file each, written durably before that which it tells of. The one of a root that was not kept
 * in the end is passed over, because its digest is not the kept root's; it is replaced when that
 * root comes again.
 */
#ifndef OFFKIT_TRUST_RECORD_H
#define OFFKIT_TRUST_RECORD_H

#include "base/arena.h"
#include "trust/root.h"

enum { RECORD_TEXT_MAX = 1024, /* octets of a source or a reason */ RECORD_RESETS_MAX = 10000 };

struct root_record {
	int64_t kept;	    /* ms; INT64_MIN: not known */
	const char *source; /* "": not known */
};

struct reset_record {
	int64_t reset; /* ms, by the clock of then */
	const char *reason;
	int64_t from, to; /* the newest signed time before and after; INT64_MIN: none */
};

/* ERR_STATE_FOLDER. The caller holds the state's lock; longer texts are cut. */
MUST_CHECK int root_record_write(int trust_dirfd, const struct trust_root *root, int64_t now,
	const char *source, struct err *err);
MUST_CHECK int reset_record_write(
	int trust_dirfd, const struct reset_record *record, struct err *err);

/* Of a root that was kept here; texts live in arena. A damaged file is ERR_STATE_FOLDER. */
MUST_CHECK int root_record_read(int trust_dirfd, const struct trust_root *root, struct arena *arena,
	struct root_record *ret_record, struct err *err);

/* The resets in their order. */
MUST_CHECK int reset_records_read(int trust_dirfd, struct arena *arena,
	struct reset_record **ret_records, size_t *ret_count, struct err *err);

#endif
