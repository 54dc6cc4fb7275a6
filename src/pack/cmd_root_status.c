/* offkit-pack root status ROOT: who has signed a trust root, and who still has to. */
#include "base/cleanup.h"
#include "base/file.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/root_status.h"

struct root_status_values {
	const char *previous;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("previous", 0, "FILE", struct root_status_values, previous,
		"the version before it, whose keys sign too"),
	OPTION_END,
};

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *previous = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	const struct root_status_values *given = values;
	int rc;

	(void)operand_count;
	if ((rc = root_previous_load(given->previous, &previous, err)) < 0 ||
		(rc = file_read_path(operands[0], ROOT_SIZE_MAX, &text, err)) < 0)
		return rc;
	return root_status_show(face, operands[0], str_bytes(&text), previous, err);
}

const struct command command_root_status = {
	.name = "root status",
	.synopsis = "ROOT",
	.summary = "who has signed a trust root, and who still has to",
	.options = options,
	.values_size = sizeof(struct root_status_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
