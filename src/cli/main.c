/* offkit: the table of commands, the common options, and the one place where it exits. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/face.h"
#include "cli/inherited.h"
#include "cli/pager.h"
#include "tui/screen.h"

static const char *const outputs[] = {"text", "json", NULL};
static const char *const colors[] = {"auto", "always", "never", NULL};

static const struct option common_options[] = {
	OPTION_ROW_TEXT("site", 0, "FILE", struct face_options, site, "the site file"),
	OPTION_ROW_TEXT("state-dir", 0, "DIR", struct face_options, state_dir,
		"where runs, kits and evidence are kept"),
	OPTION_ROW_CHOICE("output", 0, outputs, struct face_options, output, "what stdout carries"),
	OPTION_ROW_TEXT("log-file", 0, "FILE", struct face_options, log_file,
		"append what is said to FILE as well"),
	OPTION_ROW_FLAG("plain", 0, struct face_options, plain, "lines and numbered choices"),
	OPTION_ROW_CHOICE("color", 0, colors, struct face_options, color, "colours"),
	OPTION_ROW_FLAG("no-pager", 0, struct face_options, no_pager,
		"print what is longer than the terminal without $PAGER"),
	OPTION_ROW_FLAG("yes", 'y', struct face_options, yes, "ask nothing"),
	OPTION_ROW_FLAG("help", 'h', struct face_options, help, "this text"),
	OPTION_ROW_FLAG("version", 'V', struct face_options, version, "the program's version"),
	OPTION_END,
};

static int run_completion(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err);

static const struct command command_completion = COMMAND_COMPLETION(run_completion);

static int run_help(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err);

static const struct command command_help = COMMAND_HELP(run_help);

static const struct command *const commands[] = {
	&command_verify,
	&command_inspect,
	&command_plan,
	&command_install,
	&command_attach,
	&command_resume,
	&command_rollback,
	&command_status,
	&command_report,
	&command_log,
	&command_support_bundle,
	&command_site_init,
	&command_site_check,
	&command_monitor,
	&command_backup,
	&command_restore,
	&command_rehearse,
	&command_object_verify,
	&command_trust_show,
	&command_trust_update,
	&command_trust_reset_time,
	&command_completion,
	&command_help,
	NULL,
};

static const struct program program = {
	.name = "offkit",
	.summary = "verify and install a signed release at a disconnected site",
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

/* As gettext(3) is asked, and before that by a name of our own. */
static const struct language *wanted_language(bool utf8)
{
	static const char *const NAMES[] = {"OFFKIT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
		const char *locale = getenv(NAMES[i]);
		if (locale != NULL && *locale != '\0')
			return language_by_locale(locale, utf8);
	}
	return NULL;
}

static int begin(struct face *face, struct err *err)
{
	const char *color = face->options.color != NULL ? face->options.color : "auto";
	const char *no_color = getenv("NO_COLOR");

	face->json = face->options.output != NULL && strcmp(face->options.output, "json") == 0;
	face->color = strcmp(color, "always") == 0 ||
		      (strcmp(color, "auto") == 0 && isatty(STDOUT_FILENO) == 1 &&
			      (no_color == NULL || *no_color == '\0'));
	if (face->options.log_file == NULL)
		return 0;
	int fd = open(face->options.log_file,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd >= 0)
		face->log = fdopen(fd, "a");
	if (face->log == NULL)
		return err_set_errno(err, ERR_USAGE, errno, "%s", face->options.log_file);
	return 0;
}

static int run(struct face *face, const struct command_line *line, struct err *err)
{
	int rc = begin(face, err);

	if (rc < 0)
		return rc;
	if (face->options.version) {
		face_show_version(&face->result);
		return 0;
	}
	if (face->options.help) {
		command_line_usage(&program, line, &face->result);
		return 0;
	}
	return command_line_run(&program, line, face, &face->object, err);
}

/* A result that did not arrive is a failure: `offkit verify KIT >/dev/full` must not say 0. */
static int print_result(struct face *face, struct err *err)
{
	int rc = str_check(&face->result, err);

	if (rc < 0)
		return rc;
	if (!face->json && !face->options.no_pager && pager_show(str_bytes(&face->result)))
		return 0;
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
	inherited_note();
	face.utf8 = screen_utf8();
	face.language = wanted_language(face.utf8); /* of a mistyped command's failure, too */
	int rc = command_line_parse(&program, &face.options, argc, argv, &line, &err);
	if (rc == 0)
		rc = run(&face, &line, &err);
	face_progress_end(&face);
	if (rc == 0 || face.result.size > 0) {
		struct err printing;
		int print_rc = print_result(&face, rc == 0 ? &err : &printing);
		if (rc == 0)
			rc = print_rc;
	}
	if (rc < 0)
		face_failure(&face, &err);
	if (face.log != NULL)
		(void)fclose(face.log);
	command_line_release(&line);
	str_release(&face.result);
	arena_release(&face.arena);
	return rc < 0 ? err_exit_code(err.code) : 0;
}
