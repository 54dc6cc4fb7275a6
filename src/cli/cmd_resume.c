/* offkit resume and offkit rollback [STEP]. */
#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/notify.h"
#include "cli/session.h"
#include "cli/show_run.h"

static const struct option options[] = {
	RUN_OPTION_ROWS,
	LEASE_OPTION_ROWS,
	OPTION_ROW_FLAG("remove-objects", 0, struct run_values, remove_objects,
		"of an object store also what this run stored in it"),
	OPTION_END,
};

static const struct option resume_options[] = {
	RUN_OPTION_ROWS,
	LEASE_OPTION_ROWS,
	OPTION_ROW_FLAG("if-interrupted", 0, struct run_values, if_interrupted,
		"only a run that was cut off; nothing to do is success"),
	OPTION_ROW_FLAG("adopt", 0, struct run_values, adopt,
		"take over a run whose state folder is lost or elsewhere; needs --reason"),
	PARTS_OPTION_ROWS(struct run_values),
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

/* For a service: what an operator stopped, or what failed, is an operator's to go on with. */
static int is_interrupted(struct face *face, bool *ret_interrupted, struct err *err)
{
	CLEANUP(newest_run_release) struct newest_run newest = {0};
	int rc = newest_run_find(face, &newest, err);

	if (rc < 0)
		return rc;
	*ret_interrupted = *newest.holder != '\0' || history_interrupted(&newest.history);
	if (*ret_interrupted)
		return 0;
	notify_manager("READY=1\nSTATUS=nothing was interrupted");
	str_append_format(&face->result, "%s\n", face_text(face, MSG_NOTHING_INTERRUPTED));
	return 0;
}

static int resume(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(session_release) struct session session = SESSION_INIT;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	bool adopt = ((const struct run_values *)values)->adopt;
	bool interrupted = true;

	face->parts = ((const struct run_values *)values)->parts;
	face->base = ((const struct run_values *)values)->base;
	int rc = session_need_consent(face, err);

	if (rc == 0 && ((const struct run_values *)values)->if_interrupted)
		rc = is_interrupted(face, &interrupted, err);
	if (rc < 0 || !interrupted)
		return rc;

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
