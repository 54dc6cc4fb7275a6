/* offkit-pack receipt verify RECEIPT --key site-key.pub: what a site says that it has done. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "kit/bundle.h"
#include "kit/receipt.h"
#include "kit/statement.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/load_key.h"
#include "pack/resign.h"
#include "text/text.h"

struct receipt_values {
	const char *key, *kit, *report;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("key", 'k', "FILE", struct receipt_values, key,
		"the public half of the site's key (site-key.pub)"),
	OPTION_ROW_TEXT("kit", 0, "KIT", struct receipt_values, kit,
		"the kit that it must be about, or its manifest"),
	OPTION_ROW_TEXT("report", 0, "FILE", struct receipt_values, report,
		"a file of the report that it must be about"),
	OPTION_END,
};

/* ---- what it is compared with */

static bool is_document(const char *path)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat about;
	char first;

	return fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode) &&
	       read(fd, &first, 1) == 1 && first == '{';
}

/* A manifest in its envelope, or as `offkit-pack statement` writes it. */
static int digest_document(
	struct bytes untrusted_text, struct arena *arena, struct sha256 *ret, struct err *err)
{
	struct envelope envelope;
	struct statement statement;
	struct err no_envelope;

	if (envelope_or_bundle_parse_draft(untrusted_text, arena, &envelope, &no_envelope) == 0)
		return sha256_of(envelope.untrusted_payload, ret, err);
	int rc = statement_parse(untrusted_text, arena, &statement, err);
	return rc < 0 ? rc : sha256_of(untrusted_text, ret, err);
}

static int digest_kit(const char *path, struct arena *arena, struct sha256 *ret, struct err *err)
{
	CLEANUP(signed_documents_release) struct signed_documents documents = {0};
	int rc = is_document(path)
			 ? file_read_path(path, ENVELOPE_SIZE_MAX, &documents.envelope, err)
			 : resign_read(path, &documents, err);

	if (rc == 0)
		rc = digest_document(str_bytes(&documents.envelope), arena, ret, err);
	return rc < 0 ? err_context(err, "%s", path) : 0;
}

static int compare_kit(
	const char *path, const struct receipt *receipt, struct arena *arena, struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	struct sha256 digest;
	int rc = digest_kit(path, arena, &digest, err);

	if (rc < 0)
		return rc;
	sha256_to_hex(&digest, hex);
	if (strcmp(hex, receipt->kit_digest) == 0)
		return 0;
	return err_set(err, ERR_RECEIPT,
		"it is about %s %s with manifest %s, and %s has manifest %s", receipt->kit_name,
		receipt->kit_version, receipt->kit_digest, path, hex);
}

static int compare_report(
	const char *path, const struct receipt *receipt, const char **ret_name, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	CLEANUP_FD int fd = -1;
	struct sha256 digest;
	int64_t size;
	int rc = file_open_at(AT_FDCWD, path, &fd, err);

	if (rc == 0)
		rc = sha256_stream_new(&stream, err);
	if (rc < 0)
		return rc;
	if (sha256_of_file(stream, fd, &digest, &size, err) < 0)
		return err_context(err, "%s", path);
	for (size_t i = 0; i < receipt->file_count; i++)
		if (sha256_equal(&digest, &receipt->files[i].digest)) {
			*ret_name = receipt->files[i].name;
			return 0;
		}
	return err_set(err, ERR_RECEIPT,
		"%s is no file of the report that it is about: it is of another run, or was "
		"changed",
		path);
}

/* ---- the result */

struct compared {
	bool kit;
	const char *report; /* its name in the receipt, NULL: not compared */
};

static void write_json(struct face *face, const struct receipt *receipt,
	const struct public_key *key, const struct compared *compared)
{
	struct json_writer writer;
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(public_key_fingerprint(key), hex);
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_bool(&writer, "verified", true);
	json_member_string(&writer, "key", hex);
	json_member_bool(&writer, "kitCompared", compared->kit);
	if (compared->report != NULL)
		json_member_string(&writer, "report", compared->report);
	json_member_array(&writer, "files");
	for (size_t i = 0; i < receipt->file_count; i++) {
		sha256_to_hex(&receipt->files[i].digest, hex);
		json_write_object(&writer);
		json_member_string(&writer, "name", receipt->files[i].name);
		json_member_string(&writer, "sha256", hex);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_member_object(&writer, "predicate");
	receipt_write_members(receipt, &writer);
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static void line(struct str *out, const char *label, const char *first, const char *second)
{
	str_append_format(out, "%-12s ", label);
	text_escape(out, bytes_of_string(first), 0);
	if (*second != '\0') {
		str_append_char(out, ' ');
		text_escape(out, bytes_of_string(second), 0);
	}
	str_append_char(out, '\n');
}

static void write_reasons(struct str *out, const struct receipt *receipt)
{
	if (*receipt->force_reason != '\0')
		line(out, "Forced", receipt->force_reason, "");
	if (*receipt->staging.receipt != '\0')
		line(out, "Staging", "receipt of run", receipt->staging.run);
	else if (*receipt->staging.reason != '\0')
		line(out, "Staging", "without:", receipt->staging.reason);
}

static void write_steps(struct str *out, const struct receipt *receipt)
{
	char duration[TEXT_DURATION_SIZE];

	for (size_t i = 0; i < receipt->step_count; i++) {
		const struct receipt_step *step = &receipt->steps[i];
		CLEANUP_STR struct str name = STR_INIT;
		text_escape(&name, bytes_of_string(step->name), 40);
		str_append_format(out, "  %-20s %8s  ", str_text(&name),
			text_stopwatch(step->duration, duration));
		text_escape(out, bytes_of_string(step->outcome), 40);
		str_append_char(out, '\n');
	}
}

static void write_text(struct face *face, const struct receipt *receipt,
	const struct public_key *key, const struct compared *compared)
{
	struct str *out = &face->result;
	char hex[SHA256_HEX_SIZE], time[RFC3339_SIZE];

	sha256_to_hex(public_key_fingerprint(key), hex);
	str_append_format(out, "%s: signed by the site key %s\n\n", face->object, hex);
	line(out, "Kit", receipt->kit_name, receipt->kit_version);
	line(out, "Manifest", receipt->kit_digest, compared->kit ? "(that kit's)" : "");
	line(out, "Outcome", receipt->outcome, "");
	line(out, "Validation", receipt->validation, "");
	line(out, "Environment", receipt->environment, "");
	line(out, "Site", receipt->site, "");
	line(out, "Host", receipt->host, "");
	line(out, "Run", receipt->run, "");
	time_format(receipt->begun, time);
	line(out, "Begun", time, "");
	time_format(receipt->ended, time);
	line(out, "Ended", time, "");
	line(out, "Trust root", receipt->root_digest, "");
	str_append_format(out, "%-12s %lld events, head ", "Journal", (long long)receipt->events);
	str_append_format(out, "%s\n", receipt->head);
	write_reasons(out, receipt);
	if (compared->report != NULL)
		line(out, "Report", compared->report, "is the one that was signed");
	write_steps(out, receipt);
}

static int read_receipt(const char *path, struct str *text, struct err *err)
{
	int rc = file_read_path(path, RECEIPT_SIZE_MAX, text, err);

	return rc == -ERR_LIMIT ? err_recode(err, ERR_RECEIPT) : rc;
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(public_key_cleanup) struct public_key *key = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	const struct receipt_values *given = values;
	struct compared compared = {.kit = given->kit != NULL};
	struct receipt receipt;
	int rc;

	(void)operand_count;
	if (given->key == NULL)
		return err_set(err, ERR_USAGE, "--key says by which key the site signs");
	rc = load_public_key(given->key, &key, err);
	if (rc == 0)
		rc = read_receipt(operands[0], &text, err);
	if (rc == 0)
		rc = receipt_open(str_bytes(&text), key, &face->arena, &receipt, err);
	if (rc == 0 && given->kit != NULL)
		rc = compare_kit(given->kit, &receipt, &face->arena, err);
	if (rc == 0 && given->report != NULL)
		rc = compare_report(given->report, &receipt, &compared.report, err);
	if (rc < 0)
		return rc;
	if (face->json)
		write_json(face, &receipt, key, &compared);
	else
		write_text(face, &receipt, key, &compared);
	return 0;
}

const struct command command_receipt_verify = {
	.name = "receipt verify",
	.synopsis = "RECEIPT",
	.summary = "check what a site says that it has done",
	.options = options,
	.values_size = sizeof(struct receipt_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
