/* offkit attach: another face of a run that is at work, or how it stands if none is. */
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/show_run.h"
#include "cli/stop.h"

struct values {
	bool take;
};

/* Where nobody could answer, a face only watches. */
static int wish_of(const struct face *face, const struct values *values, enum feed_wish *ret_wish,
	struct err *err)
{
	bool watches = face->json || !has_terminal();

	if (face->options.yes)
		return err_set(err, ERR_USAGE,
			"attach --yes: what is attached answers nothing by itself; a run that is "
			"to ask nothing is begun so: offkit resume --yes");
	if (values->take && watches)
		return err_set(err, ERR_NO_TERMINAL, "--take: there is no terminal to answer on");
	*ret_wish = watches ? FEED_WATCH : values->take ? FEED_TAKE : FEED_COMMAND;
	return 0;
}

/* ERR_NOT_FOUND: no engine listens. */
static int connect_engine(
	struct face *face, enum feed_wish wish, struct feed **ret_feed, struct err *err)
{
	CLEANUP_FD int state_dirfd = -1;
	int rc = face_open_state(face, &state_dirfd, err);

	if (rc == 0 && state_dirfd < 0)
		rc = err_set(err, ERR_NOT_FOUND, "there is no state folder here");
	return rc < 0 ? rc : feed_attach(state_dirfd, wish, ret_feed, err);
}

/* Nobody is at work: what there is to go on with. */
static int show_interrupted(struct face *face, struct err *err)
{
	CLEANUP(newest_run_release) struct newest_run newest = {0};
	int rc = newest_run_find(face, &newest, err);

	if (rc < 0)
		return rc;
	if (*newest.holder != '\0')
		return err_set(err, ERR_LOCKED, "%s: it is not one to attach to", newest.holder);
	if (!newest.found || history_state(&newest.history) != RUN_OPEN)
		return err_set(err, ERR_NO_RUN, "no process of offkit is at work here");
	if (!face->json)
		newest_run_show(face, &newest);
	return err_set(err, ERR_NOT_AT_WORK, "run %s %s", newest.id,
		history_interrupted(&newest.history) ? "was interrupted" : "was stopped or failed");
}

static int attach(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	enum feed_wish wish = FEED_WATCH;
	struct feed *feed = NULL;
	struct err connecting;
	int rc = wish_of(face, values, &wish, err);

	(void)operand_count;
	(void)operands;
	if (rc < 0)
		return rc;
	rc = connect_engine(face, wish, &feed, &connecting);
	if (rc == -ERR_NOT_FOUND)
		return show_interrupted(face, err);
	if (rc < 0) {
		*err = connecting;
		return rc;
	}
	stop_watch();
	return follow_run(face, feed, PLAIN_COMES, err);
}

static const struct option options[] = {
	OPTION_ROW_FLAG("take", 0, struct values, take, "take command, also from another face"),
	OPTION_END,
};

const struct command command_attach = {
	.name = "attach",
	.synopsis = "",
	.summary = "the UI of a run that is at work, from any terminal",
	.options = options,
	.values_size = sizeof(struct values),
	.run = attach,
};
