/* offkit-pack sign KIT --key FILE... --signer KEY.pub=COMMAND...: adds signatures to a kit that is
 * built already. */
#include "base/cleanup.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/resign.h"

struct sign_values {
	struct sign_with with;
};

static const struct option options[] = {
	SIGN_OPTION_ROWS(struct sign_values),
	SCHEME_OPTION_ROW(struct sign_values),
	OPTION_END,
};

static int add_signatures(void *argument, struct signed_documents *documents,
	struct signed_summary *ret_summary, struct err *err)
{
	return signed_documents_add(argument, documents, ret_summary, err);
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(signers_release) struct signers signers = {0};
	const struct sign_values *given = values;
	struct signed_summary summary;

	(void)operand_count;
	if (!sign_with_any(&given->with))
		return err_set(err, ERR_USAGE, "--key or --signer says what to sign with");
	int rc = signers_load(face, &given->with, &signers, err);
	if (rc < 0)
		return rc;
	rc = resign_kit(operands[0], add_signatures, &signers, &summary, err);
	if (rc == 0)
		signed_summary_write(&summary, operands[0], face);
	return rc;
}

const struct command command_sign = {
	.name = "sign",
	.synopsis = "KIT",
	.summary = "add signatures to a kit, an archive or a folder",
	.options = options,
	.values_size = sizeof(struct sign_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
