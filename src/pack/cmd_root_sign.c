/* offkit-pack root sign ROOT --key FILE...: adds signatures to a trust root. */
#include "base/cleanup.h"
#include "base/file.h"
#include "json/json_write.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/place.h"
#include "pack/root_result.h"
#include "pack/sign.h"
#include "trust/compose.h"

struct root_sign_values {
	struct option_list keys;
};

static const struct option options[] = {
	OPTION_ROW_LIST("key", 'k', "FILE", struct root_sign_values, keys,
		"sign with this PEM key, which the root must list"),
	OPTION_END,
};

static int sign_all(const struct signers *signers, struct str *text, struct err *err)
{
	for (size_t i = 0; i < signers->count; i++) {
		CLEANUP_STR struct str out = STR_INIT;
		int rc = trust_root_sign(str_bytes(text), signers->signers[i].key, &out, err);
		if (rc < 0)
			return rc;
		str_truncate(text, 0);
		str_append(text, out.text, out.size);
	}
	return str_check(text, err);
}

void root_result_write(
	struct face *face, const char *path, int64_t version, const char *text, bool complete)
{
	struct json_writer writer;

	if (!face->json) {
		str_append_format(
			&face->result, "%s: version %lld: %s\n", path, (long long)version, text);
		return;
	}
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "root", path);
	json_member_integer(&writer, "version", version);
	json_member_bool(&writer, "complete", complete);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

/* Whether the root is complete is not an error: others may still have to sign. */
static int write_result(
	struct face *face, const char *path, const struct str *text, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct err missing;
	int rc = trust_root_parse(str_bytes(text), &root, err);

	if (rc < 0)
		return rc;
	bool complete = trust_root_signed_by(root, root, &missing) == 0;
	root_result_write(face, path, trust_root_version(root),
		complete ? "signed by enough of its keys" : missing.message, complete);
	return 0;
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(signers_release) struct signers signers = {0};
	CLEANUP_STR struct str text = STR_INIT;
	const struct root_sign_values *given = values;
	int rc;

	(void)operand_count;
	if (given->keys.count == 0)
		return err_set(err, ERR_USAGE, "--key says what to sign with");
	if ((rc = signers_load(&given->keys, NULL, &signers, err)) < 0 ||
		(rc = file_read_path(operands[0], ROOT_SIZE_MAX, &text, err)) < 0 ||
		(rc = sign_all(&signers, &text, err)) < 0 ||
		(rc = place_file(operands[0], str_bytes(&text), 0644, err)) < 0)
		return rc;
	return write_result(face, operands[0], &text, err);
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
