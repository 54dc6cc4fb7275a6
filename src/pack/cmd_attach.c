/* offkit-pack attach KIT-OR-ENVELOPE BUNDLE...: signatures that others made, into one envelope. */
#include "base/cleanup.h"
#include "base/file.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/load_root.h"
#include "pack/merge.h"
#include "pack/place.h"
#include "pack/resign.h"

struct attach_values {
	const char *root, *sums, *out;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("sums", 0, "FILE", struct attach_values, sums,
		"the signature of SHA256SUMS, as cosign sign-blob writes it"),
	OPTION_ROW_TEXT("root", 0, "FILE", struct attach_values, root,
		"take only signatures by keys of this trust root, one a key"),
	OPTION_ROW_TEXT("out", 'o', "FILE", struct attach_values, out,
		"where the envelope goes; else it is changed in its place"),
	OPTION_END,
};

struct attaching {
	struct face *face;
	const struct attach_values *given;
	const struct trust_root *root; /* NULL: nobody knows the keys */
	struct merge_keys keys;
	size_t file_count;
	const char *const *files;
};

/* An attestation may be by any key that the root lists. */
static int take_all_keys(struct attaching *attaching, struct err *err)
{
	size_t count;

	if (attaching->root == NULL)
		return 0;
	const struct trust_key *all = trust_root_keys(attaching->root, &count);
	const struct trust_key **keys = arena_array(&attaching->face->arena, count, sizeof *keys);
	if (keys == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < count; i++)
		keys[i] = &all[i];
	attaching->keys = (struct merge_keys){keys, count};
	return 0;
}

static void take_kit_keys(struct attaching *attaching)
{
	if (attaching->root == NULL)
		return;
	const struct trust_role *role = trust_root_role(attaching->root, "targets");
	attaching->keys = (struct merge_keys){role->keys, role->key_count};
}

static int merge_all(struct attaching *attaching, struct envelope *envelope, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < attaching->file_count && rc == 0; i++)
		rc = merge_file(envelope, attaching->files[i], &attaching->keys,
			&attaching->face->arena, err);
	return rc;
}

static int change_kit(void *argument, struct signed_documents *documents,
	struct signed_summary *ret_summary, struct err *err)
{
	struct attaching *attaching = argument;
	struct arena *arena = &attaching->face->arena;
	struct manifest manifest;
	struct envelope envelope;
	int rc;

	if ((rc = envelope_or_bundle_parse_draft(
		     str_bytes(&documents->envelope), arena, &envelope, err)) < 0 ||
		(rc = signed_documents_check(documents, &envelope, arena, &manifest, err)) < 0 ||
		(rc = merge_all(attaching, &envelope, err)) < 0)
		return rc;
	if (attaching->given->sums != NULL &&
		(rc = merge_sums(str_bytes(&documents->sums), attaching->given->sums,
			 &attaching->keys, &documents->sums_signature, err)) < 0)
		return rc;
	return signed_documents_put(documents, &envelope, &manifest, ret_summary, err);
}

static int change_envelope(struct attaching *attaching, const char *path, struct bytes text,
	struct signed_summary *ret_summary, struct err *err)
{
	const char *out = attaching->given->out != NULL ? attaching->given->out : path;
	CLEANUP_STR struct str merged = STR_INIT;
	struct envelope envelope;
	int rc;

	if (attaching->given->sums != NULL)
		return err_set(err, ERR_USAGE, "--sums is for a kit, and %s is an envelope", path);
	if ((rc = take_all_keys(attaching, err)) < 0 ||
		(rc = envelope_or_bundle_parse_draft(
			 text, &attaching->face->arena, &envelope, err)) < 0 ||
		(rc = merge_all(attaching, &envelope, err)) < 0 ||
		(rc = envelope_write(&envelope, &merged, err)) < 0 ||
		(rc = place_file(out, str_bytes(&merged), 0644, err)) < 0)
		return rc;
	*ret_summary = (struct signed_summary){.signature_count = envelope.signature_count};
	signed_summary_write(ret_summary, out, attaching->face);
	return 0;
}

/* A kit in an archive does not begin so. */
static bool is_envelope(struct bytes beginning)
{
	return beginning.size > 0 && beginning.data[0] == '{';
}

static int read_envelope(const char *path, struct str *text)
{
	struct err not_one;

	return file_read_path(path, BUNDLE_SIZE_MAX, text, &not_one);
}

static int attach(struct attaching *attaching, const char *path, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct signed_summary summary;

	if (read_envelope(path, &text) == 0 && is_envelope(str_bytes(&text)))
		return change_envelope(attaching, path, str_bytes(&text), &summary, err);
	str_release(&text);
	text = STR_INIT;
	if (attaching->given->out != NULL)
		return err_set(
			err, ERR_USAGE, "-o is for an envelope; a kit is changed in its place");
	take_kit_keys(attaching);
	int rc = resign_kit(path, change_kit, attaching, &summary, err);
	if (rc < 0)
		return rc;
	signed_summary_write(&summary, path, attaching->face);
	if (!summary.sums_signed)
		face_note(attaching->face,
			"SHA256SUMS is not signed yet: offkit-pack sign, or attach --sums");
	return 0;
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct attaching attaching = {.face = face,
		.given = values,
		.file_count = operand_count - 1,
		.files = operands + 1};
	int rc = 0;

	if (attaching.file_count == 0 && attaching.given->sums == NULL)
		return err_set(err, ERR_USAGE, "nothing is there to be attached");
	if (attaching.given->root != NULL)
		rc = load_root(attaching.given->root, &root, err);
	attaching.root = root;
	if (rc == 0)
		rc = attach(&attaching, operands[0], err);
	if (rc == 0 && root == NULL)
		face_note(
			face, "nobody checked the signatures: --root says by which keys they are");
	return rc;
}

const struct command command_attach = {
	.name = "attach",
	.synopsis = "KIT|ENVELOPE BUNDLE...",
	.summary = "bring signatures that others made into one envelope",
	.options = options,
	.values_size = sizeof(struct attach_values),
	.operands_min = 1,
	.operands_max = SIZE_MAX,
	.run = run,
};
