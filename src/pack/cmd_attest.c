/* offkit-pack attest --type T --predicate FILE -k KEY -o OUT FILE...: a signed statement about
 * files. */
#include "base/cleanup.h"
#include "base/file.h"
#include "kit/statement.h"
#include "pack/attest.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/sign.h"

struct attest_values {
	const char *type, *predicate, *base, *out;
	struct sign_with with;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("type", 0, "TYPE", struct attest_values, type,
		"a URI, or slsaprovenance1, spdxjson, vuln, custom as cosign has them"),
	OPTION_ROW_TEXT("predicate", 0, "FILE", struct attest_values, predicate,
		"what is said of the files: a JSON object"),
	ATTEST_OPTION_ROWS(struct attest_values),
	OPTION_END,
};

static int check_given(const struct attest_values *given, const char **ret_type, struct err *err)
{
	if (given->type == NULL || given->predicate == NULL || given->out == NULL)
		return err_set(err, ERR_USAGE, "--type, --predicate and -o are needed");
	*ret_type = attest_predicate_type(given->type);
	if (*ret_type == NULL)
		return err_set(
			err, ERR_USAGE, "%s is neither a URI nor the name of one", given->type);
	return 0;
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP_STR struct str predicate = STR_INIT;
	CLEANUP(signers_release) struct signers signers = {0};
	const struct attest_values *given = values;
	struct attest_subjects subjects = {0};
	CLEANUP_FD int base = -1;
	const char *type;
	int rc;

	if ((rc = check_given(given, &type, err)) < 0 ||
		(rc = signers_load(face, &given->with, &signers, err)) < 0 ||
		(rc = folder_open(given->base != NULL ? given->base : ".", &base, err)) < 0 ||
		(rc = file_read_path(given->predicate, STATEMENT_SIZE_MAX, &predicate, err)) < 0 ||
		(rc = attest_add_files(
			 &subjects, base, operands, operand_count, &face->arena, err)) < 0)
		return rc;
	return attest_finish(
		face, &signers, &subjects, type, str_bytes(&predicate), given->out, err);
}

const struct command command_attest = {
	.name = "attest",
	.synopsis = "FILE...",
	.summary = "sign a statement about files of a kit",
	.options = options,
	.values_size = sizeof(struct attest_values),
	.operands_min = 1,
	.operands_max = SIZE_MAX,
	.run = run,
};
