/* offkit-pack statement KIT -o FILE: what others are to sign: cosign attest-blob --statement FILE.
 */
#include "base/cleanup.h"
#include "base/place.h"
#include "crypto/digest.h"
#include "json/json_write.h"
#include "kit/bundle.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/resign.h"

struct statement_values {
	const char *out, *sums;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("out", 'o', "FILE", struct statement_values, out,
		"where the statement goes, octet for octet"),
	OPTION_ROW_TEXT("sums", 0, "FILE", struct statement_values, sums,
		"where SHA256SUMS goes, which is signed too"),
	OPTION_END,
};

static void write_result(
	struct face *face, const char *out, const struct manifest *manifest, const char *hex)
{
	struct json_writer writer;

	if (!face->json) {
		str_append_format(&face->result, "%s: %s %s, SHA-256 %s\n", out, manifest->name,
			manifest->version, hex);
		return;
	}
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "statement", out);
	json_member_string(&writer, "name", manifest->name);
	json_member_string(&writer, "version", manifest->version);
	json_member_string(&writer, "manifestDigest", hex);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(signed_documents_release) struct signed_documents documents = {0};
	const struct statement_values *given = values;
	char hex[SHA256_HEX_SIZE];
	struct envelope envelope;
	struct manifest manifest;
	struct sha256 digest;
	int rc;

	(void)operand_count;
	if (given->out == NULL)
		return err_set(err, ERR_USAGE, "-o says where the statement goes");
	if ((rc = resign_read(operands[0], &documents, err)) < 0 ||
		(rc = envelope_or_bundle_parse_draft(
			 str_bytes(&documents.envelope), &face->arena, &envelope, err)) < 0 ||
		(rc = signed_documents_check(&documents, &envelope, &face->arena, &manifest, err)) <
			0 ||
		(rc = sha256_of(envelope.untrusted_payload, &digest, err)) < 0)
		return rc;
	if (given->sums != NULL &&
		(rc = place_file(given->sums, str_bytes(&documents.sums), 0644, err)) < 0)
		return rc;
	rc = place_file(given->out, envelope.untrusted_payload, 0644, err);
	if (rc < 0)
		return rc;
	sha256_to_hex(&digest, hex);
	write_result(face, given->out, &manifest, hex);
	return 0;
}

const struct command command_statement = {
	.name = "statement",
	.synopsis = "KIT",
	.summary = "write out what another program is to sign",
	.options = options,
	.values_size = sizeof(struct statement_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
