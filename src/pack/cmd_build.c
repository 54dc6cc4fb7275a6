/* offkit-pack build DIR -o KIT: a kit from a folder, the same bytes from the same input. */
#include "base/cleanup.h"
#include "base/file.h"
#include "json/json_write.h"
#include "kit/sums.h"
#include "pack/chain_check.h"
#include "pack/check_evidence.h"
#include "pack/commands.h"
#include "pack/created.h"
#include "pack/load_root.h"
#include "pack/output.h"
#include "pack/sign.h"
#include "text/text.h"

struct build_values {
	const char *out, *format, *created, *expires, *root;
	struct sign_with with;
	int64_t level;
};

static const char *const formats[] = {"plain", "gzip", "zstd", "xz", NULL};

static const struct option options[] = {
	OPTION_ROW_TEXT("out", 'o', "KIT", struct build_values, out,
		"where the kit goes: .tar .tar.gz .tgz .tar.zst .tar.xz, else a folder"),
	SIGN_OPTION_ROWS(struct build_values),
	SCHEME_OPTION_ROW(struct build_values),
	OPTION_ROW_CHOICE("format", 0, formats, struct build_values, format,
		"of the archive, whatever KIT's ending is"),
	OPTION_ROW_INTEGER("level", 0, "N", 1, 19, struct build_values, level,
		"of compression: gzip to 9, zstd to 19, xz to 6"),
	OPTION_ROW_TEXT("created", 0, "TIME", struct build_values, created,
		"RFC 3339; else SOURCE_DATE_EPOCH, kit.json, the newest file"),
	OPTION_ROW_TEXT("expires", 0, "TIME", struct build_values, expires,
		"RFC 3339; else what kit.json says"),
	OPTION_ROW_TEXT("root", 0, "FILE", struct build_values, root,
		"the trust root whose keys kit.json names; else the one in this program"),
	OPTION_END,
};

static int set_times(
	struct face *face, const struct build_values *given, struct input *input, struct err *err)
{
	struct manifest *manifest = &input->manifest;
	bool is_given;
	int rc = created_given(given->created, &manifest->created, &is_given, err);

	if (rc == 0 && !is_given && !input->has_created) {
		manifest->created = input->newest;
		face_note(face,
			"nothing says when the kit was made: its newest file's time is taken");
	}
	if (rc == 0 && given->expires != NULL) {
		rc = option_time("--expires", given->expires, &manifest->expires, err);
		manifest->has_expiry = true;
	}
	if (rc == 0 && manifest->has_expiry && manifest->expires <= manifest->created)
		rc = err_set(err, ERR_USAGE, "the kit would expire before it is made");
	return rc;
}

static int write_sums(
	struct manifest *manifest, struct arena *arena, struct str *out, struct err *err)
{
	struct sums sums = {.count = manifest->file_count};

	sums.entries = arena_array(arena, sums.count, sizeof *sums.entries);
	if (sums.entries == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < sums.count; i++)
		sums.entries[i] =
			(struct sums_entry){manifest->files[i].name, manifest->files[i].digest};
	sums_write(&sums, out);
	int rc = str_check(out, err);
	return rc < 0 ? rc : sha256_of(str_bytes(out), &manifest->sums_digest, err);
}

/* What a verifier would refuse is refused here, before it is signed. */
static int check_manifest(struct bytes payload, struct err *err)
{
	struct arena arena = ARENA_INIT;
	struct manifest manifest;
	int rc = manifest_parse(payload, &arena, &manifest, err);

	arena_release(&arena);
	return rc < 0 ? err_context(err, "the kit's manifest") : 0;
}

struct documents {
	struct str payload, envelope, sums, sums_signature;
};

static void documents_release(struct documents *documents)
{
	str_release(&documents->payload);
	str_release(&documents->envelope);
	str_release(&documents->sums);
	str_release(&documents->sums_signature);
}

static int make_documents(struct input *input, const struct signers *signers, struct arena *arena,
	struct documents *documents, struct err *err)
{
	int rc = write_sums(&input->manifest, arena, &documents->sums, err);

	if (rc == 0)
		rc = manifest_write(&input->manifest, &documents->payload, err);
	if (rc == 0)
		rc = check_manifest(str_bytes(&documents->payload), err);
	if (rc == 0)
		rc = sign_statement(
			signers, str_bytes(&documents->payload), &documents->envelope, err);
	if (rc == 0 && signers->count > 0)
		rc = sign_sums(
			signers, str_bytes(&documents->sums), &documents->sums_signature, err);
	return rc;
}

static void write_result(struct face *face, const struct output *output, const struct input *input,
	const struct signers *signers, const struct sha256 *payload)
{
	const struct manifest *manifest = &input->manifest;
	struct json_writer writer;
	char hex[SHA256_HEX_SIZE], size[TEXT_SIZE_SIZE];

	sha256_to_hex(payload, hex);
	if (!face->json) {
		str_append_format(&face->result, "%s: %s %s, sequence %lld; ", output->path,
			manifest->name, manifest->version, (long long)manifest->sequence);
		text_plural(&face->result, (int64_t)manifest->file_count, "file", "files");
		str_append_format(
			&face->result, ", %s; ", text_size((uint64_t)input->octets, size));
		text_plural(&face->result, (int64_t)signers->count, "signature", "signatures");
		str_append_char(&face->result, '\n');
		return;
	}
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "kit", output->path);
	json_member_string(&writer, "name", manifest->name);
	json_member_string(&writer, "version", manifest->version);
	json_member_integer(&writer, "sequence", manifest->sequence);
	json_member_time(&writer, "created", manifest->created);
	json_member_integer(&writer, "files", (int64_t)manifest->file_count);
	json_member_integer(&writer, "octets", input->octets);
	json_member_integer(&writer, "signatures", (int64_t)signers->count);
	json_member_string(&writer, "manifestDigest", hex);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static int build(struct face *face, const struct build_values *given, const char *path,
	const struct output *output, const struct signers *signers, struct err *err)
{
	CLEANUP_FD int dirfd = -1;
	CLEANUP(documents_release) struct documents documents = {0};
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP(trust_root_cleanup) struct trust_root *newest = NULL;
	struct input input;
	struct sha256 digest;

	int rc = folder_open(path, &dirfd, err);
	if (rc == 0)
		rc = load_root(given->root, &root, err);
	if (rc == 0)
		rc = input_read(face, dirfd, root, &face->arena, &input, err);
	if (rc == 0)
		rc = check_evidence(dirfd, &input, root, err);
	if (rc == 0)
		rc = chain_check(dirfd, &input, &newest, err);
	if (rc == 0)
		rc = set_times(face, given, &input, err);
	if (rc == 0)
		rc = make_documents(&input, signers, &face->arena, &documents, err);
	if (rc == 0)
		rc = sha256_of(str_bytes(&documents.payload), &digest, err);
	if (rc < 0)
		return rc;
	const struct output_heads heads = {str_bytes(&documents.envelope),
		str_bytes(&documents.sums), str_bytes(&documents.sums_signature)};
	rc = output_write(face, output, dirfd, &input, &heads, err);
	if (rc == 0)
		write_result(face, output, &input, signers, &digest);
	if (rc == 0 && newest != NULL && signers->count > chain_accepted(newest, signers))
		face_note(face,
			"version %lld of the trust root, the newest in the kit, does not name "
			"%zu of the keys that signed the kit: sites that take it do not count them",
			(long long)trust_root_version(newest),
			signers->count - chain_accepted(newest, signers));
	return rc;
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const struct build_values *given = values;
	struct signers signers = {0};
	struct output output;

	(void)operand_count;
	if (given->out == NULL)
		return err_set(err, ERR_USAGE, "-o says where the kit goes");
	int rc = output_choose(given->out, given->format, &output, err);
	if (rc < 0)
		return rc;
	output.level = (int)given->level;
	rc = signers_load(face, &given->with, &signers, err);
	if (rc == 0)
		rc = build(face, given, operands[0], &output, &signers, err);
	if (rc == 0 && signers.count == 0)
		face_note(face,
			"the kit is not signed: offkit-pack sign, or another signer, is next");
	signers_release(&signers);
	return rc;
}

const struct command command_build = {
	.name = "build",
	.synopsis = "DIR",
	.summary = "make a kit from kit.json and the folders beside it",
	.options = options,
	.values_size = sizeof(struct build_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
