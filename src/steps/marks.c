#include "steps/marks.h"

#include <string.h>

#include "base/cleanup.h"
#include "steps/backfill.h"

_Static_assert((int)MARKS_MAX >= (int)BACKFILL_TARGETS_MAX, "a backfill's targets");

static bool is_there(const struct mark *marks, size_t count, const struct backfill_write *write)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(marks[i].collection, write->collection) == 0 &&
			strcmp(marks[i].path, write->run_path) == 0)
			return true;
	return false;
}

int marks_of(const struct step *step, struct arena *arena, struct mark marks[static MARKS_MAX],
	size_t *ret_count, struct err *err)
{
	struct backfill backfill;
	size_t count = 0;

	*ret_count = 0;
	if (step->kind != &step_backfill || step->migration == NULL)
		return 0;
	int rc = backfill_load(step->migration, arena, &backfill, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < backfill.target_count; i++) {
		const struct backfill_write *write = backfill.targets[i];
		if (write->run_path != NULL && !is_there(marks, count, write))
			marks[count++] = (struct mark){write->collection, write->run_path};
	}
	*ret_count = count;
	return 0;
}

int mark_count(struct mongo *mongo, const struct mark *mark, const char *run_id, int64_t *ret_count,
	struct err *err)
{
	CLEANUP_STR struct str filter = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &filter);
	doc_write_string(&writer, mark->path, run_id);
	doc_write_end(&writer);
	int rc = str_check(&filter, err);
	return rc < 0 ? rc
		      : mongo_count(mongo, mark->collection, str_bytes(&filter), ret_count, err);
}
