/* offkit resume and offkit rollback [STEP]. */
#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/session.h"

static const struct option options[] = {
	RUN_OPTION_ROWS,
	LEASE_OPTION_ROWS,
	OPTION_END,
};

struct rollback {
	struct session *session;
	const char *step;
};

static int run_resume(void *argument, const struct engine_face *face, struct err *err)
{
	struct session *session = argument;

	return engine_resume(&session->options, face, err);
}

static int run_rollback(void *argument, const struct engine_face *face, struct err *err)
{
	struct rollback *rollback = argument;

	return engine_rollback(rollback->step, &rollback->session->options, face, err);
}

static int resume(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(session_release) struct session session = SESSION_INIT;
	int rc = session_need_consent(face, err);

	(void)operand_count;
	(void)operands;
	if (rc == 0)
		rc = session_open(face, "resume", SESSION_CHANGES, values, &session, err);
	return rc < 0 ? rc : session_run(&session, run_resume, &session, err);
}

static int rollback(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(session_release) struct session session = SESSION_INIT;
	int rc = session_need_consent(face, err);

	if (rc == 0)
		rc = session_open(face, "rollback", SESSION_CHANGES, values, &session, err);
	if (rc < 0)
		return rc;
	struct rollback argument = {
		.session = &session,
		.step = operand_count > 0 ? operands[0] : NULL,
	};
	return session_run(&session, run_rollback, &argument, err);
}

const struct command command_resume = {
	.name = "resume",
	.synopsis = "",
	.summary = "go on after a crash, a lost connection, a pause",
	.options = options,
	.values_size = sizeof(struct run_values),
	.run = resume,
};

const struct command command_rollback = {
	.name = "rollback",
	.synopsis = "[STEP]",
	.summary = "undo, newest step first, down to STEP",
	.options = options,
	.values_size = sizeof(struct run_values),
	.operands_max = 1,
	.run = rollback,
};
