/* offkit-pack attest --type T --predicate FILE -k KEY -o OUT FILE...: a signed statement about
 * files. */
#include "base/cleanup.h"
#include "base/file.h"
#include "json/json_write.h"
#include "kit/statement.h"
#include "pack/attest.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/place.h"
#include "pack/sign.h"
#include "text/text.h"

struct attest_values {
	const char *type, *predicate, *base, *out;
	struct sign_with with;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("type", 0, "TYPE", struct attest_values, type,
		"a URI, or slsaprovenance1, spdxjson, vuln, custom as cosign has them"),
	OPTION_ROW_TEXT("predicate", 0, "FILE", struct attest_values, predicate,
		"what is said of the files: a JSON object"),
	OPTION_ROW_TEXT("base", 0, "DIR", struct attest_values, base,
		"the folder that the files' names are relative to; else this one"),
	SIGN_OPTION_ROWS(struct attest_values),
	SCHEME_OPTION_ROW(struct attest_values),
	OPTION_ROW_TEXT("out", 'o', "FILE", struct attest_values, out, "where the envelope goes"),
	OPTION_END,
};

static int check_given(const struct attest_values *given, const char **ret_type, struct err *err)
{
	if (given->type == NULL || given->predicate == NULL || given->out == NULL)
		return err_set(err, ERR_USAGE, "--type, --predicate and -o are needed");
	if (!sign_with_any(&given->with))
		return err_set(err, ERR_USAGE, "--key or --signer says what to sign with");
	*ret_type = attest_predicate_type(given->type);
	if (*ret_type == NULL)
		return err_set(
			err, ERR_USAGE, "%s is neither a URI nor the name of one", given->type);
	return 0;
}

static void write_result(struct face *face, const char *out, const char *type, size_t subject_count,
	size_t signature_count)
{
	struct json_writer writer;

	if (!face->json) {
		str_append_format(&face->result, "%s: %s about ", out, type);
		text_plural(&face->result, (int64_t)subject_count, "file", "files");
		str_append_text(&face->result, "; ");
		text_plural(&face->result, (int64_t)signature_count, "signature", "signatures");
		str_append_char(&face->result, '\n');
		return;
	}
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "attestation", out);
	json_member_string(&writer, "predicateType", type);
	json_member_integer(&writer, "subjects", (int64_t)subject_count);
	json_member_integer(&writer, "signatures", (int64_t)signature_count);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP_STR struct str predicate = STR_INIT, statement = STR_INIT, envelope = STR_INIT;
	CLEANUP(signers_release) struct signers signers = {0};
	const struct attest_values *given = values;
	CLEANUP_FD int base = -1;
	const char *type;
	int rc;

	if ((rc = check_given(given, &type, err)) < 0 ||
		(rc = signers_load(face, &given->with, &signers, err)) < 0 ||
		(rc = folder_open(given->base != NULL ? given->base : ".", &base, err)) < 0 ||
		(rc = file_read_path(given->predicate, STATEMENT_SIZE_MAX, &predicate, err)) < 0 ||
		(rc = attest_statement(base, operands, operand_count, type, str_bytes(&predicate),
			 &statement, err)) < 0 ||
		(rc = sign_statement(&signers, str_bytes(&statement), &envelope, err)) < 0 ||
		(rc = place_file(given->out, str_bytes(&envelope), 0644, err)) < 0)
		return rc;
	write_result(face, given->out, type, operand_count, signers.count);
	return 0;
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
