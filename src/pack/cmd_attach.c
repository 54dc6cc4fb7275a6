/* offkit-pack attach KIT|ENVELOPE|ROOT BUNDLE... --signature KEY.pub=FILE...: signatures that
 * others made, into the document that they sign. */
#include "base/cleanup.h"
#include "base/place.h"
#include "pack/brought.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/load_root.h"
#include "pack/merge.h"
#include "pack/resign.h"
#include "pack/root_status.h"
#include "pack/signable.h"
#include "trust/compose.h"

struct attach_values {
	const char *root, *sums, *out, *previous;
	struct option_list signatures, schemes;
};

static const struct option options[] = {
	OPTION_ROW_LIST("signature", 0, "KEY.pub=FILE", struct attach_values, signatures,
		"what this key made of something that prepare wrote"),
	OPTION_ROW_LIST("scheme", 0, "SCHEME", struct attach_values, schemes,
		"what keys of its type sign by; else what --root says"),
	OPTION_ROW_TEXT("sums", 0, "FILE", struct attach_values, sums,
		"the signature of SHA256SUMS, as cosign sign-blob writes it"),
	OPTION_ROW_TEXT("root", 0, "FILE", struct attach_values, root,
		"take only signatures by keys of this trust root, one a key"),
	OPTION_ROW_TEXT("out", 'o', "FILE", struct attach_values, out,
		"where the envelope goes; else it is changed in its place"),
	OPTION_ROW_TEXT("previous", 0, "FILE", struct attach_values, previous,
		"of a root: the version before it, whose keys sign too"),
	OPTION_END,
};

struct attaching {
	struct face *face;
	const struct attach_values *given;
	const struct trust_root *root; /* NULL: nobody knows the keys */
	struct merge_keys keys;
	struct signers brought;
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

/* With a root, whoever signs must be in it. */
static int check_keys(struct attaching *attaching, struct err *err)
{
	return attaching->root == NULL
		       ? 0
		       : brought_by_keys(&attaching->brought, &attaching->keys, err);
}

static int merge_all(struct attaching *attaching, struct envelope *envelope, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < attaching->file_count && rc == 0; i++)
		rc = merge_file(envelope, attaching->files[i], &attaching->keys,
			&attaching->face->arena, err);
	return rc;
}

/* How near the kit is to what a site asks for. */
static int count_keys(const struct attaching *attaching, const struct envelope *envelope,
	struct signed_summary *summary, struct err *err)
{
	CLEANUP_STR struct str pae = STR_INIT;
	bool has_signed[ROOT_KEYS_MAX];

	if (attaching->root == NULL)
		return 0;
	const struct trust_role *role = trust_root_role(attaching->root, "targets");
	int rc = envelope_pae(envelope->payload_type, envelope->untrusted_payload, &pae, err);
	if (rc < 0)
		return rc;
	struct signed_message message = signed_message_make(KEY_USE_ENVELOPE, str_bytes(&pae));
	summary->threshold = role->threshold;
	return trust_role_count(role, &message, envelope->signatures, envelope->signature_count,
		has_signed, &summary->key_count, err);
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
		(rc = merge_all(attaching, &envelope, err)) < 0 ||
		(rc = brought_add(&attaching->brought, &envelope, &documents->sums,
			 &documents->sums_signature, arena, err)) < 0)
		return rc;
	if (attaching->given->sums != NULL &&
		(rc = merge_sums(str_bytes(&documents->sums), attaching->given->sums,
			 &attaching->keys, &documents->sums_signature, err)) < 0)
		return rc;
	rc = signed_documents_put(documents, &envelope, &manifest, ret_summary, err);
	return rc < 0 ? rc : count_keys(attaching, &envelope, ret_summary, err);
}

static int attach_kit(struct attaching *attaching, const char *path, struct err *err)
{
	struct signed_summary summary;
	int rc;

	if (attaching->given->out != NULL)
		return err_set(
			err, ERR_USAGE, "-o is for an envelope; a kit is changed in its place");
	take_kit_keys(attaching);
	if ((rc = check_keys(attaching, err)) < 0 ||
		(rc = resign_kit(path, change_kit, attaching, &summary, err)) < 0)
		return rc;
	signed_summary_write(&summary, path, attaching->face);
	if (!summary.sums_signed)
		face_note(attaching->face,
			"SHA256SUMS is not signed yet: offkit-pack sign, or attach it");
	return 0;
}

static int attach_envelope(
	struct attaching *attaching, const char *path, struct bytes text, struct err *err)
{
	const char *out = attaching->given->out != NULL ? attaching->given->out : path;
	struct arena *arena = &attaching->face->arena;
	CLEANUP_STR struct str merged = STR_INIT;
	struct signed_summary summary;
	struct envelope envelope;
	int rc;

	if (attaching->given->sums != NULL)
		return err_set(err, ERR_USAGE, "--sums is for a kit, and %s is an envelope", path);
	if ((rc = take_all_keys(attaching, err)) < 0 || (rc = check_keys(attaching, err)) < 0 ||
		(rc = envelope_or_bundle_parse_draft(text, arena, &envelope, err)) < 0 ||
		(rc = merge_all(attaching, &envelope, err)) < 0 ||
		(rc = brought_add(&attaching->brought, &envelope, NULL, NULL, arena, err)) < 0 ||
		(rc = envelope_write(&envelope, &merged, err)) < 0 ||
		(rc = place_file(out, str_bytes(&merged), 0644, err)) < 0)
		return rc;
	summary = (struct signed_summary){.signature_count = envelope.signature_count};
	signed_summary_write(&summary, out, attaching->face);
	return 0;
}

static int attach_root(
	struct attaching *attaching, const char *path, struct str *text, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *previous = NULL;
	const struct attach_values *given = attaching->given;

	if (attaching->file_count > 0 || given->sums != NULL || given->root != NULL ||
		given->out != NULL || given->schemes.count > 0)
		return err_set(err, ERR_USAGE,
			"%s is a trust root: it takes --signature, and --previous", path);
	int rc = root_previous_load(given->previous, &previous, err);
	if (rc == 0)
		rc = sign_root(&attaching->brought, previous, text, err);
	if (rc == -ERR_SIGNER)
		rc = err_recode(err, ERR_MANIFEST_SIGNATURE);
	if (rc == 0)
		rc = place_file(path, str_bytes(text), 0644, err);
	if (rc < 0)
		return rc;
	return root_status_show(attaching->face, path, str_bytes(text), previous, err);
}

static int attach(struct attaching *attaching, const char *path, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	enum signable kind;
	int rc = signable_read(path, &kind, &text, err);

	if (rc < 0)
		return rc;
	if (kind == SIGNABLE_ROOT)
		return attach_root(attaching, path, &text, err);
	if (attaching->given->previous != NULL)
		return err_set(err, ERR_USAGE, "--previous is for a trust root");
	if (kind == SIGNABLE_KIT)
		rc = attach_kit(attaching, path, err);
	else
		rc = attach_envelope(attaching, path, str_bytes(&text), err);
	if (rc < 0 || attaching->root != NULL)
		return rc;
	if (attaching->file_count > 0 || attaching->given->sums != NULL)
		face_note(attaching->face,
			"nobody checked the signatures: --root says by which keys they are");
	else
		face_note(attaching->face,
			"the signatures verify with the keys that came along; --root says whether "
			"a site counts them");
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
	const struct attach_values *given = attaching.given;
	int rc = 0;

	if (attaching.file_count == 0 && given->sums == NULL && given->signatures.count == 0)
		return err_set(err, ERR_USAGE, "nothing is there to be attached");
	if (given->root != NULL)
		rc = load_root(given->root, &root, err);
	attaching.root = root;
	if (rc == 0)
		rc = brought_load(
			face, &given->signatures, &given->schemes, &attaching.brought, err);
	if (rc == 0)
		rc = attach(&attaching, operands[0], err);
	signers_release(&attaching.brought);
	return rc;
}

const struct command command_attach = {
	.name = "attach",
	.synopsis = "KIT|ENVELOPE|ROOT [BUNDLE]...",
	.summary = "bring signatures that others made to what they sign",
	.options = options,
	.values_size = sizeof(struct attach_values),
	.operands_min = 1,
	.operands_max = SIZE_MAX,
	.run = run,
};
