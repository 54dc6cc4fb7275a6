/*
 * The chain of roots in a state folder: an input in the place of one that was kept leads to the
 * embedded root, or on from it to one that its keys signed; or the state is refused. And what is
 * written beside the roots: a record that is taken is told as it was.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/fuzz/aid.h"
#include "trust/record.h"
#include "trust/store.h"

static const struct trust_root *embedded(void)
{
	static struct trust_root *root;
	struct err err;

	HOLDS(root != NULL || trust_root_embedded(&root, &err) == 0);
	return root;
}

/* steps: so far on from the embedded one. */
static void load(int64_t steps)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct err err = {0};
	int rc = trust_store_load(scratch_folder(), &root, &err);

	HOLDS(rc == 0 || rc == -ERR_TRUST_INVALID);
	if (rc < 0)
		return;
	/* Nobody but the embedded root's keys can make a second one; the third would need another.
	 */
	HOLDS(trust_root_version(root) == trust_root_version(embedded()) + steps);
	HOLDS(trust_root_is_demo(root) == trust_root_is_demo(embedded()));
}

static void one_more_reset(int trust_dirfd, const struct reset_record *records, size_t count)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	const struct reset_record more = {1000, "why", 3000, 2000};
	struct reset_record *after;
	size_t after_count = 0;
	struct err err;

	HOLDS(reset_record_write(trust_dirfd, &more, &err) == 0);
	HOLDS(reset_records_read(trust_dirfd, &arena, &after, &after_count, &err) == 0);
	HOLDS(after_count == count + 1 && after[count].from == 3000);
	for (size_t i = 0; i < count; i++)
		HOLDS(after[i].to == records[i].to &&
			strcmp(after[i].reason, records[i].reason) == 0);
}

static void records(struct bytes text)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_FD int trust = openat(scratch_folder(), "trust", O_RDONLY | O_DIRECTORY);
	struct root_record kept;
	struct reset_record *resets;
	size_t count = 0;
	struct err err = {0};

	HOLDS(trust >= 0);
	scratch_put("trust/1.kept.json", text);
	scratch_put("trust/reset-1.json", text);
	int rc = root_record_read(trust, embedded(), &arena, &kept, &err);
	HOLDS(rc == 0 || rc == -ERR_STATE_FOLDER);
	HOLDS(rc < 0 || kept.source != NULL);
	rc = reset_records_read(trust, &arena, &resets, &count, &err);
	HOLDS(rc == 0 || rc == -ERR_STATE_FOLDER);
	if (rc == 0)
		one_more_reset(trust, resets, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scratch_empty();
	HOLDS(mkdirat(scratch_folder(), "trust", 0700) == 0);
	scratch_put("trust/3.root.json", bytes_make(data, size));
	load(0);
	scratch_put("trust/2.root.json", bytes_make(data, size));
	load(1);
	records(bytes_make(data, size));
	return 0;
}
