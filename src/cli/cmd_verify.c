/* offkit verify KIT: check everything, install nothing. */
#include "base/confine.h"
#include "cli/check_kit.h"
#include "cli/commands.h"

struct verify_values {
	bool force;
	const char *reason;
	struct option_list parts;
	const char *base;
};

static const struct option options[] = {
	OPTION_ROW_FLAG("force-activate", 0, struct verify_values, force,
		"do not refuse an older or expired kit (code 8)"),
	OPTION_ROW_TEXT(
		"force-reason", 0, "TEXT", struct verify_values, reason, "why, for the evidence"),
	PARTS_OPTION_ROWS(struct verify_values),
	OPTION_END,
};

static void write_json(struct face *face, const struct checked_kit *checked)
{
	struct json_writer writer;

	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_bool(&writer, "verified", true);
	verify_result_write(checked->kit, &writer);
	write_installed(&writer, checked);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const struct verify_values *given = values;
	struct checked_kit checked = CHECKED_KIT_INIT;

	(void)operand_count;
	if (given->force != (given->reason != NULL))
		return err_set(err, ERR_USAGE,
			"--force-activate and --force-reason are given together or not at all");
	face->parts = given->parts;
	face->base = given->base;
	int rc = confine_to_reading(err);
	if (rc == 0)
		rc = check_kit(face, operands[0], given->reason, &checked, err);
	if (rc == 0 && face->json) {
		write_json(face, &checked);
	} else if (rc == 0) {
		str_append_format(&face->result, "%s\n\n", face_text(face, MSG_KIT_IS_SIGNED));
		describe_kit(face, &checked);
		str_append_char(&face->result, '\n');
		describe_checks(face, &checked);
	}
	checked_kit_release(&checked);
	return rc;
}

const struct command command_verify = {
	.name = "verify",
	.synopsis = "KIT",
	.summary = "check everything, install nothing",
	.options = options,
	.values_size = sizeof(struct verify_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
