/* offkit-pack sign KIT --key FILE...: adds signatures to a kit that is built already. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "json/json_write.h"
#include "kit/detached.h"
#include "kit/sums.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/documents.h"
#include "pack/resign.h"
#include "text/text.h"

struct sign_values {
	struct option_list keys, schemes;
};

static const struct option options[] = {
	OPTION_ROW_LIST("key", 'k', "FILE", struct sign_values, keys, "sign with this PEM key"),
	OPTION_ROW_LIST("scheme", 0, "SCHEME", struct sign_values, schemes,
		"what keys of its type sign by, as the trust root has it"),
	OPTION_END,
};

static int read_folder(int dirfd, struct signed_documents *heads, struct err *err)
{
	struct err missing;
	int rc;

	if ((rc = file_read_at(dirfd, "manifest.dsse", ENVELOPE_SIZE_MAX, &heads->envelope, err)) <
			0 ||
		(rc = file_read_at(dirfd, "SHA256SUMS", SUMS_SIZE_MAX, &heads->sums, err)) < 0)
		return rc;
	rc = file_read_at(
		dirfd, "SHA256SUMS.sig", DETACHED_SIZE_MAX, &heads->sums_signature, &missing);
	if (rc < 0 && missing.code != ERR_NOT_FOUND) {
		*err = missing;
		return rc;
	}
	return 0;
}

/* The envelope last: until then the folder is the kit that it was. */
static int sign_folder(const char *path, const struct signers *signers,
	struct signed_summary *ret_summary, struct err *err)
{
	CLEANUP(signed_documents_release) struct signed_documents heads = {0};
	CLEANUP_FD int dirfd = -1;
	int rc;

	if ((rc = folder_open(path, &dirfd, err)) < 0 ||
		(rc = read_folder(dirfd, &heads, err)) < 0 ||
		(rc = signed_documents_add(signers, &heads, ret_summary, err)) < 0 ||
		(rc = file_write_durable_at(
			 dirfd, "SHA256SUMS.sig", str_bytes(&heads.sums_signature), 0644, err)) < 0)
		return rc;
	return file_write_durable_at(dirfd, "manifest.dsse", str_bytes(&heads.envelope), 0644, err);
}

static void write_result(struct face *face, const char *path, const struct signed_summary *summary)
{
	struct json_writer writer;

	if (!face->json) {
		str_append_format(&face->result, "%s: %s; ", path, summary->kit);
		text_plural(&face->result, (int64_t)summary->signature_count, "signature",
			"signatures");
		str_append_char(&face->result, '\n');
		return;
	}
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "kit", path);
	json_member_integer(&writer, "signatures", (int64_t)summary->signature_count);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(signers_release) struct signers signers = {0};
	const struct sign_values *given = values;
	struct signed_summary summary;
	struct stat about;

	(void)operand_count;
	if (given->keys.count == 0)
		return err_set(err, ERR_USAGE, "--key says what to sign with");
	int rc = signers_load(&given->keys, &given->schemes, &signers, err);
	if (rc < 0)
		return rc;
	if (stat(operands[0], &about) == 0 && S_ISDIR(about.st_mode))
		rc = sign_folder(operands[0], &signers, &summary, err);
	else
		rc = resign_archive(operands[0], &signers, &summary, err);
	if (rc == 0)
		write_result(face, operands[0], &summary);
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
