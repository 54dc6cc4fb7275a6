/* offkit-pack check KIT: everything that a site would say about it, before it ships. */
#include "base/cleanup.h"
#include "json/json_write.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/kit_check.h"
#include "pack/kit_options.h"
#include "pack/load_root.h"
#include "text/text.h"

struct check_values {
	struct kit_values kit;
};

static const struct option options[] = {
	KIT_OPTION_ROWS(struct check_values),
	OPTION_END,
};

static void write_json(struct face *face, const struct kit_checks *checks)
{
	struct json_writer writer;

	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "kit", face->object);
	json_member_bool(&writer, "passed", checks->first.code == ERR_NONE);
	json_member_integer(&writer, "exitCode", err_exit_code(checks->first.code));
	json_member_array(&writer, "checks");
	for (size_t i = 0; i < checks->count; i++) {
		const struct kit_check *check = &checks->checks[i];
		json_write_object(&writer);
		json_member_string(&writer, "check", check->name);
		if (*check->object != '\0')
			json_member_string(&writer, "object", check->object);
		json_member_string(&writer, "result", kit_check_result_name(check->result));
		json_member_string(&writer, "text", check->text);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

/* A file's line is the one that sha256sum --check writes. */
static void write_line(struct face *face, const struct kit_check *check)
{
	static const char signs[] = {'+', '!', 'x'};

	str_append_format(&face->result, "%c %-14s ", signs[check->result], check->name);
	if (*check->object != '\0') {
		text_escape(&face->result, bytes_of_string(check->object), 120);
		str_append_text(&face->result, ": ");
	}
	str_append_format(&face->result, "%s\n", check->text);
}

static void write_text(struct face *face, const struct kit_checks *checks)
{
	size_t warnings = 0;

	for (size_t i = 0; i < checks->count; i++) {
		write_line(face, &checks->checks[i]);
		warnings += checks->checks[i].result == KIT_CHECK_WARNING;
	}
	str_append_format(&face->result, "%s: ", face->object);
	if (checks->first.code != ERR_NONE)
		str_append_format(&face->result, "a site will refuse it with code %d\n",
			err_exit_code(checks->first.code));
	else {
		str_append_text(&face->result, "a site will take it; ");
		text_plural(&face->result, (int64_t)warnings, "warning", "warnings");
		str_append_char(&face->result, '\n');
	}
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const struct check_values *given = values;
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP(kit_checks_release) struct kit_checks checks = {0};
	const struct verify_options how = kit_options(face, &given->kit);
	int rc = load_root(given->kit.root, &root, err);

	(void)operand_count;
	if (rc < 0)
		return rc;
	rc = kit_check_all(operands[0], root, &how, &checks, err);
	/* What could not be checked at all, for want of memory, has no table. */
	if (rc < 0 && checks.first.code == ERR_NONE)
		return rc;
	face->result_anyway = true;
	if (face->json)
		write_json(face, &checks);
	else
		write_text(face, &checks);
	return rc;
}

const struct command command_check = {
	.name = "check",
	.synopsis = "KIT",
	.summary = "everything that a site would say, check by check",
	.options = options,
	.values_size = sizeof(struct check_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
