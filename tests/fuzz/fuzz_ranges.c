/*
 * The ranges that a backup's checkpoint has of a collection: what is read is what is written, and
 * of whatever is read a filter can be made, and made again behind a document.
 */
#include <string.h>

#include "base/cleanup.h"
#include "steps/backup_ranges.h"
#include "tests/fuzz/aid.h"

static void filters(struct backup_range *range)
{
	CLEANUP_STR struct str filter = STR_INIT, behind = STR_INIT;
	struct err err = {0};

	HOLDS(backup_range_filter(range, &filter, &err) == 0);
	HOLDS(filter.size == 0 || doc_check(str_bytes(&filter), &err) == 0);
	HOLDS((filter.size == 0) == (range->class == NULL));
	if (range->lower.size == 0)
		return;
	HOLDS(backup_range_advance(range, range->lower, &err) == 0);
	HOLDS(backup_range_filter(range, &behind, &err) == 0);
	HOLDS(behind.size == 0 || doc_check(str_bytes(&behind), &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_STR struct str once = STR_INIT, twice = STR_INIT;
	struct backup_ranges ranges, again;
	struct err err = {0};

	int rc = backup_ranges_read(bytes_make(data, size), &ranges, &err);
	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
	if (rc < 0)
		return 0;
	HOLDS(ranges.count > 0 && ranges.count <= BACKUP_RANGES_MAX);
	HOLDS(backup_ranges_write(&ranges, &once, &err) == 0);
	HOLDS(backup_ranges_read(str_bytes(&once), &again, &err) == 0);
	HOLDS(backup_ranges_write(&again, &twice, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&once), str_bytes(&twice)));
	backup_ranges_release(&again);
	for (size_t i = 0; i < ranges.count; i++)
		filters(&ranges.ranges[i]);
	backup_ranges_release(&ranges);
	return 0;
}
