/*
 * backup_ranges: a collection in ranges of its _id, so that several threads read it at once and an
 * interruption costs no more than a piece of it.
 *
 * A query's $gt and $lt compare within one class of types only, so a range never crosses classes:
 * where all _id are of one class the range has bounds that were sampled, else it is all of a class,
 * and the last range is what is of no class that can be asked for. Small collections, capped ones
 * (whose order counts) and those with NaN for an _id (which no comparison finds) are one range, in
 * the server's own order.
 */
#ifndef OFFKIT_STEPS_BACKUP_RANGES_H
#define OFFKIT_STEPS_BACKUP_RANGES_H

#include "mongo/mongo.h"

enum { BACKUP_RANGES_MAX = 256, BACKUP_DIVIDE_OCTETS = 256 * 1024 * 1024 };

struct backup_range {
	const char *class; /* a name for $type; "": whatever is of none of those; NULL: no matter */
	struct bytes lower; /* {_id: …} that it begins with; size 0: none */
	struct bytes upper; /* {_id: …} before which it ends; size 0: none */
	struct str last;    /* {_id: …} of the last document that is done with; size 0: none */
	bool ordered;	    /* by _id: only then can it go on behind the last */
	bool done;
};

struct backup_ranges {
	struct arena arena;
	size_t count;
	struct backup_range *ranges;
};

/*
 * octets: about how many the collection has; divide_from: with fewer it is one range, and always if
 * that is 0. To read by ranges costs some servers twice of what reading in their own order does.
 */
MUST_CHECK int backup_ranges_make(struct mongo *mongo, const char *collection, int64_t octets,
	int64_t divide_from, struct backup_ranges *ret_ranges, struct err *err);
/*
 * The same for what is only digested, when nothing else is left to do beside it: divided from an
 * eighth of that on, and in no order, because nothing goes on behind a place.
 */
MUST_CHECK int backup_ranges_make_for_digest(struct mongo *mongo, const char *collection,
	int64_t octets, int64_t divide_from, struct backup_ranges *ret_ranges, struct err *err);
void backup_ranges_release(struct backup_ranges *ranges);

/* The filter of what is not done of a range, behind its last; empty if it is everything. */
MUST_CHECK int backup_range_filter(
	const struct backup_range *range, struct str *filter, struct err *err);
/* Keeps the _id of a document as the last. ERR_SYNTAX: it has none, or is no BSON. */
MUST_CHECK int backup_range_advance(
	struct backup_range *range, struct bytes untrusted_doc, struct err *err);

/* As one BSON document, for a checkpoint, and back. */
MUST_CHECK int backup_ranges_write(
	const struct backup_ranges *ranges, struct str *out, struct err *err);
MUST_CHECK int backup_ranges_read(
	struct bytes untrusted_doc, struct backup_ranges *ret_ranges, struct err *err);

#endif
