/* offkit resume and offkit rollback [STEP]. */
#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/session.h"

static const struct option options[] = {
	RUN_OPTION_ROWS,
	LEASE_OPTION_ROWS,
	OPTION_END,
};

static const struct option resume_options[] = {
	RUN_OPTION_ROWS,
	LEASE_OPTION_ROWS,
	OPTION_ROW_FLAG("adopt", 0, struct run_values, adopt,
		"take over a run whose state folder is lost or elsewhere; needs --reason"),
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
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	bool adopt = ((const struct run_values *)values)->adopt;
	int rc = session_need_consent(face, err);

	if (rc == 0 && operand_count > 0 && !adopt)
		rc = err_set(err, ERR_USAGE, "resume takes a kit with --adopt only");
	if (rc == 0)
		rc = session_open(face, "resume", adopt ? SESSION_BEGINS : SESSION_CHANGES, values,
			&session, err);
	if (rc == 0 && operand_count > 0)
		rc = session_unpack(&session, operands[0], NULL, true, &kit, err);
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
	.synopsis = "[--adopt [KIT]]",
	.summary = "go on after a crash, a lost connection, a pause",
	.options = resume_options,
	.values_size = sizeof(struct run_values),
	.operands_max = 1,
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
