/* offkit-pack root sign ROOT --key FILE...: adds signatures to a trust root. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/root_changes.h"
#include "pack/root_status.h"
#include "pack/sign.h"

struct root_sign_values {
	struct sign_with with;
	const char *previous;
	bool yes;
};

static const struct option options[] = {
	SIGN_OPTION_ROWS(struct root_sign_values),
	OPTION_ROW_TEXT("previous", 0, "FILE", struct root_sign_values, previous,
		"the version before it, whose keys sign too"),
	OPTION_ROW_FLAG("yes", 'y', struct root_sign_values, yes,
		"do not ask on a terminal whether it is the right one"),
	OPTION_END,
};

/* What is about to be signed has to stand there before it is. */
static int show_first(struct face *face, const char *path, struct bytes text,
	const struct trust_root *previous, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP_STR struct str out = STR_INIT;
	int rc = trust_root_parse(text, &root, err);

	if (rc == 0)
		rc = root_changes_text(path, root, previous, &out, err);
	if (rc < 0)
		return rc;
	FILE *stream = face->json ? stderr : stdout;
	if (fwrite(out.text, 1, out.size, stream) != out.size || fflush(stream) != 0)
		return err_set_errno(err, ERR_DISK, errno, "writing what the root says");
	return 0;
}

static int ask(struct err *err)
{
	char answer[16];

	(void)fputs("Sign this? [y/N] ", stderr);
	(void)fflush(stderr);
	if (fgets(answer, sizeof answer, stdin) != NULL &&
		(strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
		return 0;
	return err_set(err, ERR_CANCELLED, "the answer was not y: nothing was signed");
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *previous = NULL;
	CLEANUP(signers_release) struct signers signers = {0};
	CLEANUP_STR struct str text = STR_INIT;
	const struct root_sign_values *given = values;
	int rc;

	(void)operand_count;
	if (!sign_with_any(&given->with))
		return err_set(err, ERR_USAGE, "--key or --signer says what to sign with");
	if ((rc = signers_load(face, &given->with, &signers, err)) < 0 ||
		(rc = root_previous_load(given->previous, &previous, err)) < 0 ||
		(rc = file_read_path(operands[0], ROOT_SIZE_MAX, &text, err)) < 0 ||
		(rc = show_first(face, operands[0], str_bytes(&text), previous, err)) < 0)
		return rc;
	bool terminal = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
	if ((terminal && !given->yes && (rc = ask(err)) < 0) ||
		(rc = sign_root(&signers, previous, &text, err)) < 0 ||
		(rc = place_file(operands[0], str_bytes(&text), 0644, err)) < 0)
		return rc;
	return root_status_show_signed(face, operands[0], str_bytes(&text), previous, err);
}

const struct command command_root_sign = {
	.name = "root sign",
	.synopsis = "ROOT",
	.summary = "add signatures to a trust root",
	.options = options,
	.values_size = sizeof(struct root_sign_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
