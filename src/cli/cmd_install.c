/* offkit install KIT and offkit plan KIT. */
#include "base/cleanup.h"
#include "cli/check_kit.h"
#include "cli/commands.h"
#include "cli/session.h"

static const struct option install_options[] = {
	RUN_OPTION_ROWS,
	WITH_OPTION_ROWS,
	FORCE_OPTION_ROWS,
	STAGING_OPTION_ROWS,
	LEASE_OPTION_ROWS,
	PARTS_OPTION_ROWS(struct run_values),
	OPTION_ROW_FLAG("dry-run", 0, struct run_values, dry_run, "the plan only; as offkit plan"),
	OPTION_END,
};

static const struct option plan_options[] = {
	RUN_OPTION_ROWS,
	WITH_OPTION_ROWS,
	FORCE_OPTION_ROWS,
	STAGING_OPTION_ROWS,
	PARTS_OPTION_ROWS(struct run_values),
	OPTION_END,
};

struct install {
	struct session *session;
	const struct trusted_kit *kit;
};

static int run_install(void *argument, const struct engine_face *face, struct err *err)
{
	struct install *install = argument;

	return engine_install(install->kit, &install->session->options, face, err);
}

static int run_plan(void *argument, const struct engine_face *face, struct err *err)
{
	struct install *install = argument;

	return engine_plan(install->kit, &install->session->options, face, err);
}

static int plan(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const struct run_values *given = values;
	struct checked_kit checked = CHECKED_KIT_INIT;
	CLEANUP(session_release) struct session session = SESSION_INIT;

	(void)operand_count;
	face->parts = given->parts;
	face->base = given->base;
	int rc = session_open(face, "plan", SESSION_READS, given, &session, err);
	if (rc == 0)
		rc = check_kit(face, operands[0], given->force_reason, &checked, err);
	face_progress_end(face);
	if (rc == 0 && checked.state_dirfd < 0)
		face_tell(face, MSG_KIT_NOT_COMPARED);
	if (rc == 0) {
		struct install install = {.session = &session, .kit = checked.kit};
		/* The state is read, never written: the engine is given none. */
		session.options.state_dirfd = -1;
		session.options.lock_fd = -1;
		rc = session_run(&session, run_plan, &install, err);
	}
	checked_kit_release(&checked);
	return rc;
}

static int install(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(session_release) struct session session = SESSION_INIT;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	const struct run_values *given = values;

	if (given->dry_run)
		return plan(face, values, operand_count, operands, err);
	face->parts = given->parts;
	face->base = given->base;
	int rc = session_need_consent(face, err);
	if (rc == 0)
		rc = session_open(face, "install", SESSION_BEGINS, given, &session, err);
	if (rc == 0)
		rc = session_unpack(&session, operands[0], given->force_reason, false, &kit, err);
	if (rc < 0)
		return rc;
	struct install install = {.session = &session, .kit = kit};
	return session_run(&session, run_install, &install, err);
}

const struct command command_install = {
	.name = "install",
	.synopsis = "KIT",
	.summary = "walk through backup, migrations and validation",
	.options = install_options,
	.values_size = sizeof(struct run_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = install,
};

const struct command command_plan = {
	.name = "plan",
	.synopsis = "KIT",
	.summary = "check this site, and show the steps; writes nothing",
	.options = plan_options,
	.values_size = sizeof(struct run_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = plan,
};
