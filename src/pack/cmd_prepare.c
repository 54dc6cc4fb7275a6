/* offkit-pack prepare KIT|ENVELOPE|ROOT -o DIR: the octets that others sign on machines of their
 * own, and a list that says what each is. */
#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "crypto/digest.h"
#include "json/json_write.h"
#include "kit/bundle.h"
#include "kit/statement.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/resign.h"
#include "pack/signable.h"
#include "text/text.h"
#include "trust/root.h"

#define LIST_NAME "prepared.json"

struct prepare_values {
	const char *out;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("out", 'o', "DIR", struct prepare_values, out,
		"the folder that is made for what is to be signed"),
	OPTION_END,
};

struct document {
	const char *file; /* its name in the folder */
	const char *what; /* in a word */
	const char *text; /* for people */
	struct str octets;
	struct sha256 digest;
};

enum { DOCUMENTS_MAX = 2 };

struct prepared {
	const char *of;	   /* "kit", "envelope", "root" */
	const char *title; /* in the face's arena */
	size_t count;
	struct document documents[DOCUMENTS_MAX];
};

static void prepared_release(struct prepared *prepared)
{
	for (size_t i = 0; i < prepared->count; i++)
		str_release(&prepared->documents[i].octets);
}

static struct document *add(
	struct prepared *prepared, const char *file, const char *what, const char *text)
{
	struct document *document = &prepared->documents[prepared->count++];

	*document = (struct document){.file = file, .what = what, .text = text};
	return document;
}

static int prepare_kit(
	struct face *face, const char *path, struct prepared *prepared, struct err *err)
{
	CLEANUP(signed_documents_release) struct signed_documents documents = {0};
	struct envelope envelope;
	struct manifest manifest;
	int rc;

	if ((rc = resign_read(path, &documents, err)) < 0 ||
		(rc = envelope_or_bundle_parse_draft(
			 str_bytes(&documents.envelope), &face->arena, &envelope, err)) < 0 ||
		(rc = signed_documents_check(&documents, &envelope, &face->arena, &manifest, err)) <
			0)
		return rc;
	prepared->of = "kit";
	prepared->title = arena_format(&face->arena, "%s %s", manifest.name, manifest.version);
	struct document *pae =
		add(prepared, "manifest.pae", "manifest", "the manifest, as DSSE signs it");
	rc = envelope_pae(envelope.payload_type, envelope.untrusted_payload, &pae->octets, err);
	if (rc < 0)
		return rc;
	add(prepared, "SHA256SUMS", "sums", "SHA256SUMS, which one of them signs too")->octets =
		documents.sums;
	documents.sums = STR_INIT;
	return 0;
}

static int prepare_envelope(
	struct face *face, struct bytes text, struct prepared *prepared, struct err *err)
{
	struct envelope envelope;
	struct statement statement;
	struct err not_one;
	int rc = envelope_or_bundle_parse_draft(text, &face->arena, &envelope, err);

	if (rc < 0)
		return rc;
	prepared->of = "envelope";
	prepared->title =
		statement_parse(envelope.untrusted_payload, &face->arena, &statement, &not_one) == 0
			? statement.predicate_type
			: envelope.payload_type;
	struct document *pae = add(
		prepared, "envelope.pae", "envelope", "the envelope's payload, as DSSE signs it");
	return envelope_pae(envelope.payload_type, envelope.untrusted_payload, &pae->octets, err);
}

static int prepare_root(
	struct face *face, struct bytes text, struct prepared *prepared, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	int rc = trust_root_parse(text, &root, err);

	if (rc < 0)
		return rc;
	prepared->of = "root";
	prepared->title = arena_format(
		&face->arena, "root version %lld", (long long)trust_root_version(root));
	const struct bytes octets = trust_root_signed_part(root);
	struct document *document =
		add(prepared, "root.signed", "root", "the root, as TUF signs it: canonical JSON");
	str_append(&document->octets, octets.data, octets.size);
	return str_check(&document->octets, err);
}

static int read_operand(
	struct face *face, const char *path, struct prepared *prepared, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	enum signable kind;
	int rc = signable_read(path, &kind, &text, err);

	if (rc < 0)
		return rc;
	if (kind == SIGNABLE_KIT)
		rc = prepare_kit(face, path, prepared, err);
	else if (kind == SIGNABLE_ROOT)
		rc = prepare_root(face, str_bytes(&text), prepared, err);
	else
		rc = prepare_envelope(face, str_bytes(&text), prepared, err);
	if (rc == 0 && prepared->title == NULL)
		rc = err_no_memory(err);
	for (size_t i = 0; i < prepared->count && rc == 0; i++)
		rc = sha256_of(str_bytes(&prepared->documents[i].octets),
			&prepared->documents[i].digest, err);
	return rc;
}

static void write_list(const struct prepared *prepared, struct str *out)
{
	char hex[SHA256_HEX_SIZE];
	struct json_writer writer;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_string(&writer, "of", prepared->of);
	json_member_string(&writer, "title", prepared->title);
	json_member_array(&writer, "documents");
	for (size_t i = 0; i < prepared->count; i++) {
		const struct document *document = &prepared->documents[i];
		sha256_to_hex(&document->digest, hex);
		json_write_object(&writer);
		json_member_string(&writer, "file", document->file);
		json_member_string(&writer, "what", document->what);
		json_member_integer(&writer, "size", (int64_t)document->octets.size);
		json_member_string(&writer, "sha256", hex);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(out, '\n');
}

/* The list comes last: a folder with one is whole. */
static int write_folder(const char *path, const struct prepared *prepared, struct err *err)
{
	CLEANUP_STR struct str name = STR_INIT, list = STR_INIT;
	CLEANUP_FD int place = -1, dirfd = -1;
	int rc = place_open(path, &place, &name, err);

	if (rc < 0)
		return rc;
	if (mkdirat(place, str_text(&name), 0755) != 0)
		return errno == EEXIST ? err_set(err, ERR_USAGE, "%s is there already", path)
				       : err_set_errno(err, ERR_DISK, errno, "%s", path);
	write_list(prepared, &list);
	if ((rc = str_check(&list, err)) < 0 ||
		(rc = folder_open_at(place, str_text(&name), &dirfd, err)) < 0)
		return rc;
	for (size_t i = 0; i < prepared->count && rc == 0; i++)
		rc = file_write_durable_at(dirfd, prepared->documents[i].file,
			str_bytes(&prepared->documents[i].octets), 0644, err);
	if (rc == 0)
		rc = file_write_durable_at(dirfd, LIST_NAME, str_bytes(&list), 0644, err);
	return rc < 0 ? err_context(err, "%s", path) : folder_sync(place, err);
}

static void write_text(
	struct face *face, const char *path, const char *out, const struct prepared *prepared)
{
	char hex[SHA256_HEX_SIZE], size[TEXT_COUNT_SIZE];

	str_append_format(&face->result, "%s: ", out);
	text_escape(&face->result, bytes_of_string(prepared->title), 0);
	str_append_char(&face->result, '\n');
	for (size_t i = 0; i < prepared->count; i++) {
		const struct document *document = &prepared->documents[i];
		sha256_to_hex(&document->digest, hex);
		str_append_format(&face->result, "  %s: %s\n    %s octets, SHA-256 %s\n",
			document->file, document->text,
			text_count((int64_t)document->octets.size, size), hex);
	}
	str_append_format(&face->result,
		"Each is signed as it is, octet for octet. Then:\n"
		"  offkit-pack attach %s --signature KEY.pub=SIGNATURE\n",
		path);
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(prepared_release) struct prepared prepared = {0};
	const struct prepare_values *given = values;

	(void)operand_count;
	if (given->out == NULL)
		return err_set(err, ERR_USAGE, "-o says which folder is to be made");
	int rc = read_operand(face, operands[0], &prepared, err);
	if (rc == 0)
		rc = write_folder(given->out, &prepared, err);
	if (rc < 0)
		return rc;
	if (face->json)
		write_list(&prepared, &face->result);
	else
		write_text(face, operands[0], given->out, &prepared);
	return 0;
}

const struct command command_prepare = {
	.name = "prepare",
	.synopsis = "KIT|ENVELOPE|ROOT",
	.summary = "write out the octets that others sign elsewhere",
	.options = options,
	.values_size = sizeof(struct prepare_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
