/* offkit-pack slice KIT --size N -o DIR -k KEY: a kit in parts, for media that are smaller than it.
 */
#include "base/cleanup.h"
#include "json/json_write.h"
#include "pack/commands.h"
#include "pack/differential.h"
#include "pack/face.h"
#include "pack/kit_options.h"
#include "pack/load_root.h"
#include "pack/slice.h"
#include "text/text.h"

struct slice_values {
	const char *size, *out, *against;
	struct kit_values kit;
	struct sign_with with;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("size", 0, "SIZE", struct slice_values, size,
		"octets of a part: 650M, 4700MB, 2G, as split(1) has them"),
	OPTION_ROW_TEXT("out", 'o', "DIR|KIT", struct slice_values, out,
		"the folder of the parts, or the differential kit, that is made"),
	OPTION_ROW_TEXT("against", 0, "KIT", struct slice_values, against,
		"leave out what this earlier kit has: whole files; with --key, parts of changed "
		"ones too"),
	SIGN_OPTION_ROWS(struct slice_values),
	SCHEME_OPTION_ROW(struct slice_values),
	KIT_OPTION_ROWS(struct slice_values),
	OPTION_END,
};

static int check_given(const struct slice_values *given, int64_t *ret_size, struct err *err)
{
	if (given->size == NULL || given->out == NULL)
		return err_set(err, ERR_USAGE, "--size and -o are needed");
	if (!sign_with_any(&given->with))
		return err_set(err, ERR_USAGE, "--key or --signer says what to sign the list with");
	if (!slice_size(given->size, ret_size))
		return err_set(
			err, ERR_USAGE, "--size %s: a size is meant, such as 650M", given->size);
	return 0;
}

/* What a site would refuse is not put on twenty discs. */
static int check_kit(
	struct face *face, const char *path, const struct slice_values *given, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	const struct verify_options how = kit_options(face, &given->kit);
	int rc = load_root(given->kit.root, &root, err);

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

static int run_against(
	struct face *face, const struct slice_values *given, const char *path, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP(signers_release) struct signers signers = {0};
	const struct verify_options how = kit_options(face, &given->kit);
	struct differential made;
	char size[TEXT_SIZE_SIZE];
	struct json_writer writer;

	if (given->out == NULL || given->size != NULL)
		return err_set(err, ERR_USAGE,
			"--against needs -o, and not --size: cut what comes of it afterwards");
	int rc = signers_load(face, &given->with, &signers, err);
	if (rc == 0)
		rc = load_root(given->kit.root, &root, err);
	if (rc == 0)
		rc = differential_make(
			path, given->against, given->out, root, &how, &signers, &made, err);
	if (rc < 0)
		return rc;
	if (!face->json) {
		str_append_format(&face->result, "%s: %zu of %zu files, %s, are left out",
			given->out, made.left_out, made.file_count,
			text_size((uint64_t)made.octets_left_out, size));
		if (made.by_chunk > 0)
			str_append_format(&face->result, ", and %s of %zu changed ones",
				text_size((uint64_t)made.octets_by_chunk, size), made.by_chunk);
		str_append_format(&face->result, "; it needs --base %s\n", given->against);
		return 0;
	}
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "kit", given->out);
	json_member_string(&writer, "base", given->against);
	json_member_integer(&writer, "files", (int64_t)made.file_count);
	json_member_integer(&writer, "filesLeftOut", (int64_t)made.left_out);
	json_member_integer(&writer, "octetsLeftOut", made.octets_left_out);
	json_member_integer(&writer, "filesByChunk", (int64_t)made.by_chunk);
	json_member_integer(&writer, "octetsByChunk", made.octets_by_chunk);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
	return 0;
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
	if (given->against != NULL)
		return run_against(face, given, operands[0], err);
	if ((rc = check_given(given, &size, err)) < 0 ||
		(rc = signers_load(face, &given->with, &signers, err)) < 0 ||
		(rc = check_kit(face, operands[0], given, err)) < 0 ||
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
