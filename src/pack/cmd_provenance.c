/* offkit-pack provenance --builder URI --build-type URI -k KEY -o OUT [FILE...]: what a build
 * server says of how a kit's files and images were built, signed. */
#include "base/cleanup.h"
#include "base/file.h"
#include "kit/provenance.h"
#include "pack/attest.h"
#include "pack/commands.h"
#include "pack/input.h"
#include "pack/load_root.h"
#include "pack/provenance.h"
#include "pack/sign.h"

struct provenance_values {
	struct provenance_plan plan;
	struct sign_with with;
	struct option_list images;
	const char *base, *root, *out;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("builder", 0, "URI", struct provenance_values, plan.builder,
		"who built it: what is trusted to have said this truly"),
	OPTION_ROW_TEXT("build-type", 0, "URI", struct provenance_values, plan.build_type,
		"how it is built, and what the parameters mean"),
	OPTION_ROW_LIST("parameter", 0, "NAME=VALUE", struct provenance_values, plan.parameters,
		"one that came from outside of the build"),
	OPTION_ROW_TEXT("parameters", 0, "FILE", struct provenance_values, plan.external,
		"a JSON object of such"),
	OPTION_ROW_TEXT("internal-parameters", 0, "FILE", struct provenance_values, plan.internal,
		"a JSON object of those that the builder set"),
	OPTION_ROW_LIST("dependency", 0, "URI", struct provenance_values, plan.dependencies,
		"what it was built from; @sha256:DIGEST, @gitCommit:DIGEST may follow"),
	OPTION_ROW_LIST("pins", 0, "FILE", struct provenance_values, plan.pins,
		"what it was built from: a table of source files, as src/deps/pins"),
	OPTION_ROW_TEXT("invocation", 0, "ID", struct provenance_values, plan.invocation,
		"the builder's name of this run"),
	OPTION_ROW_TEXT("started", 0, "TIME", struct provenance_values, plan.started,
		"RFC 3339: when the build began"),
	OPTION_ROW_TEXT("finished", 0, "TIME", struct provenance_values, plan.finished,
		"RFC 3339: when it ended"),
	OPTION_ROW_LIST("image", 0, "FILE", struct provenance_values, images,
		"it is about the image in this file, by the image's digest"),
	OPTION_ROW_TEXT("root", 0, "FILE", struct provenance_values, root,
		"the trust root whose keys kit.json names; else the one in this program"),
	ATTEST_OPTION_ROWS(struct provenance_values),
	OPTION_END,
};

/* All that a kit from this folder will have, but attestations: they are about the rest. */
static int add_kit(struct face *face, int dirfd, const struct provenance_values *given,
	struct attest_subjects *subjects, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct input input;
	int rc = load_root(given->root, &root, err);

	if (rc == 0)
		rc = input_read(face, dirfd, root, &face->arena, &input, err);
	for (size_t i = 0; rc == 0 && i < input.manifest.file_count; i++) {
		const struct manifest_file *file = &input.manifest.files[i];
		if (file->role != ROLE_ATTESTATION)
			rc = attest_add(subjects, file->name, &file->digest, &face->arena, err);
	}
	for (size_t i = 0; rc == 0 && i < input.manifest.image_count; i++)
		rc = attest_add_image(
			subjects, dirfd, input.manifest.images[i].file, &face->arena, err);
	return rc;
}

static int add_subjects(struct face *face, const struct provenance_values *given,
	size_t operand_count, const char *const *operands, struct attest_subjects *subjects,
	struct err *err)
{
	CLEANUP_FD int base = -1;
	int rc = folder_open(given->base != NULL ? given->base : ".", &base, err);

	if (rc < 0)
		return rc;
	if (operand_count + given->images.count == 0)
		return add_kit(face, base, given, subjects, err);
	rc = attest_add_files(subjects, base, operands, operand_count, &face->arena, err);
	for (size_t i = 0; i < given->images.count && rc == 0; i++)
		rc = attest_add_image(subjects, base, given->images.items[i], &face->arena, err);
	return rc;
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP_STR struct str predicate = STR_INIT;
	CLEANUP(signers_release) struct signers signers = {0};
	const struct provenance_values *given = values;
	struct attest_subjects subjects = {0};
	int rc;

	if (given->plan.builder == NULL || given->plan.build_type == NULL || given->out == NULL)
		return err_set(err, ERR_USAGE, "--builder, --build-type and -o are needed");
	if ((rc = signers_load(face, &given->with, &signers, err)) < 0 ||
		(rc = provenance_write(&given->plan, &face->arena, &predicate, err)) < 0 ||
		(rc = add_subjects(face, given, operand_count, operands, &subjects, err)) < 0)
		return rc;
	return attest_finish(
		face, &signers, &subjects, PROVENANCE_TYPE, str_bytes(&predicate), given->out, err);
}

const struct command command_provenance = {
	.name = "provenance",
	.synopsis = "[FILE]...",
	.summary = "say how files and images were built, and sign it",
	.options = options,
	.values_size = sizeof(struct provenance_values),
	.operands_min = 0,
	.operands_max = SIZE_MAX,
	.run = run,
};
