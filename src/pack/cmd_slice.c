/* offkit-pack slice KIT --size N -o DIR -k KEY: a kit in parts, for media that are smaller than it.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "json/json_write.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/load_root.h"
#include "pack/slice.h"
#include "text/text.h"
#include "verify/verify.h"

struct slice_values {
	const char *size, *out, *root;
	struct option_list keys, schemes;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("size", 0, "SIZE", struct slice_values, size,
		"octets of a part: 650M, 4700MB, 2G, as split(1) has them"),
	OPTION_ROW_TEXT("out", 'o', "DIR", struct slice_values, out, "the folder that is made"),
	OPTION_ROW_LIST(
		"key", 'k', "FILE", struct slice_values, keys, "sign the list with this PEM key"),
	OPTION_ROW_LIST("scheme", 0, "SCHEME", struct slice_values, schemes,
		"what keys of its type sign by, as the trust root has it"),
	OPTION_ROW_TEXT("root", 0, "FILE", struct slice_values, root,
		"the trust root (root.json); else the one in this program"),
	OPTION_END,
};

static int check_given(const struct slice_values *given, int64_t *ret_size, struct err *err)
{
	if (given->size == NULL || given->out == NULL)
		return err_set(err, ERR_USAGE, "--size and -o are needed");
	if (given->keys.count == 0)
		return err_set(err, ERR_USAGE, "--key says what to sign the list with");
	if (!slice_size(given->size, ret_size))
		return err_set(
			err, ERR_USAGE, "--size %s: a size is meant, such as 650M", given->size);
	return 0;
}

static void show_progress(void *argument, const struct verify_progress *progress)
{
	face_progress(argument, "Verifying", progress->octets_done, progress->octets_total);
}

/* What a site would refuse is not put on twenty discs. */
static int check_kit(struct face *face, const char *path, const char *root_path, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	const struct verify_options how = {
		.state_dirfd = -1, .now = clock_now(), .progress = show_progress, .argument = face};
	int rc = load_root(root_path, &root, err);

	return rc < 0 ? rc : verify_kit(path, root, &how, &kit, err);
}

static void write_json(struct face *face, const char *out, const struct part_list *list)
{
	char hex[SHA256_HEX_SIZE];
	struct json_writer writer;

	sha256_to_hex(&list->digest, hex);
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "folder", out);
	json_member_string(&writer, "archive", list->archive);
	json_member_string(&writer, "sha256", hex);
	json_member_integer(&writer, "size", list->size);
	json_member_array(&writer, "parts");
	for (size_t i = 0; i < list->count; i++) {
		sha256_to_hex(&list->parts[i].digest, hex);
		json_write_object(&writer);
		json_member_string(&writer, "name", list->parts[i].name);
		json_member_integer(&writer, "size", list->parts[i].size);
		json_member_string(&writer, "sha256", hex);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static void write_text(struct face *face, const char *out, const struct part_list *list)
{
	char size[TEXT_SIZE_SIZE];

	str_append_format(&face->result, "%s: %s, %s, in ", out, list->archive,
		text_size((uint64_t)list->size, size));
	text_plural(&face->result, (int64_t)list->count, "part", "parts");
	str_append_format(&face->result, "; the list is %s%s\n", list->archive, PART_LIST_ENDING);
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(signers_release) struct signers signers = {0};
	const struct slice_values *given = values;
	struct part_list list;
	int64_t size;
	int rc;

	(void)operand_count;
	if ((rc = check_given(given, &size, err)) < 0 ||
		(rc = signers_load(&given->keys, &given->schemes, &signers, err)) < 0 ||
		(rc = check_kit(face, operands[0], given->root, err)) < 0 ||
		(rc = slice_file(face, operands[0], size, given->out, &signers, &face->arena, &list,
			 err)) < 0)
		return rc;
	if (face->json)
		write_json(face, given->out, &list);
	else
		write_text(face, given->out, &list);
	return 0;
}

const struct command command_slice = {
	.name = "slice",
	.synopsis = "KIT",
	.summary = "cut a kit into parts for smaller media",
	.options = options,
	.values_size = sizeof(struct slice_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
