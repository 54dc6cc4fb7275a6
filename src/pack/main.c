/* offkit-pack: the table of commands, and the one place where it exits. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "pack/commands.h"
#include "pack/face.h"

static const char *const outputs[] = {"text", "json", NULL};

static const struct option common_options[] = {
	OPTION_ROW_CHOICE("output", 0, outputs, struct pack_options, output, "what stdout carries"),
	OPTION_ROW_FLAG("help", 'h', struct pack_options, help, "this text"),
	OPTION_ROW_FLAG("version", 'V', struct pack_options, version, "the program's version"),
	OPTION_END,
};

static int run_completion(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err);

static const struct command command_completion = COMMAND_COMPLETION(run_completion);

static int run_help(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err);

static const struct command command_help = COMMAND_HELP(run_help);

static const struct command *const commands[] = {
	&command_image,
	&command_sbom,
	&command_build,
	&command_sign,
	&command_statement,
	&command_prepare,
	&command_attach,
	&command_attest,
	&command_provenance,
	&command_verify,
	&command_check,
	&command_slice,
	&command_publish,
	&command_receipt_verify,
	&command_keygen,
	&command_root_init,
	&command_root_rotate,
	&command_root_sign,
	&command_root_status,
	&command_completion,
	&command_help,
	NULL,
};

static const struct program program = {
	.name = "offkit-pack",
	.summary = "build, sign and check kits",
	.commands = commands,
	.common = common_options,
};

static int run_completion(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	(void)values;
	(void)operand_count;
	return program_completion(&program, operands[0], &face->result, err);
}

static int run_help(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	(void)values;
	return program_help(&program, operand_count, operands, &face->result, err);
}

static int run(struct face *face, const struct command_line *line, struct err *err)
{
	face->json = face->options.output != NULL && strcmp(face->options.output, "json") == 0;
	if (face->options.version) {
		str_append_format(&face->result, "offkit-pack %s\n", version_text());
		return 0;
	}
	if (face->options.help) {
		command_line_usage(&program, line, &face->result);
		return 0;
	}
	return command_line_run(&program, line, face, &face->object, err);
}

static int print_result(struct face *face, struct err *err)
{
	int rc = str_check(&face->result, err);

	if (rc < 0)
		return rc;
	if (fwrite(str_text(&face->result), 1, face->result.size, stdout) != face->result.size ||
		fflush(stdout) != 0)
		return err_set_errno(err, ERR_DISK, errno, "writing the result");
	return 0;
}

int main(int argc, char **argv)
{
	struct face face = {.arena = ARENA_INIT};
	struct command_line line = {0};
	struct err err = {0};

	/* Who ignores it, and a parent may have left us so, does not learn how a child ended. */
	(void)signal(SIGCHLD, SIG_DFL);
	int rc = command_line_parse(&program, &face.options, argc, argv, &line, &err);
	if (rc == 0)
		rc = run(&face, &line, &err);
	face_progress_end(&face);
	if (rc == 0)
		rc = print_result(&face, &err);
	else if (face.result_anyway)
		(void)!print_result(&face, &(struct err){0});
	if (rc < 0)
		face_failure(&face, &err);
	command_line_release(&line);
	str_release(&face.result);
	arena_release(&face.arena);
	return rc < 0 ? err_exit_code(err.code) : 0;
}
